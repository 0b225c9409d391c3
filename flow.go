package rama

import (
	"fmt"

	"rama/engine/value"
)

// Flow is a point in a topology through which values of type T pass. Each
// function below takes a flow and returns the one behind its step. A flow that
// is used several times branches: each branch gets every value, in undefined
// order.
type Flow[T any] struct {
	st *Stream
	n  *node[T]
}

// node hands the values at one point to the steps behind it. Steps call each
// other as typed functions: between two hops no value is boxed or encoded.
type node[T any] struct{ outs []func(*Task, T) error }

func (n *node[T]) run(t *Task, v T) error {
	for _, out := range n.outs {
		if err := out(t, v); err != nil {
			return err
		}
	}
	return nil
}

func (f Flow[T]) then(out func(*Task, T) error) { f.n.outs = append(f.n.outs, out) }

// at names the step in an error of its function.
func at(step string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", step, err)
}

// Source begins a stream topology with the records of a depot. Each is run on
// the task of its partition, in order, without waiting for the one before.
func Source[T any](st *Stream, d *Depot[T], opts ...SourceOption) Flow[T] {
	f := Flow[T]{st, &node[T]{}}
	src := &SourceDef{Depot: d.def}
	for _, o := range opts {
		o(src)
	}
	step := st.step("Source " + d.def.Name)
	for _, s := range st.def.Sources {
		if s.Depot == d.def && s.ID == src.ID {
			st.s.fail(step, "a second subscription to a depot needs a SourceID of its own")
		}
	}
	src.Run = func(t *Task, rec value.Value) error {
		var v T
		if err := value.Into(rec, &v); err != nil {
			return at(step, err)
		}
		return f.n.run(t, v)
	}
	st.def.Sources = append(st.def.Sources, src)
	return f
}

// Each calls fn with every value, which then goes on.
func Each[T any](f Flow[T], fn func(t *Task, v T) error) Flow[T] {
	next := Flow[T]{f.st, &node[T]{}}
	step := f.st.step("Each")
	f.then(func(t *Task, v T) error {
		if err := fn(t, v); err != nil {
			return at(step, err)
		}
		return next.n.run(t, v)
	})
	return next
}

// Map goes on with what fn makes of every value.
func Map[T, U any](f Flow[T], fn func(t *Task, v T) (U, error)) Flow[U] {
	next := Flow[U]{f.st, &node[U]{}}
	step := f.st.step("Map")
	f.then(func(t *Task, v T) error {
		u, err := fn(t, v)
		if err != nil {
			return at(step, err)
		}
		return next.n.run(t, u)
	})
	return next
}

// FlatMap goes on with every value that fn emits, none or several: what is
// behind it runs to its end within each call of emit.
func FlatMap[T, U any](f Flow[T], fn func(t *Task, v T, emit func(U) error) error) Flow[U] {
	next := Flow[U]{f.st, &node[U]{}}
	step := f.st.step("FlatMap")
	f.then(func(t *Task, v T) error {
		return at(step, fn(t, v, func(u U) error { return next.n.run(t, u) }))
	})
	return next
}

// Filter goes on with the values of which fn says so.
func Filter[T any](f Flow[T], fn func(t *Task, v T) (bool, error)) Flow[T] {
	next := Flow[T]{f.st, &node[T]{}}
	step := f.st.step("Filter")
	f.then(func(t *Task, v T) error {
		ok, err := fn(t, v)
		if err != nil {
			return at(step, err)
		}
		if !ok {
			return nil
		}
		return next.n.run(t, v)
	})
	return next
}

// AckReturn adds what fn returns to the answer that the appending client gets:
// values are folded on the record's task (AckReturnAgg) and sent when the whole
// tree of events is done.
func AckReturn[T any](f Flow[T], fn func(t *Task, v T) (any, error)) Flow[T] {
	next := Flow[T]{f.st, &node[T]{}}
	step := f.st.step("AckReturn")
	f.then(func(t *Task, v T) error {
		x, err := fn(t, v)
		if err != nil {
			return at(step, err)
		}
		val, err := value.Of(x)
		if err == nil {
			err = t.rt.AckReturn(val)
		}
		if err != nil {
			return at(step, err)
		}
		return next.n.run(t, v)
	})
	return next
}

// hop makes a partitioner: a stage behind the flow, and the tasks to which each
// value goes.
func hop[T any](f Flow[T], op string, to func(t *Task, v T, send func(task int) error) error) Flow[T] {
	next := Flow[T]{f.st, &node[T]{}}
	step := f.st.step(op)
	stage := &StageDef{
		Stream: f.st.def, Number: len(f.st.def.Stages), Step: step,
		Run:    func(t *Task, state any) error { return next.n.run(t, state.(T)) },
		Encode: func(state any) (value.Value, error) { return value.Of(state) },
		Decode: func(v value.Value) (any, error) {
			var x T
			err := value.Into(v, &x)
			return x, err
		},
	}
	f.st.def.Stages = append(f.st.def.Stages, stage)
	f.then(func(t *Task, v T) error {
		return at(step, to(t, v, func(task int) error {
			if task < 0 || task >= t.Count() {
				return fmt.Errorf("%w: task %d of %d", ErrBadInput, task, t.Count())
			}
			return t.rt.Hop(stage, task, v)
		}))
	})
	return next
}

// HashPartition goes on at the task on which the key lies: hash(key) modulo the
// number of tasks, as clients route their selects.
func HashPartition[T, K any](f Flow[T], key func(T) K) Flow[T] {
	return hop(f, "HashPartition", func(t *Task, v T, send func(int) error) error {
		k, err := value.Of(key(v))
		if err != nil {
			return err
		}
		return send(value.Partition(k, t.Count()))
	})
}

// GlobalPartition goes on at task 0.
func GlobalPartition[T any](f Flow[T]) Flow[T] {
	return hop(f, "GlobalPartition", func(_ *Task, _ T, send func(int) error) error { return send(0) })
}

// DirectPartition goes on at the task that fn names.
func DirectPartition[T any](f Flow[T], fn func(T) int) Flow[T] {
	return hop(f, "DirectPartition", func(_ *Task, v T, send func(int) error) error { return send(fn(v)) })
}

// AllPartition goes on at every task.
func AllPartition[T any](f Flow[T]) Flow[T] {
	return hop(f, "AllPartition", func(t *Task, _ T, send func(int) error) error {
		for i := range t.Count() {
			if err := send(i); err != nil {
				return err
			}
		}
		return nil
	})
}
