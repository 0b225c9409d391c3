package paths

import (
	"math"
	"math/bits"

	"rama/engine/value"
)

// Arithmetic: integers have 64 bits and stay integers, and going beyond is an
// error; as soon as one number is a float the result is.

func numberOps() {
	fold := func(names string, f func(a, b value.Value) (value.Value, error), unit int64) {
		ops(names, 0, -1, func(args []value.Value) (value.Value, error) { return foldNumbers(args, f, unit) })
	}
	fold("PLUS PLUS_LONG +", plus, 0)
	fold("TIMES TIMES_LONG *", times, 1)
	ops("MINUS MINUS_LONG -", 1, -1, func(a []value.Value) (value.Value, error) {
		if len(a) == 1 {
			return minus(value.Int(0), a[0])
		}
		return foldNumbers(a, minus, 0)
	})
	ops("DIVIDE /", 1, -1, func(a []value.Value) (value.Value, error) {
		if len(a) == 1 {
			return divide(value.Int(1), a[0])
		}
		return foldNumbers(a, divide, 1)
	})
	ops("INC INC_LONG inc", 1, 1, func(a []value.Value) (value.Value, error) { return plus(a[0], value.Int(1)) })
	ops("DEC DEC_LONG dec", 1, 1, func(a []value.Value) (value.Value, error) { return minus(a[0], value.Int(1)) })
	ops("SUM", 1, 1, func(a []value.Value) (value.Value, error) {
		if !a[0].IsNil() && a[0].Kind() != value.KindList && a[0].Kind() != value.KindSet {
			return value.Nil, fail(ErrType, "sum of %s", brief(a[0]))
		}
		return foldNumbers(a[0].Elems(), plus, 0)
	})
	ops("IS_EVEN even?", 1, 1, func(a []value.Value) (value.Value, error) {
		i, err := toInt(a[0])
		return value.Bool(i&1 == 0), err
	})
	ops("IS_ODD odd?", 1, 1, func(a []value.Value) (value.Value, error) {
		i, err := toInt(a[0])
		return value.Bool(i&1 == 1), err
	})
}

func foldNumbers(args []value.Value, f func(a, b value.Value) (value.Value, error), unit int64) (value.Value, error) {
	if len(args) == 0 {
		return value.Int(unit), nil
	}
	acc := args[0]
	if err := wantNumber(acc); err != nil {
		return value.Nil, err
	}
	for _, v := range args[1:] {
		var err error
		if acc, err = f(acc, v); err != nil {
			return value.Nil, err
		}
	}
	return acc, nil
}

func wantNumber(v value.Value) error {
	if v.IsNumber() {
		return nil
	}
	return fail(ErrType, "%s is no number", brief(v))
}

// arith computes with integers or with floats. onInts reports whether the result
// fits.
func arith(a, b value.Value, onInts func(a, b int64) (int64, bool), onFloats func(a, b float64) float64) (value.Value, error) {
	if err := wantNumber(a); err != nil {
		return value.Nil, err
	}
	if err := wantNumber(b); err != nil {
		return value.Nil, err
	}
	if a.Kind() == value.KindInt && b.Kind() == value.KindInt {
		i, ok := onInts(a.AsInt(), b.AsInt())
		if !ok {
			return value.Nil, fail(ErrRange, "result of %s and %s is beyond 64 bits", a, b)
		}
		return value.Int(i), nil
	}
	return value.Float(onFloats(a.AsNumber(), b.AsNumber())), nil
}

func plus(a, b value.Value) (value.Value, error) {
	return arith(a, b, func(a, b int64) (int64, bool) {
		s := a + b
		return s, (s > a) == (b > 0)
	}, func(a, b float64) float64 { return a + b })
}

func minus(a, b value.Value) (value.Value, error) {
	return arith(a, b, func(a, b int64) (int64, bool) {
		d := a - b
		return d, (d < a) == (b > 0)
	}, func(a, b float64) float64 { return a - b })
}

func times(a, b value.Value) (value.Value, error) {
	return arith(a, b, timesInt, func(a, b float64) float64 { return a * b })
}

func timesInt(a, b int64) (int64, bool) {
	abs := func(i int64) uint64 {
		if i < 0 {
			return -uint64(i)
		}
		return uint64(i)
	}
	hi, lo := bits.Mul64(abs(a), abs(b))
	if (a < 0) != (b < 0) {
		return -int64(lo), hi == 0 && lo <= 1<<63
	}
	return int64(lo), hi == 0 && lo <= math.MaxInt64
}

func divide(a, b value.Value) (value.Value, error) {
	if err := wantNumber(a); err != nil {
		return value.Nil, err
	}
	if err := wantNumber(b); err != nil {
		return value.Nil, err
	}
	if b.AsNumber() == 0 {
		return value.Nil, fail(ErrRange, "division of %s by zero", a)
	}
	return value.Float(a.AsNumber() / b.AsNumber()), nil
}
