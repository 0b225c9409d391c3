package worp

import (
	"fmt"

	"rama/engine/value"
)

// A Message is a payload as a struct. Append appends its encoding to dst. Decode
// reads it from an untrusted peer: an error wraps CodeBadPayload and names the
// field; byte slices and values of the message then lie in b. Decode sets every
// field, and uses the message's own slices again.
type Message interface {
	Append(dst []byte) []byte
	Decode(b []byte) error
}

// Common fields: Instance is the module instance, and Object the depot or PState
// in it, by the numbers that DESCRIBE tells. Task is a task of the module.

// Task is a task by its number, or RouteForMe.
type Task int64

// RouteForMe leaves the choice of the task to the server.
const RouteForMe Task = -1

// The wire holds the number plus one, and 0 for RouteForMe.
func appendTask(dst []byte, t Task) []byte { return appendUint(dst, uint64(t+1)) }

func (d *decoder) task(field string) Task { return Task(d.uint(field, 1<<32)) - 1 }

// maxValues bounds the values in an argument list.
const maxValues = 1 << 12

// DescribeRequest asks for what is known of the cluster, or of a module. The
// answer is a ValueReply: a map.
type DescribeRequest struct {
	Module string // empty: the cluster
}

// Append implements Message.
func (m *DescribeRequest) Append(dst []byte) []byte { return appendString(dst, m.Module) }

// Decode implements Message.
func (m *DescribeRequest) Decode(b []byte) error {
	d := decoder{b: b, msg: "DESCRIBE"}
	m.Module = d.name("module")
	return d.end()
}

// StatusRequest asks a node for its state. The answer is a ValueReply: a map.
type StatusRequest struct{}

// Append implements Message.
func (m *StatusRequest) Append(dst []byte) []byte { return dst }

// Decode implements Message.
func (m *StatusRequest) Decode(b []byte) error {
	d := decoder{b: b, msg: "STATUS"}
	return d.end()
}

// OptionGetRequest asks for a dynamic option. Module and Object narrow it down and
// may be empty. The answer is a ValueReply, null where the option is not set.
type OptionGetRequest struct {
	Module, Object, Name string
}

// Append implements Message.
func (m *OptionGetRequest) Append(dst []byte) []byte {
	return appendString(appendString(appendString(dst, m.Module), m.Object), m.Name)
}

// Decode implements Message.
func (m *OptionGetRequest) Decode(b []byte) error {
	d := decoder{b: b, msg: "OPTION_GET"}
	m.Module, m.Object, m.Name = d.name("module"), d.name("object"), d.name("name")
	return d.end()
}

// OptionSetRequest sets a dynamic option, or, with null, takes the setting away.
// The answer is empty.
type OptionSetRequest struct {
	Module, Object, Name string
	Value                value.Value
}

// Append implements Message.
func (m *OptionSetRequest) Append(dst []byte) []byte {
	dst = appendString(appendString(appendString(dst, m.Module), m.Object), m.Name)
	return value.Append(dst, m.Value)
}

// Decode implements Message.
func (m *OptionSetRequest) Decode(b []byte) error {
	d := decoder{b: b, msg: "OPTION_SET"}
	m.Module, m.Object, m.Name = d.name("module"), d.name("object"), d.name("name")
	m.Value = d.value("value")
	return d.end()
}

// ValueReply is an answer of one value.
type ValueReply struct {
	Value value.Value
}

// Append implements Message.
func (m *ValueReply) Append(dst []byte) []byte { return value.Append(dst, m.Value) }

// Decode implements Message.
func (m *ValueReply) Decode(b []byte) error {
	d := decoder{b: b, msg: "value"}
	m.Value = d.value("value")
	return d.end()
}

// EmptyReply is an answer that says only that it was done.
type EmptyReply struct{}

// Append implements Message.
func (m *EmptyReply) Append(dst []byte) []byte { return dst }

// Decode implements Message.
func (m *EmptyReply) Decode(b []byte) error {
	d := decoder{b: b, msg: "empty answer"}
	return d.end()
}

// InvokeRequest runs a query topology. The answer is a ValueReply.
type InvokeRequest struct {
	Instance      uint32
	Topology      string
	Task          Task // where it begins; RouteForMe where it has no leading partitioner
	TimeoutMillis uint64
	Args          []value.Value
}

// Append implements Message.
func (m *InvokeRequest) Append(dst []byte) []byte {
	dst = appendString(appendUint(dst, uint64(m.Instance)), m.Topology)
	dst = appendUint(appendTask(dst, m.Task), m.TimeoutMillis)
	return appendValues(dst, m.Args)
}

// Decode implements Message.
func (m *InvokeRequest) Decode(b []byte) error {
	d := decoder{b: b, msg: "INVOKE"}
	m.Instance = d.uint32("instance")
	m.Topology = d.name("topology")
	m.Task = d.task("task")
	m.TimeoutMillis = d.uint64("timeout")
	m.Args = d.args(m.Args)
	return d.end()
}

func appendValues(dst []byte, vs []value.Value) []byte {
	dst = appendUint(dst, uint64(len(vs)))
	for _, v := range vs {
		dst = value.Append(dst, v)
	}
	return dst
}

func (d *decoder) args(dst []value.Value) []value.Value {
	n := d.uint("number of arguments", maxValues)
	return d.values("argument", int(n), dst[:0])
}

// unknownBits refuses bits of a flag byte that have no meaning.
func (d *decoder) unknownBits(field string, is, known byte) {
	if is&^known != 0 {
		d.fail(field, "is %#x, with bits beyond %#x", is, known)
	}
}

// check is for senders: what no decoder takes is a bug of the caller.
func check(ok bool, format string, args ...any) {
	if !ok {
		panic("worp: " + fmt.Sprintf(format, args...))
	}
}
