package value

import (
	"fmt"
	"math"
	"reflect"
	"time"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
)

// The encoder and decoder of user types: package cbor with its struct tags,
// `cbor:"name"` or, failing that, `json:"name"`.
var encMode, decMode = modes()

func modes() (cbor.EncMode, cbor.DecMode) {
	tags := cbor.NewTagSet()
	if err := tags.Add(cbor.TagOptions{EncTag: cbor.EncTagRequired, DecTag: cbor.DecTagOptional},
		reflect.TypeOf(UUID{}), tagUUID); err != nil {
		panic(err)
	}
	enc, err := cbor.EncOptions{
		Time: cbor.TimeRFC3339NanoUTC, TimeTag: cbor.EncTagRequired,
	}.EncModeWithTags(tags)
	if err != nil {
		panic(err)
	}
	dec, err := cbor.DecOptions{
		TimeTag: cbor.DecTagOptional, IntDec: cbor.IntDecConvertSignedOrFail,
		MaxNestedLevels: MaxDepth * 2, MaxArrayElements: math.MaxInt32, MaxMapPairs: math.MaxInt32,
	}.DecModeWithTags(tags)
	if err != nil {
		panic(err)
	}
	return enc, dec
}

// GoSet is a set as a Go type: a field or argument of this type is a set, where
// a slice is a list.
type GoSet[T comparable] map[T]struct{}

// MarshalCBOR writes the set with tag 258.
func (s GoSet[T]) MarshalCBOR() ([]byte, error) {
	list := make([]T, 0, len(s))
	for e := range s {
		list = append(list, e)
	}
	return encMode.Marshal(cbor.Tag{Number: tagSet, Content: list})
}

// UnmarshalCBOR reads a set, or a list taken as one.
func (s *GoSet[T]) UnmarshalCBOR(b []byte) error {
	v, err := Decode(b)
	if err != nil {
		return err
	}
	if v.kind != KindSet && v.kind != KindList && v.kind != KindNil {
		return fmt.Errorf("%w: %s is no set", ErrInvalid, v.kind)
	}
	*s = make(GoSet[T], v.Len())
	for e := range v.All() {
		var t T
		if err := Into(e, &t); err != nil {
			return err
		}
		(*s)[t] = struct{}{}
	}
	return nil
}

// Marshaler is a Go type that says itself what value it is.
type Marshaler interface{ MarshalValue() (Value, error) }

// Of returns the value of any Go value: the obvious one for Go's own kinds,
// time.Time, UUID, slices, maps and structs (fields as package
// fxamacker/cbor names them). Errors wrap ErrInvalid.
func Of(x any) (Value, error) {
	switch x := x.(type) {
	case nil:
		return Nil, nil
	case Value:
		return x, nil
	case Marshaler:
		return x.MarshalValue()
	case bool:
		return Bool(x), nil
	case int:
		return Int(int64(x)), nil
	case int64:
		return Int(x), nil
	case int32:
		return Int(int64(x)), nil
	case int16:
		return Int(int64(x)), nil
	case int8:
		return Int(int64(x)), nil
	case uint8:
		return Int(int64(x)), nil
	case uint16:
		return Int(int64(x)), nil
	case uint32:
		return Int(int64(x)), nil
	case uint64:
		return ofUint(x)
	case uint:
		return ofUint(uint64(x))
	case float64:
		return Float(x), nil
	case float32:
		return Float(float64(x)), nil
	case string:
		if !utf8.ValidString(x) {
			return Nil, fmt.Errorf("%w: string %q is not UTF-8", ErrInvalid, clip(x))
		}
		return String(x), nil
	case []byte:
		if x == nil {
			return Nil, nil
		}
		return Bytes(x), nil
	case UUID:
		return UUIDOf(x), nil
	case time.Time:
		return Time(x), checkYear(x.UTC())
	case []any:
		return ofSlice(x)
	case []Value:
		return List(x...), nil
	case []string:
		return ofSlice(x)
	case []int64:
		return ofSlice(x)
	case []int:
		return ofSlice(x)
	case map[string]any:
		return ofMap(x)
	case map[any]any:
		return ofMap(x)
	}
	b, err := encMode.Marshal(x)
	if err != nil {
		return Nil, fmt.Errorf("%w: Go type %T: %w", ErrInvalid, x, err)
	}
	v, err := Decode(b)
	if err != nil {
		return Nil, fmt.Errorf("Go type %T: %w", x, err)
	}
	return v, nil
}

func ofUint(x uint64) (Value, error) {
	if x > math.MaxInt64 {
		return Nil, fmt.Errorf("%w: integer %d is beyond 64 bits with a sign", ErrInvalid, x)
	}
	return Int(int64(x)), nil
}

func ofSlice[T any](x []T) (Value, error) {
	if x == nil {
		return Nil, nil
	}
	elems := make([]Value, len(x))
	for i, e := range x {
		var err error
		if elems[i], err = Of(e); err != nil {
			return Nil, err
		}
	}
	return List(elems...), nil
}

func ofMap[K comparable](x map[K]any) (Value, error) {
	if x == nil {
		return Nil, nil
	}
	b := NewBuilder(KindMap, len(x))
	for k, e := range x {
		key, err := Of(k)
		if err != nil {
			return Nil, err
		}
		val, err := Of(e)
		if err != nil {
			return Nil, err
		}
		b.Put(key, val)
	}
	return b.Done(), nil
}

// MustOf is Of for values that are known to have one: it panics on an error.
func MustOf(x any) Value {
	v, err := Of(x)
	if err != nil {
		panic(err)
	}
	return v
}

// Unmarshaler is a Go type that reads a value itself.
type Unmarshaler interface{ UnmarshalValue(Value) error }

// Into stores v in the Go variable that dst points to. What it stores shares
// nothing with v. Errors wrap ErrInvalid and name both types.
func Into(v Value, dst any) error {
	switch d := dst.(type) {
	case *Value:
		*d = v
		return nil
	case Unmarshaler:
		return d.UnmarshalValue(v)
	case *any:
		*d = Native(v)
		return nil
	case *string:
		if v.kind == KindString {
			*d = string(v.span())
			return nil
		}
	case *int64:
		if v.kind == KindInt {
			*d = int64(v.num)
			return nil
		}
	case *int:
		if v.kind == KindInt {
			*d = int(v.num)
			return nil
		}
	case *float64:
		if v.IsNumber() {
			*d = v.AsNumber()
			return nil
		}
	case *bool:
		if v.kind == KindBool {
			*d = v.num != 0
			return nil
		}
	case *time.Time:
		if v.kind == KindTime {
			*d = v.AsTime()
			return nil
		}
	case *UUID:
		if v.kind == KindUUID {
			*d = v.AsUUID()
			return nil
		}
	}
	if v.kind >= KindVoid {
		return fmt.Errorf("%w: %s into Go type %T", ErrInvalid, v.kind, dst)
	}
	if err := decMode.Unmarshal(Encode(v), dst); err != nil {
		return fmt.Errorf("%w: %s into Go type %T: %w", ErrInvalid, v.kind, dst, err)
	}
	return nil
}

// Native returns v as the plainest Go value: nil, bool, int64, float64, string,
// []byte, time.Time, UUID, []any, GoSet[any] or, where an element is no Go map
// key, []any for sets, map[string]any for maps with string keys and
// map[any]any for others. A map with a key that is no Go map key is a [][2]any.
func Native(v Value) any {
	switch v.kind {
	case KindBool:
		return v.AsBool()
	case KindInt:
		return v.AsInt()
	case KindFloat:
		return v.AsFloat()
	case KindString:
		return string(v.span())
	case KindBytes:
		return append([]byte{}, v.span()...)
	case KindTime:
		return v.AsTime()
	case KindUUID:
		return v.AsUUID()
	case KindList:
		return natives(v)
	case KindSet:
		return nativeSet(v)
	case KindMap:
		return nativeMap(v)
	}
	return nil
}

func natives(v Value) []any {
	out := make([]any, 0, v.Len())
	for e := range v.All() {
		out = append(out, Native(e))
	}
	return out
}

func goKey(v Value) bool { return !v.IsCollection() && v.kind != KindBytes }

func nativeSet(v Value) any {
	set := make(GoSet[any], v.Len())
	for e := range v.All() {
		if !goKey(e) {
			return natives(v)
		}
		set[Native(e)] = struct{}{}
	}
	return set
}

func nativeMap(v Value) any {
	strings, simple := true, true
	for k := range v.Pairs() {
		strings = strings && k.kind == KindString
		simple = simple && goKey(k)
	}
	switch {
	case strings:
		out := make(map[string]any, v.Len())
		for k, e := range v.Pairs() {
			out[string(k.span())] = Native(e)
		}
		return out
	case simple:
		out := make(map[any]any, v.Len())
		for k, e := range v.Pairs() {
			out[Native(k)] = Native(e)
		}
		return out
	}
	out := make([][2]any, 0, v.Len())
	for k, e := range v.Pairs() {
		out = append(out, [2]any{Native(k), Native(e)})
	}
	return out
}
