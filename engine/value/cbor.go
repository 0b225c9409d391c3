package value

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"time"
	"unsafe"
)

// A value, drawn: CBOR (RFC 8949) in one fixed spelling. A head is a byte of
// major type (3 bits) and argument (5 bits: 0..23 itself, 24 to 27 for 1, 2, 4
// or 8 further bytes, big endian).
//
//	null      F6
//	false     F4
//	true      F5
//	int       major 0: i, major 1: -1-i; 64-bit integers only
//	float     FB b8              always 8 bytes
//	string    major 3, UTF-8
//	bytes     major 2
//	time      C0, string         RFC 3339 in UTC, nanoseconds without trailing zeros
//	uuid      D8 25, 50 b16      tag 37
//	list      major 4, count, elements
//	set       D9 0102, list      tag 258, canonical elements in order
//	map       major 5, count, (key value)*, canonical keys in order
//	sorted    D9 7A73, set or map  tag 31347, the mark of Value.Sorted
//	ref       D9 7A74, F6        tag 31348, in stored blobs only; see Ref
//
// The one spelling: heads as short as they can be, definite lengths, order and
// canonical form as package doc says, no key twice. Decode takes any spelling
// of these values that RFC 8949 allows (floats of 2 and 4 bytes, indefinite
// lengths, any order, tag 1 for times) and turns it into this one.
//
// The format is frozen: cbor_test.go holds golden bytes.
const (
	majorUint   = 0 << 5
	majorNeg    = 1 << 5
	majorBytes  = 2 << 5
	majorString = 3 << 5
	majorList   = 4 << 5
	majorMap    = 5 << 5
	majorTag    = 6 << 5
	majorOther  = 7 << 5

	cborFalse   = 0xF4
	cborTrue    = 0xF5
	cborNil     = 0xF6
	cborFloat16 = 0xF9
	cborFloat32 = 0xFA
	cborFloat64 = 0xFB

	tagTime      = 0
	tagEpoch     = 1
	tagUUID      = 37
	tagSet       = 258
	tagSorted    = 31347
	tagReference = 31348
)

// MaxDepth bounds the nesting of a value that Decode accepts.
const MaxDepth = 128

// Append appends v in its encoded form to dst. A void or a handle has none;
// asking for one is a bug of the caller.
func Append(dst []byte, v Value) []byte {
	switch v.kind {
	case KindNil:
		return append(dst, cborNil)
	case KindBool:
		return append(dst, cborFalse+byte(v.num))
	case KindInt:
		if i := int64(v.num); i < 0 {
			return appendHead(dst, majorNeg, uint64(-1-i))
		}
		return appendHead(dst, majorUint, v.num)
	case KindFloat:
		return binary.BigEndian.AppendUint64(append(dst, cborFloat64), v.num)
	case KindString:
		return append(appendHead(dst, majorString, v.num), v.span()...)
	case KindBytes:
		return append(appendHead(dst, majorBytes, v.num), v.span()...)
	case KindTime:
		dst = appendHead(dst, majorTag, tagTime)
		var text [40]byte
		t := v.AsTime().AppendFormat(text[:0], time.RFC3339Nano)
		return append(appendHead(dst, majorString, uint64(len(t))), t...)
	case KindUUID:
		u := (*UUID)(v.ptr)
		dst = appendHead(appendHead(dst, majorTag, tagUUID), majorBytes, 16)
		return append(dst, u[:]...)
	case KindList, KindSet, KindMap:
		if v.enc {
			return append(dst, v.span()...)
		}
		return appendCollection(dst, v)
	}
	if v.kind == KindRef {
		return append(appendHead(dst, majorTag, tagReference), cborNil)
	}
	panic(fmt.Sprintf("value: encoding of %s", v.kind))
}

func appendCollection(dst []byte, v Value) []byte {
	elems := v.coll().elems
	if v.sorted {
		dst = appendHead(dst, majorTag, tagSorted)
	}
	switch v.kind {
	case KindSet:
		dst = appendHead(appendHead(dst, majorTag, tagSet), majorList, uint64(len(elems)))
	case KindList:
		dst = appendHead(dst, majorList, uint64(len(elems)))
	case KindMap:
		dst = appendHead(dst, majorMap, uint64(len(elems)/2))
	}
	for _, e := range elems {
		dst = Append(dst, e)
	}
	return dst
}

// Encode returns v in its encoded form.
func Encode(v Value) []byte {
	if v.enc {
		return v.span()
	}
	return Append(nil, v)
}

func appendHead(dst []byte, major byte, arg uint64) []byte {
	switch {
	case arg < 24:
		return append(dst, major|byte(arg))
	case arg <= math.MaxUint8:
		return append(dst, major|24, byte(arg))
	case arg <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(arg))
	case arg <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(arg))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), arg)
}

// View returns the value that begins the trusted bytes b and what follows it.
// Trusted are bytes that Append or Decode produced and a checksum guarded since:
// damage is met by a panic that wraps ErrCorrupt. Strings and collections of the
// value lie in b.
func View(b []byte) (Value, []byte) { return view(b) }

func view(b []byte) (Value, []byte) {
	h := readHead(b)
	switch h.major {
	case majorUint:
		return Int(int64(h.arg)), b[h.len:]
	case majorNeg:
		return Int(-1 - int64(h.arg)), b[h.len:]
	case majorBytes, majorString:
		end := h.len + int(h.arg)
		if h.arg > uint64(len(b)) || end > len(b) {
			panic(corrupt("string of %d bytes in %d", h.arg, len(b)))
		}
		k := KindBytes
		if h.major == majorString {
			k = KindString
		}
		return Value{kind: k, num: h.arg, ptr: unsafe.Pointer(unsafe.SliceData(b[h.len:]))}, b[end:]
	case majorList, majorMap, majorTag:
		return viewTagged(b, h)
	}
	switch b[0] {
	case cborNil:
		return Nil, b[1:]
	case cborFalse, cborTrue:
		return Bool(b[0] == cborTrue), b[1:]
	case cborFloat64:
		return Value{kind: KindFloat, num: h.arg}, b[h.len:]
	}
	panic(corrupt("unknown head %x", b[0]))
}

func viewTagged(b []byte, h head) (Value, []byte) {
	n := skip(b)
	v := Value{enc: true, ptr: unsafe.Pointer(unsafe.SliceData(b)), num: uint64(n)}
	at := b
	for h.major == majorTag {
		at = at[h.len:]
		switch h.arg {
		case tagSorted:
			v.sorted = true
		case tagSet:
			v.kind = KindSet
		case tagTime:
			s, _ := view(at)
			t, err := time.Parse(time.RFC3339Nano, s.AsString())
			if err != nil {
				panic(corrupt("time %q", s.AsString()))
			}
			return Time(t), b[n:]
		case tagUUID:
			u, _ := view(at)
			return Value{kind: KindUUID, ptr: unsafe.Pointer((*UUID)(u.span()))}, b[n:]
		case tagReference:
			return Ref, b[n:]
		default:
			panic(corrupt("unknown tag %d", h.arg))
		}
		h = readHead(at)
	}
	if v.kind != KindSet {
		v.kind = KindList
		if h.major == majorMap {
			v.kind = KindMap
		}
	}
	return v, b[n:]
}

// body returns the number of elements or pairs of the encoded collection v and
// the bytes of them.
func (v Value) body() (int, []byte) {
	b := v.span()
	h := readHead(b)
	for h.major == majorTag {
		b = b[h.len:]
		h = readHead(b)
	}
	return int(h.arg), b[h.len:]
}

func (v Value) getEncoded(key Value) (Value, bool) {
	n, b := v.body()
	for ; n > 0; n-- {
		var k Value
		k, b = view(b)
		switch c := Compare(k, key); {
		case c == 0:
			val, _ := view(b)
			return val, true
		case c > 0:
			return Nil, false
		}
		b = b[skip(b):]
	}
	return Nil, false
}

type head struct {
	arg   uint64
	len   int
	major byte
}

// readHead reads the head at b; of a float, arg is its bits.
func readHead(b []byte) head {
	if len(b) == 0 {
		panic(corrupt("value ends early"))
	}
	h := head{major: b[0] &^ 31, arg: uint64(b[0] & 31), len: 1}
	if h.arg < 24 {
		return h
	}
	n := 1 << (h.arg - 24)
	if h.arg > 27 || len(b) < 1+n {
		panic(corrupt("bad head %x", b[0]))
	}
	h.len += n
	switch n {
	case 1:
		h.arg = uint64(b[1])
	case 2:
		h.arg = uint64(binary.BigEndian.Uint16(b[1:]))
	case 4:
		h.arg = uint64(binary.BigEndian.Uint32(b[1:]))
	case 8:
		h.arg = binary.BigEndian.Uint64(b[1:])
	}
	return h
}

// skip returns the length of the value that begins b. It needs no recursion: it
// counts the values still to come.
func skip(b []byte) int {
	at := 0
	for todo := uint64(1); todo > 0; todo-- {
		h := readHead(b[at:])
		at += h.len
		switch h.major {
		case majorBytes, majorString:
			if h.arg > uint64(len(b)-at) {
				panic(corrupt("string of %d bytes in %d", h.arg, len(b)-at))
			}
			at += int(h.arg)
		case majorList:
			todo += h.arg
		case majorMap:
			todo += 2 * h.arg
		case majorTag:
			todo++
		}
		if todo > uint64(len(b)-at)+1 {
			panic(corrupt("%d values in %d bytes", todo, len(b)-at))
		}
	}
	return at
}

// corruption is what a walker over trusted bytes panics with; Recover turns it
// into an error at the border.
type corruption struct{ error }

func corrupt(format string, args ...any) corruption {
	return corruption{fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))}
}

// Recover, deferred, turns the panic of a walker that met damage into an error
// that wraps ErrCorrupt. Other panics go on.
func Recover(err *error) {
	switch p := recover().(type) {
	case nil:
	case corruption:
		*err = p.error
	default:
		panic(p)
	}
}

// EncodedAs reports whether b is the encoded form of v.
func EncodedAs(v Value, b []byte) bool {
	if v.enc {
		return v.ptr == unsafe.Pointer(unsafe.SliceData(b)) && int(v.num) == len(b) || bytes.Equal(v.span(), b)
	}
	var buf [256]byte
	return bytes.Equal(Append(buf[:0], v), b)
}
