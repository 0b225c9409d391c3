package paths

import (
	"rama/engine/value"
)

// The navigators of substructures take a part out of a collection, as a plain
// collection of its own, and put what it became in its place. Here are the two
// halves, for parts of maps and sets and for parts of lists.

// readRange returns the elements in r as a plain map or set with the sorted
// mark. kind is what null is taken for.
func (e *Eval) readRange(c coll, kind value.Kind, r Range) (value.Value, error) {
	b := value.NewBuilder(kind, 0)
	take := func(k, v value.Value) (bool, error) {
		if kind == value.KindMap {
			e.note(v)
			b.Put(k, v)
		} else {
			b.Add(v)
		}
		return true, nil
	}
	var err error
	if c.s != nil {
		err = c.s.Scan(r, func(k, v value.Value) (bool, error) {
			if err := e.spend(1); err != nil {
				return false, err
			}
			return take(k, v)
		})
	} else {
		err = scanPlain(c, r, take)
	}
	return b.Done().AsSorted(true), err
}

// scanPlain is Stored.Scan of a plain map or set.
func scanPlain(c coll, r Range, fn func(k, v value.Value) (bool, error)) error {
	var ring []entry // of a reversed range, its last elements
	n := int64(0)
	err := c.walk(func(k, v value.Value) (bool, error) {
		if r.below(k) {
			return true, nil
		}
		if r.above(k) || (!r.Reverse && r.Limit > 0 && n == r.Limit) {
			return false, nil
		}
		n++
		if !r.Reverse {
			return fn(k, v)
		}
		if r.Limit > 0 && int64(len(ring)) == r.Limit {
			ring[(n-1)%r.Limit] = entry{k, v}
		} else {
			ring = append(ring, entry{k, v})
		}
		return true, nil
	})
	for range ring {
		n--
		en := ring[n%int64(len(ring))]
		if err != nil {
			break
		}
		more := false
		if more, err = fn(en.k, en.v); !more {
			break
		}
	}
	return err
}

// below and above say whether a key lies on that side of the range.
func (r Range) below(k value.Value) bool {
	if !r.HasLo {
		return false
	}
	d := value.Compare(k, r.Lo)
	return d < 0 || (d == 0 && r.LoExclusive)
}

func (r Range) above(k value.Value) bool {
	if !r.HasHi {
		return false
	}
	d := value.Compare(k, r.Hi)
	return d > 0 || (d == 0 && !r.HiInclusive)
}

// asPart checks that what a part became can take its place: a collection of the
// kind, or nothing.
func (e *Eval) asPart(v value.Value, kind value.Kind) (value.Value, error) {
	null, err := isNull(v)
	switch {
	case err != nil:
		return value.Nil, err
	case null:
		return emptyOf(kind), nil
	case v.Kind() == value.KindHandle:
		if v, err = e.Plain(v); err != nil {
			return value.Nil, err
		}
	}
	if v.Kind() != kind {
		return value.Nil, fail(ErrType, "a part of a %s became %s", kind, brief(v))
	}
	return v, nil
}

func emptyOf(kind value.Kind) value.Value {
	switch kind {
	case value.KindMap:
		return value.EmptyMap
	case value.KindSet:
		return value.EmptySet
	}
	return value.EmptyList
}

// entries returns the elements of a plain map or set.
func entries(v value.Value) []entry {
	out := make([]entry, 0, v.Len())
	c := coll{at: v, kind: v.Kind()}
	_ = c.each(func(k, v value.Value) error { out = append(out, entry{k, v}); return nil })
	return out
}

// writePart returns the map or set c with the part old, which was read out of
// it, replaced by now. all, if it is there, is a range that holds just old.
func (e *Eval) writePart(c coll, old, now value.Value, all *Range) (value.Value, error) {
	if identical(old, now) && !e.holdsHandle(now) {
		return c.at, nil
	}
	before, after := entries(old), entries(now)
	if c.s == nil {
		if len(before) == 0 && len(after) == 0 {
			return c.at, nil
		}
		return e.mergePlain(c, before, after, old.Kind()), nil
	}
	if len(after) == 0 && len(before) > 0 && all != nil {
		return c.at, c.s.RemoveRange(*all)
	}
	return c.at, e.mergeStored(c, before, after)
}

// mergePlain returns c without the entries before and with the entries after.
func (e *Eval) mergePlain(c coll, before, after []entry, kind value.Kind) value.Value {
	b := value.NewBuilder(kind, 0)
	add := func(k, v value.Value) {
		if e.note(v); kind == value.KindMap {
			b.Put(k, v)
		} else {
			b.Add(k)
		}
	}
	i := 0
	_ = c.each(func(k, v value.Value) error {
		for i < len(before) && value.Compare(before[i].k, k) < 0 {
			i++
		}
		if i == len(before) || !value.Equal(before[i].k, k) {
			add(k, v)
		}
		return nil
	})
	for _, en := range after {
		add(en.k, en.v)
	}
	return b.Done().AsSorted(c.at.Sorted())
}

// mergeStored writes the difference between before and after. What is to lie at
// another key than where it was read is read whole first, while it is there.
func (e *Eval) mergeStored(c coll, before, after []entry) error {
	same := func(i, j int) bool { return value.Equal(before[i].k, after[j].k) }
	i := 0
	for j := range after {
		for i < len(before) && value.Compare(before[i].k, after[j].k) < 0 {
			i++
		}
		if i < len(before) && same(i, j) && identical(before[i].v, after[j].v) {
			continue
		}
		v, err := e.Plain(after[j].v)
		if err != nil {
			return err
		}
		after[j].v = v
	}
	j := 0
	for i := range before {
		for j < len(after) && value.Compare(after[j].k, before[i].k) < 0 {
			j++
		}
		if j < len(after) && same(i, j) {
			continue
		}
		if err := c.s.Remove(before[i].k); err != nil {
			return err
		}
	}
	i = 0
	for j := range after {
		for i < len(before) && value.Compare(before[i].k, after[j].k) < 0 {
			i++
		}
		there := i < len(before) && same(i, j)
		if there && (c.kind == value.KindSet || (identical(before[i].v, after[j].v) && after[j].v.Kind() != value.KindHandle)) {
			continue
		}
		if err := c.s.Put(after[j].k, after[j].v); err != nil {
			return err
		}
	}
	return nil
}

// readSlice returns the elements [from, to) of a list.
func (e *Eval) readSlice(c coll, from, to int64) ([]value.Value, error) {
	if from == to {
		return nil, nil
	}
	out := make([]value.Value, 0, min(to-from, 1024))
	take := func(v value.Value) { e.note(v); out = append(out, v) }
	if c.s != nil {
		r := Range{Lo: value.Int(from), HasLo: true, Hi: value.Int(to), HasHi: true}
		err := c.s.Scan(r, func(_, v value.Value) (bool, error) {
			take(v)
			return true, e.spend(1)
		})
		return out, err
	}
	i := int64(0)
	for v := range c.at.All() {
		if i >= to {
			break
		}
		if i >= from {
			take(v)
		}
		i++
	}
	return out, nil
}

// splice returns the list with its elements old, which begin at position from,
// replaced by now. Null becomes a list if there is anything to put.
func (e *Eval) splice(c coll, from int64, old []value.Value, now value.Value) (value.Value, error) {
	elems := now.Elems()
	if c.s == nil {
		if len(old) == 0 && len(elems) == 0 || sameElems(old, elems) {
			return c.at, nil
		}
		for _, v := range elems {
			e.note(v)
		}
		if c.kind == value.KindNil {
			return value.List(elems...), nil
		}
		return c.at.Splice(int(from), int(from)+len(old), elems...), nil
	}
	return c.at, e.spliceStored(c.s, from, old, elems)
}

func sameElems(a, b []value.Value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !identical(a[i], b[i]) {
			return false
		}
	}
	return true
}

// spliceStored puts elements in place as far as both reach, and removes or
// inserts the rest, before the elements at the end that stay what they are.
func (e *Eval) spliceStored(s Stored, from int64, old, elems []value.Value) error {
	now := append([]value.Value(nil), elems...)
	for len(old) != len(now) && len(old) > 0 && len(now) > 0 {
		last := now[len(now)-1]
		if !identical(last, old[len(old)-1]) || last.Kind() == value.KindHandle {
			break
		}
		old, now = old[:len(old)-1], now[:len(now)-1]
	}
	for i, v := range now { // read whole what moves, while it is there
		if i < len(old) && identical(v, old[i]) {
			continue
		}
		var err error
		if now[i], err = e.Plain(v); err != nil {
			return err
		}
	}
	for i := range min(len(old), len(now)) {
		if err := e.putChanged(s, from+int64(i), old[i], now[i]); err != nil {
			return err
		}
	}
	for i := len(old); i < len(now); i++ {
		if err := s.Insert(from+int64(i), now[i]); err != nil {
			return err
		}
	}
	for i := len(old) - 1; i >= len(now); i-- {
		if err := s.Remove(value.Int(from + int64(i))); err != nil {
			return err
		}
	}
	return nil
}
