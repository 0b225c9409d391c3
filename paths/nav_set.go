package paths

import (
	"rama/engine/value"
)

var _ = define(Op{
	Name: "setElem", Aliases: []string{"set-elem"}, Code: 10,
	Params: []Param{{Name: "elem", Kind: ParamValue}},
	Doc:    "the element itself, if the set has it.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		return l.Step(&setElemNav{l.key(args[0])}), nil
	},
	Check: checkElem(value.KindSet),
})

var _ = define(Op{
	Name: "voidSetElem", Aliases: []string{"NONE-ELEM"}, Code: 23,
	Doc:   "void, in a set: what it becomes is added.",
	Link:  func(l *Linker, _ []Argument) (*Step, error) { return l.Step(voidSetElemNav{}), nil },
	Check: checkElem(value.KindSet),
})

// SetElem navigates to an element of a set, if it is there. Another value takes
// its place; void removes it.
func SetElem(elem any) Nav { return opNamed("setElem").Of(elem) }

// VoidSetElem navigates to void in a set: the value that it becomes is added to
// the set. Null becomes a set.
func VoidSetElem() Nav { return opNamed("voidSetElem").Of() }

type setElemNav struct{ elem operand }

func (n *setElemNav) Select(e *Eval, at value.Value, next *Step) error {
	c, err := open(at, sets)
	if err != nil {
		return err
	}
	k := e.key(n.elem)
	if _, ok, err := c.get(k); err != nil || !ok {
		return err
	}
	return next.Select(e, k)
}

func (n *setElemNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, err := open(at, sets)
	if err != nil {
		return value.Nil, err
	}
	k := e.key(n.elem)
	if c.s != nil && next.effect == EffectRemoves {
		return e.remove(c, k)
	}
	if _, ok, err := c.get(k); err != nil || !ok {
		return at, err
	}
	v, err := next.Transform(e, k)
	if err != nil || identical(v, k) {
		return at, err
	}
	return e.replaceElem(c, k, v)
}

type voidSetElemNav struct{}

func (voidSetElemNav) Select(e *Eval, at value.Value, next *Step) error {
	if _, err := open(at, sets); err != nil {
		return err
	}
	return next.Select(e, value.Void)
}

func (voidSetElemNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, err := open(at, sets)
	if err != nil {
		return value.Nil, err
	}
	v, err := next.Transform(e, value.Void)
	if err != nil || v.IsVoid() {
		return at, err
	}
	return e.add(c, v)
}
