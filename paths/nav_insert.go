package paths

import (
	"rama/engine/value"
)

var _ = define(Op{
	Name: "afterElem", Aliases: []string{"AFTER-ELEM"}, Code: 20,
	Doc:   "void, behind a list: what it becomes is appended.",
	Link:  func(l *Linker, _ []Argument) (*Step, error) { return l.Step(&insertNav{after: true}), nil },
	Check: checkElem(value.KindList),
})

var _ = define(Op{
	Name: "beforeElem", Aliases: []string{"BEFORE-ELEM"}, Code: 21,
	Doc: "void, before a list: what it becomes is prepended.",
	Link: func(l *Linker, _ []Argument) (*Step, error) {
		return l.Step(&insertNav{index: operand{val: value.Int(0), param: -1}}), nil
	},
	Check: checkElem(value.KindList),
})

var _ = define(Op{
	Name: "beforeIndex", Aliases: []string{"before-index"}, Code: 22,
	Params: []Param{{Name: "index", Kind: ParamValue}},
	Doc:    "void, before a position of a list: what it becomes is inserted there.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		o, err := l.integer(args[0])
		return l.Step(&insertNav{index: o}), err
	},
	Check: checkElem(value.KindList),
})

// AfterElem navigates to void behind a list: the value that it becomes is
// appended. Null becomes a list.
func AfterElem() Nav { return opNamed("afterElem").Of() }

// BeforeElem navigates to void before a list: the value that it becomes is
// prepended. Null becomes a list.
func BeforeElem() Nav { return opNamed("beforeElem").Of() }

// BeforeIndex navigates to void before a position of a list, 0 to its length:
// the value that it becomes is inserted there. Null becomes a list, by position
// 0 only.
func BeforeIndex(index any) Nav { return opNamed("beforeIndex").Of(index) }

type insertNav struct {
	index operand
	after bool
}

func (n *insertNav) Select(e *Eval, at value.Value, next *Step) error {
	if _, _, err := n.where(e, at); err != nil {
		return err
	}
	return next.Select(e, value.Void)
}

func (n *insertNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, i, err := n.where(e, at)
	if err != nil {
		return value.Nil, err
	}
	v, err := next.Transform(e, value.Void)
	if err != nil || v.IsVoid() {
		return at, err
	}
	return e.insert(c, i, v)
}

func (n *insertNav) where(e *Eval, at value.Value) (c coll, i int64, err error) {
	if c, err = open(at, lists); err != nil {
		return c, 0, err
	}
	size, err := c.size()
	if err != nil || n.after {
		return c, size, err
	}
	if i, err = e.integer(n.index); err == nil && (i < 0 || i > size) {
		err = outside(i, size)
	}
	return c, i, err
}
