package paths

import (
	"rama/engine/value"
)

// Checker checks a path against a schema before it runs.
type Checker struct {
	o     CompileOptions
	reads bool // some structure kept apart is read whole
}

// path returns the shape of the locations that p reaches from one of shape s.
func (c *Checker) path(s Shape, p Path, prefix string) (Shape, error) {
	for i, n := range p {
		if s == nil {
			return nil, nil
		}
		next, err := c.nav(s, n, stepAt(prefix, i))
		if err != nil {
			return nil, locate(err, stepAt(prefix, i), n.op.Name)
		}
		s = next
	}
	return s, nil
}

// nav is path of one navigator. The paths among its arguments are checked from
// the same location; a branch says what is reached.
func (c *Checker) nav(s Shape, n Nav, at string) (Shape, error) {
	if n.op.Reads && s.Apart() && !c.sized(n) {
		c.reads = true
	}
	var reached Shape
	first := true
	merge := func(r Shape) {
		if first {
			reached, first = r, false
		} else if !sameShape(reached, r) {
			reached = nil
		}
	}
	if !n.op.Defines && !n.op.Terms { // where recur leads is not known here, nor what terms make
		for i, a := range n.args {
			if a.kind != argPath {
				continue
			}
			from, err := s, error(nil)
			if n.op.From != nil {
				if from, err = n.op.From(s); err != nil {
					return nil, err
				}
			}
			r, err := c.path(from, a.path, inner(n.op, at, i))
			if err != nil {
				return nil, err
			}
			if !n.op.closed(i, len(n.args)) {
				merge(r)
			} else if r != nil && r.Apart() {
				c.reads = true
			}
		}
	}
	if n.op.Flow == FlowBranch && !first {
		return reached, nil
	}
	if n.op.Flow == FlowFork {
		merge(s)
		return reached, nil
	}
	if n.op.Check == nil {
		return nil, nil
	}
	return n.op.Check(c, s, n.args)
}

// sized reports whether the function that reads the location takes a handle.
func (c *Checker) sized(n Nav) bool {
	for _, a := range n.args {
		if a.kind != argFunc {
			continue
		}
		f := a.fn
		if f.impl == nil {
			if f, _ = c.o.Funcs.Func(f.name); f == nil {
				return false
			}
		}
		return f.handles
	}
	return false
}

func sameShape(a, b Shape) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.String() == b.String() && a.Apart() == b.Apart()
}

// opaque is the shape of what lies inside a leaf, or was computed: anything, but
// nothing kept apart.
type opaque struct{}

func (opaque) Kind() value.Kind                { return value.KindVoid }
func (opaque) Elem(*value.Value) (Shape, bool) { return opaque{}, true }
func (opaque) Key() Shape                      { return opaque{} }
func (opaque) Apart() bool                     { return false }
func (opaque) String() string                  { return "value" }

// part is the shape of a part of a structure, read out of it.
type part struct{ Shape }

func (part) Apart() bool { return false }

// pair is the shape of an entry of a map: a list of key and value.
type pair struct{ key, elem Shape }

func (pair) Kind() value.Kind { return value.KindList }
func (p pair) Elem(key *value.Value) (Shape, bool) {
	if key != nil && key.Kind() == value.KindInt {
		switch key.AsInt() {
		case 0:
			return p.key, true
		case 1:
			return p.elem, true
		}
		return nil, false
	}
	return nil, true
}
func (pair) Key() Shape     { return opaque{} }
func (pair) Apart() bool    { return false }
func (pair) String() string { return "map entry" }

// wantShape checks that a location can be of one of the kinds.
func wantShape(s Shape, kinds ...value.Kind) error {
	if s.Kind() == value.KindVoid {
		return nil
	}
	for _, k := range kinds {
		if s.Kind() == k {
			return nil
		}
	}
	return fail(ErrSchema, "it works on a %s, and here is %s", kindList(kinds), s)
}

func kindList(kinds []value.Kind) string {
	text := kinds[0].String()
	for i, k := range kinds[1:] {
		if i == len(kinds)-2 {
			text += " or " + k.String()
		} else {
			text += ", " + k.String()
		}
	}
	return text
}

// elemShape is the shape of the element at a key; a nil key is any.
func elemShape(s Shape, key *value.Value) (Shape, error) {
	if s.Kind() == value.KindVoid {
		return opaque{}, nil
	}
	e, ok := s.Elem(key)
	if !ok && key != nil {
		return nil, fail(ErrSchema, "%s has no key %s", s, brief(*key))
	}
	if !ok {
		return nil, nil
	}
	return e, nil
}

// The checks that several navigators share.

// checkSame is the check of a navigator that stays at its location.
func checkSame(_ *Checker, s Shape, _ []Argument) (Shape, error) { return s, nil }

// checkOpaque is the check of a navigator that computes its location.
func checkOpaque(*Checker, Shape, []Argument) (Shape, error) { return opaque{}, nil }

// checkElem is the check of a navigator to elements of collections of the kinds.
func checkElem(kinds ...value.Kind) func(*Checker, Shape, []Argument) (Shape, error) {
	return func(_ *Checker, s Shape, _ []Argument) (Shape, error) {
		if err := wantShape(s, kinds...); err != nil {
			return nil, err
		}
		return elemShape(s, nil)
	}
}

// checkEntry is checkElem where the element of a map is its entry.
func checkEntry(_ *Checker, s Shape, _ []Argument) (Shape, error) { return entryShape(s) }

func entryShape(s Shape) (Shape, error) {
	if err := wantShape(s, value.KindList, value.KindSet, value.KindMap); err != nil {
		return nil, err
	}
	e, err := elemShape(s, nil)
	if s.Kind() == value.KindMap {
		return pair{s.Key(), e}, err
	}
	return e, err
}

// checkPart is the check of a navigator to parts of collections of a kind.
func checkPart(kind value.Kind) func(*Checker, Shape, []Argument) (Shape, error) {
	return func(_ *Checker, s Shape, _ []Argument) (Shape, error) {
		return part{s}, wantShape(s, kind)
	}
}

// checkTerm is the check of a term: nothing is reached.
func checkTerm(*Checker, Shape, []Argument) (Shape, error) { return nil, nil }
