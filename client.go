package rama

import (
	"context"
	"fmt"
	"iter"

	"rama/engine/value"
)

// Cluster is a client of the modules of a node or cluster. It and what it
// returns may be used by several goroutines.
type Cluster interface {
	// Modules lists the deployed modules.
	Modules(ctx context.Context) ([]ModuleInfo, error)
	// Depot and PState return handles that stay valid over restarts.
	Depot(ctx context.Context, module, name string) (DepotClient, error)
	PState(ctx context.Context, module, name string) (PStateClient, error)
	// Close ends every call in flight with ErrClosed.
	Close() error
}

// ModuleInfo says what a deployed module consists of.
type ModuleInfo struct {
	Name     string         `json:"name"`
	Instance uint32         `json:"instance"`
	Tasks    int            `json:"tasks"`
	Workers  []WorkerInfo   `json:"workers"`
	Depots   []ObjectInfo   `json:"depots"`
	PStates  []ObjectInfo   `json:"pstates"`
	Streams  []TopologyInfo `json:"streams"`
}

// WorkerInfo is a process that serves tasks of a module.
type WorkerInfo struct {
	Address string `json:"address"`
	Tasks   []int  `json:"tasks"`
}

// ObjectInfo is a depot or PState of a module.
type ObjectInfo struct {
	Name       string `json:"name"`
	ID         uint32 `json:"id"`
	Partitions int    `json:"partitions"`
	// Partitioner of a depot: hash, random, custom or disallow; Field names the
	// fields by which a hash partitioner hashes, where clients can compute it.
	Partitioner string   `json:"partitioner,omitempty"`
	Field       []string `json:"field,omitempty"`
	// Schema and Topology of a PState.
	Schema   string `json:"schema,omitempty"`
	Topology string `json:"topology,omitempty"`
	Private  bool   `json:"private,omitempty"`
}

// TopologyInfo is a topology of a module.
type TopologyInfo struct {
	Name    string   `json:"name"`
	Sources []string `json:"sources"`
	PStates []string `json:"pstates"`
}

// AckLevel says what an append waits for.
type AckLevel uint8

// The ack levels.
const (
	// AckAll waits until the record is durable and every stream topology of the
	// module that sources the depot has processed it.
	AckAll AckLevel = iota
	// AckAppend waits until the record is durable.
	AckAppend
	// AckNone does not wait.
	AckNone
)

var ackNames = [...]string{AckAll: "ack", AckAppend: "appendAck", AckNone: "none"}

func (a AckLevel) String() string { return ackNames[a] }

// ParseAckLevel reads ack, appendAck or none.
func ParseAckLevel(s string) (AckLevel, error) {
	for a, name := range ackNames {
		if s == name {
			return AckLevel(a), nil
		}
	}
	return 0, fmt.Errorf("%w: ack level %q is none of ack, appendAck, none", ErrBadInput, s)
}

// Ack is the answer to an append.
type Ack struct {
	// Partition and Offset are where the record is stored; unknown (-1) for
	// AckNone.
	Partition int
	Offset    int64
	// Returns holds, by topology, the ack return, where there is one.
	Returns map[string]value.Value
}

// DepotClient appends to a depot and reads its partitions.
type DepotClient interface {
	Info() ObjectInfo
	// Append appends a record and waits as the level says. After an error the
	// record may have been appended all the same, save where the error says that
	// nothing happened.
	Append(ctx context.Context, rec any, level AckLevel) (Ack, error)
	// AppendAsync sends the record without waiting and calls done, once, when the
	// answer is there or cannot come. done must not block. AppendAsync itself blocks
	// while the server's window is full.
	AppendAsync(ctx context.Context, rec any, level AckLevel, done func(Ack, error))
	// PartitionInfo returns the first offset there is and the next one there will be.
	PartitionInfo(ctx context.Context, partition int) (start, end int64, err error)
	// Read goes through the records at [start, end) of a partition.
	Read(ctx context.Context, partition int, start, end int64) iter.Seq2[Record, error]
}

// Record is a record of a depot partition.
type Record struct {
	Offset int64
	Data   value.Value
}

// PStateClient queries a PState.
type PStateClient interface {
	Info() ObjectInfo
	// Select goes through what the path navigates to, page by page, on one stable
	// state of the partition. An error ends it. The path's first key says the
	// partition, unless the PState has only one.
	Select(ctx context.Context, path *Path, args ...any) iter.Seq2[value.Value, error]
	// SelectOne returns the one value to which the path navigates; ErrNotOne
	// otherwise.
	SelectOne(ctx context.Context, path *Path, args ...any) (value.Value, error)
	// WithKey returns a client whose calls go to the partition of the key, whatever
	// the path; OnPartition one whose calls go to that partition.
	WithKey(key any) PStateClient
	OnPartition(partition int) PStateClient
}

// SelectEach is PStateClient.Select with the values as a Go type.
func SelectEach[T any](ctx context.Context, c PStateClient, path *Path, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range c.Select(ctx, path, args...) {
			var x T
			if err == nil {
				err = value.Into(v, &x)
			}
			if !yield(x, err) || err != nil {
				return
			}
		}
	}
}

// SelectAll returns all of SelectEach.
func SelectAll[T any](ctx context.Context, c PStateClient, path *Path, args ...any) ([]T, error) {
	var out []T
	for x, err := range SelectEach[T](ctx, c, path, args...) {
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// SelectOnly is PStateClient.SelectOne with the value as a Go type.
func SelectOnly[T any](ctx context.Context, c PStateClient, path *Path, args ...any) (T, error) {
	var x T
	v, err := c.SelectOne(ctx, path, args...)
	if err != nil {
		return x, err
	}
	return x, value.Into(v, &x)
}
