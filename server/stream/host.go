package stream

import (
	"time"

	"rama"
	"rama/engine/value"
	"rama/server/clock"
	"rama/server/option"
)

// Host is what topologies need from the worker they run in.
type Host interface {
	// Tasks is the number of tasks of the module.
	Tasks() int
	Clock() clock.Clock
	Options() *option.Registry
	// Carry makes a state ready for its way to a task: it is passed as it is to a
	// task of the same worker, and encoded otherwise. An error fails the event.
	Carry(stage *rama.StageDef, to int, state any) (any, error)
	// Hop and Report deliver to a task, in order from one task to another, without
	// waiting.
	Hop(to int, h Hop)
	Report(to int, r Report)
	// Random returns an event id.
	Random() uint64
}

// Ref names a tree: the topology, the task of its root, and the attempt there.
type Ref struct {
	Stream *rama.StreamDef
	Root   int
	Tree   uint64
}

// The number of a tree says which of the topology's sources it belongs to, and
// the epoch, so that reports about a tree of an earlier life find none.
const (
	treeSourceShift = 56
	treeEpochShift  = 36
	maxSources      = 1 << (64 - treeSourceShift)
)

func firstTree(source int, epoch uint64) uint64 {
	const epochs = 1 << (treeSourceShift - treeEpochShift)
	return uint64(source)<<treeSourceShift | epoch%epochs<<treeEpochShift
}

// source is the source, of the topology's, to which the tree belongs.
func (r Ref) source() int { return int(r.Tree >> treeSourceShift) }

// Hop is an event on its way to another task.
type Hop struct {
	Ref
	Stage *rama.StageDef
	Event uint64 // its id
	State any    // as Carry made it
}

// Encoded is a state as Carry makes it for another worker.
type Encoded struct{ Bytes []byte }

// Report tells the root of a tree what became of an event.
type Report struct {
	Ref
	Xor     uint64        // of the ids of the event and of its children
	Returns []value.Value // of AckReturn, in order
	Err     string        // why the event failed; empty if it did not
}

// Waiter is told what becomes of a record. Each topology that sources the
// record's depot tells once.
type Waiter interface {
	Done(topology string, ret value.Value, returned bool)
	Failed(topology string, err error)
}

// options are the live options of a topology.
type options struct {
	maxExecuting, timeout, saveRecords, saveSeconds *option.Live
}

func liveOptions(r *option.Registry, topology string) options {
	return options{
		maxExecuting: r.Live(MaxExecuting, topology),
		timeout:      r.Live(Timeout, topology),
		saveRecords:  r.Live(CheckpointRecords, topology),
		saveSeconds:  r.Live(CheckpointSeconds, topology),
	}
}

func seconds(l *option.Live) time.Duration { return time.Duration(l.Int()) * time.Second }
