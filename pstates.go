package rama

import (
	"fmt"
	"sync"

	"rama/engine/value"
	"rama/paths"
	"rama/pstate"
)

// PStateDef is a declared PState.
type PStateDef struct {
	Name     string
	Schema   pstate.Schema
	Topology string // the topology that owns and writes it
	Options  pstate.Options
}

// Partitions is the number of partitions of the PState in a module of n tasks.
func (d *PStateDef) Partitions(n int) int {
	if d.Options.Global {
		return 1
	}
	return n
}

// Topology is something that can own PStates.
type Topology interface {
	setup() *Setup
	topologyName() string
	own(*PStateDef)
}

// PStateOption is an option of DeclarePState.
type PStateOption func(*pstate.Options)

// GlobalPState keeps one partition, on task 0.
func GlobalPState() PStateOption { return func(o *pstate.Options) { o.Global = true } }

// Private lets only the owning topology read the PState.
func Private() PStateOption { return func(o *pstate.Options) { o.Private = true } }

// InitialValue is the value of a partition that nothing was written to; only for
// a schema that is a leaf.
func InitialValue(v any) PStateOption {
	return func(o *pstate.Options) { o.Initial = value.MustOf(v) }
}

// PState is a declared PState, as topology code uses it: on the partition of the
// task on which the code runs. Whether a key belongs to that task is not
// checked: code moves to the right task by a partitioner first.
type PState struct{ def *PStateDef }

// Def is the declaration as data.
func (p *PState) Def() *PStateDef { return p.def }

// DeclarePState declares a PState of a topology; its name begins with "$$".
func DeclarePState(t Topology, name string, schema pstate.Schema, opts ...PStateOption) *PState {
	p := &PState{&PStateDef{Name: name, Schema: schema, Topology: t.topologyName()}}
	for _, o := range opts {
		o(&p.def.Options)
	}
	m := t.setup()
	if !m.name("PState", "$$", name) {
		return p
	}
	if err := schema.Validate(); err != nil {
		m.fail("PState "+name, "%v", err)
	}
	m.def.PStates = append(m.def.PStates, p.def)
	t.own(p.def)
	return p
}

// Path is a prepared path with arguments (paths.Arg): written once, checked and
// compiled for each PState it is used on at its first use there, and then run
// with arguments. It may be used by several goroutines.
type Path struct {
	path     paths.Path
	programs sync.Map // *PStateDef (nil: no schema) -> *compiled
}

type compiled struct {
	prog *paths.Program
	err  error
}

// NewPath makes a prepared path of navigators; see paths.New.
func NewPath(navs ...any) *Path { return &Path{path: paths.New(navs...)} }

// Path is the path as written.
func (p *Path) Path() paths.Path { return p.path }

// Program is the path compiled for the PState, or, with nil, for any.
func (p *Path) Program(def *PStateDef) (*paths.Program, error) {
	c, ok := p.programs.Load(def)
	if !ok {
		var o paths.CompileOptions
		if def != nil {
			o.Shape = def.Schema.Shape()
		}
		prog, err := paths.Compile(p.path, o)
		c, _ = p.programs.LoadOrStore(def, &compiled{prog, err})
	}
	return c.(*compiled).prog, c.(*compiled).err
}

// Transform changes the partition of the current task: every location to which
// the path navigates, all or none.
func (p *PState) Transform(t *Task, path *Path, args ...any) error {
	prog, err := path.Program(p.def)
	if err != nil {
		return err
	}
	vals, err := t.values(args)
	if err != nil {
		return err
	}
	return t.rt.Transform(p.def, prog, vals)
}

// Select returns what the path navigates to on the partition of the current
// task: in the topology that owns the PState with its own uncommitted writes.
func (p *PState) Select(t *Task, path *Path, args ...any) ([]value.Value, error) {
	var out []value.Value
	err := p.each(t, path, args, func(v value.Value) error {
		out = append(out, value.Clone(v))
		return nil
	})
	return out, err
}

// SelectOne is Select of exactly one value; another number is paths.ErrNotOne.
func (p *PState) SelectOne(t *Task, path *Path, args ...any) (value.Value, error) {
	var out value.Value
	n := 0
	err := p.each(t, path, args, func(v value.Value) error {
		out = value.Clone(v)
		n++
		return nil
	})
	if err == nil && n != 1 {
		err = fmt.Errorf("%w: %d", paths.ErrNotOne, n)
	}
	return out, err
}

func (p *PState) each(t *Task, path *Path, args []any, emit func(value.Value) error) error {
	prog, err := path.Program(p.def)
	if err != nil {
		return err
	}
	vals, err := t.values(args)
	if err != nil {
		return err
	}
	return t.rt.Select(p.def, prog, vals, emit)
}

// Clear makes the partition of the current task what it was at first.
func (p *PState) Clear(t *Task) error { return t.rt.Clear(p.def) }

// SelectAs is PState.Select with the values as a Go type.
func SelectAs[T any](t *Task, p *PState, path *Path, args ...any) ([]T, error) {
	var out []T
	err := p.each(t, path, args, func(v value.Value) error {
		var x T
		err := value.Into(v, &x)
		out = append(out, x)
		return err
	})
	return out, err
}

// SelectOneAs is PState.SelectOne with the value as a Go type.
func SelectOneAs[T any](t *Task, p *PState, path *Path, args ...any) (T, error) {
	var x T
	v, err := p.SelectOne(t, path, args...)
	if err != nil {
		return x, err
	}
	return x, value.Into(v, &x)
}
