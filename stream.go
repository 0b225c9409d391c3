package rama

import (
	"fmt"
	"time"

	"rama/depot"
	"rama/engine/value"
)

// StreamDef is a declared stream topology.
type StreamDef struct {
	Name    string
	Sources []*SourceDef
	PStates []*PStateDef
	Stages  []*StageDef
}

// SourceDef is a subscription of a stream topology to a depot.
type SourceDef struct {
	Depot *DepotDef
	// ID tells several subscriptions to one depot apart; empty for one alone.
	ID        string
	Retry     RetryMode
	StartFrom depot.StartFrom
	// AckReturn folds the values of Flow AckReturn, in order of arrival; nil keeps
	// the last.
	AckReturn func(acc, v value.Value) (value.Value, error)
	// Run runs the topology from the source on, on the depot partition's task.
	Run func(t *Task, rec value.Value) error
}

// StageDef is the part of a topology between two hops. Its number is the same in
// every process that runs the module.
type StageDef struct {
	Stream *StreamDef
	Number int
	// Run continues the topology with the state that the hop carried.
	Run func(t *Task, state any) error
	// Encode and Decode carry the state between workers.
	Encode func(state any) (value.Value, error)
	Decode func(v value.Value) (any, error)
	Step   string // where the hop stands in the topology, for messages
}

// RetryMode says what a source does when a record's processing fails.
type RetryMode uint8

// The retry modes.
const (
	// RetryIndividual tries failed records again, alone: at least once.
	RetryIndividual RetryMode = iota
	// RetryAllAfter tries a failed record and every later one of its partition
	// again, so that the order is kept.
	RetryAllAfter
	// RetryNone gives a failed record up: at most once.
	RetryNone
)

func (r RetryMode) String() string { return [...]string{"individual", "allAfter", "none"}[r] }

// Stream is a stream topology under definition.
type Stream struct {
	s   *Setup
	def *StreamDef
	n   int // steps so far
}

// Stream declares a stream topology.
func (s *Setup) Stream(name string) *Stream {
	st := &Stream{s: s, def: &StreamDef{Name: name}}
	if _, ok := s.def.Stream(name); ok || name == "" {
		s.fail("stream "+name, "its name is empty or there twice")
	}
	s.def.Streams = append(s.def.Streams, st.def)
	return st
}

func (st *Stream) setup() *Setup        { return st.s }
func (st *Stream) topologyName() string { return st.def.Name }
func (st *Stream) own(p *PStateDef)     { st.def.PStates = append(st.def.PStates, p) }

// step names the next step of the topology for messages.
func (st *Stream) step(op string) string {
	st.n++
	return fmt.Sprintf("stream %s step %d (%s)", st.def.Name, st.n, op)
}

// SourceOption is an option of Source.
type SourceOption func(*SourceDef)

// Retry sets the retry mode of a source.
func Retry(m RetryMode) SourceOption { return func(s *SourceDef) { s.Retry = m } }

// SourceID names a subscription, where a topology has several to one depot.
func SourceID(id string) SourceOption { return func(s *SourceDef) { s.ID = id } }

// AckReturnAgg folds the ack returns of a record with f, in order of arrival at
// the record's task; the first is folded into null. Without it the last counts.
func AckReturnAgg(f func(acc, v value.Value) (value.Value, error)) SourceOption {
	return func(s *SourceDef) { s.AckReturn = f }
}

// StartFromBeginning, StartFromEnd (the default), StartAfter and StartAgo say
// where a topology begins in a depot partition that it meets for the first time.
func StartFromBeginning() SourceOption {
	return func(s *SourceDef) { s.StartFrom = depot.StartFrom{Kind: depot.StartBeginning} }
}

// StartFromEnd begins with the records that come after the launch.
func StartFromEnd() SourceOption { return func(s *SourceDef) { s.StartFrom = depot.StartFrom{} } }

// StartAfter begins with the first record appended at t or later.
func StartAfter(t time.Time) SourceOption {
	return func(s *SourceDef) {
		s.StartFrom = depot.StartFrom{Kind: depot.StartAfterTimestamp, Millis: t.UnixMilli()}
	}
}

// StartAgo begins n records, or a time, before the end.
func StartAgo(n int64, unit depot.Unit) SourceOption {
	return func(s *SourceDef) { s.StartFrom = depot.StartFrom{Kind: depot.StartAgo, N: n, Unit: unit} }
}
