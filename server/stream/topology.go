package stream

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"rama"
	"rama/engine/value"
	"rama/paths"
	"rama/pstate"
	"rama/server/task"
)

// Topology is a stream topology on one task. It belongs to the task's thread.
type Topology struct {
	def     *rama.StreamDef
	task    *task.Task
	thread  *task.Thread
	host    Host
	log     *slog.Logger
	opts    options
	sources []*running
	state   *pstate.Partition // of the saved progress
	user    *rama.Task
	eval    *paths.Eval
	cur     current
	stats   *Stats
}

// current is the event that runs.
type current struct {
	ref     Ref
	xor     uint64
	hops    []outgoing
	returns []value.Value
}

type outgoing struct {
	to  int
	hop Hop
}

// StateName is the name of the PState in which a topology's progress is saved.
func StateName(topology string) string { return "$$__streaming-state-" + topology }

// StateDef declares it.
func StateDef(topology string) *rama.PStateDef {
	return &rama.PStateDef{
		Name: StateName(topology), Schema: pstate.Map(pstate.String, pstate.AnyMap), Topology: topology,
	}
}

// Config is what a topology is made of.
type Config struct {
	Def    *rama.StreamDef
	State  *rama.PStateDef // of StateDef
	Task   *task.Task
	Thread *task.Thread
	Host   Host
	Log    *slog.Logger
	Stats  *Stats
	// Epoch makes the ids of trees differ from those of earlier lives.
	Epoch uint64
}

// New starts the topology on a task: each of its sources goes on where it was. It
// runs on the thread, when the group leads.
func New(c Config) (*Topology, error) {
	t := &Topology{
		def: c.Def, task: c.Task, thread: c.Thread, host: c.Host, log: c.Log, stats: c.Stats,
		opts: liveOptions(c.Host.Options(), c.Def.Name), state: c.Task.PStates[c.State], eval: paths.NewEval(),
	}
	if len(c.Def.Sources) > maxSources {
		return nil, fmt.Errorf("%w: topology %s has %d sources, the most is %d", rama.ErrDefinition, c.Def.Name, len(c.Def.Sources), maxSources)
	}
	t.user = rama.NewTask((*runtime)(t))
	for i, def := range c.Def.Sources {
		d := c.Task.Depots[def.Depot]
		if d == nil {
			t.sources = append(t.sources, nil) // a global depot has its partition elsewhere
			continue
		}
		s := &running{top: t, def: def, index: i, depot: d, waiters: map[uint64][]Waiter{}}
		if err := s.resume(firstTree(i, c.Epoch)); err != nil {
			return nil, fmt.Errorf("topology %s, depot %s: %w", c.Def.Name, def.Depot.Name, err)
		}
		t.sources = append(t.sources, s)
	}
	return t, nil
}

// Sources are the topology's subscriptions to the depot partition.
func (t *Topology) Sources(d *task.Depot) []*Source {
	var out []*Source
	for _, s := range t.sources {
		if s != nil && s.depot == d {
			out = append(out, (*Source)(s))
		}
	}
	return out
}

// Pump looks whether records can be started.
func (t *Topology) Pump() {
	for _, s := range t.sources {
		if s != nil {
			s.wake()
		}
	}
}

// root runs the event with which a record begins.
func (t *Topology) root(s *running, tr *tree, rec value.Value) {
	ref := Ref{t.def, int(t.task.ID), tr.id}
	id := t.host.Random()
	tr.sum = id
	t.exec(ref, id, func() error { return s.def.Run(t.user, rec) })
}

// Arrive runs an event that a hop brought.
func (t *Topology) Arrive(h Hop) {
	t.exec(h.Ref, h.Event, func() error {
		state := h.State
		if enc, ok := state.(Encoded); ok {
			v, err := value.Decode(enc.Bytes)
			if err == nil {
				state, err = h.Stage.Decode(v)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", h.Stage.Step, err)
			}
		}
		return h.Stage.Run(t.user, state)
	})
}

// exec runs an event and, when its writes cannot be lost any more, sends its
// children on their way and reports to the root. If it fails, nothing of it
// stays, and the root learns that at once.
func (t *Topology) exec(ref Ref, id uint64, f func() error) {
	t.cur = current{ref: ref, xor: id}
	err := t.task.Run(func() error {
		if err := f(); err != nil {
			return err
		}
		t.task.Send(&sending{t: t, ref: ref, hops: t.cur.hops, xor: t.cur.xor, returns: t.cur.returns})
		return nil
	})
	t.cur = current{}
	t.stats.Events.Add(1)
	if err != nil && !errors.Is(err, task.ErrHalted) {
		t.stats.Failed.Add(1)
		t.log.Warn("a stream event failed", "topology", t.def.Name, "task", t.task.ID, "error", err)
		t.host.Report(ref.Root, Report{Ref: ref, Err: err.Error()})
	}
}

// sending is what an event sends.
type sending struct {
	t       *Topology
	ref     Ref
	hops    []outgoing
	xor     uint64
	returns []value.Value
}

// Release sends it. Children go first: the order does not matter to the sum.
func (s *sending) Release() {
	for _, h := range s.hops {
		s.t.host.Hop(h.to, h.hop)
	}
	s.t.stats.Hops.Add(int64(len(s.hops)))
	s.t.host.Report(s.ref.Root, Report{Ref: s.ref, Xor: s.xor, Returns: s.returns})
}

// Drop sends nothing: the record's time will run out.
func (s *sending) Drop(error) {}

// Take takes a report about a tree whose root is this task.
func (t *Topology) Take(r Report) {
	if i := r.source(); i < len(t.sources) && t.sources[i] != nil {
		t.sources[i].take(r)
	}
}

// Drop gives every waiter back that still waits, with an error: the group stops.
func (t *Topology) Drop(err error) {
	for _, s := range t.sources {
		if s != nil {
			s.drop(err)
		}
	}
}

// runtime is the topology as the code of the module sees it.
type runtime Topology

func (r *runtime) TaskID() int    { return int(r.task.ID) }
func (r *runtime) Tasks() int     { return r.host.Tasks() }
func (r *runtime) Now() time.Time { return r.host.Clock().Now() }

func (r *runtime) partition(p *rama.PStateDef) (*pstate.Partition, error) {
	if part := r.task.PStates[p]; part != nil {
		return part, nil
	}
	return nil, fmt.Errorf("%w: task %d has no partition of %s", rama.ErrBadInput, r.task.ID, p.Name)
}

func (r *runtime) owned(p *rama.PStateDef) (*pstate.Partition, error) {
	if p.Topology != r.def.Name {
		return nil, fmt.Errorf("%w: %s is written by topology %s only", rama.ErrBadInput, p.Name, p.Topology)
	}
	return r.partition(p)
}

func (r *runtime) Transform(p *rama.PStateDef, prog *paths.Program, args []value.Value) error {
	part, err := r.owned(p)
	if err != nil {
		return err
	}
	r.eval.Args = args
	return part.Transform(r.eval, prog)
}

// Select reads the topology's own PStates with its uncommitted writes, and those
// of others as they are committed.
func (r *runtime) Select(p *rama.PStateDef, prog *paths.Program, args []value.Value, emit func(value.Value) error) error {
	part, err := r.partition(p)
	if err != nil {
		return err
	}
	r.eval.Args = args
	r.eval.Handles = paths.HandlePlain
	if p.Topology == r.def.Name {
		return part.Select(r.task.Overlay, r.eval, prog, emit)
	}
	return part.Select(r.task.Group.Store(), r.eval, prog, emit)
}

func (r *runtime) Clear(p *rama.PStateDef) error {
	part, err := r.owned(p)
	if err != nil {
		return err
	}
	return part.Clear()
}

func (r *runtime) Hop(stage *rama.StageDef, to int, state any) error {
	carried, err := r.host.Carry(stage, to, state)
	if err != nil {
		return err
	}
	id := r.host.Random()
	r.cur.xor ^= id
	r.cur.hops = append(r.cur.hops, outgoing{to, Hop{Ref: r.cur.ref, Stage: stage, Event: id, State: carried}})
	return nil
}

func (r *runtime) AckReturn(v value.Value) error {
	r.cur.returns = append(r.cur.returns, value.Clone(v))
	return nil
}

// Append appends to the current task's partition, with the event's other writes.
func (r *runtime) Append(d *rama.DepotDef, rec value.Value) error {
	part := r.task.Depots[d]
	if part == nil {
		return fmt.Errorf("%w: task %d has no partition of %s", rama.ErrBadInput, r.task.ID, d.Name)
	}
	_, err := part.AppendOne(r.Now().UnixMilli(), rec)
	return err
}
