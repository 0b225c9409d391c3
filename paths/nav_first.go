package paths

import (
	"unicode/utf8"

	"rama/engine/value"
)

var _ = define(Op{
	Name: "first", Aliases: []string{"FIRST"}, Code: 4,
	Doc:  "the first element of a list or set, entry of a map, or character of a string.",
	Link: func(l *Linker, _ []Argument) (*Step, error) { return l.Step(firstNav{}), nil },
	Check: func(_ *Checker, s Shape, _ []Argument) (Shape, error) {
		if p, ok := s.(pair); ok {
			return p.key, nil
		}
		return entryShape(s)
	},
})

var _ = define(Op{
	Name: "last", Aliases: []string{"LAST"}, Code: 5,
	Doc:  "the last element of a list or set, entry of a map, or character of a string.",
	Link: func(l *Linker, _ []Argument) (*Step, error) { return l.Step(firstNav{last: true}), nil },
	Check: func(_ *Checker, s Shape, _ []Argument) (Shape, error) {
		if p, ok := s.(pair); ok {
			return p.elem, nil
		}
		return entryShape(s)
	},
})

// First navigates to the first element of a list or set, to the first entry of a
// map as the list [key, value], or to the first character of a string. Nothing is
// reached where there is none. Void removes it.
func First() Nav { return opNamed("first").Of() }

// Last is First of the last element, entry or character.
func Last() Nav { return opNamed("last").Of() }

type firstNav struct{ last bool }

func (n firstNav) Select(e *Eval, at value.Value, next *Step) error {
	if at.Kind() == value.KindString {
		if _, c, _ := n.split(at.AsString()); c != "" {
			return next.Select(e, value.String(c))
		}
		return nil
	}
	c, err := open(at, collections)
	if err != nil {
		return err
	}
	k, v, ok, err := c.first(n.last)
	if err != nil || !ok {
		return err
	}
	return next.Select(e, e.location(c, k, v))
}

// location is what first and all navigate to: the element, or the entry of a map
// as a list.
func (e *Eval) location(c coll, k, v value.Value) value.Value {
	if c.kind != value.KindMap {
		return v
	}
	e.note(v)
	return value.List(k, v)
}

// split cuts the first or last character out of a string.
func (n firstNav) split(s string) (before, char, after string) {
	if n.last {
		_, w := utf8.DecodeLastRuneInString(s)
		return s[:len(s)-w], s[len(s)-w:], ""
	}
	_, w := utf8.DecodeRuneInString(s)
	return "", s[:w], s[w:]
}

func (n firstNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	if at.Kind() == value.KindString {
		return n.transformString(e, at, next)
	}
	c, err := open(at, collections)
	if err != nil {
		return value.Nil, err
	}
	k, v, ok, err := c.first(n.last)
	if err != nil || !ok {
		return at, err
	}
	old := e.location(c, k, v)
	now, err := next.Transform(e, old)
	if err != nil {
		return value.Nil, err
	}
	return e.replaceOne(c, k, v, old, now)
}

func (n firstNav) transformString(e *Eval, at value.Value, next *Step) (value.Value, error) {
	before, char, after := n.split(at.AsString())
	if char == "" {
		return at, nil
	}
	v, err := next.Transform(e, value.String(char))
	switch {
	case err != nil:
		return value.Nil, err
	case v.IsVoid():
		return value.String(before + after), nil
	case v.Kind() != value.KindString:
		return value.Nil, fail(ErrType, "a character of a string became %s", brief(v))
	}
	return value.String(before + v.AsString() + after), nil
}

// replaceOne returns the collection with the element v at k, which was met as
// old, replaced by now.
func (e *Eval) replaceOne(c coll, k, v, old, now value.Value) (value.Value, error) {
	if identical(old, now) && v.Kind() != value.KindHandle {
		return c.at, nil
	}
	switch c.kind {
	case value.KindList:
		if now.IsVoid() {
			return e.remove(c, k)
		}
		return e.put(c, k, now)
	case value.KindSet:
		return e.replaceElem(c, k, now)
	}
	nk, nv, err := e.splitEntry(k, v, old, now)
	if err != nil {
		return value.Nil, err
	}
	if nk.IsVoid() {
		return e.remove(c, k)
	}
	return e.rekey(c, k, v, nk, nv)
}

// replaceElem returns the set with element k replaced; void removes it.
func (e *Eval) replaceElem(c coll, k, now value.Value) (value.Value, error) {
	now, err := e.plainOrVoid(now)
	if err != nil {
		return value.Nil, err
	}
	if !now.IsVoid() && value.Equal(k, now) {
		return c.at, nil
	}
	at, err := e.remove(c, k)
	if err != nil || now.IsVoid() {
		return at, err
	}
	c.at = at
	return e.add(c, now)
}

func (e *Eval) plainOrVoid(v value.Value) (value.Value, error) {
	if v.IsVoid() {
		return v, nil
	}
	return e.Plain(v)
}

// rekey returns the map with the entry k, v replaced by nk, nv. It takes the
// place of whatever is at nk.
func (e *Eval) rekey(c coll, k, v, nk, nv value.Value) (value.Value, error) {
	nk, err := e.Plain(nk)
	if err != nil {
		return value.Nil, err
	}
	if nk = value.Canonical(nk); value.Equal(nk, k) {
		if identical(v, nv) && v.Kind() != value.KindHandle {
			return c.at, nil
		}
		return e.put(c, k, nv)
	}
	if nv, err = e.Plain(nv); err != nil { // before it leaves its place
		return value.Nil, err
	}
	if c.at, err = e.remove(c, k); err != nil {
		return value.Nil, err
	}
	return e.put(c, nk, nv)
}

// splitEntry takes an entry of a map, which was met as the list old, apart again.
// Void, null and a list without two elements drop the entry.
func (e *Eval) splitEntry(k, v, old, now value.Value) (nk, nv value.Value, err error) {
	if identical(old, now) {
		return k, v, nil
	}
	null, err := isNull(now)
	if err != nil || null {
		return value.Void, value.Void, err
	}
	if now.Kind() == value.KindHandle {
		if now, err = e.Plain(now); err != nil {
			return value.Void, value.Void, err
		}
	}
	if now.Kind() != value.KindList {
		return nk, nv, fail(ErrType, "an entry of a map became %s, not a list of key and value", brief(now))
	}
	switch n := now.Len(); {
	case n < 2:
		return value.Void, value.Void, nil
	case n > 2:
		return nk, nv, fail(ErrType, "an entry of a map became a list of %d", n)
	}
	return now.Index(0), now.Index(1), nil
}

// opNamed is the navigator of a name that is known to be there.
func opNamed(name string) *Op {
	op, ok := LookupOp(name)
	if !ok {
		panic("paths: no navigator " + name)
	}
	return op
}
