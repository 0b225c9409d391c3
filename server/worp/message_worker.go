package worp

import "rama/engine/value"

// Event is a step of a stream's event tree that goes on on another task.
type Event struct {
	Task     uint32 // where it runs
	Stage    uint32 // of the topology's pipeline
	RootTask uint32 // that counts the tree
	Tree     uint64 // which tree of that task
	ID       uint64 // random; the tree is complete when the xor of all is zero
	Payload  []byte // what the stage before emitted
}

// EventBatch is one-way, between the workers of a module instance: events of one
// topology, in order.
type EventBatch struct {
	Instance, Topology uint32
	Events             []Event
}

// leastEvent is the length of the shortest encoded event, in bytes.
const leastEvent = 3 + 8 + 8 + 1

// Append implements Message.
func (m *EventBatch) Append(dst []byte) []byte {
	dst = appendUint(appendUint(dst, uint64(m.Instance)), uint64(m.Topology))
	dst = appendUint(dst, uint64(len(m.Events)))
	for i := range m.Events {
		e := &m.Events[i]
		dst = appendUint(appendUint(appendUint(dst, uint64(e.Task)), uint64(e.Stage)), uint64(e.RootTask))
		dst = appendBytes(appendFixed8(appendFixed8(dst, e.Tree), e.ID), e.Payload)
	}
	return dst
}

// Decode implements Message.
func (m *EventBatch) Decode(b []byte) error {
	d := decoder{b: b, msg: "EVENTS"}
	m.Instance, m.Topology = d.uint32("instance"), d.uint32("topology")
	m.Events = m.Events[:0]
	for n := d.count("number of events", leastEvent); n > 0 && d.err == nil; n-- {
		m.Events = append(m.Events, Event{
			Task: d.uint32("task"), Stage: d.uint32("stage"), RootTask: d.uint32("root task"),
			Tree: d.fixed8("tree"), ID: d.fixed8("event id"), Payload: d.bytes("payload", len(b)),
		})
	}
	return d.end()
}

// TreeAck tells the root of a tree that an event is done: the xor of its id and
// those of the events that it sent on.
type TreeAck struct {
	RootTask  uint32
	Tree      uint64
	Xor       uint64
	HasReturn bool
	Return    value.Value // for the ack return of the topology
}

// TreeFailure tells the root of a tree that an event failed.
type TreeFailure struct {
	RootTask uint32
	Tree     uint64
	Err      Error
}

// TreeBatch is one-way, between the workers of a module instance: what became of
// the events of one topology.
type TreeBatch struct {
	Instance, Topology uint32
	Acks               []TreeAck
	Failures           []TreeFailure
}

const (
	// The lengths of the shortest encoded ack and failure, in bytes.
	leastAck     = 1 + 8 + 8 + 1
	leastFailure = 1 + 8 + 3

	treeReturn = 0x01
)

// Append implements Message.
func (m *TreeBatch) Append(dst []byte) []byte {
	dst = appendUint(appendUint(dst, uint64(m.Instance)), uint64(m.Topology))
	dst = appendUint(dst, uint64(len(m.Acks)))
	for i := range m.Acks {
		a := &m.Acks[i]
		dst = appendFixed8(appendFixed8(appendUint(dst, uint64(a.RootTask)), a.Tree), a.Xor)
		if a.HasReturn {
			dst = value.Append(append(dst, treeReturn), a.Return)
		} else {
			dst = append(dst, 0)
		}
	}
	dst = appendUint(dst, uint64(len(m.Failures)))
	for i := range m.Failures {
		f := &m.Failures[i]
		dst = f.Err.Append(appendFixed8(appendUint(dst, uint64(f.RootTask)), f.Tree))
	}
	return dst
}

// Decode implements Message.
func (m *TreeBatch) Decode(b []byte) error {
	d := decoder{b: b, msg: "TREE"}
	m.Instance, m.Topology = d.uint32("instance"), d.uint32("topology")
	m.Acks, m.Failures = m.Acks[:0], m.Failures[:0]
	for n := d.count("number of acks", leastAck); n > 0 && d.err == nil; n-- {
		a := TreeAck{RootTask: d.uint32("root task"), Tree: d.fixed8("tree"), Xor: d.fixed8("xor")}
		bits := d.byte("flags")
		d.unknownBits("flags", bits, treeReturn)
		if a.HasReturn = bits&treeReturn != 0; a.HasReturn {
			a.Return = d.value("ack return")
		}
		m.Acks = append(m.Acks, a)
	}
	for n := d.count("number of failures", leastFailure); n > 0 && d.err == nil; n-- {
		f := TreeFailure{RootTask: d.uint32("root task"), Tree: d.fixed8("tree")}
		f.Err.read(&d)
		m.Failures = append(m.Failures, f)
	}
	return d.end()
}
