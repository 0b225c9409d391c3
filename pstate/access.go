package pstate

import (
	"fmt"

	"rama/engine"
	"rama/engine/value"
	"rama/paths"
)

// access is one evaluation's way into a partition: where it reads, where it
// writes, and the memory that what it read lies in. It is used by one goroutine.
type access struct {
	p     *Partition
	r     engine.Reader
	w     *engine.Overlay // nil: the evaluation only reads
	arena []byte          // what was read; values alias it
	key   []byte          // scratch for keys of records
	stats Stats
}

// Stats count what a partition's evaluations asked the engine for.
type Stats struct {
	Gets  uint64 // point reads
	Iters uint64 // iterators
}

func (a *access) iter(lo, hi []byte) engine.Iterator {
	a.stats.Iters++
	return a.r.NewIter(lo, hi)
}

// arenaKept is the largest arena, in bytes, that is kept for the next
// evaluation.
const arenaKept = 64 << 10

// reset makes the access ready for another evaluation. With reuse, what the
// last one read is overwritten.
func (a *access) reset(r engine.Reader, w *engine.Overlay, reuse bool) {
	a.r, a.w = r, w
	if reuse && cap(a.arena) <= arenaKept {
		a.arena = a.arena[:0]
	} else {
		a.arena = nil
	}
}

// get reads a record into the arena.
func (a *access) get(key []byte) ([]byte, bool, error) {
	start := len(a.arena)
	a.stats.Gets++
	b, ok, err := a.r.Get(a.arena, key)
	if err != nil || !ok {
		return nil, false, err
	}
	a.arena = b
	return b[start:len(b):len(b)], true, nil
}

// keep copies b into the arena.
func (a *access) keep(b []byte) []byte {
	start := len(a.arena)
	a.arena = append(a.arena, b...)
	return a.arena[start:len(a.arena):len(a.arena)]
}

func (a *access) writer() (*engine.Overlay, error) {
	if a.w == nil {
		return nil, fmt.Errorf("%w: PState %s is read here", paths.ErrNotWritable, a.p.def.name)
	}
	return a.w, nil
}

// prefix is the key prefix of the elements at node n whose ancestors' keys are
// keys.
func (a *access) prefix(n *node, keys []byte) []byte {
	b := make([]byte, 0, 16+len(keys)+16)
	b = engine.AppendPrefix(b, a.p.task, a.p.def.object, n.id)
	return append(b, keys...)
}

// record reads and views the value stored under key.
func (a *access) record(key []byte) (value.Value, bool, error) {
	b, ok, err := a.get(key)
	if err != nil || !ok {
		return value.Nil, false, err
	}
	v, err := view(b)
	return v, true, err
}

func view(b []byte) (v value.Value, err error) {
	defer value.Recover(&err)
	v, _ = value.View(b)
	return v, nil
}

// container is a place in which a structure stored apart, or a blob that holds
// one, has its mark: the structure around it.
type container interface{ paths.Stored }

// locate makes the value that navigators see of what is stored at key in a
// structure: v itself, or a handle where structures are stored apart.
func (a *access) locate(in container, c *node, key value.Value, keys []byte, v value.Value) value.Value {
	switch {
	case c.apart():
		h := a.apart(in, c, key, keys)
		h.exists = existsNot
		if v.Kind() == value.KindRef {
			h.exists = existsYes
		}
		return h.Value(h)
	case c.inside && v.IsCollection():
		b := &blob{a: a, n: c, in: in, key: key, keys: keys, val: v}
		return b.Value(b)
	}
	return v
}

// apart makes the handle of the structure at node c under the path keys.
func (a *access) apart(in container, c *node, key value.Value, keys []byte) *apart {
	h := &apart{a: a, n: c, in: in, key: key}
	h.prefix = a.prefix(c, keys)
	h.own = len(h.prefix) - len(keys)
	return h
}

// handleOf is v as the handle that Get of in returned for key, if it is that.
func handleOf(v value.Value, in container, key value.Value) (value.Handle, bool) {
	if v.Kind() != value.KindHandle {
		return nil, false
	}
	switch h := v.AsHandle().(type) {
	case *apart:
		return h, h.in == in && value.Equal(h.key, key)
	case *blob:
		return h, h.in == in && value.Equal(h.key, key)
	}
	return nil, false
}

// plain makes v a value without handles.
func (a *access) plain(v value.Value) (value.Value, error) {
	if v.Kind() != value.KindHandle && !v.IsCollection() {
		return v, nil
	}
	if v.Kind() != value.KindHandle {
		return a.plainElems(v)
	}
	h := v.AsHandle().(paths.Stored)
	if ok, err := h.Exists(); err != nil || !ok {
		return value.Nil, err
	}
	b := value.NewBuilder(h.HandleKind(), 0)
	err := h.Scan(paths.Range{}, func(k, e value.Value) (bool, error) {
		e, err := a.plain(e)
		if h.HandleKind() == value.KindMap {
			b.Put(k, e)
		} else {
			b.Add(e)
		}
		return true, err
	})
	return b.Done(), err
}

// plainElems is plain of a collection that may hold handles in its elements.
func (a *access) plainElems(v value.Value) (value.Value, error) {
	if !holdsHandles(v) {
		return v, nil
	}
	b := value.NewBuilder(v.Kind(), v.Len())
	if v.Kind() == value.KindMap {
		for k, e := range v.Pairs() {
			e, err := a.plain(e)
			if err != nil {
				return value.Nil, err
			}
			b.Put(k, e)
		}
		return b.Done().AsSorted(v.Sorted()), nil
	}
	for e := range v.All() {
		e, err := a.plain(e)
		if err != nil {
			return value.Nil, err
		}
		b.Add(e)
	}
	return b.Done().AsSorted(v.Sorted()), nil
}

func holdsHandles(v value.Value) bool {
	if v.Kind() == value.KindMap {
		for _, e := range v.Pairs() {
			if e.Kind() == value.KindHandle || (e.IsCollection() && holdsHandles(e)) {
				return true
			}
		}
		return false
	}
	for e := range v.All() {
		if e.Kind() == value.KindHandle || (e.IsCollection() && holdsHandles(e)) {
			return true
		}
	}
	return false
}
