package pstate

import (
	"github.com/cockroachdb/pebble/v2/vfs"

	"rama/engine"
	"rama/engine/value"
	"rama/paths"
)

// Standalone is one partition of a PState on a store of its own, without module,
// task and replication: for unit tests, and to try paths out. It is used by one
// goroutine.
type Standalone struct {
	store   *engine.Store
	overlay *engine.Overlay
	part    *Partition
	index   uint64
}

// standaloneObject is the id of the one object in a standalone store.
const standaloneObject = 16

// OpenStandalone opens a PState in a directory, which it makes if it must. It must
// be opened with the schema that it was made with.
func OpenStandalone(fs vfs.FS, dir, name string, s Schema, o Options) (*Standalone, error) {
	ids := map[string]engine.NodeID{}
	for i, p := range s.NodePaths() {
		ids[p] = engine.NodeID(i + 1)
	}
	def, err := NewDef(name, s, standaloneObject, ids, o)
	if err != nil {
		return nil, err
	}
	p := &Standalone{}
	if p.store, err = engine.Open(dir, engine.Options{FS: fs}); err != nil {
		return nil, err
	}
	p.overlay = engine.NewOverlay(p.store, 0)
	p.part = def.Open(p.overlay)
	p.index, _ = p.store.Applied()
	return p, nil
}

// Select runs a path and calls emit for what it navigates to. emit copies what it
// keeps.
func (p *Standalone) Select(e *paths.Eval, prog *paths.Program, emit func(value.Value) error) error {
	return p.part.Select(p.overlay, e, prog, emit)
}

// Transform runs a transform path; after an error nothing is changed. What it
// writes is in the store when it returns, though not synced.
func (p *Standalone) Transform(e *paths.Eval, prog *paths.Program) error {
	if err := p.part.Transform(e, prog); err != nil {
		return err
	}
	body, count, ok := p.overlay.Cut()
	if !ok {
		return nil
	}
	p.index++
	err := p.store.Apply(p.index, 1, []engine.Section{{KV: body, KVCount: count}})
	p.overlay.Drop()
	return err
}

// Keys is the number of records that the store holds for the PState.
func (p *Standalone) Keys() (int, error) {
	lo := engine.AppendPrefix(nil, 0, standaloneObject, 0)
	it := p.store.NewIter(lo, engine.PrefixEnd(nil, engine.AppendTask(nil, 0)))
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		n++
	}
	return n, it.Close()
}

// Close flushes and closes the store.
func (p *Standalone) Close() error {
	p.overlay.Reset()
	return p.store.Close()
}
