package paths

import (
	"strconv"

	"rama/engine/value"
)

// RangeOption changes which elements the navigators of sorted ranges take.
type RangeOption struct {
	excludeStart bool
	includeStart bool
	includeEnd   bool
	excludeEnd   bool
	max          *Argument
	err          error
}

// ExcludeStart leaves the start of a range out of it.
func ExcludeStart() RangeOption { return RangeOption{excludeStart: true} }

// IncludeStart takes the start of a range into it, as is the default.
func IncludeStart() RangeOption { return RangeOption{includeStart: true} }

// IncludeEnd takes the end of a range into it.
func IncludeEnd() RangeOption { return RangeOption{includeEnd: true} }

// ExcludeEnd leaves the end of a range out of it, as is the default.
func ExcludeEnd() RangeOption { return RangeOption{excludeEnd: true} }

// MaxAmt bounds the number of elements of a range with one bound: those nearest
// to the bound are taken. n is an integer or an Arg.
func MaxAmt(n any) RangeOption {
	a, err := toArgument(ParamValue, n)
	return RangeOption{max: &a, err: err}
}

// rangeOpts is all options of one range together. Which of them a navigator
// takes is its own affair; see rangeKind.
type rangeOpts struct {
	excludeStart bool
	includeEnd   bool
	max          *Argument // a constant integer or a parameter; nil: no bound
}

// toOptions makes options of one or several RangeOptions, or of a count.
func toOptions(x any) (Argument, error) {
	var all []RangeOption
	switch x := x.(type) {
	case RangeOption:
		all = []RangeOption{x}
	case []RangeOption:
		all = x
	default:
		all = []RangeOption{MaxAmt(x)}
	}
	o := &rangeOpts{}
	for _, r := range all {
		if r.err != nil {
			return Argument{}, r.err
		}
		o.excludeStart = (o.excludeStart || r.excludeStart) && !r.includeStart
		o.includeEnd = (o.includeEnd || r.includeEnd) && !r.excludeEnd
		if r.max != nil {
			o.max = r.max
		}
	}
	return Argument{kind: argOptions, opts: o}, o.check()
}

func (o *rangeOpts) check() error {
	if o.max == nil {
		return nil
	}
	if o.max.kind != argValue && o.max.kind != argParam {
		return fail(ErrArgument, "maximal amount is %s", o.max.kindName())
	}
	if o.max.kind == argValue {
		_, err := toAmount(o.max.val)
		return err
	}
	return nil
}

// toAmount is a count as an integer that is not negative.
func toAmount(v value.Value) (int64, error) {
	n, err := toInt(v)
	if err != nil || n < 0 {
		return 0, fail(ErrArgument, "an amount is 0 or more, not %s", brief(v))
	}
	return n, nil
}

func (o *rangeOpts) appendText(b []byte) []byte {
	b = append(b, '{')
	for _, f := range []struct {
		set  bool
		text string
	}{{o.excludeStart, "excludeStart "}, {o.includeEnd, "includeEnd "}} {
		if f.set {
			b = append(b, f.text...)
		}
	}
	if o.max != nil {
		b = append(o.max.appendText(append(b, "max "...)), ' ')
	}
	if b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return append(b, '}')
}

// The codes of options in the binary form.
const (
	optExcludeStart = 1 << iota
	optIncludeEnd
)

func (o *rangeOpts) bits() int64 {
	var b int64
	if o.excludeStart {
		b |= optExcludeStart
	}
	if o.includeEnd {
		b |= optIncludeEnd
	}
	return b
}

func optsOfBits(b int64) (*rangeOpts, error) {
	if b < 0 || b > optExcludeStart|optIncludeEnd {
		return nil, fail(ErrSyntax, "unknown range options %s", strconv.FormatInt(b, 2))
	}
	return &rangeOpts{excludeStart: b&optExcludeStart != 0, includeEnd: b&optIncludeEnd != 0}, nil
}
