package paths

import (
	"rama/engine/value"
)

// The filters by comparison. Comparison is that of package value: one order of
// all values, in which null comes first and 1 equals 1.0.

var _ = defineFilter("filterEqual", "pred=", 50, "equal to", func(c int) bool { return c == 0 })
var _ = defineFilter("filterNotEqual", "prednot=", 51, "not equal to", func(c int) bool { return c != 0 })
var _ = defineFilter("filterLessThan", "pred<", 52, "less than", func(c int) bool { return c < 0 })
var _ = defineFilter("filterLessThanOrEqual", "pred<=", 53, "less than or equal to", func(c int) bool { return c <= 0 })
var _ = defineFilter("filterGreaterThan", "pred>", 54, "greater than", func(c int) bool { return c > 0 })
var _ = defineFilter("filterGreaterThanOrEqual", "pred>=", 55, "greater than or equal to", func(c int) bool { return c >= 0 })

func defineFilter(name, clojure string, code uint16, doc string, pass func(c int) bool) *Op {
	return define(Op{
		Name: name, Aliases: []string{clojure}, Code: code, Reads: true,
		Params: []Param{{Name: "value", Kind: ParamValue}},
		Doc:    "stays at a location " + doc + " the value.",
		Link: func(l *Linker, args []Argument) (*Step, error) {
			return l.Step(&compareNav{l.value(args[0]), pass}), nil
		},
		Check: checkSame,
	})
}

var _ = define(Op{
	Name: "filterPred", Aliases: []string{"pred"}, Code: 56, Reads: true,
	Params: []Param{{Name: "pred", Kind: ParamFunc}},
	Doc:    "stays at a location for which the function returns neither null nor false.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		f, err := l.function(args[0], 1)
		return l.Step(&predNav{f}), err
	},
	Check: checkSame,
})

// FilterEqual stays at a location that equals v. In a transform a location that
// does not pass a filter stays what it is.
func FilterEqual(v any) Nav { return opNamed("filterEqual").Of(v) }

// FilterNotEqual stays at a location that does not equal v.
func FilterNotEqual(v any) Nav { return opNamed("filterNotEqual").Of(v) }

// FilterLessThan stays at a location that lies before v in the order of values.
func FilterLessThan(v any) Nav { return opNamed("filterLessThan").Of(v) }

// FilterLessThanOrEqual stays at a location that lies before v or equals it.
func FilterLessThanOrEqual(v any) Nav { return opNamed("filterLessThanOrEqual").Of(v) }

// FilterGreaterThan stays at a location that lies after v in the order of values.
func FilterGreaterThan(v any) Nav { return opNamed("filterGreaterThan").Of(v) }

// FilterGreaterThanOrEqual stays at a location that lies after v or equals it.
func FilterGreaterThanOrEqual(v any) Nav { return opNamed("filterGreaterThanOrEqual").Of(v) }

// FilterPred stays at a location for which the function pred returns neither null
// nor false.
func FilterPred(pred any) Nav { return opNamed("filterPred").Of(pred) }

// A test stays at a location or not; the filters are made of it.
func selectIf(ok bool, err error, e *Eval, at value.Value, next *Step) error {
	if err != nil || !ok {
		return err
	}
	return next.Select(e, at)
}

func transformIf(ok bool, err error, e *Eval, at value.Value, next *Step) (value.Value, error) {
	if err != nil || !ok {
		return at, err
	}
	return next.Transform(e, at)
}

type compareNav struct {
	v    operand
	pass func(c int) bool
}

func (n *compareNav) test(e *Eval, at value.Value) (bool, error) {
	v, err := e.Plain(at)
	if err != nil {
		return false, err
	}
	return n.pass(value.Compare(v, e.val(n.v))), nil
}

func (n *compareNav) Select(e *Eval, at value.Value, next *Step) error {
	ok, err := n.test(e, at)
	return selectIf(ok, err, e, at, next)
}

func (n *compareNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	ok, err := n.test(e, at)
	return transformIf(ok, err, e, at, next)
}

type predNav struct{ pred *Func }

func (n *predNav) test(e *Eval, at value.Value) (bool, error) {
	v, err := e.call(n.pred, nil, at, nil)
	return v.Truthy(), err
}

func (n *predNav) Select(e *Eval, at value.Value, next *Step) error {
	ok, err := n.test(e, at)
	return selectIf(ok, err, e, at, next)
}

func (n *predNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	ok, err := n.test(e, at)
	return transformIf(ok, err, e, at, next)
}
