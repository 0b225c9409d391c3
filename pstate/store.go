package pstate

import (
	"rama/engine"
	"rama/engine/value"
	"rama/paths"
)

// What a write turns a value into: the record that stands at the location, and
// records elsewhere for the structures that are stored apart.

// childFor is the node at key of a structure, or the violation that there is
// none.
func (p *Partition) childFor(in container, n *node, key value.Value) (*node, error) {
	if n.schema.kind == kindList {
		return n.elem, nil
	}
	if _, err := n.schema.elemFor(key); err != nil {
		return nil, p.violation(in, err)
	}
	return n.child(key), nil
}

// stored is storedValue, encoded.
func (p *Partition) stored(a *access, in container, c *node, key value.Value, keys []byte, v value.Value) (rec []byte, changed bool, err error) {
	s, changed, err := p.storedValue(a, in, c, key, keys, v)
	if err != nil || !changed {
		return nil, changed, err
	}
	return value.Append(nil, s), true, nil
}

// storedValue is what stands for v in the structure around it, at node c and
// path keys; what of v is stored apart is written. changed is false where v is
// the handle that Get of in gave for key and nothing was written through it.
func (p *Partition) storedValue(a *access, in container, c *node, key value.Value, keys []byte, v value.Value) (s value.Value, changed bool, err error) {
	if in != nil {
		if h, same := handleOf(v, in, key); same {
			return keptValue(h)
		}
	}
	if v, err = a.plain(v); err != nil {
		return value.Nil, false, err
	}
	if err := c.schema.check(v, p.def.deepChecks); err != nil {
		if in != nil {
			err = err.below(keyName(key))
		}
		return value.Nil, false, p.violation(in, err)
	}
	if len(c.below) == 0 {
		return v, true, nil
	}
	if err := p.deleteBelow(a, c, keys); err != nil {
		return value.Nil, false, err
	}
	s, err = p.write(a, c, keys, v)
	return s, true, err
}

func keptValue(h value.Handle) (s value.Value, changed bool, err error) {
	switch h := h.(type) {
	case *apart:
		return value.Ref, h.grew && h.exists != existsYes, nil
	case *blob:
		return h.val, h.dirty, nil
	}
	return value.Nil, false, nil
}

// write stores the plain value v, which fits the schema, at node n and path
// keys, where nothing is stored, and returns what stands for it in the structure
// around it.
func (p *Partition) write(a *access, n *node, keys []byte, v value.Value) (value.Value, error) {
	switch {
	case v.IsNil() || len(n.below) == 0:
		return v, nil
	case n.apart():
		return value.Ref, p.writeApart(a, n, keys, v)
	case n.schema.kind == kindList:
		b := value.NewBuilder(value.KindList, v.Len())
		for e := range v.All() {
			id, err := p.newID(a)
			if err != nil {
				return value.Nil, err
			}
			s, err := p.write(a, n.elem, value.AppendKey(keys[:len(keys):len(keys)], id), e)
			if err != nil {
				return value.Nil, err
			}
			b.Add(value.List(id, s))
		}
		return b.Done(), nil
	}
	b := value.NewBuilder(value.KindMap, v.Len())
	for k, e := range v.Pairs() {
		s, err := p.write(a, n.child(k), p.childKeys(n, keys, k), e)
		if err != nil {
			return value.Nil, err
		}
		b.Put(k, s)
	}
	return b.Done(), nil
}

func (p *Partition) childKeys(n *node, keys []byte, k value.Value) []byte {
	if n.schema.kind == kindFixed {
		return keys
	}
	return value.AppendKey(keys[:len(keys):len(keys)], k)
}

// writeApart writes the elements of v one by one.
func (p *Partition) writeApart(a *access, n *node, keys []byte, v value.Value) error {
	h := a.apart(nil, n, value.Nil, keys)
	switch n.schema.kind {
	case kindList:
		for e := range v.All() {
			if err := (*list)(h).push(e); err != nil {
				return err
			}
		}
		return nil
	case kindSet:
		for e := range v.All() {
			if err := a.w.Put(h.recordKey(e), nil); err != nil {
				return err
			}
		}
	default:
		for k, e := range v.Pairs() {
			s, err := p.write(a, n.child(k), h.below(k), e)
			if err != nil {
				return err
			}
			if err := a.w.Put(h.recordKey(k), value.Append(nil, s)); err != nil {
				return err
			}
		}
	}
	return h.resize(int64(v.Len()))
}

// pointDeletes is how many records are deleted one by one before a range delete
// is cheaper: range deletes weigh on every read until the memtable is flushed.
const pointDeletes = 64

// deleteBelow deletes all that is stored apart at node n and below, under the
// path keys.
func (p *Partition) deleteBelow(a *access, n *node, keys []byte) error {
	for _, d := range n.below {
		prefix := a.prefix(d, keys)
		if err := p.deleteRange(a, prefix, engine.PrefixEnd(nil, prefix)); err != nil {
			return err
		}
	}
	return nil
}

// deleteRange deletes the keys in [lo, hi): one by one where they are few, and
// not at all where there are none.
func (p *Partition) deleteRange(a *access, lo, hi []byte) error {
	var found [][]byte
	it := a.iter(lo, hi)
	for ok := it.First(); ok && len(found) <= pointDeletes; ok = it.Next() {
		found = append(found, append([]byte(nil), it.Key()...))
	}
	if err := it.Close(); err != nil || len(found) == 0 {
		return err
	}
	p.marks.clear()
	if len(found) > pointDeletes {
		return a.w.DeleteRange(lo, hi)
	}
	for _, k := range found {
		if err := a.w.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// newID returns the next id of a list element that lies in a blob. The counter
// is the partition's, under node 0.
func (p *Partition) newID(a *access) (value.Value, error) {
	key := engine.AppendPrefix(nil, p.task, p.def.object, 0)
	next := int64(1)
	if v, ok, err := a.record(key); err != nil {
		return value.Nil, err
	} else if ok {
		next = v.AsInt()
	}
	return value.Int(next), a.w.Put(key, value.Append(nil, value.Int(next+1)))
}

// marks remembers records that are known to hold a mark, so that a write to a
// structure does not write its mark each time. It is bounded. A mark is dropped
// when its record is written or deleted otherwise, and all are when what lies
// below a location is deleted, for there may be others among it, and when writes
// are undone.
type marks struct{ known map[string]struct{} }

// marksKept bounds the memory of marks to a few MiB a partition.
const marksKept = 1 << 14

func (m *marks) has(key []byte) bool {
	_, ok := m.known[string(key)]
	return ok
}

func (m *marks) add(key []byte) {
	if m.known == nil || len(m.known) >= marksKept {
		m.known = make(map[string]struct{})
	}
	m.known[string(key)] = struct{}{}
}

func (m *marks) drop(key []byte) { delete(m.known, string(key)) }

func (m *marks) clear() { clear(m.known) }

var _ paths.Stored = (*apart)(nil)
var _ paths.Stored = (*blob)(nil)
