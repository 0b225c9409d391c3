package paths

import (
	"rama/engine/value"
)

var _ = define(Op{
	Name: "mapKey", Aliases: []string{"map-key"}, Code: 9,
	Params: []Param{{Name: "key", Kind: ParamValue}},
	Doc:    "the key itself, if the map has it.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		return l.Step(&mapKeyNav{l.key(args[0])}), nil
	},
	Check: func(_ *Checker, s Shape, _ []Argument) (Shape, error) {
		if err := wantShape(s, value.KindMap); err != nil || s.Kind() == value.KindVoid {
			return opaque{}, err
		}
		return s.Key(), nil
	},
})

// MapKey navigates to a key of a map itself, if it is there. Another key renames
// the entry, which takes the place of the one that had that key. Void removes it.
func MapKey(key any) Nav { return opNamed("mapKey").Of(key) }

type mapKeyNav struct{ key operand }

func (n *mapKeyNav) Select(e *Eval, at value.Value, next *Step) error {
	c, err := open(at, maps)
	if err != nil {
		return err
	}
	k := e.key(n.key)
	if _, ok, err := c.has(k); err != nil || !ok {
		return err
	}
	return next.Select(e, k)
}

func (n *mapKeyNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, err := open(at, maps)
	if err != nil {
		return value.Nil, err
	}
	k := e.key(n.key)
	if c.s != nil && next.effect == EffectRemoves {
		return e.remove(c, k)
	}
	v, ok, err := c.has(k)
	if err != nil || !ok {
		return at, err
	}
	nk, err := next.Transform(e, k)
	switch {
	case err != nil:
		return value.Nil, err
	case nk.IsVoid():
		return e.remove(c, k)
	case identical(nk, k):
		return at, nil
	}
	return e.rekey(c, k, v, nk, v)
}
