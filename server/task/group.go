package task

import (
	"errors"
	"fmt"
	"log/slog"

	"rama/engine"
	"rama/engine/segment"
)

// ErrHalted is met when the group's replica has stopped: its disk failed, or our
// own reasoning did. It serves nothing until the process starts again.
var ErrHalted = errors.New("task group halted")

// GroupOptions are what a group needs from outside.
type GroupOptions struct {
	Instance uint32 // of the module whose code runs
	Store    *engine.Store
	Log      *slog.Logger
	// BatchBytes is the size at which a batch is cut though the log is busy, in
	// bytes. Default 256 KiB: beyond, a larger batch saves no sync worth the wait.
	BatchBytes int
	// OnHalt is called once, on the thread, when the group halts.
	OnHalt func(error)
}

// Group is the tasks of one thread: one store, one log, one batch. All of it
// belongs to the thread's goroutine.
type Group struct {
	o      GroupOptions
	log    Log
	Tasks  []*Task
	open   *batch
	flying []*batch // cut, not committed, in order
	grown  []*Depot // whose consumers are to be told that records committed
	err    error    // why the group halted
	entry  engine.Entry
	stats  *GroupStats
}

// NewGroup returns a group without tasks and log.
func NewGroup(o GroupOptions) *Group {
	if o.BatchBytes == 0 {
		o.BatchBytes = 256 << 10
	}
	return &Group{o: o, open: &batch{}, stats: &GroupStats{}}
}

// SetLog gives the group the log that it proposes to.
func (g *Group) SetLog(l Log) { g.log = l }

// Store is the group's store: the committed state.
func (g *Group) Store() *engine.Store { return g.o.Store }

// Stats returns the group's counters.
func (g *Group) Stats() *GroupStats { return g.stats }

// Err says why the group halted; nil while it runs.
func (g *Group) Err() error { return g.err }

// Turn is what the thread does after each turn: it cuts the batch if the log
// would write it at once, or it is full.
func (g *Group) Turn() {
	if g.err != nil || g.log == nil || !g.pending() {
		return
	}
	if g.log.Idle() || g.openBytes() >= g.o.BatchBytes {
		g.Cut()
	}
}

func (g *Group) pending() bool {
	if len(g.open.appends) > 0 || len(g.open.deferred) > 0 {
		return true
	}
	for _, t := range g.Tasks {
		if t.Overlay.Dirty() {
			return true
		}
	}
	return false
}

func (g *Group) openBytes() int {
	n := g.open.bytes
	for _, t := range g.Tasks {
		n += t.Overlay.Bytes()
	}
	return n
}

// Cut makes the open batch an entry of the log.
func (g *Group) Cut() {
	b := g.open
	if !b.close(g.Tasks) {
		if len(b.deferred) > 0 {
			g.Halt(fmt.Errorf("something waits for a batch without writes"))
		}
		return
	}
	g.entry = engine.Entry{Kind: engine.EntryEffects, Instance: g.o.Instance, Sections: b.sections}
	payload := engine.AppendEntry(nil, &g.entry)
	index, err := g.log.Propose(payload)
	g.open = &batch{}
	b.index = index
	g.flying = append(g.flying, b)
	if err != nil {
		g.Halt(fmt.Errorf("propose: %w", err))
		return
	}
	g.stats.cut(len(payload))
}

// Poll applies what has committed. The thread calls it when the log says that
// there is something.
func (g *Group) Poll() {
	if g.err != nil {
		return
	}
	if err := g.log.Poll(g.apply); err != nil {
		g.Halt(err)
		return
	}
	for i, d := range g.grown {
		g.grown[i] = nil
		d.told = false
		for _, f := range d.OnCommit {
			f()
		}
	}
	g.grown = g.grown[:0]
}

// apply takes a committed entry: one of the group's own batches, or what the log
// itself writes.
func (g *Group) apply(index, epoch uint64, payload []byte) error {
	if len(g.flying) > 0 && g.flying[0].index == index {
		b := g.flying[0]
		g.flying[0] = nil
		g.flying = g.flying[1:]
		if err := g.store(index, epoch, b.sections); err != nil {
			b.drop(err)
			return err
		}
		for _, t := range b.cut {
			t.Overlay.Drop()
		}
		b.release()
		return nil
	}
	return g.Replay(index, epoch, payload)
}

// Replay applies an entry that is not in memory: one of an earlier life, or of
// the log itself. Entries that the store has are applied to the depots only.
func (g *Group) Replay(index, epoch uint64, payload []byte) error {
	g.entry.Sections = g.entry.Sections[:0]
	if len(payload) > 0 {
		if err := engine.DecodeEntry(payload, &g.entry); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
	}
	return g.store(index, epoch, g.entry.Sections)
}

// store applies sections to the store and to the depots. Depots take what they
// do not have yet; so does the store.
func (g *Group) store(index, epoch uint64, sections []engine.Section) error {
	for i := range sections {
		s := &sections[i]
		for j := range s.Appends {
			a := &s.Appends[j]
			d := g.depot(s.Task, a.Object)
			if d == nil {
				continue // of a depot that the module has no more
			}
			if err := d.apply(a); err != nil {
				return fmt.Errorf("entry %d: %w", index, err)
			}
		}
	}
	if applied, _ := g.o.Store.Applied(); index <= applied {
		return nil
	}
	if err := g.o.Store.Apply(index, epoch, sections); err != nil {
		return fmt.Errorf("entry %d: %w", index, err)
	}
	g.stats.Applied.Store(index)
	return nil
}

func (g *Group) depot(t engine.TaskID, o engine.ObjectID) *Depot {
	for _, k := range g.Tasks {
		if k.ID == t {
			return k.depotByID[o]
		}
	}
	return nil
}

// Halt stops the group for good. Whatever waits for a commit learns that nobody
// will know.
func (g *Group) Halt(err error) {
	if g.err != nil {
		return
	}
	g.err = fmt.Errorf("%w: %w", ErrHalted, err)
	if g.o.Log != nil {
		g.o.Log.Error("task group halted", "error", err)
	}
	for _, b := range append(g.flying, g.open) {
		b.drop(g.err)
	}
	g.flying, g.open = nil, &batch{}
	for _, t := range g.Tasks {
		t.Overlay.Reset()
		t.forget()
	}
	if g.o.OnHalt != nil {
		g.o.OnHalt(g.err)
	}
}

// hold arranges that d happens when everything that the task's event depends on
// is committed, and after what the task holds back already, so that what a task
// sends stays in order. depends says that the event wrote something, or read
// something that is not committed.
func (g *Group) hold(t *Task, depends bool, d Deferred) {
	b := g.open
	switch {
	case g.err != nil:
		d.Drop(g.err)
		return
	case !depends && t.held == 0, !g.pending() && len(g.flying) == 0:
		d.Release()
		return
	case !g.pending():
		b = g.flying[len(g.flying)-1]
	}
	t.held++
	b.deferred = append(b.deferred, held{t, d})
}

// SyncDepots makes the depots of the group durable and records up to where, so
// that the log no longer has to keep their records. It runs on any goroutine, on
// the depots given, and returns what to record with Store.SetLocal.
func SyncDepots(depots []*Depot) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, d := range depots {
		pos, err := d.Part.Sync()
		if err != nil {
			return nil, err
		}
		out[d.localName()] = segment.AppendPosition(nil, pos)
	}
	return out, nil
}
