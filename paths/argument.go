package paths

import (
	"fmt"
	"math"
	"strconv"

	"rama/engine/value"
)

// Argument is one argument of a navigator as it is written.
type Argument struct {
	kind  argKind
	param int         // argParam
	val   value.Value // argValue
	path  Path        // argPath
	fn    *Func       // argFunc
	opts  *rangeOpts  // argOptions
	build NavBuilder  // argBuilder
}

type argKind uint8

const (
	argValue   argKind = iota // a constant
	argParam                  // an Arg
	argPath                   // a path
	argFunc                   // a function, or the name of one
	argOptions                // options of a range
	argBuilder                // a navigator's builder in Go
)

// Path returns the path that the argument is, if it is one.
func (a Argument) Path() (Path, bool) { return a.path, a.kind == argPath }

// Value returns the constant that the argument is, if it is one.
func (a Argument) Value() (value.Value, bool) { return a.val, a.kind == argValue }

// Arg returns which argument of the whole path stands here, if one does.
func (a Argument) Arg() (Arg, bool) { return Arg(a.param), a.kind == argParam }

// Func returns the function that the argument is, if it is one.
func (a Argument) Func() (*Func, bool) { return a.fn, a.kind == argFunc }

func constArg(v value.Value) Argument { return Argument{kind: argValue, val: v} }
func pathArg(p Path) Argument         { return Argument{kind: argPath, path: p} }
func funcArg(f *Func) Argument        { return Argument{kind: argFunc, fn: f} }

// toArgument makes an argument of the kind that a place takes from a Go value.
func toArgument(k ParamKind, x any) (Argument, error) {
	if a, ok := x.(Argument); ok {
		return a, a.fits(k)
	}
	switch k {
	case ParamFunc:
		f, err := toFunc(x)
		return funcArg(f), err
	case ParamPath:
		return pathArg(New(x)), nil
	case ParamOptions:
		return toOptions(x)
	}
	if i, ok := x.(Arg); ok && k == ParamValue {
		return paramArg(int(i))
	}
	return toConst(x)
}

// maxArg bounds the number of arguments of a path.
const maxArg = 1000

func paramArg(i int) (Argument, error) {
	if i < 0 || i >= maxArg {
		return Argument{}, fail(ErrArgument, "Arg(%d) is not in 0..%d", i, maxArg-1)
	}
	return Argument{kind: argParam, param: i}, nil
}

func toConst(x any) (Argument, error) {
	switch x.(type) {
	case Nav, Path, []Nav, Arg, RangeOption:
		return Argument{}, fail(ErrArgument, "%T where a constant value is expected", x)
	}
	if isFunc(x) {
		return Argument{}, fail(ErrArgument, "a function where a value is expected")
	}
	v, err := value.Of(x)
	if err != nil {
		return Argument{}, fmt.Errorf("%w: %w", ErrArgument, err)
	}
	return constArg(v), checkConst(v)
}

// checkConst refuses what is no value by itself.
func checkConst(v value.Value) error {
	if v.Kind() >= value.KindVoid {
		return fail(ErrArgument, "%s as an argument", v.Kind())
	}
	return nil
}

// fits reports whether the argument can stand at a place.
func (a Argument) fits(k ParamKind) error {
	ok := false
	switch a.kind {
	case argValue:
		ok = k == ParamValue || k == ParamConst
	case argParam:
		ok = k == ParamValue
	case argPath:
		ok = k == ParamPath || k == ParamNavs
	case argFunc:
		ok = k == ParamFunc
	case argOptions:
		ok = k == ParamOptions
	case argBuilder:
		ok = k == ParamConst
	}
	if !ok {
		return fail(ErrArgument, "%s where a %s is expected", a.kindName(), k)
	}
	return nil
}

func (a Argument) kindName() string {
	return [...]string{"a constant", "an Arg", "a path", "a function", "range options", "a Go function"}[a.kind]
}

func (a Argument) appendText(b []byte) []byte {
	switch a.kind {
	case argParam:
		return strconv.AppendInt(append(b, '$'), int64(a.param), 10)
	case argPath:
		return append(append(append(b, '['), a.path.String()...), ']')
	case argFunc:
		return append(b, a.fn.Name()...)
	case argOptions:
		return a.opts.appendText(b)
	case argBuilder:
		return append(b, "func"...)
	}
	return value.AppendJSON(b, a.val, value.Tagged)
}

// An operand is an argument that is a value, ready for running: the constant
// val, or argument param of the run.
type operand struct {
	val   value.Value
	param int // -1: a constant
}

func (o operand) constant() (value.Value, bool) { return o.val, o.param < 0 }

// val returns the value of an operand in this run.
func (e *Eval) val(o operand) value.Value {
	if o.param < 0 {
		return o.val
	}
	return e.Args[o.param]
}

// vals appends the values of operands to dst.
func (e *Eval) vals(dst []value.Value, ops []operand) []value.Value {
	for _, o := range ops {
		dst = append(dst, e.val(o))
	}
	return dst
}

// toInt returns v as an integer; a float that is a whole number counts.
func toInt(v value.Value) (int64, error) {
	switch v.Kind() {
	case value.KindInt:
		return v.AsInt(), nil
	case value.KindFloat:
		if f := v.AsFloat(); f == math.Trunc(f) && f >= -1<<63 && f < 1<<63 {
			return int64(f), nil
		}
	}
	return 0, fail(ErrType, "%s is no integer", brief(v))
}

// brief is v for error messages: in full where it is short.
func brief(v value.Value) string {
	if v.IsCollection() || v.Kind() == value.KindHandle {
		return "a " + kindName(v)
	}
	s := v.String()
	if len(s) > 48 {
		return "a " + v.Kind().String()
	}
	return s
}
