package value

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"strings"
)

// Compare returns -1, 0 or 1 as a lies before, equals or lies after b in the
// order of the package. It agrees with the byte order of AppendKey.
func Compare(a, b Value) int {
	ka, kb := a.kind, b.kind
	if ka == KindFloat {
		ka = KindInt
	}
	if kb == KindFloat {
		kb = KindInt
	}
	if ka != kb {
		return cmp.Compare(ka, kb)
	}
	switch ka {
	case KindNil, KindVoid:
		return 0
	case KindBool:
		return cmp.Compare(a.num, b.num)
	case KindInt:
		return compareNumbers(a, b)
	case KindString:
		return strings.Compare(a.AsString(), b.AsString())
	case KindBytes:
		return bytes.Compare(a.span(), b.span())
	case KindTime:
		if c := cmp.Compare(int64(a.num), int64(b.num)); c != 0 {
			return c
		}
		return cmp.Compare(a.aux, b.aux)
	case KindUUID:
		ua, ub := (*UUID)(a.ptr), (*UUID)(b.ptr)
		return bytes.Compare(ua[:], ub[:])
	case KindList, KindSet, KindMap:
		return compareElems(a.decoded().coll().elems, b.decoded().coll().elems)
	}
	panic(fmt.Sprintf("value: %s compared", a.kind))
}

// Equal reports whether a and b are equal values.
func Equal(a, b Value) bool { return Compare(a, b) == 0 }

// Same reports whether a and b are equal and alike in every kind, so that 1 and
// 1.0 are not the same.
func Same(a, b Value) bool {
	if a.kind != b.kind {
		return false
	}
	if !a.IsCollection() {
		return Equal(a, b)
	}
	ea, eb := a.decoded().coll().elems, b.decoded().coll().elems
	if len(ea) != len(eb) {
		return false
	}
	for i := range ea {
		if !Same(ea[i], eb[i]) {
			return false
		}
	}
	return true
}

func compareElems(a, b []Value) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if c := Compare(a[i], b[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func compareNumbers(a, b Value) int {
	switch {
	case a.kind == KindInt && b.kind == KindInt:
		return cmp.Compare(int64(a.num), int64(b.num))
	case a.kind == KindFloat && b.kind == KindFloat:
		return cmp.Compare(a.AsFloat(), b.AsFloat())
	case a.kind == KindInt:
		return compareIntFloat(int64(a.num), b.AsFloat())
	}
	return -compareIntFloat(int64(b.num), a.AsFloat())
}

// compareIntFloat compares exactly. Turning i into a float would round it: then
// 2^53+1 would equal the float 2^53, which equals the integer 2^53, and three
// values could not be sorted. So the float's whole part becomes an integer.
func compareIntFloat(i int64, f float64) int {
	switch {
	case math.IsNaN(f), f < -1<<63:
		return 1
	case f >= 1<<63:
		return -1
	}
	whole := math.Trunc(f)
	if c := cmp.Compare(i, int64(whole)); c != 0 {
		return c
	}
	return cmp.Compare(0, f-whole)
}
