package pstate

import (
	"errors"
	"fmt"

	"rama/engine"
	"rama/engine/value"
	"rama/paths"
)

// Options of a PState's declaration and of its checks.
type Options struct {
	// Global keeps one partition, on task 0.
	Global bool
	// Private refuses every reader but the owning topology.
	Private bool
	// Initial is the value of a partition that nothing was written to. Only for
	// a top level that is a leaf.
	Initial value.Value
	// ShallowChecks checks only the first level of written values against the
	// schema (pstate.maximal.schema.validations=false).
	ShallowChecks bool
}

// Def is a PState as a store knows it: its name, its schema and its ids.
type Def struct {
	name       string
	schema     Schema
	object     engine.ObjectID
	root       *node
	initial    value.Value
	deepChecks bool
}

// NewDef joins a schema with the ids that the catalogue gave the object and its
// schema nodes (Schema.NodePaths). Errors wrap ErrBadSchema.
func NewDef(name string, s Schema, object engine.ObjectID, ids map[string]engine.NodeID, o Options) (*Def, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("PState %s: %w", name, err)
	}
	d := &Def{name: name, schema: s, object: object, initial: o.Initial, deepChecks: !o.ShallowChecks}
	if !o.Initial.IsNil() {
		if s.kind != kindLeaf {
			return nil, fmt.Errorf("PState %s: %w: an initial value needs a leaf at the top, not %s", name, ErrBadSchema, s)
		}
		if err := s.check(o.Initial, true); err != nil {
			err.PState = name
			return nil, err
		}
	}
	root, err := build(&d.schema, "", true, ids)
	if err != nil {
		return nil, fmt.Errorf("PState %s: %w", name, err)
	}
	d.root = root
	return d, nil
}

// Name is the PState's name, Schema its schema.
func (d *Def) Name() string   { return d.name }
func (d *Def) Schema() Schema { return d.schema }

// Partition is the part of a PState that one task holds. Transforms go into the
// task's overlay; selects read whatever reader they are given. A Partition is
// used by the goroutine of its task, save for View.
type Partition struct {
	def     *Def
	task    engine.TaskID
	overlay *engine.Overlay
	marks   marks
	access  access // of the task's own evaluations
	top     apart
}

// Open returns the partition of the PState on the overlay's task.
func (d *Def) Open(o *engine.Overlay) *Partition {
	return &Partition{def: d, task: o.Task(), overlay: o}
}

// View returns a partition for reading only, on a goroutine of its own.
func (p *Partition) View() *Partition { return &Partition{def: p.def, task: p.task} }

// Def returns what p is a partition of.
func (p *Partition) Def() *Def { return p.def }

// Stats returns what the task's own evaluations asked the engine for so far.
func (p *Partition) Stats() Stats { return p.access.stats }

// Forget drops what the partition remembers about the overlay. It must be called
// whenever writes of the overlay are undone: after Rollback and Reset.
func (p *Partition) Forget() { p.marks.clear() }

// violation completes the error of a write into a structure.
func (p *Partition) violation(in container, err *SchemaError) error {
	err.PState = p.def.name
	err.Path = where(in) + err.Path
	return err
}

// where is the location of a structure as keys from the top level.
func where(in container) string {
	switch h := in.(type) {
	case *apart:
		if h.in != nil {
			return where(h.in) + keyName(h.key)
		}
	case *blob:
		return where(h.in) + keyName(h.key)
	}
	return ""
}

// root is the value at which paths begin.
func (p *Partition) root(a *access) (value.Value, error) {
	a.p = p
	if p.def.schema.kind != kindLeaf {
		p.top = apart{a: a, n: p.def.root, prefix: p.top.prefix[:0]}
		p.top.prefix = engine.AppendPrefix(p.top.prefix, p.task, p.def.object, p.def.root.id)
		p.top.own = len(p.top.prefix)
		return p.top.Value(&p.top), nil
	}
	v, ok, err := a.record(a.prefix(p.def.root, nil))
	if !ok {
		v = p.def.initial
	}
	return v, err
}

// Overlay is what the partition's transforms write to, and what the owning
// topology reads.
func (p *Partition) Overlay() *engine.Overlay { return p.overlay }

// Select runs the path on the state that r shows and calls emit for every value
// it navigates to. The values lie in memory that the next evaluation on this
// partition overwrites: emit copies what it keeps.
func (p *Partition) Select(r engine.Reader, e *paths.Eval, prog *paths.Program, emit func(value.Value) error) (err error) {
	defer value.Recover(&err)
	p.access.reset(r, nil, true)
	root, err := p.root(&p.access)
	if err != nil {
		return err
	}
	return p.named(prog.Select(e, root, emit))
}

// Transform runs the transform path on the task's own view and writes what it
// changes to the overlay. After an error nothing is changed.
func (p *Partition) Transform(e *paths.Eval, prog *paths.Program) error {
	mark := p.overlay.Mark()
	if err := p.transform(e, prog); err != nil {
		p.overlay.Rollback(mark)
		p.Forget()
		return p.named(err)
	}
	return nil
}

func (p *Partition) transform(e *paths.Eval, prog *paths.Program) (err error) {
	defer value.Recover(&err)
	p.access.reset(p.overlay, p.overlay, true)
	root, err := p.root(&p.access)
	if err != nil {
		return err
	}
	v, err := prog.Transform(e, root)
	if err != nil {
		return err
	}
	return p.putRoot(root, v)
}

// putRoot stores what a transform made of the whole partition.
func (p *Partition) putRoot(root, v value.Value) error {
	a := &p.access
	if v.IsVoid() {
		return fmt.Errorf("%w: the top level cannot be removed", paths.ErrArgument)
	}
	if p.def.schema.kind == kindLeaf {
		if err := p.def.schema.check(v, p.def.deepChecks); err != nil {
			return p.violation(nil, err)
		}
		return a.w.Put(a.prefix(p.def.root, nil), value.Encode(v))
	}
	if v.Kind() == value.KindHandle && v.AsHandle() == value.Handle(&p.top) {
		return nil
	}
	v, err := a.plain(v)
	if err != nil {
		return err
	}
	if err := p.def.schema.check(v, p.def.deepChecks); err != nil {
		return p.violation(nil, err)
	}
	if err := p.deleteBelow(a, p.def.root, nil); err != nil {
		return err
	}
	_, err = p.write(a, p.def.root, nil, v)
	return err
}

// Clear makes the partition what it was before anything was written to it.
func (p *Partition) Clear() error {
	p.access.reset(p.overlay, p.overlay, true)
	p.access.p = p
	return p.deleteBelow(&p.access, p.def.root, nil)
}

// named adds the PState's name to an error of a path that does not bear it.
func (p *Partition) named(err error) error {
	if err == nil || errors.Is(err, ErrSchema) {
		return err
	}
	return fmt.Errorf("PState %s: %w", p.def.name, err)
}
