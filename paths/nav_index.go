package paths

import (
	"rama/engine/value"
)

var _ = define(Op{
	Name: "index", Aliases: []string{"index-nav"}, Code: 11,
	Params: []Param{{Name: "index", Kind: ParamValue}},
	Doc:    "the position itself, if the list has it; another one moves the element.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		o, err := l.integer(args[0])
		return l.Step(&indexNav{o}), err
	},
	Check: func(_ *Checker, s Shape, _ []Argument) (Shape, error) {
		return opaque{}, wantShape(s, value.KindList)
	},
})

var _ = define(Op{
	Name: "indexedVals", Aliases: []string{"indexed-vals", "INDEXED-VALS"}, Code: 12, Many: manyAlways, Reads: true,
	Params: []Param{{Name: "start", Kind: ParamValue, Optional: true}},
	Doc:    "each element of a list as [position, element]; another position moves it.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		n := &indexedNav{operand{val: value.Int(0), param: -1}}
		var err error
		if len(args) > 0 {
			n.start, err = l.integer(args[0])
		}
		return l.Step(n), err
	},
	Check: func(_ *Checker, s Shape, _ []Argument) (Shape, error) {
		if err := wantShape(s, value.KindList); err != nil {
			return nil, err
		}
		elem, err := elemShape(s, nil)
		return pair{opaque{}, elem}, err
	},
})

// Index navigates to a position of a list, as a number, if it is there. Another
// position moves the element there, and those between shift.
func Index(index any) Nav { return opNamed("index").Of(index) }

// IndexedVals navigates to each element of a list as the list [position,
// element], with positions that count from start, 0 if it is left out. Another
// position moves the element; elements that come later are visited at the
// position that they have then. Void removes the element.
func IndexedVals(start ...any) Nav { return opNamed("indexedVals").Of(start...) }

type indexNav struct{ index operand }

func (n *indexNav) Select(e *Eval, at value.Value, next *Step) error {
	_, i, ok, err := n.where(e, at)
	if err != nil || !ok {
		return err
	}
	return next.Select(e, value.Int(i))
}

func (n *indexNav) where(e *Eval, at value.Value) (c coll, i int64, ok bool, err error) {
	if c, err = open(at, lists); err != nil {
		return c, 0, false, err
	}
	if i, err = e.integer(n.index); err != nil {
		return c, 0, false, err
	}
	size, err := c.size()
	return c, i, i >= 0 && i < size, err
}

func (n *indexNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, i, ok, err := n.where(e, at)
	if err != nil || !ok {
		return at, err
	}
	v, err := next.Transform(e, value.Int(i))
	if err != nil {
		return value.Nil, err
	}
	to, err := newIndex(v, 0)
	if err != nil {
		return value.Nil, err
	}
	size, err := c.size()
	switch {
	case err != nil:
		return value.Nil, err
	case to < 0 || to >= size:
		return value.Nil, outside(to, size)
	case to == i:
		return at, nil
	}
	elem, _, err := c.elem(i)
	if err != nil {
		return value.Nil, err
	}
	if elem, err = e.Plain(elem); err != nil { // before it leaves its place
		return value.Nil, err
	}
	if c.at, err = e.removeAt(c, i); err != nil {
		return value.Nil, err
	}
	return e.insert(c, to, elem)
}

// newIndex is the position that a transformed one stands for.
func newIndex(v value.Value, start int64) (int64, error) {
	if v.IsVoid() {
		return 0, fail(ErrType, "a position cannot be removed")
	}
	i, err := toInt(v)
	if err != nil {
		return 0, fail(ErrType, "a position became %s", brief(v))
	}
	return i - start, nil
}

type indexedNav struct{ start operand }

func (n *indexedNav) Select(e *Eval, at value.Value, next *Step) error {
	c, err := open(at, lists)
	if err != nil {
		return err
	}
	i, err := e.integer(n.start)
	if err != nil {
		return err
	}
	return c.each(func(_, v value.Value) error {
		e.note(v)
		err := next.Select(e, value.List(value.Int(i), v))
		i++
		return err
	})
}

func (n *indexedNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, err := open(at, lists)
	if err != nil {
		return value.Nil, err
	}
	start, err := e.integer(n.start)
	if err != nil {
		return value.Nil, err
	}
	size, err := c.size()
	if err != nil {
		return value.Nil, err
	}
	old, err := e.readSlice(c, 0, size)
	if err != nil {
		return value.Nil, err
	}
	r := reorder{elems: append([]value.Value(nil), old...), at: make([]int64, size)}
	for i := range r.at {
		r.at[i] = int64(i)
	}
	for i := range old {
		if err := r.step(e, i, start, next); err != nil {
			return value.Nil, err
		}
	}
	return e.splice(c, 0, old, value.List(r.elems...))
}

// reorder is a list whose elements are visited one after the other while they
// move.
type reorder struct {
	elems []value.Value
	at    []int64 // at[i] is where element i of the original list lies now
}

func (r *reorder) step(e *Eval, i int, start int64, next *Step) error {
	from := r.at[i]
	elem := r.elems[from]
	met := value.List(value.Int(start+from), elem)
	v, err := next.Transform(e, met)
	if err != nil || identical(v, met) {
		return err
	}
	if v.IsVoid() {
		r.move(i, from, -1)
		return nil
	}
	if v.Kind() != value.KindList || v.Len() != 2 {
		return fail(ErrType, "a position and element became %s, not a list of both", brief(v))
	}
	to, err := newIndex(v.Index(0), start)
	if err != nil {
		return err
	}
	if to < 0 || to >= int64(len(r.elems)) {
		return outside(to, int64(len(r.elems)))
	}
	r.elems[from] = v.Index(1)
	r.move(i, from, to)
	return nil
}

// move moves element i from a position to another one; -1 is out of the list.
func (r *reorder) move(i int, from, to int64) {
	elem := r.elems[from]
	r.elems = append(r.elems[:from], r.elems[from+1:]...)
	if to >= 0 {
		r.elems = append(r.elems, value.Nil)
		copy(r.elems[to+1:], r.elems[to:])
		r.elems[to] = elem
	}
	for j := i + 1; j < len(r.at); j++ {
		if r.at[j] > from {
			r.at[j]--
		}
		if to >= 0 && r.at[j] >= to {
			r.at[j]++
		}
	}
}
