package paths

import (
	"rama/engine/value"
)

var _ = define(Op{
	Name: "collect", Code: 90, Params: navsParams, Many: manyAlways,
	Doc: "stays, and collects the list of all that a path reaches.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		head, err := l.closed(args, 0, gatherEnd{})
		return l.Step(&collectNav{head: head}), err
	},
	Check: checkSame,
})

var _ = define(Op{
	Name: "collectOne", Aliases: []string{"collect-one", "VAL"}, Code: 91, Params: navsParams,
	Doc: "stays, and collects the one value that a path reaches.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		head, err := l.closed(args, 0, gatherEnd{})
		return l.Step(&collectNav{head: head, one: true}), err
	},
	Check: checkSame,
})

var _ = define(Op{
	Name: "putCollected", Aliases: []string{"putval"}, Code: 92,
	Params: []Param{{Name: "value", Kind: ParamValue}},
	Doc:    "stays, and collects the value.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		return l.Step(&putCollectedNav{l.value(args[0])}), nil
	},
	Check: checkSame,
})

var _ = define(Op{
	Name: "dispenseCollected", Aliases: []string{"DISPENSE"}, Code: 93,
	Doc:   "stays, and drops what was collected.",
	Link:  func(l *Linker, _ []Argument) (*Step, error) { return l.Step(dispenseNav{}), nil },
	Check: checkSame,
})

var _ = define(Op{
	Name: "isCollected", Aliases: []string{"collected?"}, Code: 94,
	Params: []Param{{Name: "pred", Kind: ParamFunc}},
	Doc:    "stays where the function of the list of collected values returns neither null nor false.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		f, err := l.function(args[0], 1)
		return l.Step(&isCollectedNav{f}), err
	},
	Check: checkSame,
})

// Collect stays at the location and collects the list of all that the path of
// navs reaches. Where values were collected a result is the list of them and the
// value reached, and the function of Term gets them before it.
func Collect(navs ...any) Nav { return opNamed("collect").Of(navs...) }

// CollectOne stays at the location and collects the one value that the path of
// navs reaches; none or several are ErrNotOne. Without navs it collects the
// location itself.
func CollectOne(navs ...any) Nav { return opNamed("collectOne").Of(navs...) }

// PutCollected stays at the location and collects v.
func PutCollected(v any) Nav { return opNamed("putCollected").Of(v) }

// DispenseCollected stays at the location and drops what was collected before.
func DispenseCollected() Nav { return opNamed("dispenseCollected").Of() }

// IsCollected stays at the location if pred, called with the list of collected
// values, returns neither null nor false.
func IsCollected(pred any) Nav { return opNamed("isCollected").Of(pred) }

type collectNav struct {
	head *Step
	one  bool
}

func (n *collectNav) value(e *Eval, at value.Value) (value.Value, error) {
	found, err := e.selected(n.head, at)
	if err != nil {
		return value.Nil, err
	}
	if !n.one {
		return e.Plain(value.List(found...))
	}
	if len(found) != 1 {
		return value.Nil, NotOne(len(found))
	}
	return e.Plain(found[0])
}

func (n *collectNav) Select(e *Eval, at value.Value, next *Step) error {
	v, err := n.value(e, at)
	if err != nil {
		return err
	}
	return selectWith(e, v, at, next)
}

func (n *collectNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	v, err := n.value(e, at)
	if err != nil {
		return value.Nil, err
	}
	return transformWith(e, v, at, next)
}

// selectWith goes on with v collected.
func selectWith(e *Eval, v, at value.Value, next *Step) error {
	if err := e.push(v); err != nil {
		return err
	}
	err := next.Select(e, at)
	if err == nil {
		e.pop()
	}
	return err
}

func transformWith(e *Eval, v, at value.Value, next *Step) (value.Value, error) {
	if err := e.push(v); err != nil {
		return value.Nil, err
	}
	now, err := next.Transform(e, at)
	if err == nil {
		e.pop()
	}
	return now, err
}

type putCollectedNav struct{ v operand }

func (n *putCollectedNav) Select(e *Eval, at value.Value, next *Step) error {
	return selectWith(e, e.val(n.v), at, next)
}

func (n *putCollectedNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	return transformWith(e, e.val(n.v), at, next)
}

func (n *putCollectedNav) Effect(next *Step) Effect { return next.effect }

type dispenseNav struct{}

func (dispenseNav) Select(e *Eval, at value.Value, next *Step) error {
	base := e.base
	e.base = len(e.collected)
	err := next.Select(e, at)
	e.base = base
	return err
}

func (dispenseNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	base := e.base
	e.base = len(e.collected)
	v, err := next.Transform(e, at)
	e.base = base
	return v, err
}

func (dispenseNav) Effect(next *Step) Effect { return next.effect }

type isCollectedNav struct{ pred *Func }

func (n *isCollectedNav) test(e *Eval) (bool, error) {
	c := append([]value.Value(nil), e.collected[e.base:]...)
	v, err := e.call(n.pred, nil, value.List(c...), nil)
	return v.Truthy(), err
}

func (n *isCollectedNav) Select(e *Eval, at value.Value, next *Step) error {
	ok, err := n.test(e)
	return selectIf(ok, err, e, at, next)
}

func (n *isCollectedNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	ok, err := n.test(e)
	return transformIf(ok, err, e, at, next)
}
