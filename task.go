package rama

import (
	"time"

	"rama/engine/value"
	"rama/paths"
)

// Task is where topology code runs: one of the module's tasks, with its
// partition of everything. It is valid during the call that gets it.
type Task struct {
	rt   Runtime
	vals []value.Value // scratch for the arguments of paths
}

// Runtime is what runs topology code on a task. The server implements it; code
// of modules does not meet it.
type Runtime interface {
	// TaskID is the number of the task, Tasks how many the module has.
	TaskID() int
	Tasks() int
	// Now is the time of the cluster's clock.
	Now() time.Time
	// Transform, Select and Clear work on the task's partition of a PState.
	Transform(p *PStateDef, prog *paths.Program, args []value.Value) error
	Select(p *PStateDef, prog *paths.Program, args []value.Value, emit func(value.Value) error) error
	Clear(p *PStateDef) error
	// Hop continues the topology at a stage on another task.
	Hop(stage *StageDef, task int, state any) error
	// AckReturn adds a value to what the append of the record answers.
	AckReturn(v value.Value) error
	// Append appends a record to the current task's partition of a depot.
	Append(d *DepotDef, rec value.Value) error
}

// NewTask returns the Task that a runtime hands to topology code.
func NewTask(rt Runtime) *Task { return &Task{rt: rt} }

// ID is the number of the task, from 0.
func (t *Task) ID() int { return t.rt.TaskID() }

// Count is the number of tasks of the module.
func (t *Task) Count() int { return t.rt.Tasks() }

// Now is the time of the cluster's clock: virtual in tests.
func (t *Task) Now() time.Time { return t.rt.Now() }

// values turns arguments of a path into values. The slice is reused by the next
// call.
func (t *Task) values(args []any) ([]value.Value, error) {
	t.vals = t.vals[:0]
	for _, a := range args {
		v, err := value.Of(a)
		if err != nil {
			return nil, err
		}
		t.vals = append(t.vals, v)
	}
	return t.vals, nil
}
