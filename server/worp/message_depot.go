package worp

import (
	"fmt"

	"rama/engine/value"
)

// AckLevel says what an append waits for.
type AckLevel uint8

const (
	// AckNone: nothing. The answer comes when the records are queued.
	AckNone AckLevel = 0
	// AckAppend: durable on every replica in sync.
	AckAppend AckLevel = 1
	// AckFull: durable, and done in every colocated stream topology.
	AckFull AckLevel = 2
)

// Producer is the id of a client that numbers its appends, so that a repeat can be
// told from a new one. The zero Producer is none.
type Producer [16]byte

// Records is a list of values that are not decoded yet, as depots store them: of
// each its length (uint) and its encoding.
type Records struct {
	Count int
	Bytes []byte
}

// Add appends a record.
func (r *Records) Add(v value.Value) { r.AddEncoded(value.Encode(v)) }

// AddEncoded appends a record that is encoded already.
func (r *Records) AddEncoded(enc []byte) {
	r.Bytes = appendBytes(r.Bytes, enc)
	r.Count++
}

// Each calls fn with each record, decoded, until fn returns an error, and returns
// that. A record that is no value is an error that wraps CodeBadPayload.
func (r Records) Each(fn func(i int, v value.Value) error) error {
	d := decoder{b: r.Bytes, msg: "records"}
	for i := range r.Count {
		enc := d.bytes("record", len(d.b))
		if d.err != nil {
			return d.err
		}
		v, err := value.Decode(enc)
		if err != nil {
			return fmt.Errorf("%w: record %d: %w", CodeBadPayload, i, err)
		}
		if err := fn(i, v); err != nil {
			return err
		}
	}
	return d.end()
}

// records reads a list of records that lasts to the end of the payload. It checks
// the lengths, not the values.
func (d *decoder) records() Records {
	n := d.count("number of records", 1)
	r := Records{Count: n, Bytes: d.b}
	for i := 0; i < n && d.err == nil; i++ {
		d.bytes("record", len(d.b))
	}
	if d.err != nil {
		return Records{}
	}
	return r
}

// AppendRequest appends records to a depot. All go to one task, in order; with
// RouteForMe the depot's partitioner chooses it, and has to choose the same for
// all of them.
type AppendRequest struct {
	Instance, Object uint32
	Task             Task
	Ack              AckLevel
	Producer         Producer
	Sequence         uint64 // of the first record; the others follow it
	Records          Records
}

const (
	appendAckBits  = 0x03
	appendProducer = 0x04
)

// Append implements Message.
func (m *AppendRequest) Append(dst []byte) []byte {
	dst = appendUint(appendUint(dst, uint64(m.Instance)), uint64(m.Object))
	dst = appendTask(dst, m.Task)
	if m.Producer == (Producer{}) {
		dst = append(dst, byte(m.Ack))
	} else {
		dst = append(dst, byte(m.Ack)|appendProducer)
		dst = appendUint(append(dst, m.Producer[:]...), m.Sequence)
	}
	return append(appendUint(dst, uint64(m.Records.Count)), m.Records.Bytes...)
}

// Decode implements Message.
func (m *AppendRequest) Decode(b []byte) error {
	d := decoder{b: b, msg: "APPEND"}
	m.Instance, m.Object = d.uint32("instance"), d.uint32("depot")
	m.Task = d.task("task")
	bits := d.byte("flags")
	d.unknownBits("flags", bits, appendAckBits|appendProducer)
	if m.Ack = AckLevel(bits & appendAckBits); m.Ack > AckFull {
		d.fail("ack level", "is %d", m.Ack)
	}
	m.Producer, m.Sequence = Producer{}, 0
	if bits&appendProducer != 0 {
		m.Producer = Producer(d.take("producer", 16))
		m.Sequence = d.uint64("sequence")
		if m.Producer == (Producer{}) {
			d.fail("producer", "is zero")
		}
	}
	if m.Records = d.records(); d.err == nil && m.Records.Count == 0 {
		d.fail("number of records", "is 0")
	}
	return d.end()
}

// AckReturn is what a topology returned for an append.
type AckReturn struct {
	Topology string
	Value    value.Value
}

// AppendReply answers an append: where its first record lies, save with AckNone,
// and, with AckFull, what topologies returned.
type AppendReply struct {
	Task    Task
	Offset  uint64
	Returns []AckReturn
}

// Append implements Message.
func (m *AppendReply) Append(dst []byte) []byte {
	dst = appendUint(appendTask(dst, m.Task), m.Offset)
	dst = appendUint(dst, uint64(len(m.Returns)))
	for _, r := range m.Returns {
		dst = value.Append(appendString(dst, r.Topology), r.Value)
	}
	return dst
}

// Decode implements Message.
func (m *AppendReply) Decode(b []byte) error {
	d := decoder{b: b, msg: "answer to APPEND"}
	m.Task, m.Offset = d.task("task"), d.uint64("offset")
	m.Returns = m.Returns[:0]
	for n := d.count("number of ack returns", 2); n > 0 && d.err == nil; n-- {
		m.Returns = append(m.Returns, AckReturn{d.name("topology"), d.value("ack return")})
	}
	return d.end()
}

// DepotReadRequest reads the records of [Start, End) of a partition. The answer
// comes in pages; each is a DepotPage. All offsets must be available.
type DepotReadRequest struct {
	Instance, Object uint32
	Task             Task
	Start, End       uint64
	MaxBytes         uint64 // of the records of all pages, about; 0: no limit but End
}

// Append implements Message.
func (m *DepotReadRequest) Append(dst []byte) []byte {
	dst = appendUint(appendUint(dst, uint64(m.Instance)), uint64(m.Object))
	return appendUint(appendUint(appendUint(appendTask(dst, m.Task), m.Start), m.End), m.MaxBytes)
}

// Decode implements Message.
func (m *DepotReadRequest) Decode(b []byte) error {
	d := decoder{b: b, msg: "DEPOT_READ"}
	m.Instance, m.Object = d.uint32("instance"), d.uint32("depot")
	m.Task = d.task("task")
	m.Start, m.End, m.MaxBytes = d.uint64("start"), d.uint64("end"), d.uint64("max bytes")
	return d.end()
}

// DepotPage is a part of the answer to a read. Records that a migration removed
// are left out, so there can be fewer of them than offsets.
type DepotPage struct {
	Next    uint64 // the offset at which the next page or read begins
	Records Records
}

// Append implements Message.
func (m *DepotPage) Append(dst []byte) []byte {
	return append(appendUint(appendUint(dst, m.Next), uint64(m.Records.Count)), m.Records.Bytes...)
}

// Decode implements Message.
func (m *DepotPage) Decode(b []byte) error {
	d := decoder{b: b, msg: "page of DEPOT_READ"}
	m.Next = d.uint64("next")
	m.Records = d.records()
	return d.end()
}

// DepotInfoRequest asks for the offsets of a partition. The answer is a
// DepotInfoReply.
type DepotInfoRequest struct {
	Instance, Object uint32
	Task             Task
}

// Append implements Message.
func (m *DepotInfoRequest) Append(dst []byte) []byte {
	return appendTask(appendUint(appendUint(dst, uint64(m.Instance)), uint64(m.Object)), m.Task)
}

// Decode implements Message.
func (m *DepotInfoRequest) Decode(b []byte) error {
	d := decoder{b: b, msg: "DEPOT_INFO"}
	m.Instance, m.Object, m.Task = d.uint32("instance"), d.uint32("depot"), d.task("task")
	return d.end()
}

// DepotInfoReply says which offsets a partition has: [Start, End).
type DepotInfoReply struct {
	Start, End uint64
}

// Append implements Message.
func (m *DepotInfoReply) Append(dst []byte) []byte {
	return appendUint(appendUint(dst, m.Start), m.End)
}

// Decode implements Message.
func (m *DepotInfoReply) Decode(b []byte) error {
	d := decoder{b: b, msg: "answer to DEPOT_INFO"}
	m.Start, m.End = d.uint64("start"), d.uint64("end")
	return d.end()
}
