package paths

import (
	"rama/engine/value"
)

var opNth = define(Op{
	Name: "nth", Aliases: []string{"nthpath"}, Code: 3,
	Params: []Param{{Name: "index", Kind: ParamValue, Repeated: true, AtLeast: 1}},
	Doc:    "the element at a position of a list, which must exist. Several positions go on into each other.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		s := l.next
		for i := len(args) - 1; i >= 0; i-- {
			o, err := l.integer(args[i])
			if err != nil {
				return nil, err
			}
			s = l.StepTo(&nthNav{o}, s)
		}
		return s, nil
	},
	Check: func(c *Checker, s Shape, args []Argument) (Shape, error) {
		for _, a := range args {
			if s == nil {
				return nil, nil
			}
			if err := wantShape(s, value.KindList); err != nil {
				return nil, err
			}
			var key *value.Value
			if v, ok := a.Value(); ok {
				key = &v
			}
			var err error
			if s, err = elemShape(s, key); err != nil {
				return nil, err
			}
		}
		return s, nil
	},
})

// Nth navigates to the element at a position of a list, from 0; with several
// positions to the element of the element, and so on. A position that is not
// there is ErrRange, save that a select of null finds null. Void removes the
// element, and what follows moves up.
func Nth(index ...any) Nav { return opNth.Of(index...) }

type nthNav struct{ index operand }

func (n *nthNav) Select(e *Eval, at value.Value, next *Step) error {
	c, err := open(at, lists)
	if err != nil {
		return err
	}
	i, err := e.integer(n.index)
	if err != nil {
		return err
	}
	if null, err := isNull(at); err != nil || null {
		if err != nil {
			return err
		}
		return next.Select(e, value.Nil)
	}
	v, err := n.elem(c, i)
	if err != nil {
		return err
	}
	return next.Select(e, v)
}

func (n *nthNav) elem(c coll, i int64) (value.Value, error) {
	v, ok, err := c.elem(i)
	if err == nil && !ok {
		size, _ := c.size()
		err = outside(i, size)
	}
	return v, err
}

func (n *nthNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, err := open(at, lists)
	if err != nil {
		return value.Nil, err
	}
	i, err := e.integer(n.index)
	if err != nil {
		return value.Nil, err
	}
	old, err := n.elem(c, i)
	if err != nil {
		return value.Nil, err
	}
	v, err := next.Transform(e, old)
	switch {
	case err != nil:
		return value.Nil, err
	case v.IsVoid():
		return e.removeAt(c, i)
	case identical(v, old) && v.Kind() != value.KindHandle:
		return at, nil
	}
	return e.putAt(c, i, v)
}
