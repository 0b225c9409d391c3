package task

import (
	"fmt"
	"runtime/debug"

	"rama"
	"rama/depot"
	"rama/engine"
	"rama/engine/segment"
	"rama/engine/value"
	"rama/pstate"
)

// Task is one task of a module on its leader: its uncommitted writes and its
// partition of everything. It belongs to the group's thread.
type Task struct {
	ID      engine.TaskID
	Group   *Group
	Overlay *engine.Overlay
	// Depots and PStates are the task's partitions; a global object has one on task
	// 0 only.
	Depots  map[*rama.DepotDef]*Depot
	PStates map[*rama.PStateDef]*pstate.Partition

	depotByID  map[engine.ObjectID]*Depot
	pstateByID map[engine.ObjectID]*PState
	held       int // how much waits in batches on the task's behalf
	event      event
}

// PState is a PState's partition with its declaration.
type PState struct {
	Def  *rama.PStateDef
	Part *pstate.Partition
}

// event is the state of the event that runs.
type event struct {
	running bool
	mark    engine.Mark
	appends int // of the batch when the event began
	sends   []Deferred
}

// AddTask adds a task to the group.
func (g *Group) AddTask(id engine.TaskID) *Task {
	t := &Task{
		ID: id, Group: g, Overlay: engine.NewOverlay(g.o.Store, id),
		Depots: map[*rama.DepotDef]*Depot{}, PStates: map[*rama.PStateDef]*pstate.Partition{},
		depotByID: map[engine.ObjectID]*Depot{}, pstateByID: map[engine.ObjectID]*PState{},
	}
	g.Tasks = append(g.Tasks, t)
	return t
}

// AddPState opens the task's partition of a PState.
func (t *Task) AddPState(def *rama.PStateDef, d *pstate.Def, object engine.ObjectID) *pstate.Partition {
	p := d.Open(t.Overlay)
	t.PStates[def] = p
	t.pstateByID[object] = &PState{def, p}
	return p
}

// PState is the task's partition of the PState with the id, if it has one.
func (t *Task) PState(id engine.ObjectID) (*PState, bool) {
	p, ok := t.pstateByID[id]
	return p, ok
}

// Depot is the task's partition of the depot with the id, if it has one.
func (t *Task) Depot(id engine.ObjectID) (*Depot, bool) {
	d, ok := t.depotByID[id]
	return d, ok
}

// forget makes the partitions forget what they know of the overlay.
func (t *Task) forget() {
	for _, p := range t.PStates {
		p.Forget()
	}
}

// Run runs f as one event of the task. If f fails or panics, nothing of it
// stays: neither writes nor appends nor what it wanted to send. Otherwise what it
// sent happens when everything that it depends on is committed.
func (t *Task) Run(f func() error) error {
	if t.Group.err != nil {
		return t.Group.err
	}
	t.event.running = true
	t.event.mark = t.Overlay.Mark()
	t.event.appends = len(t.Group.open.appends)
	t.Overlay.ClearReadUncommitted()
	err := guarded(f)
	if err != nil {
		t.undo()
		t.Group.stats.Failed.Add(1)
	} else {
		t.finish()
		t.Group.stats.Events.Add(1)
	}
	t.event.running = false
	return err
}

// guarded calls f; a panic is an error of f.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

func (t *Task) undo() {
	clear(t.event.sends)
	t.event.sends = t.event.sends[:0]
	t.Overlay.Rollback(t.event.mark)
	t.forget()
	b := t.Group.open
	for i := len(b.appends) - 1; i >= t.event.appends; i-- {
		b.appends[i].into.next = b.appends[i].base
		b.bytes -= len(b.appends[i].data)
	}
	b.appends = b.appends[:t.event.appends]
}

func (t *Task) finish() {
	depends := t.Overlay.ReadUncommitted() || t.Overlay.Mark() != t.event.mark || len(t.Group.open.appends) > t.event.appends
	for i, d := range t.event.sends {
		t.event.sends[i] = nil
		t.Group.hold(t, depends, d)
	}
	t.event.sends = t.event.sends[:0]
}

// Send arranges that d happens when the running event cannot be lost any more;
// never, if the event fails. Outside of an event it is as if one had just written:
// d waits for all that the group has not committed.
func (t *Task) Send(d Deferred) {
	if t.event.running {
		t.event.sends = append(t.event.sends, d)
		return
	}
	t.Group.hold(t, true, d)
}

// Depot is a task's partition of a depot.
type Depot struct {
	Def    *rama.DepotDef
	Object engine.ObjectID
	Part   *depot.Partition
	task   *Task
	next   uint64 // the offset after all that was appended, committed or not
	// Producers is the state of the clients that number their appends.
	Producers *depot.Producers
	// OnCommit are called on the thread when records have been committed and applied.
	OnCommit []func()
	told     bool // they are due to be called
}

// AddDepot gives the task its partition of a depot.
func (t *Task) AddDepot(def *rama.DepotDef, object engine.ObjectID, p *depot.Partition) *Depot {
	_, end := p.Info()
	d := &Depot{Def: def, Object: object, Part: p, task: t, next: end}
	t.Depots[def] = d
	t.depotByID[object] = d
	return d
}

// End is the offset after all that was appended, committed or not.
func (d *Depot) End() uint64 { return d.next }

// Append appends records, in the form of segment.AppendRecord, to the open batch
// and returns the offset of the first. data must not change afterwards.
func (d *Depot) Append(millis int64, data []byte, count uint32) (base uint64, err error) {
	g := d.task.Group
	if g.err != nil {
		return 0, g.err
	}
	base = d.next
	d.next += uint64(count)
	g.open.appends = append(g.open.appends, records{into: d, base: base, millis: millis, count: count, data: data})
	g.open.bytes += len(data)
	return base, nil
}

// AppendOne is Append of one record.
func (d *Depot) AppendOne(millis int64, rec value.Value) (offset uint64, err error) {
	return d.Append(millis, segment.AppendRecord(nil, value.Encode(rec)), 1)
}

// apply takes committed records that the partition does not have yet.
func (d *Depot) apply(a *engine.Append) error {
	_, err := d.Part.Apply(a.Offset, a.TimeMillis, a.Records, a.Count)
	if err != nil {
		return fmt.Errorf("task %d depot %s: %w", d.task.ID, d.Def.Name, err)
	}
	if _, end := d.Part.Info(); end > d.next { // of an earlier life
		d.next = end
	}
	if !d.told {
		d.told = true
		d.task.Group.grown = append(d.task.Group.grown, d)
	}
	return nil
}

// localName names the record of the depot's durable position in the store.
func (d *Depot) localName() string { return DepotPositionName(d.task.ID, d.Object) }

// DepotPositionName names the record, local to a replica, of how far a depot
// partition is durable.
func DepotPositionName(t engine.TaskID, o engine.ObjectID) string {
	return fmt.Sprintf("depot/%d/%d", t, o)
}

// DecodeRecords calls fn for each record of data.
func DecodeRecords(data []byte, count uint32, fn func(rec value.Value) error) error {
	for ; count > 0; count-- {
		rec, rest, ok := segment.CutRecord(data)
		if !ok {
			return fmt.Errorf("%w: records end early", rama.ErrBadInput)
		}
		v, err := value.Decode(rec)
		if err != nil {
			return err
		}
		if err := fn(v); err != nil {
			return err
		}
		data = rest
	}
	if len(data) > 0 {
		return fmt.Errorf("%w: %d bytes follow the records", rama.ErrBadInput, len(data))
	}
	return nil
}
