package paths

import (
	"rama/engine/value"
)

// coll is a location seen as a collection, wherever its elements lie. All
// navigators look at and change collections through coll and the Eval's
// functions on it, here and in write.go, rebuild.go and span.go, and so mean the
// same on a value in memory, on an encoded one, and on a structure kept apart.
type coll struct {
	at   value.Value // as it was met: null, void, a plain value or a handle
	kind value.Kind  // KindNil, KindList, KindSet, KindMap; or that of a scalar
	s    Stored      // the structure kept apart; nil: plain
}

// kinds a navigator may work on.
type kindSet uint8

const (
	lists kindSet = 1 << iota
	sets
	maps
	collections = lists | sets | maps
)

func (k kindSet) has(kind value.Kind) bool {
	switch kind {
	case value.KindNil:
		return true
	case value.KindList:
		return k&lists != 0
	case value.KindSet:
		return k&sets != 0
	case value.KindMap:
		return k&maps != 0
	}
	return false
}

func (k kindSet) String() string {
	var all []value.Kind
	for _, kind := range []value.Kind{value.KindList, value.KindSet, value.KindMap} {
		if k.has(kind) {
			all = append(all, kind)
		}
	}
	return kindList(all)
}

// open looks at a location as a collection of one of the kinds. Null and void
// are an empty one of whatever kind.
func open(at value.Value, want kindSet) (coll, error) {
	c := coll{at: at, kind: at.Kind()}
	switch c.kind {
	case value.KindVoid:
		c.kind = value.KindNil
	case value.KindHandle:
		s, err := stored(at)
		if err != nil {
			return c, err
		}
		c.s, c.kind = s, s.HandleKind()
	}
	if !want.has(c.kind) {
		return c, fail(ErrType, "it works on a %s, and here is %s", want, brief(at))
	}
	return c, nil
}

// size is the number of elements or pairs.
func (c coll) size() (int64, error) {
	if c.s != nil {
		return c.s.Len()
	}
	if c.kind == value.KindNil {
		return 0, nil
	}
	return int64(c.at.Len()), nil
}

// get returns the value at a canonical key of a map, the element at a position
// of a list, or an element of a set itself. Of a handle that is returned it is
// not known whether it is there; see has.
func (c coll) get(k value.Value) (value.Value, bool, error) {
	if c.kind == value.KindList {
		i, err := toInt(k)
		if err != nil {
			return value.Nil, false, err
		}
		return c.elem(i)
	}
	switch {
	case c.s != nil:
		return c.s.Get(k)
	case c.kind == value.KindMap:
		v, ok := c.at.Get(k)
		return v, ok, nil
	case c.kind == value.KindSet:
		return k, c.at.Has(k), nil
	}
	return value.Nil, false, nil
}

// elem returns element i of a list.
func (c coll) elem(i int64) (value.Value, bool, error) {
	n, err := c.size()
	if err != nil || i < 0 || i >= n {
		return value.Nil, false, err
	}
	if c.s != nil {
		return c.s.Get(value.Int(i))
	}
	return c.at.Index(int(i)), true, nil
}

// has is get of what is there.
func (c coll) has(k value.Value) (value.Value, bool, error) {
	v, ok, err := c.get(k)
	if err != nil || !ok || v.Kind() != value.KindHandle || c.s == nil {
		return v, ok, err
	}
	ok, err = c.s.Has(k)
	return v, ok, err
}

// each calls fn for the elements in order: of a map with key and value, of a set
// with the element twice, of a list with position and element. fn must not
// change the collection.
func (c coll) each(fn func(k, v value.Value) error) error {
	return c.walk(func(k, v value.Value) (bool, error) { return true, fn(k, v) })
}

// walk is each until fn returns false.
func (c coll) walk(fn func(k, v value.Value) (bool, error)) error {
	if c.s != nil {
		return c.s.Scan(Range{}, fn)
	}
	switch c.kind {
	case value.KindMap:
		for k, v := range c.at.Pairs() {
			if more, err := fn(k, v); err != nil || !more {
				return err
			}
		}
	case value.KindSet, value.KindList:
		i := int64(0)
		for v := range c.at.All() {
			k := v
			if c.kind == value.KindList {
				k = value.Int(i)
			}
			if more, err := fn(k, v); err != nil || !more {
				return err
			}
			i++
		}
	}
	return nil
}

// first returns the first element, or with last the last one.
func (c coll) first(last bool) (k, v value.Value, ok bool, err error) {
	if c.s != nil {
		err = c.s.Scan(Range{Limit: 1, Reverse: last}, func(key, val value.Value) (bool, error) {
			k, v, ok = key, val, true
			return false, nil
		})
		return k, v, ok, err
	}
	n, _ := c.size()
	if n == 0 {
		return k, v, false, nil
	}
	i := 0
	if last {
		i = int(n) - 1
	}
	if c.kind == value.KindMap {
		k, v = c.at.Pair(i)
		return k, v, true, nil
	}
	v = c.at.Index(i)
	if k = v; c.kind == value.KindList {
		k = value.Int(int64(i))
	}
	return k, v, true, nil
}

// identical reports whether a and b are one and the same: the same scalar, or
// the same bytes or elements in memory. Equal values need not be.
func identical(a, b value.Value) bool { return a == b }
