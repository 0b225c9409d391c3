// Package stream runs stream topologies.
//
// A topology sources depots. Each record of a depot partition starts, on that
// partition's task, an event; at a hop the event makes child events on other
// tasks, and so on: a tree. The task of the record is the tree's root. A record is
// done when every event of its tree succeeded and what they wrote is committed.
//
// # The tree
//
// The root keeps one number for a tree, however large it is (Storm's acker): the
// exclusive or of the ids, chosen at random, of all events that were made and all
// that were done. Every event, once its writes are committed, reports its own id
// xor those of its children; every id enters twice, and the number is zero when
// nothing is missing. That it is zero too early by chance is a matter of 2^-64.
//
// # Commit before hop
//
// What an event sends leaves when its writes cannot be lost any more (package
// task). So an event never sees, on another task, the trace of a write that will
// not have happened.
//
// # At least once
//
// A record whose tree fails, or does not complete in time, is run again from the
// source, as the source's retry mode says. What its events had written stays. The
// offsets that are done are saved from time to time, in the topology's own PState,
// through the same log as everything else; after a restart the records that were
// not saved as done run again.
//
// source.go is the pure state of one source on one task: what to start, what is
// done, what to save. topology.go runs it.
package stream
