package paths

import (
	"rama/engine/value"
)

func manyAlways([]Argument) bool { return true }

var _ = define(Op{
	Name: "all", Aliases: []string{"ALL"}, Code: 6, Many: manyAlways,
	Doc:   "each element of a list or set, each entry of a map as the list [key, value].",
	Link:  func(l *Linker, _ []Argument) (*Step, error) { return l.Step(allNav{}), nil },
	Check: checkEntry,
})

var _ = define(Op{
	Name: "mapVals", Aliases: []string{"MAP-VALS"}, Code: 7, Many: manyAlways,
	Doc:   "each value of a map.",
	Link:  func(l *Linker, _ []Argument) (*Step, error) { return l.Step(mapValsNav{}), nil },
	Check: checkElem(value.KindMap),
})

var _ = define(Op{
	Name: "mapKeys", Aliases: []string{"MAP-KEYS"}, Code: 8, Many: manyAlways,
	Doc:  "each key of a map.",
	Link: func(l *Linker, _ []Argument) (*Step, error) { return l.Step(mapKeysNav{}), nil },
	Check: func(_ *Checker, s Shape, _ []Argument) (Shape, error) {
		if err := wantShape(s, value.KindMap); err != nil || s.Kind() == value.KindVoid {
			return opaque{}, err
		}
		return s.Key(), nil
	},
})

// All navigates to each element of a list or set, in order, and to each entry of
// a map as the list [key, value]. Void removes an element. An entry may get
// another key; of equal keys the later one stays. An entry that becomes a list of
// fewer than two is removed.
func All() Nav { return opNamed("all").Of() }

// MapVals navigates to each value of a map. Void removes the entry.
func MapVals() Nav { return opNamed("mapVals").Of() }

// MapKeys navigates to each key of a map. Void removes the entry; of equal keys
// the later one stays.
func MapKeys() Nav { return opNamed("mapKeys").Of() }

type allNav struct{}

func (allNav) Select(e *Eval, at value.Value, next *Step) error {
	c, err := open(at, collections)
	if err != nil {
		return err
	}
	return c.each(func(k, v value.Value) error { return next.Select(e, e.location(c, k, v)) })
}

func (allNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, err := open(at, collections)
	if err != nil {
		return value.Nil, err
	}
	return e.rebuild(c, func(k, v value.Value) (value.Value, value.Value, error) {
		old := e.location(c, k, v)
		now, err := next.Transform(e, old)
		if err != nil || c.kind != value.KindMap {
			if c.kind == value.KindSet {
				k = now
			}
			return k, now, err
		}
		return e.splitEntry(k, v, old, now)
	})
}

type mapValsNav struct{}

func (mapValsNav) Select(e *Eval, at value.Value, next *Step) error {
	c, err := open(at, maps)
	if err != nil {
		return err
	}
	return c.each(func(_, v value.Value) error { return next.Select(e, v) })
}

func (mapValsNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, err := open(at, maps)
	if err != nil {
		return value.Nil, err
	}
	return e.rebuild(c, func(k, v value.Value) (value.Value, value.Value, error) {
		now, err := next.Transform(e, v)
		return k, now, err
	})
}

type mapKeysNav struct{}

func (mapKeysNav) Select(e *Eval, at value.Value, next *Step) error {
	c, err := open(at, maps)
	if err != nil {
		return err
	}
	return c.each(func(k, _ value.Value) error { return next.Select(e, k) })
}

func (mapKeysNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, err := open(at, maps)
	if err != nil {
		return value.Nil, err
	}
	return e.rebuild(c, func(k, v value.Value) (value.Value, value.Value, error) {
		now, err := next.Transform(e, k)
		return now, v, err
	})
}
