package pstate

import (
	"fmt"

	"rama/engine"
	"rama/engine/value"
	"rama/paths"
)

// The operations of a handle on a list whose elements are stored apart.

// id is the id of the element at a position.
func (l *list) id(key value.Value) (uint64, bool, error) {
	t, err := l.open()
	if err != nil {
		return 0, false, err
	}
	i, ok := position(key, int(t.count))
	if !ok {
		return 0, false, nil
	}
	way, err := t.find(int64(i))
	if err != nil {
		return 0, false, err
	}
	leaf := way[len(way)-1]
	return leaf.p.ids[leaf.at], true, nil
}

func (l *list) must(key value.Value) (uint64, error) {
	id, ok, err := l.id(key)
	if err == nil && !ok {
		n, _ := l.size()
		err = fmt.Errorf("%w: position %s of a list of %d", paths.ErrRange, key, n)
	}
	return id, err
}

// below is the path of what lies in the element with the id.
func (l *list) belowID(id uint64) []byte {
	keys := l.h().keys()
	return value.AppendKey(keys[:len(keys):len(keys)], value.Int(int64(id)))
}

func (l *list) mark(key value.Value) (value.Value, bool, error) {
	id, ok, err := l.id(key)
	if err != nil || !ok {
		return value.Nil, false, err
	}
	return l.a.record(l.h().recordKey(value.Int(int64(id))))
}

func (l *list) get(key value.Value) (value.Value, bool, error) {
	id, ok, err := l.id(key)
	if err != nil || !ok {
		return value.Nil, false, err
	}
	v, ok, err := l.a.record(l.h().recordKey(value.Int(int64(id))))
	if err != nil {
		return value.Nil, false, err
	}
	if !ok {
		return value.Nil, false, fmt.Errorf("%w: element %d of a list is missing", value.ErrCorrupt, id)
	}
	return l.a.locate(l.h(), l.n.elem, key, l.belowID(id), v), true, nil
}

// scan visits positions in r. Elements that were appended one after the other
// lie one behind the other, so one iterator mostly has to step.
func (l *list) scan(r paths.Range, fn func(key, v value.Value) (bool, error)) (err error) {
	t, err := l.open()
	if err != nil {
		return err
	}
	lo, hi := positions(r, t.count)
	it := l.a.iter(value.AppendKey(concat(l.prefix), value.Int(0)), engine.PrefixEnd(nil, l.prefix))
	defer func() {
		if cerr := it.Close(); err == nil {
			err = cerr
		}
	}()
	step, from := int64(1), lo
	if r.Reverse {
		step, from = -1, hi-1
	}
	n := hi - lo
	if r.Limit > 0 {
		n = min(n, r.Limit)
	}
	var way []treeStep
	for i := from; n > 0; n-- {
		if way, err = t.advance(way, i, step); err != nil {
			return err
		}
		leaf := way[len(way)-1]
		v, err := l.elem(it, leaf.p.ids[leaf.at], step)
		if err != nil {
			return err
		}
		key := value.Int(i)
		v = l.a.locate(l.h(), l.n.elem, key, l.belowID(leaf.p.ids[leaf.at]), v)
		if more, err := fn(key, v); err != nil || !more {
			return err
		}
		i += step
	}
	return nil
}

// advance moves the way by a step within its leaf, or finds position i anew.
func (t *tree) advance(way []treeStep, i, step int64) ([]treeStep, error) {
	if way != nil {
		leaf := &way[len(way)-1]
		leaf.at += int(step)
		if leaf.at >= 0 && leaf.at < len(leaf.p.ids) {
			return way, nil
		}
		for number := range t.pages { // a scan of a large list must not keep it
			delete(t.pages, number)
		}
	}
	return t.find(i)
}

// elem reads the element with the id through an iterator that stands anywhere.
func (l *list) elem(it engine.Iterator, id uint64, step int64) (value.Value, error) {
	want := l.h().recordKey(value.Int(int64(id)))
	if it.Valid() {
		if step > 0 {
			it.Next()
		} else {
			it.Prev()
		}
	}
	if !it.Valid() || string(it.Key()) != string(want) {
		if !it.SeekGE(want) || string(it.Key()) != string(want) {
			if err := it.Error(); err != nil {
				return value.Nil, err
			}
			return value.Nil, fmt.Errorf("%w: element %d of a list is missing", value.ErrCorrupt, id)
		}
	}
	return view(l.a.keep(it.Value()))
}

// positions are the positions [lo, hi) of a list of n elements that lie in r.
func positions(r paths.Range, n int64) (lo, hi int64) {
	hi = n
	if r.HasLo && r.Lo.Kind() == value.KindInt {
		if lo = r.Lo.AsInt(); r.LoExclusive {
			lo++
		}
	}
	if r.HasHi && r.Hi.Kind() == value.KindInt {
		if hi = r.Hi.AsInt(); r.HiInclusive {
			hi++
		}
	}
	lo, hi = max(lo, 0), min(hi, n)
	return lo, max(lo, hi)
}

func (l *list) put(key, v value.Value) error {
	id, err := l.must(key)
	if err != nil {
		return err
	}
	return l.putID(id, key, v)
}

func (l *list) putID(id uint64, key, v value.Value) error {
	rec, changed, err := l.a.p.stored(l.a, l.h(), l.n.elem, key, l.belowID(id), v)
	if err != nil || !changed {
		return err
	}
	l.grew = true
	return l.a.w.Put(l.h().recordKey(value.Int(int64(id))), rec)
}

func (l *list) insert(i int64, v value.Value) error {
	t, err := l.open()
	if err != nil {
		return err
	}
	if i < 0 || i > t.count {
		return fmt.Errorf("%w: position %d of a list of %d", paths.ErrRange, i, t.count)
	}
	id := t.nextID
	t.nextID++
	rec, _, err := l.a.p.stored(l.a, nil, l.n.elem, value.Nil, l.belowID(id), v)
	if err != nil {
		return err
	}
	if err := t.insert(i, id); err != nil {
		return err
	}
	if err := t.save(); err != nil {
		return err
	}
	l.grew = true
	return l.a.w.Put(l.h().recordKey(value.Int(int64(id))), rec)
}

// push appends v.
func (l *list) push(v value.Value) error {
	n, err := l.size()
	if err != nil {
		return err
	}
	return l.insert(n, v)
}

func (l *list) remove(key value.Value) error {
	if _, err := l.must(key); err != nil {
		return err
	}
	t, err := l.open()
	if err != nil {
		return err
	}
	id, err := t.remove(key.AsInt())
	if err != nil {
		return err
	}
	if err := l.a.p.deleteBelow(l.a, l.n.elem, l.belowID(id)); err != nil {
		return err
	}
	if err := t.save(); err != nil {
		return err
	}
	return l.a.w.Delete(l.h().recordKey(value.Int(int64(id))))
}

// removeRange removes the positions in r: all of them at once where r holds the
// whole list, one by one otherwise.
func (l *list) removeRange(r paths.Range) error {
	t, err := l.open()
	if err != nil || t.count == 0 {
		return err
	}
	lo, hi := positions(r, t.count)
	if n := hi - lo; r.Limit > 0 && n > r.Limit {
		if r.Reverse {
			lo = hi - r.Limit
		} else {
			hi = lo + r.Limit
		}
	}
	if lo == 0 && hi == t.count {
		return l.clear(t.nextID)
	}
	for i := hi - 1; i >= lo; i-- {
		if err := l.remove(value.Int(i)); err != nil {
			return err
		}
	}
	return nil
}

// clear empties the list. Ids go on where they were, so that no old one returns.
func (l *list) clear(nextID uint64) error {
	if err := l.a.p.deleteBelow(l.a, l.n, l.h().keys()); err != nil {
		return err
	}
	t, err := l.open()
	if err != nil {
		return err
	}
	t.nextID = nextID
	return t.save()
}
