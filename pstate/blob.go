package pstate

import (
	"fmt"

	"rama/engine/value"
	"rama/paths"
)

// blob is the handle of a collection that lies in one record but holds marks of
// structures stored apart. Writes alter the collection in memory; the record is
// written when the handle is put back into the structure around it, once,
// however many writes there were.
//
// A list keeps its elements as pairs [id, element] (layout.go).
type blob struct {
	value.HandleBox
	a     *access
	n     *node
	in    container
	key   value.Value
	keys  []byte      // the path of this location
	val   value.Value // the collection, with Ref for what is stored apart
	dirty bool
}

func (b *blob) HandleKind() value.Kind { return b.n.schema.valueKind() }
func (b *blob) Exists() (bool, error)  { return true, nil }
func (b *blob) Len() (int64, error)    { return int64(b.val.Len()), nil }

// below is the path of what lies at key.
func (b *blob) below(key value.Value) []byte {
	if b.n.schema.kind == kindFixed {
		return b.keys
	}
	return value.AppendKey(b.keys[:len(b.keys):len(b.keys)], key)
}

func (b *blob) isList() bool { return b.n.schema.kind == kindList }

func (b *blob) Get(key value.Value) (value.Value, bool, error) {
	if b.isList() {
		i, ok := position(key, b.val.Len())
		if !ok {
			return value.Nil, false, nil
		}
		return b.elem(i), true, nil
	}
	c := b.n.child(key)
	if c == nil {
		return value.Nil, false, nil
	}
	v, ok := b.val.Get(key)
	if !ok && !c.apart() {
		return value.Nil, false, nil
	}
	return b.a.locate(b, c, key, b.below(key), v), true, nil
}

// Has reports whether a key is there.
func (b *blob) Has(key value.Value) (bool, error) {
	if b.isList() {
		_, ok := position(key, b.val.Len())
		return ok, nil
	}
	return b.val.Has(key), nil
}

// elem is element i of a list as navigators see it; its key is its position.
func (b *blob) elem(i int) value.Value {
	pair := b.val.Index(i)
	id := pair.Index(0)
	return b.a.locate(b, b.n.elem, value.Int(int64(i)), b.below(id), pair.Index(1))
}

func position(key value.Value, n int) (int, bool) {
	if key.Kind() != value.KindInt || key.AsInt() < 0 || key.AsInt() >= int64(n) {
		return 0, false
	}
	return int(key.AsInt()), true
}

func (b *blob) Scan(r paths.Range, fn func(key, v value.Value) (bool, error)) error {
	n := b.val.Len()
	seen := int64(0)
	for j := range n {
		i := j
		if r.Reverse {
			i = n - 1 - j
		}
		key := value.Int(int64(i))
		if !b.isList() {
			key, _ = b.val.Pair(i)
		}
		if !within(r, key) {
			continue
		}
		if r.Limit > 0 && seen == r.Limit {
			break
		}
		seen++
		v, _, err := b.Get(key)
		if err != nil {
			return err
		}
		if more, err := fn(key, v); err != nil || !more {
			return err
		}
	}
	return nil
}

// within reports whether key lies between the bounds of r.
func within(r paths.Range, key value.Value) bool {
	if r.HasLo {
		if c := value.Compare(key, r.Lo); c < 0 || (c == 0 && r.LoExclusive) {
			return false
		}
	}
	if r.HasHi {
		if c := value.Compare(key, r.Hi); c > 0 || (c == 0 && !r.HiInclusive) {
			return false
		}
	}
	return true
}

func (b *blob) Put(key, v value.Value) error {
	if _, err := b.a.writer(); err != nil {
		return err
	}
	c, err := b.a.p.childFor(b, b.n, key)
	if err != nil {
		return err
	}
	if b.isList() {
		return b.putElem(key, v)
	}
	stored, changed, err := b.a.p.storedValue(b.a, b, c, key, b.below(key), v)
	if err != nil || !changed && b.val.Has(key) {
		return err
	}
	if !changed { // nothing was there and nothing came: the key has null now
		stored = value.Nil
	}
	b.val = b.val.With(key, stored)
	b.dirty = true
	return nil
}

func (b *blob) putElem(key, v value.Value) error {
	i, ok := position(key, b.val.Len())
	if !ok {
		return fmt.Errorf("%w: position %s of a list of %d", paths.ErrRange, key, b.val.Len())
	}
	id := b.val.Index(i).Index(0)
	stored, changed, err := b.a.p.storedValue(b.a, b, b.n.elem, key, b.below(id), v)
	if err != nil || !changed {
		return err
	}
	b.val = b.val.Splice(i, i+1, value.List(id, stored))
	b.dirty = true
	return nil
}

func (b *blob) Remove(key value.Value) error {
	if _, err := b.a.writer(); err != nil {
		return err
	}
	if b.isList() {
		i, ok := position(key, b.val.Len())
		if !ok {
			return fmt.Errorf("%w: position %s of a list of %d", paths.ErrRange, key, b.val.Len())
		}
		if err := b.a.p.deleteBelow(b.a, b.n.elem, b.below(b.val.Index(i).Index(0))); err != nil {
			return err
		}
		b.val = b.val.Splice(i, i+1)
		b.dirty = true
		return nil
	}
	if !b.val.Has(key) {
		return nil
	}
	if c := b.n.child(key); c != nil {
		if err := b.a.p.deleteBelow(b.a, c, b.below(key)); err != nil {
			return err
		}
	}
	b.val = b.val.Without(key)
	b.dirty = true
	return nil
}

func (b *blob) RemoveRange(r paths.Range) error {
	var keys []value.Value
	err := b.Scan(r, func(k, _ value.Value) (bool, error) { keys = append(keys, k); return true, nil })
	for i := range keys {
		k := keys[i]
		if b.isList() && !r.Reverse { // from the end, so that positions hold
			k = keys[len(keys)-1-i]
		}
		if err == nil {
			err = b.Remove(k)
		}
	}
	return err
}

func (b *blob) Insert(i int64, v value.Value) error {
	if _, err := b.a.writer(); err != nil {
		return err
	}
	if !b.isList() {
		return fmt.Errorf("%w: insertion into a %s", paths.ErrType, b.HandleKind())
	}
	if i < 0 || i > int64(b.val.Len()) {
		return fmt.Errorf("%w: position %d of a list of %d", paths.ErrRange, i, b.val.Len())
	}
	id, err := b.a.p.newID(b.a)
	if err != nil {
		return err
	}
	stored, _, err := b.a.p.storedValue(b.a, nil, b.n.elem, value.Nil, b.below(id), v)
	if err != nil {
		return err
	}
	b.val = b.val.Splice(int(i), int(i), value.List(id, stored))
	b.dirty = true
	return nil
}
