package value

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
	"unsafe"

	"github.com/cespare/xxhash/v2"
)

// A key, drawn. One tag byte says the kind, and the tags stand in the order of
// values; what follows orders and ends by itself, so no key is a prefix of
// another and keys can stand one behind the other.
//
//	null     02
//	false    03
//	true     04
//	NaN      10
//	number   one of:
//	  11 ~b8                  below -2^63: the float's bits, complemented
//	  13..1B ~m               negative: m has 1B-tag+1... bytes, complemented
//	  1C                      zero
//	  1D..25 m                positive: m has tag-1C bytes, big endian
//	  26 b8                   2^63 and above: the float's bits
//	string   30 bytes 00      bytes 00 and 01 are written 01 01 and 01 02
//	bytes    31 bytes 00      likewise
//	time     40 s8 n4         seconds since 1970, sign flipped; nanoseconds
//	uuid     41 b16
//	list     50 key* 00
//	set      51 key* 00       in order
//	map      52 (key key)* 00 in order of the keys: key, value, key, value
//
// In a number, m is the magnitude's whole part shifted left by one, without
// leading zero bytes; its lowest bit says that a fraction follows: the 8 bytes
// of a float between 0 and 1, complemented in a negative number. So a whole
// number from 0 to 127 takes two bytes, zero one, and integers and floats have
// one order without any float being rounded:
//
//	 1    1D 02
//	 1.5  1D 03 3F E0 00 00 00 00 00 00
//	 2    1D 04
//	-1.5  1B FC C0 1F FF FF FF FF FF FF
//
// Escaping 00 and 01, instead of 00 alone as is usual, makes the end mark one
// byte and keeps "a" from being a prefix of "a\x00": 61 00 against 61 01 01 00.
//
// The format is frozen: key_test.go holds golden bytes.
const (
	keyNil     = 0x02
	keyFalse   = 0x03
	keyTrue    = 0x04
	keyNaN     = 0x10
	keyNegHuge = 0x11
	keyZero    = 0x1C
	keyPosHuge = 0x26
	keyString  = 0x30
	keyBytes   = 0x31
	keyTime    = 0x40
	keyUUID    = 0x41
	keyList    = 0x50
	keySet     = 0x51
	keyMap     = 0x52
	keyEnd     = 0x00
)

// KeyMax lies above every byte that a key can begin with: the keys that begin
// with p are those from p up to p followed by KeyMax.
const KeyMax = 0xFF

// MaxKeyDepth bounds the nesting of collections in keys.
const MaxKeyDepth = 64

// AppendKey appends the key of v to dst. A void or a handle has no key; asking
// for one is a bug of the caller.
func AppendKey(dst []byte, v Value) []byte {
	switch v.kind {
	case KindNil:
		return append(dst, keyNil)
	case KindBool:
		return append(dst, keyFalse+byte(v.num))
	case KindInt:
		return appendIntKey(dst, int64(v.num))
	case KindFloat:
		return appendFloatKey(dst, v.AsFloat())
	case KindString:
		return appendEscaped(append(dst, keyString), v.span())
	case KindBytes:
		return appendEscaped(append(dst, keyBytes), v.span())
	case KindTime:
		dst = append(dst, keyTime)
		dst = binary.BigEndian.AppendUint64(dst, v.num^1<<63)
		return binary.BigEndian.AppendUint32(dst, v.aux)
	case KindUUID:
		u := (*UUID)(v.ptr)
		return append(append(dst, keyUUID), u[:]...)
	case KindList, KindSet, KindMap:
		dst = append(dst, keyList+byte(v.kind-KindList))
		for _, e := range v.decoded().coll().elems {
			dst = AppendKey(dst, e)
		}
		return append(dst, keyEnd)
	}
	panic(fmt.Sprintf("value: key of %s", v.kind))
}

func appendIntKey(dst []byte, i int64) []byte {
	if i < 0 {
		return appendMagnitude(dst, true, -uint64(i), false) // of -2^63 too: it wraps to 2^63
	}
	return appendMagnitude(dst, false, uint64(i), false)
}

func appendFloatKey(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, keyNaN)
	case f < -1<<63:
		return binary.BigEndian.AppendUint64(append(dst, keyNegHuge), ^math.Float64bits(-f))
	case f >= 1<<63:
		return binary.BigEndian.AppendUint64(append(dst, keyPosHuge), math.Float64bits(f))
	}
	neg := f < 0
	mag := math.Abs(f)
	whole := math.Trunc(mag)
	frac := mag - whole
	dst = appendMagnitude(dst, neg, uint64(whole), frac > 0)
	if frac > 0 {
		bits := math.Float64bits(frac)
		if neg {
			bits = ^bits
		}
		dst = binary.BigEndian.AppendUint64(dst, bits)
	}
	return dst
}

// appendMagnitude appends the tag of a number and its whole part shifted by
// one. Shifted, 2^63 takes nine bytes.
func appendMagnitude(dst []byte, neg bool, whole uint64, frac bool) []byte {
	hi, lo := byte(whole>>63), whole<<1
	if frac {
		lo |= 1
	}
	n := 0
	if hi != 0 {
		n = 9
	} else {
		for x := lo; x != 0; x >>= 8 {
			n++
		}
	}
	flip := byte(0)
	if neg {
		dst = append(dst, keyZero-byte(n))
		flip = 0xFF
	} else {
		dst = append(dst, keyZero+byte(n))
	}
	if n == 9 {
		dst = append(dst, hi^flip)
		n = 8
	}
	for ; n > 0; n-- {
		dst = append(dst, byte(lo>>(8*(n-1)))^flip)
	}
	return dst
}

func appendEscaped(dst, b []byte) []byte {
	for _, c := range b {
		if c <= 1 {
			dst = append(dst, 1, c+1)
		} else {
			dst = append(dst, c)
		}
	}
	return append(dst, keyEnd)
}

// DecodeKey returns the canonical value whose key begins b, and what follows
// the key. It copies what it keeps.
func DecodeKey(b []byte) (Value, []byte, error) { return decodeKey(b, 0) }

// KeyLen is the length of the key that begins b.
func KeyLen(b []byte) (int, error) {
	_, rest, err := decodeKey(b, 0)
	return len(b) - len(rest), err
}

func badKey(b []byte, what string) (Value, []byte, error) {
	if len(b) > 16 {
		b = b[:16]
	}
	return Nil, nil, fmt.Errorf("%w: key %x: %s", ErrCorrupt, b, what)
}

func decodeKey(b []byte, depth int) (Value, []byte, error) {
	if len(b) == 0 {
		return badKey(b, "ends early")
	}
	if depth > MaxKeyDepth {
		return badKey(b, "nested too deep")
	}
	tag, rest := b[0], b[1:]
	switch {
	case tag == keyNil:
		return Nil, rest, nil
	case tag == keyFalse, tag == keyTrue:
		return Bool(tag == keyTrue), rest, nil
	case tag == keyNaN:
		return Float(math.NaN()), rest, nil
	case tag > keyNegHuge && tag < keyPosHuge && tag != keyNegHuge+1:
		return decodeNumber(b)
	case tag == keyNegHuge, tag == keyPosHuge:
		if len(rest) < 8 {
			return badKey(b, "ends early")
		}
		bits := binary.BigEndian.Uint64(rest)
		if tag == keyNegHuge {
			bits = ^bits
		}
		f := math.Float64frombits(bits)
		if tag == keyNegHuge {
			if f = -f; !(f < -1<<63) {
				return badKey(b, "number out of its range")
			}
		} else if !(f >= 1<<63) {
			return badKey(b, "number out of its range")
		}
		return Float(f), rest[8:], nil
	case tag == keyString, tag == keyBytes:
		s, rest, ok := unescape(rest)
		if !ok {
			return badKey(b, "string without end")
		}
		if tag == keyBytes {
			return Bytes(s), rest, nil
		}
		return String(unsafe.String(unsafe.SliceData(s), len(s))), rest, nil
	case tag == keyTime:
		if len(rest) < 12 {
			return badKey(b, "ends early")
		}
		s, n := int64(binary.BigEndian.Uint64(rest)^1<<63), binary.BigEndian.Uint32(rest[8:])
		if n >= 1e9 {
			return badKey(b, "nanoseconds out of range")
		}
		return Time(time.Unix(s, int64(n))), rest[12:], nil
	case tag == keyUUID:
		if len(rest) < 16 {
			return badKey(b, "ends early")
		}
		return UUIDOf(UUID(rest[:16])), rest[16:], nil
	case tag >= keyList && tag <= keyMap:
		var elems []Value
		for len(rest) > 0 && rest[0] != keyEnd {
			e, r, err := decodeKey(rest, depth+1)
			if err != nil {
				return Nil, nil, err
			}
			elems, rest = append(elems, e), r
		}
		if len(rest) == 0 || (tag == keyMap && len(elems)%2 != 0) {
			return badKey(b, "collection without end")
		}
		if !inOrder(tag, elems) {
			return badKey(b, "collection out of order")
		}
		return fromElems(KindList+Kind(tag-keyList), elems), rest[1:], nil
	}
	return badKey(b, "unknown kind")
}

func inOrder(tag byte, elems []Value) bool {
	step := 1
	switch tag {
	case keyList:
		return true
	case keyMap:
		step = 2
	}
	for i := step; i < len(elems); i += step {
		if Compare(elems[i-step], elems[i]) >= 0 {
			return false
		}
	}
	return true
}

func decodeNumber(b []byte) (Value, []byte, error) {
	n, neg := int(b[0])-keyZero, false
	if n < 0 {
		n, neg = -n, true
	}
	if n == 0 {
		return Int(0), b[1:], nil
	}
	if len(b) < 1+n {
		return badKey(b, "ends early")
	}
	flip := byte(0)
	if neg {
		flip = 0xFF
	}
	var hi, lo uint64
	for _, c := range b[1 : 1+n] {
		hi = hi<<8 | lo>>56
		lo = lo<<8 | uint64(c^flip)
	}
	rest := b[1+n:]
	if b[1]^flip == 0 || hi > 1 {
		return badKey(b, "number not in its shortest form")
	}
	whole := hi<<63 | lo>>1
	if lo&1 == 0 {
		switch {
		case neg && whole <= 1<<63:
			return Int(-int64(whole)), rest, nil
		case !neg && whole < 1<<63:
			return Int(int64(whole)), rest, nil
		}
		return badKey(b, "number out of its range")
	}
	if len(rest) < 8 {
		return badKey(b, "ends early")
	}
	bits := binary.BigEndian.Uint64(rest)
	if neg {
		bits = ^bits
	}
	frac := math.Float64frombits(bits)
	f := float64(whole) + frac
	if !(frac > 0 && frac < 1) || uint64(math.Trunc(f)) != whole || f-math.Trunc(f) != frac {
		return badKey(b, "fraction out of its range")
	}
	if neg {
		f = -f
	}
	return Float(f), rest[8:], nil
}

func unescape(b []byte) (s, rest []byte, ok bool) {
	s = []byte{}
	for i := 0; i < len(b); i++ {
		switch c := b[i]; c {
		case keyEnd:
			return s, b[i+1:], true
		case 1:
			if i++; i >= len(b) || b[i] < 1 || b[i] > 2 {
				return nil, nil, false
			}
			s = append(s, b[i]-1)
		default:
			s = append(s, c)
		}
	}
	return nil, nil, false
}

// Hash is the hash by which values are spread over partitions: xxHash64, seed
// 0, of the value's key. It is part of the wire protocol: clients of every
// language compute it alike, and equal values have equal hashes.
func Hash(v Value) uint64 {
	var buf [128]byte
	return xxhash.Sum64(AppendKey(buf[:0], v))
}

// Partition is the partition, of n, on which the key v lies: Hash modulo n.
func Partition(v Value, n int) int { return int(Hash(v) % uint64(n)) }
