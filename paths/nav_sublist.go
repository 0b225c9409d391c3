package paths

import (
	"rama/engine/value"
)

var _ = define(Op{
	Name: "sublist", Aliases: []string{"srange"}, Code: 30, Many: manyAlways,
	Params: []Param{{Name: "start", Kind: ParamValue}, {Name: "end", Kind: ParamValue}},
	Doc:    "the part of a list from start, exclusively to end, as one list.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		from, err := l.integer(args[0])
		if err != nil {
			return nil, err
		}
		to, err := l.integer(args[1])
		return l.Step(&sublistNav{func(e *Eval, _ coll, _ int64) (int64, int64, error) {
			i, err := e.integer(from)
			if err != nil {
				return 0, 0, err
			}
			j, err := e.integer(to)
			return i, j, err
		}}), err
	},
	Check: checkPart(value.KindList),
})

var _ = define(Op{
	Name: "sublistDynamic", Aliases: []string{"srange-dynamic"}, Code: 31, Many: manyAlways, Reads: true,
	Params: []Param{{Name: "start", Kind: ParamFunc}, {Name: "end", Kind: ParamFunc}},
	Doc:    "the part of a list from start(list), exclusively to end(list, start), as one list.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		start, err := l.function(args[0], 1)
		if err != nil {
			return nil, err
		}
		end, err := l.function(args[1], 2)
		return l.Step(&sublistNav{dynamicBounds(start, end)}), err
	},
	Check: checkPart(value.KindList),
})

var _ = define(Op{
	Name: "beginning", Aliases: []string{"BEGINNING"}, Code: 32,
	Doc:   "the empty list before a list: the list that it becomes is prepended.",
	Link:  func(l *Linker, _ []Argument) (*Step, error) { return l.Step(edge(false)), nil },
	Check: checkPart(value.KindList),
})

var _ = define(Op{
	Name: "end", Aliases: []string{"END"}, Code: 33,
	Doc:   "the empty list behind a list: the list that it becomes is appended.",
	Link:  func(l *Linker, _ []Argument) (*Step, error) { return l.Step(edge(true)), nil },
	Check: checkPart(value.KindList),
})

// Sublist navigates to the part of a list from position start, exclusively to
// end, as one list. Both positions must exist; equal ones name the empty list
// between two elements. The list that it becomes takes the place of the part,
// whatever its length; null and void take it away.
func Sublist(start, end any) Nav { return opNamed("sublist").Of(start, end) }

// SublistDynamic is Sublist with the positions start(list) and end(list, start).
func SublistDynamic(start, end any) Nav { return opNamed("sublistDynamic").Of(start, end) }

// Beginning navigates to the empty list before a list: the list that it becomes
// is prepended. Null becomes that list.
func Beginning() Nav { return opNamed("beginning").Of() }

// End navigates to the empty list behind a list: the list that it becomes is
// appended. Null becomes that list.
func End() Nav { return opNamed("end").Of() }

// sublistNav navigates to one part of a list, which bounds names; size is the
// list's length.
type sublistNav struct {
	bounds func(e *Eval, c coll, size int64) (from, to int64, err error)
}

func edge(last bool) *sublistNav {
	return &sublistNav{func(_ *Eval, _ coll, size int64) (int64, int64, error) {
		if last {
			return size, size, nil
		}
		return 0, 0, nil
	}}
}

func dynamicBounds(start, end *Func) func(e *Eval, c coll, size int64) (from, to int64, err error) {
	return func(e *Eval, c coll, _ int64) (from, to int64, err error) {
		s, err := e.call(start, nil, c.at, nil)
		if err != nil {
			return 0, 0, err
		}
		t, err := e.call(end, nil, c.at, []operand{{val: s, param: -1}})
		if err != nil {
			return 0, 0, err
		}
		if from, err = toInt(s); err != nil {
			return 0, 0, err
		}
		to, err = toInt(t)
		return from, to, err
	}
}

func (n *sublistNav) part(e *Eval, at value.Value) (c coll, from int64, part []value.Value, err error) {
	if c, err = open(at, lists); err != nil {
		return c, 0, nil, err
	}
	size, err := c.size()
	if err != nil {
		return c, 0, nil, err
	}
	from, to, err := n.bounds(e, c, size)
	if err != nil {
		return c, 0, nil, err
	}
	if from < 0 || to < from || to > size {
		return c, 0, nil, fail(ErrRange, "part [%d, %d) of a list of %d", from, to, size)
	}
	part, err = e.readSlice(c, from, to)
	return c, from, part, err
}

func (n *sublistNav) Select(e *Eval, at value.Value, next *Step) error {
	_, _, part, err := n.part(e, at)
	if err != nil {
		return err
	}
	return next.Select(e, value.List(part...))
}

func (n *sublistNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, from, part, err := n.part(e, at)
	if err != nil {
		return value.Nil, err
	}
	now, err := next.Transform(e, value.List(part...))
	if err != nil {
		return value.Nil, err
	}
	if now, err = e.asPart(now, value.KindList); err != nil {
		return value.Nil, err
	}
	return e.splice(c, from, part, now)
}
