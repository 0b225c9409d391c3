package pstate

import (
	"fmt"

	"rama/engine"
	"rama/engine/value"
	"rama/paths"
)

// apart is the handle of a map, set or fixed keys whose elements are stored
// apart (layout.go). Lists are in list.go.
type apart struct {
	value.HandleBox
	a      *access
	n      *node
	in     container   // the structure that holds its mark; nil at the top level
	key    value.Value // its key in there
	prefix []byte      // of the keys of its elements
	own    int         // length of the prefix up to the ancestors' keys
	exists existence
	grew   bool // something was put through this handle, so it exists
}

type existence uint8

const (
	existsUnknown existence = iota
	existsYes
	existsNot
)

func (h *apart) HandleKind() value.Kind { return h.n.schema.valueKind() }

// keys is the path of the structure: its ancestors' keys.
func (h *apart) keys() []byte { return h.prefix[h.own:] }

// below is the path of what lies at key in the structure.
func (h *apart) below(key value.Value) []byte {
	if h.n.schema.kind == kindFixed { // the node says it
		return h.keys()
	}
	return value.AppendKey(h.keys()[:len(h.keys()):len(h.keys())], key)
}

// recordKey is the key of an element's record, valid until the next call.
func (h *apart) recordKey(key value.Value) []byte {
	h.a.key = value.AppendKey(append(h.a.key[:0], h.prefix...), key)
	return h.a.key
}

func (h *apart) Exists() (bool, error) {
	if h.in == nil || h.grew {
		return true, nil
	}
	if h.exists == existsUnknown {
		h.exists = existsNot
		in, ok := h.in.(*apart)
		if !ok {
			return false, nil
		}
		mark, _, err := in.mark(h.key)
		if err != nil {
			return false, err
		}
		if mark.Kind() == value.KindRef {
			h.exists = existsYes
		}
	}
	return h.exists == existsYes, nil
}

// mark reads what the record at key holds.
func (h *apart) mark(key value.Value) (value.Value, bool, error) {
	if h.n.schema.kind == kindList {
		return (*list)(h).mark(key)
	}
	return h.a.record(h.recordKey(key))
}

func (h *apart) Len() (int64, error) {
	if h.n.schema.kind == kindList {
		return (*list)(h).size()
	}
	if h.n.tracked {
		return h.size()
	}
	n := int64(0)
	err := h.eachKey(paths.Range{}, func([]byte, []byte) (bool, error) { n++; return true, nil })
	return n, err
}

// size reads the header.
func (h *apart) size() (int64, error) {
	v, ok, err := h.a.record(h.prefix)
	if err != nil || !ok {
		return 0, err
	}
	return v.AsInt(), nil
}

func (h *apart) resize(by int64) error {
	if !h.n.tracked || by == 0 {
		return nil
	}
	n, err := h.size()
	if err != nil {
		return err
	}
	var buf [16]byte
	return h.a.w.Put(h.prefix, value.Append(buf[:0], value.Int(n+by)))
}

func (h *apart) Get(key value.Value) (value.Value, bool, error) {
	switch h.n.schema.kind {
	case kindSet:
		_, ok, err := h.a.get(h.recordKey(key))
		return value.Canonical(key), ok, err
	case kindList:
		return (*list)(h).get(key)
	}
	c := h.n.child(key)
	if c == nil {
		return value.Nil, false, nil
	}
	if c.apart() {
		child := h.a.apart(h, c, key, h.below(key))
		return child.Value(child), true, nil
	}
	v, ok, err := h.a.record(h.recordKey(key))
	if err != nil || !ok || !c.inside {
		return v, ok, err
	}
	return h.a.locate(h, c, key, h.below(key), v), true, nil
}

// Has reads whether the record of a key is there.
func (h *apart) Has(key value.Value) (bool, error) {
	if h.n.schema.kind == kindList {
		n, err := h.Len()
		_, ok := position(key, int(n))
		return ok, err
	}
	_, ok, err := h.a.get(h.recordKey(key))
	return ok, err
}

// bounds turns a range of values into bounds of keys. Keys end by themselves, so
// a zero byte behind a key is the next key there can be.
func (h *apart) bounds(r paths.Range) (lo, hi []byte) {
	lo = append(append([]byte{}, h.prefix...), 1) // above the header
	if r.HasLo {
		lo = value.AppendKey(append(lo[:0], h.prefix...), r.Lo)
		if r.LoExclusive {
			lo = append(lo, 0)
		}
	}
	if !r.HasHi {
		return lo, engine.PrefixEnd(nil, h.prefix)
	}
	hi = value.AppendKey(append(hi, h.prefix...), r.Hi)
	if r.HiInclusive {
		hi = append(hi, 0)
	}
	return lo, hi
}

// eachKey calls fn for the records in r with their keys, the prefix left out,
// and their bytes; both are valid during the call.
func (h *apart) eachKey(r paths.Range, fn func(key, rec []byte) (bool, error)) (err error) {
	lo, hi := h.bounds(r)
	it := h.a.iter(lo, hi)
	defer func() {
		if cerr := it.Close(); err == nil {
			err = cerr
		}
	}()
	first, next := it.First, it.Next
	if r.Reverse {
		first, next = it.Last, it.Prev
	}
	n := int64(0)
	for ok := first(); ok; ok = next() {
		if r.Limit > 0 && n == r.Limit {
			break
		}
		n++
		more, err := fn(it.Key()[len(h.prefix):], it.Value())
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func (h *apart) Scan(r paths.Range, fn func(key, v value.Value) (bool, error)) error {
	if h.n.schema.kind == kindList {
		return (*list)(h).scan(r, fn)
	}
	return h.eachKey(r, func(kb, rec []byte) (bool, error) {
		key, _, err := value.DecodeKey(kb)
		if err != nil {
			return false, err
		}
		if h.n.schema.kind == kindSet {
			return fn(key, key)
		}
		v, err := view(h.a.keep(rec))
		if err != nil {
			return false, err
		}
		if c := h.n.child(key); c != nil && (c.apart() || c.inside) {
			v = h.a.locate(h, c, key, h.below(key), v)
		}
		return fn(key, v)
	})
}

func (h *apart) Put(key, v value.Value) error {
	if _, err := h.a.writer(); err != nil {
		return err
	}
	switch h.n.schema.kind {
	case kindSet:
		return h.putElem(key)
	case kindList:
		return (*list)(h).put(key, v)
	}
	c, err := h.a.p.childFor(h, h.n, key)
	if err != nil {
		return err
	}
	if c.apart() {
		if child, same := handleOf(v, h, key); same {
			return h.putMark(key, child.(*apart))
		}
	}
	rec, changed, err := h.a.p.stored(h.a, h, c, key, h.below(key), v)
	if err != nil || !changed {
		return err
	}
	if h.n.tracked {
		_, ok, err := h.a.get(h.recordKey(key))
		if err != nil {
			return err
		}
		if !ok {
			if err := h.resize(1); err != nil {
				return err
			}
		}
	}
	h.grew = true
	rk := h.recordKey(key)
	if c.apart() {
		h.a.p.marks.drop(rk)
	}
	return h.a.w.Put(rk, rec)
}

func (h *apart) putElem(e value.Value) error {
	if !h.n.elem.schema.accepts(e) {
		return h.a.p.violation(h, &SchemaError{Want: h.n.elem.schema.String(), Got: describe(e)})
	}
	h.grew = true
	if h.n.tracked {
		_, ok, err := h.a.get(h.recordKey(e))
		if err != nil || ok {
			return err
		}
		if err := h.resize(1); err != nil {
			return err
		}
	}
	return h.a.w.Put(h.recordKey(e), nil)
}

// refRecord is the record of a location whose structure is stored apart,
// nilRecord that of a null.
var refRecord, nilRecord = value.Encode(value.Ref), value.Encode(value.Nil)

// putMark keeps what was written through the handle of the structure at key: its
// mark is set. Where nothing was, and nothing is there, the key comes into being
// with null, as it does in memory. Most writes find the mark, so the partition
// remembers which are set.
func (h *apart) putMark(key value.Value, child *apart) error {
	h.grew = h.grew || child.grew
	rk := h.recordKey(key)
	if h.a.p.marks.has(rk) {
		return nil
	}
	if child.exists == existsYes {
		h.a.p.marks.add(rk)
		return nil
	}
	if h.n.tracked || !child.grew {
		rec, ok, err := h.a.record(rk)
		if err != nil || ok && !child.grew {
			return err
		}
		if ok && rec.Kind() == value.KindRef {
			h.a.p.marks.add(rk)
			return nil
		}
		if !ok {
			if err := h.resize(1); err != nil {
				return err
			}
			rk = h.recordKey(key)
		}
	}
	h.grew = true
	if !child.grew {
		return h.a.w.Put(rk, nilRecord)
	}
	h.a.p.marks.add(rk)
	return h.a.w.Put(rk, refRecord)
}

func (h *apart) Remove(key value.Value) error {
	w, err := h.a.writer()
	if err != nil {
		return err
	}
	if h.n.schema.kind == kindList {
		return (*list)(h).remove(key)
	}
	c := h.n.child(key)
	deep := c != nil && len(c.below) > 0
	if deep || h.n.tracked {
		if _, ok, err := h.a.get(h.recordKey(key)); err != nil || !ok {
			return err
		}
		if err := h.resize(-1); err != nil {
			return err
		}
	}
	if deep {
		if err := h.a.p.deleteBelow(h.a, c, h.below(key)); err != nil {
			return err
		}
		h.a.p.marks.drop(h.recordKey(key))
	}
	return w.Delete(h.recordKey(key))
}

// RemoveRange removes the records of the range, and what lies below them, with
// at most one range delete for each node.
func (h *apart) RemoveRange(r paths.Range) error {
	if _, err := h.a.writer(); err != nil {
		return err
	}
	if h.n.schema.kind == kindList {
		return (*list)(h).removeRange(r)
	}
	var first, last []byte
	n := int64(0)
	err := h.eachKey(r, func(kb, _ []byte) (bool, error) {
		if n++; n == 1 {
			first = append(first, kb...)
		}
		last = append(last[:0], kb...)
		return true, nil
	})
	if err != nil || n == 0 {
		return err
	}
	if r.Reverse {
		first, last = last, first
	}
	if h.n.schema.kind == kindMap {
		for _, d := range h.n.elem.below {
			p := h.a.prefix(d, h.keys())
			if err := h.a.p.deleteRange(h.a, concat(p, first), engine.PrefixEnd(nil, concat(p, last))); err != nil {
				return err
			}
		}
	} else if h.n.inside { // fixed keys: each field has nodes of its own
		return h.removeFields(r)
	}
	h.a.p.marks.clear()
	if err := h.a.p.deleteRange(h.a, concat(h.prefix, first), concat(h.prefix, last, []byte{0})); err != nil {
		return err
	}
	return h.resize(-n)
}

func (h *apart) removeFields(r paths.Range) error {
	var names []value.Value
	err := h.Scan(r, func(k, _ value.Value) (bool, error) { names = append(names, k); return true, nil })
	for _, k := range names {
		if err == nil {
			err = h.Remove(k)
		}
	}
	return err
}

func (h *apart) Insert(i int64, v value.Value) error {
	if _, err := h.a.writer(); err != nil {
		return err
	}
	if h.n.schema.kind != kindList {
		return fmt.Errorf("%w: insertion into a %s", paths.ErrType, h.HandleKind())
	}
	return (*list)(h).insert(i, v)
}

func concat(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}
