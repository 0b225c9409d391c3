package value

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// JSONForm says how values are written as JSON.
type JSONForm uint8

const (
	// Plain is JSON as any program would write it. Kinds that JSON lacks are
	// lost: sets and bytes come out as arrays and base64 text, times and UUIDs
	// as text, keys that are no strings as their own text.
	Plain JSONForm = 0
	// Tagged keeps every kind apart: {"$set":[..]}, {"$sortedSet":[..]},
	// {"$map":[[k,v],..]}, {"$sortedMap":[[k,v],..]}, {"$bytes":"base64"},
	// {"$time":"RFC 3339"}, {"$uuid":".."}, {"$float":"NaN"|"+Inf"|"-Inf"} and
	// {"$str":".."} for a string that would be read as something else. A map
	// with string keys is an object.
	Tagged JSONForm = 1
	// Typed makes ParseJSON read the strings "#__L5" and the like, at any depth,
	// as the reference system's REST interface does: B, S and L are integers of 8,
	// 16 and 64 bits, F a float, C a string of one character and K a string.
	// "#__f.." names a function and stays a string, for package paths; any other
	// string that begins with "#__" is refused.
	Typed JSONForm = 2
)

// AppendJSON appends v as JSON to dst. Integers are written as such, floats
// always with a point or an exponent.
func AppendJSON(dst []byte, v Value, form JSONForm) []byte {
	tagged := form&Tagged != 0
	switch v.kind {
	case KindNil, KindVoid, KindHandle, KindRef:
		return append(dst, "null"...)
	case KindBool:
		return strconv.AppendBool(dst, v.num != 0)
	case KindInt:
		return strconv.AppendInt(dst, int64(v.num), 10)
	case KindFloat:
		return appendJSONFloat(dst, v.AsFloat(), tagged)
	case KindString:
		if s := v.AsString(); tagged && strings.HasPrefix(s, "#__") {
			return appendTag(dst, "$str", s)
		}
		return appendJSONString(dst, v.AsString())
	case KindBytes:
		text := base64.StdEncoding.EncodeToString(v.span())
		if tagged {
			return appendTag(dst, "$bytes", text)
		}
		return appendJSONString(dst, text)
	case KindTime:
		text := v.AsTime().Format(time.RFC3339Nano)
		if tagged {
			return appendTag(dst, "$time", text)
		}
		return appendJSONString(dst, text)
	case KindUUID:
		if tagged {
			return appendTag(dst, "$uuid", v.AsUUID().String())
		}
		return appendJSONString(dst, v.AsUUID().String())
	case KindMap:
		return appendJSONMap(dst, v, form)
	}
	if tagged && v.kind == KindSet {
		name := `{"$set":`
		if v.sorted {
			name = `{"$sortedSet":`
		}
		return append(appendJSONElems(append(dst, name...), v, form), '}')
	}
	return appendJSONElems(dst, v, form)
}

func appendTag(dst []byte, tag, text string) []byte {
	dst = append(dst, '{', '"')
	dst = append(append(dst, tag...), '"', ':')
	return append(appendJSONString(dst, text), '}')
}

func appendJSONElems(dst []byte, v Value, form JSONForm) []byte {
	dst = append(dst, '[')
	first := true
	for e := range v.All() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = AppendJSON(dst, e, form)
	}
	return append(dst, ']')
}

func appendJSONMap(dst []byte, v Value, form JSONForm) []byte {
	if form&Tagged != 0 && (v.sorted || !plainKeys(v)) {
		name := `{"$map":[`
		if v.sorted {
			name = `{"$sortedMap":[`
		}
		dst = append(dst, name...)
		first := true
		for k, e := range v.Pairs() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = AppendJSON(append(dst, '['), k, form)
			dst = append(AppendJSON(append(dst, ','), e, form), ']')
		}
		return append(dst, ']', '}')
	}
	dst = append(dst, '{')
	first := true
	for k, e := range v.Pairs() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendJSONString(dst, keyText(k)), ':')
		dst = AppendJSON(dst, e, form)
	}
	return append(dst, '}')
}

// plainKeys reports whether the map can stand as a JSON object that is read as
// the same map.
func plainKeys(v Value) bool {
	for k := range v.Pairs() {
		if k.kind != KindString || (v.Len() == 1 && strings.HasPrefix(k.AsString(), "$")) {
			return false
		}
	}
	return true
}

// keyText is the name of a key in a plain JSON object.
func keyText(k Value) string {
	text := AppendJSON(nil, k, Plain)
	if text[0] == '"' {
		var s writer
		p := parser{in: text}
		if p.string(&s) == nil {
			return s.at(0).AsString()
		}
	}
	return string(text)
}

func appendJSONFloat(dst []byte, f float64, tagged bool) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		text := strconv.FormatFloat(f, 'g', -1, 64)
		if tagged {
			return appendTag(dst, "$float", text)
		}
		return appendJSONString(dst, text)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'g', -1, 64)
	if !slices.ContainsFunc(dst[start:], func(c byte) bool { return c == '.' || c == 'e' }) {
		dst = append(dst, '.', '0')
	}
	return dst
}

const hexDigits = "0123456789abcdef"

func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c != 0x7F {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}

// ParseJSON reads the one JSON value that b holds. Numbers without point and
// exponent are 64-bit integers, others floats; of a name that an object repeats
// the last value counts. Errors wrap ErrInvalid or ErrTooLarge and name the
// byte.
func ParseJSON(b []byte, form JSONForm) (Value, error) {
	if len(b) > MaxBytes {
		return Nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(b), MaxBytes)
	}
	p := parser{in: b, form: form}
	var w writer
	err := p.value(&w, 0)
	if err == nil {
		if p.space(); p.at < len(b) {
			err = p.fail("text follows the value")
		}
	}
	if err != nil {
		return Nil, err
	}
	v, _ := view(w.out)
	return v, nil
}

// A parser reads JSON and writes the encoded value, so that a large text costs
// little memory beside itself.
type parser struct {
	in   []byte
	at   int
	form JSONForm
}

func (p *parser) fail(format string, args ...any) error {
	return invalid(p.at, "JSON: "+format, args...)
}

func (p *parser) space() {
	for p.at < len(p.in) {
		switch p.in[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) value(w *writer, depth int) error {
	if depth > MaxDepth {
		return fmt.Errorf("%w: nested deeper than %d", ErrTooLarge, MaxDepth)
	}
	p.space()
	if p.at >= len(p.in) {
		return p.fail("ends early")
	}
	switch c := p.in[p.at]; {
	case c == '{':
		return p.object(w, depth)
	case c == '[':
		return p.array(w, depth)
	case c == '"':
		start := len(w.out)
		if err := p.string(w); err != nil {
			return err
		}
		return p.typed(w, start)
	case c == '-' || c >= '0' && c <= '9':
		return p.number(w)
	}
	for _, l := range [...]struct {
		text string
		head byte
	}{{"null", cborNil}, {"true", cborTrue}, {"false", cborFalse}} {
		if strings.HasPrefix(string(p.in[p.at:min(len(p.in), p.at+5)]), l.text) {
			p.at += len(l.text)
			w.out = append(w.out, l.head)
			return nil
		}
	}
	return p.fail("unexpected %q", p.in[p.at])
}

func (p *parser) array(w *writer, depth int) error {
	start := len(w.out)
	var offs []uint32
	p.at++
	for first := true; ; first = false {
		p.space()
		if p.at < len(p.in) && p.in[p.at] == ']' {
			p.at++
			return w.finish(KindList, start, offs, false)
		}
		if !first {
			if err := p.expect(','); err != nil {
				return err
			}
		}
		offs = append(offs, uint32(len(w.out)))
		if err := p.value(w, depth+1); err != nil {
			return err
		}
	}
}

func (p *parser) expect(c byte) error {
	p.space()
	if p.at >= len(p.in) {
		return p.fail("ends early")
	}
	if p.in[p.at] != c {
		return p.fail("unexpected %q, expected %q", p.in[p.at], c)
	}
	p.at++
	return nil
}

func (p *parser) object(w *writer, depth int) error {
	start := len(w.out)
	var offs []uint32
	p.at++
	for first := true; ; first = false {
		p.space()
		if p.at < len(p.in) && p.in[p.at] == '}' {
			p.at++
			break
		}
		if !first {
			if err := p.expect(','); err != nil {
				return err
			}
			p.space()
		}
		if p.at >= len(p.in) || p.in[p.at] != '"' {
			return p.fail("expected the name of a member")
		}
		offs = append(offs, uint32(len(w.out)))
		if err := p.string(w); err != nil {
			return err
		}
		if err := p.expect(':'); err != nil {
			return err
		}
		if err := p.member(w, offs, depth); err != nil {
			return err
		}
	}
	if p.form&Tagged != 0 && len(offs) == 1 {
		if name := w.at(offs[0]).AsString(); strings.HasPrefix(name, "$") {
			return p.tag(w, start, strings.Clone(name))
		}
	}
	return w.finish(KindMap, start, offs, false)
}

// member reads the value of a member of an object. That of $str is a string as
// it stands.
func (p *parser) member(w *writer, offs []uint32, depth int) error {
	if p.form&Tagged != 0 && len(offs) == 1 && w.at(offs[0]).AsString() == "$str" {
		form := p.form
		p.form = Plain
		defer func() { p.form = form }()
	}
	return p.value(w, depth+1)
}

// tag turns the member {name: value} that was written from start on into the
// value that it stands for.
func (p *parser) tag(w *writer, start int, name string) error {
	body := start + skip(w.out[start:])
	v := w.at(uint32(body))
	sorted := name == "$sortedSet" || name == "$sortedMap"
	switch name {
	case "$set", "$sortedSet", "$map", "$sortedMap":
		if v.kind != KindList {
			return p.fail("%s wants an array", name)
		}
		return p.tagCollection(w, start, body, name, sorted)
	}
	if v.kind != KindString {
		return p.fail("%s wants a string", name)
	}
	text := strings.Clone(v.AsString())
	v, err := p.tagScalar(name, text)
	if err != nil {
		return err
	}
	w.out = Append(w.out[:start], v)
	return nil
}

func (p *parser) tagScalar(name, text string) (Value, error) {
	switch name {
	case "$str":
		return String(text), nil
	case "$bytes":
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return Nil, p.fail("$bytes: not base64")
		}
		return Bytes(b), nil
	case "$time":
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || checkYear(t.UTC()) != nil {
			return Nil, p.fail("$time: %q is not an RFC 3339 time", clip(text))
		}
		return Time(t), nil
	case "$uuid":
		u, err := ParseUUID(text)
		return UUIDOf(u), err
	case "$float":
		switch text {
		case "NaN", "+Inf", "-Inf":
			f, _ := strconv.ParseFloat(text, 64)
			return Float(f), nil
		}
		return Nil, p.fail(`$float is "NaN", "+Inf" or "-Inf", not %q`, clip(text))
	}
	return Nil, p.fail("unknown tag %q", clip(name))
}

// tagCollection makes a set or map of the list written from body on, which
// stands behind the tag's name.
func (p *parser) tagCollection(w *writer, start, body int, name string, sorted bool) error {
	list := slices.Clone(w.out[body:])
	w.out = w.out[:start]
	if sorted {
		w.out = appendHead(w.out, majorTag, tagSorted)
		start = len(w.out)
	}
	h := readHead(list)
	n, list := int(h.arg), list[h.len:]
	offs := make([]uint32, 0, n)
	kind := KindSet
	for ; n > 0; n-- {
		offs = append(offs, uint32(len(w.out)))
		size := skip(list)
		if name == "$map" || name == "$sortedMap" {
			kind = KindMap
			e, _ := view(list)
			if e.kind != KindList || e.Len() != 2 {
				return p.fail("%s wants pairs [key, value]", name)
			}
			w.out = Append(w.out, Canonical(e.Index(0)))
			w.out = Append(w.out, e.Index(1))
		} else {
			e, _ := view(list)
			w.out = Append(w.out, Canonical(e))
		}
		list = list[size:]
	}
	if strings.HasSuffix(strings.ToLower(name), "map") {
		kind = KindMap
	}
	return w.finish(kind, start, offs, false)
}

// string reads a string and writes it.
func (p *parser) string(w *writer) error {
	p.at++
	start := len(w.out)
	for {
		from := p.at
		for p.at < len(p.in) && p.in[p.at] != '"' && p.in[p.at] != '\\' && p.in[p.at] >= 0x20 {
			p.at++
		}
		w.out = append(w.out, p.in[from:p.at]...)
		if p.at >= len(p.in) {
			return p.fail("string without end")
		}
		switch c := p.in[p.at]; c {
		case '"':
			p.at++
			s := w.out[start:]
			if !utf8.Valid(s) {
				return p.fail("string is not UTF-8")
			}
			var hd [9]byte
			w.out = slices.Insert(w.out, start, appendHead(hd[:0], majorString, uint64(len(s)))...)
			return nil
		case '\\':
			if err := p.escape(w); err != nil {
				return err
			}
		default:
			return p.fail("control character %#x in a string", c)
		}
	}
}

func (p *parser) escape(w *writer) error {
	if p.at+1 >= len(p.in) {
		return p.fail("string without end")
	}
	c := p.in[p.at+1]
	p.at += 2
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		r, ok := p.hex4()
		if !ok {
			return p.fail(`\u wants four hexadecimal digits`)
		}
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if p.at+1 < len(p.in) && p.in[p.at] == '\\' && p.in[p.at+1] == 'u' {
				p.at += 2
				low, _ = p.hex4()
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				return p.fail("half of a surrogate pair")
			}
		}
		w.out = utf8.AppendRune(w.out, r)
		return nil
	default:
		return p.fail(`unknown escape \%c`, c)
	}
	w.out = append(w.out, c)
	return nil
}

func (p *parser) hex4() (rune, bool) {
	if len(p.in)-p.at < 4 {
		return -1, false
	}
	var r rune
	for _, c := range p.in[p.at : p.at+4] {
		d := hexDigit(c)
		if d < 0 {
			return -1, false
		}
		r = r<<4 | rune(d)
	}
	p.at += 4
	return r, true
}

// typed replaces the string written from start on by what it stands for in the
// Typed form.
func (p *parser) typed(w *writer, start int) error {
	if p.form&Typed == 0 {
		return nil
	}
	s := w.at(uint32(start)).AsString()
	if !strings.HasPrefix(s, "#__") {
		return nil
	}
	if len(s) > 3 {
		if v, ok := typedString(s[3], strings.Clone(s[4:])); ok {
			w.out = Append(w.out[:start], v)
			return nil
		} else if s[3] == 'f' && len(s) > 4 {
			return nil
		}
	}
	return p.fail("%q is no typed string", clip(s))
}

func typedString(c byte, rest string) (Value, bool) {
	bits := 64
	switch c {
	case 'B':
		bits = 8
	case 'S':
		bits = 16
	case 'L':
	case 'F':
		f, err := strconv.ParseFloat(rest, 64)
		return Float(f), err == nil
	case 'C':
		return String(rest), utf8.RuneCountInString(rest) == 1
	case 'K':
		return String(rest), rest != ""
	default:
		return Nil, false
	}
	i, err := strconv.ParseInt(rest, 10, bits)
	return Int(i), err == nil
}

func (p *parser) number(w *writer) error {
	start := p.at
	digits := func() bool {
		from := p.at
		for p.at < len(p.in) && p.in[p.at] >= '0' && p.in[p.at] <= '9' {
			p.at++
		}
		return p.at > from
	}
	next := func(set string) bool {
		if p.at < len(p.in) && strings.IndexByte(set, p.in[p.at]) >= 0 {
			p.at++
			return true
		}
		return false
	}
	next("-")
	zero := p.at < len(p.in) && p.in[p.at] == '0'
	if zero {
		p.at++
	} else if !digits() {
		return p.fail("bad number")
	}
	float := false
	if next(".") {
		if float = true; !digits() {
			return p.fail("bad number")
		}
	}
	if next("eE") {
		float = true
		next("+-")
		if !digits() {
			return p.fail("bad number")
		}
	}
	if p.at < len(p.in) && p.in[p.at] >= '0' && p.in[p.at] <= '9' {
		return p.fail("number begins with 0")
	}
	text := string(p.in[start:p.at])
	if float {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return p.fail("number %s is beyond a 64-bit float", clip(text))
		}
		w.out = binary.BigEndian.AppendUint64(append(w.out, cborFloat64), math.Float64bits(f))
		return nil
	}
	i, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return p.fail("integer %s is beyond 64 bits", clip(text))
	}
	w.out = Append(w.out, Int(i))
	return nil
}
