package paths

import (
	"errors"
	"slices"
	"strings"

	"rama/engine/value"
)

// The values and functions of the twin.

func tTruthy(v any) bool { return v != nil && v != false && v != (tVoid{}) }

// tCall calls a function by what it is known to do.
func tCall(fn *Func, a ...any) any {
	if builtin(fn.name).takes(len(a)) != nil {
		tFail(ErrArgument)
	}
	number := func(v any) float64 {
		switch v := v.(type) {
		case int64:
			return float64(v)
		case float64:
			return v
		}
		tFail(ErrType)
		return 0
	}
	sum := func(vs []any) any {
		if len(vs) == 0 {
			return int64(0)
		}
		total, whole := 0.0, true
		for _, v := range vs {
			total += number(v)
			_, isInt := v.(int64)
			whole = whole && isInt
		}
		if whole {
			return int64(total)
		}
		return total
	}
	switch strings.TrimPrefix(fn.name, "Ops.") {
	case "IDENTITY":
		return a[0]
	case "INC":
		return sum([]any{a[0], int64(1)})
	case "DEC":
		return sum([]any{a[0], int64(-1)})
	case "PLUS":
		return sum(a)
	case "SUM":
		switch c := a[0].(type) {
		case nil:
			return sum(nil)
		case tList:
			return sum(c)
		case tSet:
			return sum(c)
		}
		tFail(ErrType)
	case "IS_EVEN":
		return tInt(a[0])%2 == 0
	case "IS_ODD":
		return tInt(a[0])%2 != 0
	case "IS_NULL":
		return a[0] == nil
	case "NOT":
		return !tTruthy(a[0])
	case "TUPLE":
		return append(tList{}, a...)
	case "SIZE":
		switch c := a[0].(type) {
		case nil:
			return int64(0)
		case string:
			return int64(len([]rune(c)))
		case tList:
			return int64(len(c))
		case tSet:
			return int64(len(c))
		case tMap:
			return int64(len(c))
		}
		tFail(ErrType)
	case "FIRST", "LAST":
		c := tList{}
		switch v := a[0].(type) {
		case nil:
		case tList:
			c = v
		case tSet:
			c = tList(v)
		case tMap:
			for _, p := range v {
				c = append(c, tList{p.k, p.v})
			}
		default:
			tFail(ErrType)
		}
		switch {
		case len(c) == 0:
			return nil
		case strings.HasSuffix(fn.name, "FIRST"):
			return c[0]
		}
		return c[len(c)-1]
	case "IS_MAP":
		_, ok := a[0].(tMap)
		return ok
	case "IS_LIST":
		_, ok := a[0].(tList)
		return ok
	}
	panic("the twin does not know " + fn.name)
}

// tRank is where a kind stands in the order of values.
func tRank(v any) int {
	switch v.(type) {
	case nil:
		return 0
	case bool:
		return 1
	case int64, float64:
		return 2
	case string:
		return 3
	case tList:
		return 4
	case tSet:
		return 5
	case tMap:
		return 6
	}
	panic("no value")
}

// tCompare compares two values. The numbers of the tests are small, so they
// compare as floats.
func tCompare(a, b any) int {
	if d := tRank(a) - tRank(b); d != 0 {
		return d
	}
	switch a := a.(type) {
	case bool:
		if a == b.(bool) {
			return 0
		} else if a {
			return 1
		}
		return -1
	case string:
		return strings.Compare(a, b.(string))
	case tList:
		return slices.CompareFunc(a, b.(tList), tCompare)
	case tSet:
		return slices.CompareFunc(a, b.(tSet), tCompare)
	case tMap:
		flat := func(m tMap) (out []any) {
			for _, p := range m {
				out = append(out, p.k, p.v)
			}
			return out
		}
		return slices.CompareFunc(flat(a), flat(b.(tMap)), tCompare)
	case nil:
		return 0
	}
	f := func(v any) float64 {
		if i, ok := v.(int64); ok {
			return float64(i)
		}
		return v.(float64)
	}
	switch d := f(a) - f(b); {
	case d < 0:
		return -1
	case d > 0:
		return 1
	}
	return 0
}

// tCanon is the form of a value as a key or element.
func tCanon(v any) any {
	switch v := v.(type) {
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	case tList:
		out := tList{}
		for _, e := range v {
			out = append(out, tCanon(e))
		}
		return out
	case tMap:
		out := tMap{}
		for _, p := range v {
			out = append(out, tPair{p.k, tCanon(p.v)})
		}
		return out
	}
	return v
}

// toTwin is a value as a plain Go value.
func toTwin(v value.Value) any {
	switch v.Kind() {
	case value.KindNil:
		return nil
	case value.KindBool:
		return v.AsBool()
	case value.KindInt:
		return v.AsInt()
	case value.KindFloat:
		return v.AsFloat()
	case value.KindString:
		return v.AsString()
	case value.KindList:
		out := tList{}
		for e := range v.All() {
			out = append(out, toTwin(e))
		}
		return out
	case value.KindSet:
		out := tSet{}
		for e := range v.All() {
			out = append(out, toTwin(e))
		}
		return out
	case value.KindMap:
		out := tMap{}
		for k, e := range v.Pairs() {
			out = append(out, tPair{toTwin(k), toTwin(e)})
		}
		return out
	}
	panic("no value for the twin: " + v.String())
}

// fromTwin is a plain Go value as a value.
func fromTwin(v any) value.Value {
	switch v := v.(type) {
	case tList:
		out := []value.Value{}
		for _, e := range v {
			out = append(out, fromTwin(e))
		}
		return value.List(out...)
	case tSet:
		out := []value.Value{}
		for _, e := range v {
			out = append(out, fromTwin(e))
		}
		return value.Set(out...)
	case tMap:
		b := value.NewBuilder(value.KindMap, 0)
		for _, p := range v {
			b.Put(fromTwin(p.k), fromTwin(p.v))
		}
		return b.Done()
	}
	return value.MustOf(v)
}

// kindOfError is the error of the package that err wraps.
func kindOfError(err error) error {
	for _, k := range []error{
		ErrSyntax, ErrUnknownNavigator, ErrUnknownFunction, ErrType, ErrRange, ErrNoTerm, ErrTerm,
		ErrNotOne, ErrLimit, ErrSchema, ErrHandle, ErrNotWritable, ErrArgument,
	} {
		if errors.Is(err, k) {
			return k
		}
	}
	return err
}
