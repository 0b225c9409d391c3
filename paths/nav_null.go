package paths

import (
	"rama/engine/value"
)

var _ = define(Op{
	Name: "nullToVal", Aliases: []string{"nullToValue", "nil->val"}, Code: 61,
	Params: []Param{{Name: "value", Kind: ParamValue}},
	Doc:    "the value where the location is null, and the location otherwise.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		return l.Step(&nullNav{v: l.value(args[0])}), nil
	},
	Check: checkSame,
})

var _ = defineNullTo("nullToList", 62, value.EmptyList, "NIL->VECTOR", "NIL->LIST")
var _ = defineNullTo("nullToSet", 63, value.EmptySet, "NIL->SET")

func defineNullTo(name string, code uint16, v value.Value, aliases ...string) *Op {
	return define(Op{
		Name: name, Aliases: aliases, Code: code,
		Doc: "the empty " + v.Kind().String() + " where the location is null, and the location otherwise.",
		Link: func(l *Linker, _ []Argument) (*Step, error) {
			return l.Step(&nullNav{v: operand{val: v, param: -1}}), nil
		},
		Check: checkSame,
	})
}

var _ = define(Op{
	Name: "voidToVal", Aliases: []string{"NONE->val"}, Code: 64,
	Params: []Param{{Name: "value", Kind: ParamValue}},
	Doc:    "the value where the location is void, as behind afterElem, and the location otherwise.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		return l.Step(&nullNav{v: l.value(args[0]), onlyVoid: true}), nil
	},
	Check: checkSame,
})

// NullToVal navigates to v where the location is null, and stays otherwise.
func NullToVal(v any) Nav { return opNamed("nullToVal").Of(v) }

// NullToList is NullToVal of an empty list.
func NullToList() Nav { return opNamed("nullToList").Of() }

// NullToSet is NullToVal of an empty set.
func NullToSet() Nav { return opNamed("nullToSet").Of() }

// VoidToVal navigates to v where the location is void, as it is behind
// afterElem, beforeElem, beforeIndex and voidSetElem, and stays otherwise.
func VoidToVal(v any) Nav { return opNamed("voidToVal").Of(v) }

type nullNav struct {
	v        operand
	onlyVoid bool
}

func (n *nullNav) place(e *Eval, at value.Value) (value.Value, error) {
	null, err := at.IsVoid(), error(nil)
	if !n.onlyVoid {
		null, err = isNull(at)
	}
	if null {
		at = e.val(n.v)
	}
	return at, err
}

func (n *nullNav) Select(e *Eval, at value.Value, next *Step) error {
	v, err := n.place(e, at)
	if err != nil {
		return err
	}
	return next.Select(e, v)
}

func (n *nullNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	v, err := n.place(e, at)
	if err != nil {
		return value.Nil, err
	}
	return next.Transform(e, v)
}

// Effect is that of what follows: a default is of no use to who does not look.
func (n *nullNav) Effect(next *Step) Effect { return next.effect }
