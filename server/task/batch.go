package task

import (
	"cmp"
	"slices"

	"rama/engine"
)

// batch is what becomes one entry of the replication log: while it is open, what
// events add to it; once it is cut, what its commit sets free.
type batch struct {
	index    uint64 // of the entry, once it is cut
	sections []engine.Section
	cut      []*Task // whose overlays have a layer in it
	appends  []records
	deferred []held
	bytes    int // of the records
}

// records are on their way into a depot partition.
type records struct {
	into   *Depot
	base   uint64
	millis int64
	count  uint32
	data   []byte
}

// held is something that waits for the batch, on behalf of a task.
type held struct {
	task *Task
	what Deferred
}

// close gathers the writes of the tasks and the records into sections, in the
// order of the tasks' numbers. It reports whether there is anything to log.
func (b *batch) close(tasks []*Task) bool {
	for _, t := range tasks {
		if body, count, ok := t.Overlay.Cut(); ok {
			b.sections = append(b.sections, engine.Section{Task: t.ID, KV: body, KVCount: count})
			b.cut = append(b.cut, t)
		}
	}
	for i := range b.appends {
		r := &b.appends[i]
		s := b.section(r.into.task.ID)
		s.Appends = append(s.Appends, engine.Append{
			Object: r.into.Object, Offset: r.base, TimeMillis: r.millis, Records: r.data, Count: r.count,
		})
	}
	slices.SortFunc(b.sections, func(x, y engine.Section) int { return cmp.Compare(x.Task, y.Task) })
	return len(b.sections) > 0
}

func (b *batch) section(t engine.TaskID) *engine.Section {
	for i := range b.sections {
		if b.sections[i].Task == t {
			return &b.sections[i]
		}
	}
	b.sections = append(b.sections, engine.Section{Task: t})
	return &b.sections[len(b.sections)-1]
}

// release sets free what waited for the batch.
func (b *batch) release() {
	for _, h := range b.deferred {
		h.task.held--
		h.what.Release()
	}
}

// drop tells what waited that nobody will know.
func (b *batch) drop(err error) {
	for _, h := range b.deferred {
		h.task.held--
		h.what.Drop(err)
	}
}
