package pstate

import (
	"errors"
	"flag"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"rama/engine"
	"rama/engine/value"
	"rama/paths"
)

var modelSteps = flag.Int("model.steps", 20, "operations on each random PState")

// bed is a partition on a store of its own, with what a replica does around it.
type bed struct {
	fs    *vfs.MemFS
	store *engine.Store
	over  *engine.Overlay
	part  *Partition
	def   *Def
	index uint64
	last  string // what was done last
}

func newBed(s Schema) (*bed, error) {
	ids := map[string]engine.NodeID{}
	for i, p := range s.NodePaths() {
		ids[p] = engine.NodeID(i + 1)
	}
	def, err := NewDef("$$p", s, 16, ids, Options{})
	if err != nil {
		return nil, err
	}
	b := &bed{fs: vfs.NewMem(), def: def}
	return b, b.open()
}

func (b *bed) open() (err error) {
	if b.store, err = engine.Open("store", engine.Options{FS: b.fs}); err != nil {
		return err
	}
	b.over = engine.NewOverlay(b.store, 3)
	b.part = b.def.Open(b.over)
	b.index, _ = b.store.Applied()
	return nil
}

// commit cuts the open batch, and with apply applies everything cut so far.
func (b *bed) commit() error {
	body, n, ok := b.over.Cut()
	if !ok {
		return nil
	}
	b.index++
	if err := b.store.Apply(b.index, 1, []engine.Section{{Task: 3, KV: body, KVCount: n}}); err != nil {
		return err
	}
	b.over.Drop()
	return nil
}

func (b *bed) reopen() error {
	if err := b.commit(); err != nil {
		return err
	}
	if err := b.store.Close(); err != nil {
		return err
	}
	return b.open()
}

// whole is the value of the partition, read through the overlay.
func (b *bed) whole() (value.Value, error) {
	vals, err := b.selectAll(paths.New(paths.Stay()))
	if err != nil || len(vals) != 1 {
		return value.Nil, errors.Join(err, errors.New("not one value"))
	}
	return vals[0], nil
}

func (b *bed) selectAll(p paths.Path) ([]value.Value, error) {
	prog, err := paths.Compile(p, paths.CompileOptions{Shape: b.def.Schema().Shape()})
	if err != nil {
		return nil, err
	}
	e := paths.NewEval()
	e.Handles = paths.HandlePlain
	var out []value.Value
	err = b.part.Select(b.over, e, prog, func(v value.Value) error {
		out = append(out, value.Clone(v))
		return nil
	})
	return out, err
}

func (b *bed) transform(p paths.Path) error {
	prog, err := paths.Compile(p, paths.CompileOptions{Shape: b.def.Schema().Shape()})
	if err != nil {
		return err
	}
	return b.part.Transform(paths.NewEval(), prog)
}

// keys counts the records of the partition, its id counter left out.
func (b *bed) keys() (int, error) {
	lo := engine.AppendPrefix(nil, 3, 16, 1)
	it := b.over.NewIter(lo, engine.PrefixEnd(nil, engine.AppendTask(nil, 3)))
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		n++
	}
	return n, it.Close()
}

// modelSelect and modelTransform do on a plain value what a partition does.
func modelSelect(model value.Value, p paths.Path) ([]value.Value, error) {
	prog, err := paths.Compile(p, paths.CompileOptions{})
	if err != nil {
		return nil, err
	}
	var out []value.Value
	err = prog.Select(paths.NewEval(), model, func(v value.Value) error {
		out = append(out, v)
		return nil
	})
	return out, err
}

func modelTransform(s Schema, model value.Value, p paths.Path) (value.Value, error) {
	prog, err := paths.Compile(p, paths.CompileOptions{})
	if err != nil {
		return model, err
	}
	v, err := prog.Transform(paths.NewEval(), model)
	if err == nil && v.IsVoid() {
		err = errors.New("void at the top")
	}
	if err == nil {
		err = fits(s, v)
	}
	if err != nil {
		return model, err
	}
	if v.IsNil() && s.kind != kindLeaf {
		v = value.EmptyMap
	}
	return v, nil
}

// A partition is its plain value: after any operations every select and every
// transform gives what it gives on the value in memory, over commits, rollbacks
// and reopenings, and when everything is removed no key is left.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genSchema(t, 4, true)
		b, err := newBed(s)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { b.store.Close() }()
		model := value.Nil
		if s.kind != kindLeaf {
			model = value.EmptyMap
		}
		for i := range *modelSteps {
			model = b.step(t, s, model)
			got, err := b.whole()
			if err != nil {
				t.Fatalf("%s after step %d: %v", s, i, err)
			}
			if !value.Same(got, model) {
				t.Fatalf("%s after step %d (%s):\n got  %s\n want %s", s, i, b.last, got, model)
			}
		}
		b.removeAll(t, s)
	})
}

func (b *bed) step(t *rapid.T, s Schema, model value.Value) value.Value {
	switch draw(t, "step", "select", "select", "transform", "transform", "transform", "transform", "transform", "commit", "reopen", "rollback") {
	case "commit":
		if err := b.commit(); err != nil {
			t.Fatal(err)
		}
	case "reopen":
		if err := b.reopen(); err != nil {
			t.Fatal(err)
		}
	case "rollback":
		mark := b.over.Mark()
		b.mutate(t, s, model)
		b.over.Rollback(mark)
		b.part.Forget()
	case "select":
		p, _, _ := genPath(t, s, false)
		got, gerr := b.selectAll(p)
		want, werr := modelSelect(model, p)
		if (gerr == nil) != (werr == nil) {
			t.Fatalf("%s: select %s of %s: got %v, want %v", s, p, model, gerr, werr)
		}
		if gerr == nil && !value.Same(value.List(got...), value.List(want...)) {
			t.Fatalf("%s: select %s of %s:\n got  %s\n want %s", s, p, model, value.List(got...), value.List(want...))
		}
	default:
		return b.mutate(t, s, model)
	}
	return model
}

func (b *bed) mutate(t *rapid.T, s Schema, model value.Value) value.Value {
	p, at, in := genPath(t, s, false)
	p = append(p, genTransform(t, at, in)...)
	b.last = p.String() + " of " + model.String()
	next, werr := modelTransform(s, model, p)
	gerr := b.transform(p)
	if (gerr == nil) != (werr == nil) {
		t.Fatalf("%s: transform %s of %s:\n got  %v\n want %v", s, p, model, gerr, werr)
	}
	return next
}

func (b *bed) removeAll(t *rapid.T, s Schema) {
	if s.kind == kindLeaf {
		return
	}
	p := paths.New(paths.MapVals(), paths.TermVoid())
	if draw(t, "one by one", true, false) {
		p = paths.New(paths.MapVals(), paths.TermVal(nil))
	}
	if err := b.transform(p); err != nil {
		t.Fatal(err)
	}
	if err := b.transform(paths.New(paths.MapVals(), paths.TermVoid())); err != nil {
		t.Fatal(err)
	}
	if n, err := b.keys(); n != 0 || err != nil {
		t.Fatalf("%s: %d keys are left behind, %v", s, n, err)
	}
}
