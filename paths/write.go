package paths

import (
	"rama/engine/value"
)

// put returns the collection with the value v at key k: of a map, or of a list
// where k is a position. Null becomes a map.
func (e *Eval) put(c coll, k, v value.Value) (value.Value, error) {
	if c.kind == value.KindList {
		i, err := toInt(k)
		if err != nil {
			return value.Nil, err
		}
		return e.putAt(c, i, v)
	}
	if c.s != nil {
		v, err := e.stow(v)
		if err != nil {
			return value.Nil, err
		}
		return c.at, c.s.Put(k, v)
	}
	if v.Kind() == value.KindHandle {
		e.mixed = true
	}
	if c.kind == value.KindNil {
		return value.EmptyMap.With(k, v), nil
	}
	return c.at.With(k, v), nil
}

// putAt is put of a list: the position behind the last one appends.
func (e *Eval) putAt(c coll, i int64, v value.Value) (value.Value, error) {
	n, err := c.size()
	if err != nil {
		return value.Nil, err
	}
	if i < 0 || i > n {
		return value.Nil, outside(i, n)
	}
	if i == n {
		return e.insert(c, i, v)
	}
	if c.s != nil {
		v, err := e.stow(v)
		if err != nil {
			return value.Nil, err
		}
		return c.at, c.s.Put(value.Int(i), v)
	}
	e.note(v)
	return c.at.Splice(int(i), int(i)+1, v), nil
}

// note remembers that a plain collection holds a handle from now on.
func (e *Eval) note(v value.Value) {
	if v.Kind() == value.KindHandle {
		e.mixed = true
	}
}

func outside(i, n int64) error { return fail(ErrRange, "index %d of a list of %d", i, n) }

// remove returns the collection without key k, element k, or position k. What is
// not there stays away.
func (e *Eval) remove(c coll, k value.Value) (value.Value, error) {
	if c.kind == value.KindList {
		i, err := toInt(k)
		if err != nil {
			return value.Nil, err
		}
		return e.removeAt(c, i)
	}
	switch {
	case c.s != nil:
		return c.at, c.s.Remove(k)
	case c.kind == value.KindNil:
		return c.at, nil
	}
	return c.at.Without(k), nil
}

func (e *Eval) removeAt(c coll, i int64) (value.Value, error) {
	n, err := c.size()
	switch {
	case err != nil:
		return value.Nil, err
	case i < 0 || i >= n:
		return c.at, nil
	case c.s != nil:
		return c.at, c.s.Remove(value.Int(i))
	}
	return c.at.Splice(int(i), int(i)+1), nil
}

// insert returns the list with v before position i. Null becomes a list.
func (e *Eval) insert(c coll, i int64, v value.Value) (value.Value, error) {
	if c.s != nil {
		v, err := e.Plain(v)
		if err != nil {
			return value.Nil, err
		}
		return c.at, c.s.Insert(i, v)
	}
	e.note(v)
	if c.kind == value.KindNil {
		return value.List(v), nil
	}
	return c.at.Splice(int(i), int(i), v), nil
}

// add returns the set with an element. Null becomes a set.
func (e *Eval) add(c coll, v value.Value) (value.Value, error) {
	v, err := e.Plain(v)
	if err != nil {
		return value.Nil, err
	}
	v = value.Canonical(v)
	switch {
	case c.s != nil:
		return c.at, c.s.Put(v, v)
	case c.kind == value.KindNil:
		return value.Set(v), nil
	}
	return c.at.WithElem(v), nil
}
