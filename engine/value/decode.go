package value

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"
	"unicode/utf8"
)

// Decode reads the one value that b holds, in any spelling of cbor.go, from an
// untrusted source. The value lies in b where b is in the one spelling already,
// and in a copy otherwise; b must not change afterwards. Errors wrap ErrInvalid
// or ErrTooLarge and name the byte.
func Decode(b []byte) (Value, error) {
	v, rest, err := DecodeFirst(b)
	if err == nil && len(rest) > 0 {
		return Nil, fmt.Errorf("%w: %d bytes follow the value", ErrInvalid, len(rest))
	}
	return v, err
}

// DecodeFirst is Decode of the first of several values that stand in b, and
// returns what follows it.
func DecodeFirst(b []byte) (Value, []byte, error) {
	if len(b) > MaxBytes {
		return Nil, nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(b), MaxBytes)
	}
	switch n, err := check(b, 0, false); {
	case err == nil:
		v, _ := view(b[:n])
		return v, b[n:], nil
	case !errors.Is(err, errSpelling):
		return Nil, nil, err
	}
	n := normalizer{in: b}
	if err := n.value(0, false); err != nil {
		return Nil, nil, err
	}
	v, _ := view(n.out)
	return v, b[n.at:], nil
}

// MaxBytes bounds the length of a value that Decode and ParseJSON accept.
const MaxBytes = 1 << 30

// errSpelling is met by check in bytes that may be a value, but not in the one
// spelling.
var errSpelling = errors.New("not in the one spelling")

func invalid(at int, format string, args ...any) error {
	return fmt.Errorf("%w: byte %d: %s", ErrInvalid, at, fmt.Sprintf(format, args...))
}

// head reads the head at b[at:] from an untrusted source. indef says that it is
// of indefinite length.
func untrustedHead(b []byte, at int) (h head, indef bool, err error) {
	if at >= len(b) {
		return h, false, invalid(at, "value ends early")
	}
	switch low := b[at] & 31; {
	case low < 24:
	case low <= 27:
		if len(b)-at < 1+1<<(low-24) {
			return h, false, invalid(at, "value ends early")
		}
	case low == 31:
		major := b[at] &^ 31
		if major == majorUint || major == majorNeg || major == majorTag {
			return h, false, invalid(at, "bad head %#x", b[at])
		}
		return head{major: major, len: 1}, true, nil
	default:
		return h, false, invalid(at, "bad head %#x", b[at])
	}
	return readHead(b[at:]), false, nil
}

// shortest reports whether the head is as short as it can be.
func (h head) shortest() bool {
	switch h.len {
	case 1:
		return true
	case 2:
		return h.arg >= 24
	case 3:
		return h.arg > math.MaxUint8
	case 5:
		return h.arg > math.MaxUint16
	}
	return h.arg > math.MaxUint32
}

// check returns the length of the value that begins b if it is in the one
// spelling. It allocates nothing for scalars in lists and maps.
func check(b []byte, depth int, inKey bool) (int, error) {
	if depth > MaxDepth {
		return 0, fmt.Errorf("%w: nested deeper than %d", ErrTooLarge, MaxDepth)
	}
	h, indef, err := untrustedHead(b, 0)
	if err != nil {
		return 0, err
	}
	if indef {
		return 0, errSpelling
	}
	if h.major == majorOther {
		return checkOther(b, h, inKey)
	}
	if !h.shortest() {
		return 0, errSpelling
	}
	switch h.major {
	case majorUint, majorNeg:
		if h.arg > math.MaxInt64 {
			return 0, invalid(0, "integer beyond 64 bits")
		}
		return h.len, nil
	case majorBytes, majorString:
		if h.arg > uint64(len(b)-h.len) {
			return 0, invalid(0, "string of %d bytes in %d", h.arg, len(b)-h.len)
		}
		end := h.len + int(h.arg)
		if h.major == majorString && !utf8.Valid(b[h.len:end]) {
			return 0, invalid(h.len, "string is not UTF-8")
		}
		return end, nil
	case majorTag:
		return checkTag(b, h, depth, inKey)
	case majorList:
		return checkElems(b, h, depth, 1, inKey, false)
	}
	return checkElems(b, h, depth, 2, inKey, true)
}

func checkOther(b []byte, h head, inKey bool) (int, error) {
	switch b[0] {
	case cborNil, cborFalse, cborTrue:
		return 1, nil
	case cborFloat64:
		if inKey {
			if _, whole := wholeFloat(math.Float64frombits(h.arg)); whole {
				return 0, errSpelling
			}
		}
		return h.len, nil
	}
	return 0, errSpelling
}

func checkTag(b []byte, h head, depth int, inKey bool) (int, error) {
	body := b[h.len:]
	inner, indef, err := untrustedHead(body, 0)
	if err != nil {
		return 0, err
	}
	if indef {
		return 0, errSpelling
	}
	switch h.arg {
	case tagSet:
		if inner.major != majorList {
			return 0, invalid(0, "set is no list")
		}
		if !inner.shortest() {
			return 0, errSpelling
		}
		n, err := checkElems(body, inner, depth, 1, true, true)
		return h.len + n, err
	case tagSorted:
		if inner.major != majorMap && (inner.major != majorTag || inner.arg != tagSet) {
			return 0, invalid(0, "sorted mark on neither set nor map")
		}
	case tagUUID:
		if inner.major != majorBytes || inner.arg != 16 {
			return 0, invalid(0, "uuid is not 16 bytes")
		}
	case tagTime:
		n, err := check(body, depth+1, false)
		if err != nil {
			return 0, err
		}
		t, err := timeOf(body[:n])
		if err != nil {
			return 0, err
		}
		if len(Append(nil, Time(t))) != h.len+n || string(Append(nil, Time(t))[h.len:]) != string(body[:n]) {
			return 0, errSpelling
		}
		return h.len + n, nil
	default:
		return 0, errSpelling
	}
	n, err := check(body, depth+1, inKey)
	return h.len + n, err
}

// checkElems checks the elements of a list (step 1) or the pairs of a map (step
// 2); with ordered, the first of each step must be canonical and in order.
func checkElems(b []byte, h head, depth, step int, inKey, ordered bool) (int, error) {
	at := h.len
	if h.arg > uint64(len(b)-at)/uint64(step) {
		return 0, invalid(0, "%d elements in %d bytes", h.arg, len(b)-at)
	}
	prev := -1
	for i := 0; i < int(h.arg)*step; i++ {
		key := ordered && i%step == 0
		n, err := check(b[at:], depth+1, inKey || key)
		if err != nil {
			return 0, err
		}
		if key {
			if prev >= 0 {
				p, _ := view(b[prev:at])
				k, _ := view(b[at : at+n])
				if Compare(p, k) >= 0 {
					return 0, errSpelling
				}
			}
			prev = at
		}
		at += n
	}
	return at, nil
}

// timeOf reads the text or number that stands for a time.
func timeOf(b []byte) (time.Time, error) {
	v, _ := view(b)
	switch v.kind {
	case KindString:
		t, err := time.Parse(time.RFC3339Nano, v.AsString())
		if err != nil {
			return t, invalid(0, "%q is not an RFC 3339 time", clip(v.AsString()))
		}
		return t.UTC(), checkYear(t.UTC())
	case KindInt:
		t := time.Unix(v.AsInt(), 0).UTC()
		return t, checkYear(t)
	case KindFloat:
		f := v.AsFloat()
		if !(math.Abs(f) < 1<<40) {
			return time.Time{}, invalid(0, "time out of range")
		}
		s := math.Floor(f)
		t := time.Unix(int64(s), int64((f-s)*1e9)).UTC()
		return t, checkYear(t)
	}
	return time.Time{}, invalid(0, "time is neither text nor number")
}

func checkYear(t time.Time) error {
	if y := t.Year(); y < 0 || y > 9999 {
		return fmt.Errorf("%w: year %d of a time is not in 0..9999", ErrInvalid, y)
	}
	return nil
}

// A writer writes values in the one spelling when their parts come in any.
type writer struct{ out []byte }

// finish makes a collection of kind k of what was written from start on: its
// elements, or keys and values, which begin at offs (keys only, for a map). It
// sorts them where it must and writes the head in front. Of equal keys the last
// counts, or, with unique, they are refused.
func (w *writer) finish(k Kind, start int, offs []uint32, unique bool) error {
	if k != KindList && !w.inOrder(offs) {
		var err error
		if offs, err = w.sort(k, start, offs, unique); err != nil {
			return err
		}
	}
	var hd [16]byte
	h := hd[:0]
	switch k {
	case KindSet:
		h = appendHead(appendHead(h, majorTag, tagSet), majorList, uint64(len(offs)))
	case KindList:
		h = appendHead(h, majorList, uint64(len(offs)))
	case KindMap:
		h = appendHead(h, majorMap, uint64(len(offs)))
	}
	w.out = slices.Insert(w.out, start, h...)
	return nil
}

func (w *writer) at(off uint32) Value {
	v, _ := view(w.out[off:])
	return v
}

func (w *writer) inOrder(offs []uint32) bool {
	for i := 1; i < len(offs); i++ {
		if Compare(w.at(offs[i-1]), w.at(offs[i])) >= 0 {
			return false
		}
	}
	return true
}

func (w *writer) sort(k Kind, start int, offs []uint32, unique bool) ([]uint32, error) {
	sort.SliceStable(offs, func(i, j int) bool { return Compare(w.at(offs[i]), w.at(offs[j])) < 0 })
	sorted := make([]byte, 0, len(w.out)-start)
	kept := 0
	for i, o := range offs {
		if i+1 < len(offs) && Equal(w.at(o), w.at(offs[i+1])) {
			if unique {
				return nil, fmt.Errorf("%w: map has the key %s twice", ErrInvalid, w.at(o))
			}
			continue
		}
		kept++
		end := int(o) + skip(w.out[o:])
		if k == KindMap {
			end += skip(w.out[end:])
		}
		sorted = append(sorted, w.out[o:end]...)
	}
	w.out = append(w.out[:start], sorted...)
	return offs[:kept], nil
}

// A normalizer reads a value in any spelling and writes it in the one.
type normalizer struct {
	writer
	in []byte
	at int
}

func (n *normalizer) head() (head, bool, error) {
	h, indef, err := untrustedHead(n.in, n.at)
	n.at += h.len
	return h, indef, err
}

func (n *normalizer) value(depth int, inKey bool) error {
	if depth > MaxDepth {
		return fmt.Errorf("%w: nested deeper than %d", ErrTooLarge, MaxDepth)
	}
	start := n.at
	h, indef, err := n.head()
	if err != nil {
		return err
	}
	switch h.major {
	case majorUint, majorNeg:
		if h.arg > math.MaxInt64 {
			return invalid(start, "integer beyond 64 bits")
		}
		n.out = appendHead(n.out, h.major, h.arg)
		return nil
	case majorBytes, majorString:
		return n.text(h, indef)
	case majorList:
		return n.elems(KindList, h, indef, depth, inKey)
	case majorMap:
		return n.elems(KindMap, h, indef, depth, inKey)
	case majorTag:
		return n.tag(h, start, depth, inKey)
	}
	return n.other(h, start, inKey)
}

func (n *normalizer) other(h head, start int, inKey bool) error {
	var f float64
	switch n.in[start] {
	case cborFalse, cborTrue, cborNil:
		n.out = append(n.out, n.in[start])
		return nil
	case 0xF7: // undefined
		n.out = append(n.out, cborNil)
		return nil
	case cborFloat16:
		f = halfFloat(uint16(h.arg))
	case cborFloat32:
		f = float64(math.Float32frombits(uint32(h.arg)))
	case cborFloat64:
		f = math.Float64frombits(h.arg)
	default:
		return invalid(start, "unknown head %#x", n.in[start])
	}
	if i, whole := wholeFloat(f); inKey && whole {
		n.out = Append(n.out, Int(i))
	} else {
		n.out = binary.BigEndian.AppendUint64(append(n.out, cborFloat64), math.Float64bits(f))
	}
	return nil
}

// halfFloat widens an IEEE 754 binary16 (RFC 8949, appendix D).
func halfFloat(h uint16) float64 {
	exp, mant := int(h>>10&31), float64(h&1023)
	var f float64
	switch exp {
	case 0:
		f = math.Ldexp(mant, -24)
	case 31:
		f = math.Inf(1)
		if mant != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(mant+1024, exp-25)
	}
	if h&0x8000 != 0 {
		f = -f
	}
	return f
}

func (n *normalizer) text(h head, indef bool) error {
	start := len(n.out)
	for more := true; more; more = indef {
		if indef {
			at := n.at
			chunk, nested, err := n.head()
			if err != nil {
				return err
			}
			if nested && chunk.major == majorOther { // break
				break
			}
			if nested || chunk.major != h.major {
				return invalid(at, "bad chunk of a string")
			}
			h.arg = chunk.arg
		}
		if h.arg > uint64(len(n.in)-n.at) {
			return invalid(n.at, "string of %d bytes in %d", h.arg, len(n.in)-n.at)
		}
		n.out = append(n.out, n.in[n.at:n.at+int(h.arg)]...)
		n.at += int(h.arg)
	}
	s := n.out[start:]
	if h.major == majorString && !utf8.Valid(s) {
		return invalid(n.at, "string is not UTF-8")
	}
	var hd [9]byte
	n.out = slices.Insert(n.out, start, appendHead(hd[:0], h.major, uint64(len(s)))...)
	return nil
}

func (n *normalizer) elems(k Kind, h head, indef bool, depth int, inKey bool) error {
	step := uint64(1)
	if k == KindMap {
		step = 2
	}
	if !indef && h.arg > uint64(len(n.in)-n.at)/step {
		return invalid(n.at, "%d elements in %d bytes", h.arg, len(n.in)-n.at)
	}
	start := len(n.out)
	var offs []uint32
	for i := uint64(0); indef || i < h.arg; i++ {
		if indef && n.at < len(n.in) && n.in[n.at] == 0xFF {
			n.at++
			break
		}
		offs = append(offs, uint32(len(n.out)))
		if err := n.value(depth+1, inKey || k != KindList); err != nil {
			return err
		}
		if k == KindMap {
			if err := n.value(depth+1, inKey); err != nil {
				return err
			}
		}
	}
	return n.finish(k, start, offs, k == KindMap)
}

func (n *normalizer) tag(h head, start, depth int, inKey bool) error {
	out := len(n.out)
	switch h.arg {
	case tagTime, tagEpoch:
		if err := n.value(depth+1, false); err != nil {
			return err
		}
		t, err := timeOf(n.out[out:])
		n.out = n.out[:out]
		if err == nil {
			n.out = Append(n.out, Time(t))
		}
		return err
	case tagUUID:
		if err := n.value(depth+1, false); err != nil {
			return err
		}
		u, _ := view(n.out[out:])
		if u.kind != KindBytes || u.num != 16 {
			return invalid(start, "uuid is not 16 bytes")
		}
		n.out = Append(n.out[:out], UUIDOf(UUID(u.span())))
		return nil
	case tagSet:
		h, indef, err := n.head()
		if err == nil && h.major != majorList {
			err = invalid(start, "set is no list")
		}
		if err != nil {
			return err
		}
		return n.elems(KindSet, h, indef, depth, true)
	case tagSorted:
		n.out = appendHead(n.out, majorTag, tagSorted)
		body := len(n.out)
		if err := n.value(depth+1, inKey); err != nil {
			return err
		}
		if v := n.writer.at(uint32(body)); (v.kind != KindSet && v.kind != KindMap) || v.sorted {
			return invalid(start, "sorted mark on neither set nor map")
		}
		return nil
	}
	return invalid(start, "unknown tag %d", h.arg)
}
