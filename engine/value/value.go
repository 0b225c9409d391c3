package value

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unsafe"
)

// Kind says what a Value is.
type Kind uint8

// The kinds, in the order of values. KindVoid and KindHandle never stand inside
// another value and have no encoding; KindRef stands in stored blobs only.
const (
	KindNil Kind = iota
	KindBool
	KindInt
	KindFloat
	KindString
	KindBytes
	KindTime
	KindUUID
	KindList
	KindSet
	KindMap
	KindVoid
	KindHandle
	KindRef
)

var kindNames = [...]string{
	"null", "bool", "int", "float", "string", "bytes", "time", "uuid", "list", "set", "map", "void", "handle", "ref",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Errors that values can meet. They are wrapped with what was met and where.
var (
	// ErrCorrupt is met when bytes that were checked once are damaged.
	ErrCorrupt = errors.New("corrupt value")
	// ErrInvalid is met when bytes, JSON or Go values from outside are no value.
	ErrInvalid = errors.New("invalid value")
	// ErrTooLarge is met when a value goes beyond a limit of depth or size.
	ErrTooLarge = errors.New("value too large")
)

// Value is any value. The zero Value is null. Values are immutable and may be
// used by several goroutines.
type Value struct {
	ptr    unsafe.Pointer // string and bytes: first byte; decoded: *collection; encoded: first byte; UUID: *UUID; handle: *HandleBox
	num    uint64         // bool, int, float: the bits; string, bytes, encoded: the length in bytes; time: seconds since 1970
	aux    uint32         // time: nanoseconds within the second
	kind   Kind
	enc    bool // the collection is encoded at ptr
	sorted bool // the collection was asked for as a sorted one; see Sorted
}

// UUID is a 16-byte identifier, RFC 9562.
type UUID [16]byte

func (u UUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

// ParseUUID reads the form 00112233-4455-6677-8899-aabbccddeeff.
func ParseUUID(s string) (UUID, error) {
	var u UUID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return u, fmt.Errorf("%w: %q is not a UUID", ErrInvalid, clip(s))
	}
	at := 0
	for i := 0; i < len(s); {
		if s[i] == '-' {
			i++
			continue
		}
		hi, lo := hexDigit(s[i]), hexDigit(s[i+1])
		if hi < 0 || lo < 0 {
			return u, fmt.Errorf("%w: %q is not a UUID", ErrInvalid, s)
		}
		u[at] = byte(hi<<4 | lo)
		at++
		i += 2
	}
	return u, nil
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// Handle is a live structure whose elements are stored apart from the value
// that holds it. Package paths says what it can do; here it is only carried.
type Handle interface {
	// HandleKind is KindList, KindSet or KindMap.
	HandleKind() Kind
}

// HandleBox carries a handle inside a Value. Embedded in the handle's own
// struct it costs no allocation.
type HandleBox struct{ h Handle }

// Value returns the handle h, carried by the box, as a Value.
func (b *HandleBox) Value(h Handle) Value {
	b.h = h
	return Value{kind: KindHandle, ptr: unsafe.Pointer(b)}
}

// Nil is null: a legal value at any location.
var Nil = Value{}

// Void is the absence of a value.
var Void = Value{kind: KindVoid}

// Ref is the mark that stands in a stored blob for a structure whose elements
// are stored apart. The structure is found by the keys on the way to it.
var Ref = Value{kind: KindRef}

// Bool returns b as a value.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindBool, num: 1}
	}
	return Value{kind: KindBool}
}

// Int returns i as a value.
func Int(i int64) Value { return Value{kind: KindInt, num: uint64(i)} }

// Float returns f as a value.
func Float(f float64) Value { return Value{kind: KindFloat, num: math.Float64bits(f)} }

// String returns s as a value. It must be valid UTF-8; Of checks, String does
// not.
func String(s string) Value {
	return Value{kind: KindString, num: uint64(len(s)), ptr: unsafe.Pointer(unsafe.StringData(s))}
}

// Bytes returns b as a value, without a copy: b must not change afterwards.
func Bytes(b []byte) Value {
	return Value{kind: KindBytes, num: uint64(len(b)), ptr: unsafe.Pointer(unsafe.SliceData(b))}
}

// Time returns t as a value: an instant in nanoseconds, without a time zone. It
// must lie in the years 0 to 9999; Of checks, Time does not.
func Time(t time.Time) Value {
	return Value{kind: KindTime, num: uint64(t.Unix()), aux: uint32(t.Nanosecond())}
}

// UUIDOf returns u as a value.
func UUIDOf(u UUID) Value { return Value{kind: KindUUID, ptr: unsafe.Pointer(&u)} }

// Kind says what v is.
func (v Value) Kind() Kind { return v.kind }

// IsNil reports whether v is null.
func (v Value) IsNil() bool { return v.kind == KindNil }

// IsVoid reports whether v is the absence of a value.
func (v Value) IsVoid() bool { return v.kind == KindVoid }

// IsCollection reports whether v is a list, set or map that lies in v itself.
func (v Value) IsCollection() bool {
	return v.kind == KindList || v.kind == KindSet || v.kind == KindMap
}

// IsNumber reports whether v is an integer or a float.
func (v Value) IsNumber() bool { return v.kind == KindInt || v.kind == KindFloat }

// Truthy reports whether v counts as true: anything but null, false and void.
func (v Value) Truthy() bool {
	return v.kind != KindNil && v.kind != KindVoid && (v.kind != KindBool || v.num != 0)
}

// AsBool returns the boolean v. Asking another kind is a bug of the caller, as
// with all the As functions: they panic.
func (v Value) AsBool() bool { v.must(KindBool); return v.num != 0 }

// AsInt returns the integer v.
func (v Value) AsInt() int64 { v.must(KindInt); return int64(v.num) }

// AsFloat returns the float v.
func (v Value) AsFloat() float64 { v.must(KindFloat); return math.Float64frombits(v.num) }

// AsNumber returns the integer or float v as a float, rounded where it must be.
func (v Value) AsNumber() float64 {
	if v.kind == KindInt {
		return float64(int64(v.num))
	}
	return v.AsFloat()
}

// AsString returns the string v.
func (v Value) AsString() string {
	v.must(KindString)
	return unsafe.String((*byte)(v.ptr), int(v.num))
}

// AsBytes returns the bytes v, which must not be changed.
func (v Value) AsBytes() []byte { v.must(KindBytes); return v.span() }

// AsTime returns the time v in UTC.
func (v Value) AsTime() time.Time {
	v.must(KindTime)
	return time.Unix(int64(v.num), int64(v.aux)).UTC()
}

// AsUUID returns the UUID v.
func (v Value) AsUUID() UUID { v.must(KindUUID); return *(*UUID)(v.ptr) }

// AsHandle returns the handle v.
func (v Value) AsHandle() Handle { v.must(KindHandle); return (*HandleBox)(v.ptr).h }

func (v Value) must(k Kind) {
	if v.kind != k {
		panic(fmt.Sprintf("value: %s used as %s", v.kind, k))
	}
}

// span is the bytes that ptr and num name.
func (v Value) span() []byte { return unsafe.Slice((*byte)(v.ptr), int(v.num)) }

// Sorted reports whether the set or map v was made as a sorted one. Every
// collection of this package is sorted; the mark only tells which name the
// tagged JSON form gives it, and counts for nothing in comparisons.
func (v Value) Sorted() bool { return v.sorted }

// AsSorted returns the set or map v with the mark of Sorted set or cleared.
func (v Value) AsSorted(sorted bool) Value {
	if v.sorted == sorted || (v.kind != KindSet && v.kind != KindMap) {
		return v
	}
	if v.enc { // the mark is part of the bytes: take the collection out of them
		v = v.decoded()
	}
	v.sorted = sorted
	return v
}

// String returns v in the tagged JSON form, for people.
func (v Value) String() string {
	switch v.kind {
	case KindVoid:
		return "void"
	case KindRef:
		return "ref"
	case KindHandle:
		return "handle(" + v.AsHandle().HandleKind().String() + ")"
	}
	return string(AppendJSON(nil, v, Tagged))
}

func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "..."
	}
	return s
}
