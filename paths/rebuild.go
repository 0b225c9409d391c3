package paths

import (
	"rama/engine/value"
)

// A replacer says what an element becomes: of a map an entry with another key
// and value, of a set and of a list another element nv. nk and nv mean in a set
// the same. A void nk or nv drops the element.
type replacer func(k, v value.Value) (nk, nv value.Value, err error)

// rebuild returns the collection with every element replaced. Where elements
// come to have equal keys the later one stays.
func (e *Eval) rebuild(c coll, fn replacer) (value.Value, error) {
	switch {
	case c.kind == value.KindNil:
		return c.at, nil
	case c.s == nil:
		return e.rebuildPlain(c, fn)
	case c.kind == value.KindList:
		return c.at, e.rebuildStoredList(c.s, fn)
	}
	return c.at, e.rebuildStored(c, fn)
}

// rebuildPlain makes a new collection as soon as an element is not what it was.
func (e *Eval) rebuildPlain(c coll, fn replacer) (value.Value, error) {
	var b *value.Builder
	i := 0
	err := c.each(func(k, v value.Value) error {
		nk, nv, err := fn(k, v)
		if err != nil {
			return err
		}
		if b == nil && (!identical(nk, k) || !identical(nv, v)) {
			b = copyOf(c, i)
		}
		i++
		if b == nil || nk.IsVoid() || nv.IsVoid() {
			return nil
		}
		return e.append(b, c.kind, nk, nv)
	})
	if err != nil || b == nil {
		return c.at, err
	}
	return b.Done().AsSorted(c.at.Sorted()), nil
}

// append adds an element to the collection that b builds.
func (e *Eval) append(b *value.Builder, kind value.Kind, k, v value.Value) (err error) {
	switch kind {
	case value.KindList:
		e.note(v)
		b.Add(v)
	case value.KindSet:
		if v, err = e.Plain(v); err == nil {
			b.Add(v)
		}
	default:
		e.note(v)
		if k, err = e.Plain(k); err == nil {
			b.Put(k, v)
		}
	}
	return err
}

// copyOf begins a collection with the first n elements of c.
func copyOf(c coll, n int) *value.Builder {
	size, _ := c.size()
	b := value.NewBuilder(c.kind, int(size))
	if n == 0 {
		return b
	}
	_ = c.walk(func(k, v value.Value) (bool, error) {
		if c.kind == value.KindMap {
			b.Put(k, v)
		} else {
			b.Add(v)
		}
		n--
		return n > 0, nil
	})
	return b
}

// chunk is how many elements of a structure kept apart are taken out of it
// before they are replaced: writing while scanning is not allowed. Tests make it
// small.
var chunk = 256

type entry struct{ k, v value.Value }

// chunkOf returns the first elements in r.
func chunkOf(s Stored, buf []entry, r Range) ([]entry, error) {
	r.Limit = int64(chunk)
	buf = buf[:0]
	err := s.Scan(r, func(k, v value.Value) (bool, error) {
		buf = append(buf, entry{k, v})
		return true, nil
	})
	return buf, err
}

// rebuildStored replaces the elements of a map or set chunk by chunk, in place
// where they keep their keys. An element that gets another key leaves at once
// and arrives only after all have been visited, so that none is visited twice;
// it is dropped if a later element has that key.
func (e *Eval) rebuildStored(c coll, fn replacer) error {
	var moved []entry
	byKey := map[string]int{} // encoded key -> index in moved
	var buf []entry
	var r Range
	for {
		var err error
		if buf, err = chunkOf(c.s, buf, r); err != nil {
			return err
		}
		for _, en := range buf {
			nk, nv, err := fn(en.k, en.v)
			if err != nil {
				return err
			}
			m, err := e.replace(c, en, nk, nv, byKey)
			if err != nil {
				return err
			}
			if m != nil {
				if err := e.spend(1); err != nil {
					return err
				}
				byKey[string(value.AppendKey(nil, m.k))] = len(moved)
				moved = append(moved, *m)
			}
		}
		if len(buf) < chunk {
			break
		}
		r = Range{Lo: buf[len(buf)-1].k, HasLo: true, LoExclusive: true}
	}
	for i, m := range moved {
		if j, ok := byKey[string(value.AppendKey(nil, m.k))]; !ok || j != i {
			continue
		}
		if err := c.s.Put(m.k, m.v); err != nil {
			return err
		}
	}
	return nil
}

// replace replaces one element of a map or set. It returns the element if it is
// to move to another key.
func (e *Eval) replace(c coll, en entry, nk, nv value.Value, moved map[string]int) (*entry, error) {
	if c.kind == value.KindSet {
		nk = nv
	}
	if nk.IsVoid() || nv.IsVoid() {
		return nil, c.s.Remove(en.k)
	}
	if !identical(nk, en.k) {
		k, err := e.Plain(nk)
		if err != nil {
			return nil, err
		}
		if nk = value.Canonical(k); !value.Equal(nk, en.k) {
			v, err := e.Plain(nv)
			if err != nil {
				return nil, err
			}
			return &entry{nk, v}, c.s.Remove(en.k)
		}
	}
	if c.kind == value.KindSet {
		return nil, nil
	}
	if len(moved) > 0 {
		delete(moved, string(value.AppendKey(nil, en.k)))
	}
	if identical(nv, en.v) && nv.Kind() != value.KindHandle {
		return nil, nil
	}
	_, err := e.put(c, en.k, nv)
	return nil, err
}

// rebuildStoredList replaces the elements of a list chunk by chunk. What is
// dropped leaves after its chunk, the last first, so that positions hold.
func (e *Eval) rebuildStoredList(s Stored, fn replacer) error {
	var buf []entry
	for pos, n := int64(0), int64(0); ; {
		var err error
		if buf, err = chunkOf(s, buf, Range{Lo: value.Int(pos), HasLo: true}); err != nil {
			return err
		}
		var dropped []int64
		for _, en := range buf {
			nk, nv, err := fn(value.Int(n), en.v)
			if err != nil {
				return err
			}
			if nk.IsVoid() || nv.IsVoid() {
				dropped = append(dropped, pos)
			} else if err := e.putChanged(s, pos, en.v, nv); err != nil {
				return err
			}
			n, pos = n+1, pos+1
		}
		for i := len(dropped) - 1; i >= 0; i-- {
			if err := s.Remove(value.Int(dropped[i])); err != nil {
				return err
			}
		}
		if pos -= int64(len(dropped)); len(buf) < chunk {
			return nil
		}
	}
}

// putChanged puts v at position i of a list where old was, if there is something
// to put. A handle is always put: what was written through it may have to be
// kept by the structure around it.
func (e *Eval) putChanged(s Stored, i int64, old, v value.Value) error {
	if identical(v, old) && v.Kind() != value.KindHandle {
		return nil
	}
	v, err := e.stow(v)
	if err != nil {
		return err
	}
	return s.Put(value.Int(i), v)
}
