package worp

import (
	"fmt"

	"rama/engine/value"
)

// PrepareRequest makes a path known on this connection under an id that the
// client chooses; an id used before is used anew. The answer is empty. A client
// need not wait for it: SELECTs with the id may follow at once, and if the path is
// refused they are answered with the same error.
type PrepareRequest struct {
	Instance, Object uint32
	PathID           uint32
	Path             []byte // the binary form of package paths
}

// Append implements Message.
func (m *PrepareRequest) Append(dst []byte) []byte {
	dst = appendUint(appendUint(dst, uint64(m.Instance)), uint64(m.Object))
	return appendBytes(appendUint(dst, uint64(m.PathID)), m.Path)
}

// Decode implements Message.
func (m *PrepareRequest) Decode(b []byte) error {
	d := decoder{b: b, msg: "PREPARE"}
	m.Instance, m.Object, m.PathID = d.uint32("instance"), d.uint32("PState"), d.uint32("path id")
	m.Path = d.bytes("path", len(b))
	return d.end()
}

// SelectRequest runs a path on a partition of a PState. The answer comes in pages;
// each is a SelectPage.
type SelectRequest struct {
	Instance, Object uint32
	Task             Task        // with RouteForMe: that of Key, or of the path's leading key
	HasKey           bool        // only with RouteForMe
	Key              value.Value // the partitioning key, where it is not the path's own

	Inline bool   // the path stands here and not under an id
	PathID uint32 // of a PREPARE on this connection
	Path   []byte

	One     bool // exactly one value, or CodeNotOne
	Confirm bool // ask the replicas whether this is still the leader

	PageBytes     uint32 // size of pages to aim at, in bytes; 0: the server's choice
	TimeoutMillis uint64 // 0: the server's choice
	Args          []value.Value
}

const (
	selectOne     = 0x01
	selectConfirm = 0x02
	selectInline  = 0x04
	selectKey     = 0x08
)

func (m *SelectRequest) bits() (b byte) {
	for _, f := range []struct {
		is  bool
		bit byte
	}{{m.One, selectOne}, {m.Confirm, selectConfirm}, {m.Inline, selectInline}, {m.HasKey, selectKey}} {
		if f.is {
			b |= f.bit
		}
	}
	return b
}

// Append implements Message.
func (m *SelectRequest) Append(dst []byte) []byte {
	check(!m.HasKey || m.Task == RouteForMe, "SELECT with a key and a task")
	dst = appendUint(appendUint(dst, uint64(m.Instance)), uint64(m.Object))
	dst = append(appendTask(dst, m.Task), m.bits())
	if m.HasKey {
		dst = value.Append(dst, m.Key)
	}
	if m.Inline {
		dst = appendBytes(dst, m.Path)
	} else {
		dst = appendUint(dst, uint64(m.PathID))
	}
	dst = appendUint(appendUint(dst, uint64(m.PageBytes)), m.TimeoutMillis)
	return appendValues(dst, m.Args)
}

// Decode implements Message.
func (m *SelectRequest) Decode(b []byte) error {
	d := decoder{b: b, msg: "SELECT"}
	m.Instance, m.Object = d.uint32("instance"), d.uint32("PState")
	m.Task = d.task("task")
	bits := d.byte("flags")
	d.unknownBits("flags", bits, selectOne|selectConfirm|selectInline|selectKey)
	m.One, m.Confirm = bits&selectOne != 0, bits&selectConfirm != 0
	m.Inline, m.HasKey = bits&selectInline != 0, bits&selectKey != 0
	m.Key, m.Path, m.PathID = value.Nil, nil, 0
	if m.HasKey {
		if m.Key = d.value("key"); m.Task != RouteForMe {
			d.fail("key", "stands beside a task")
		}
	}
	if m.Inline {
		m.Path = d.bytes("path", len(b))
	} else {
		m.PathID = d.uint32("path id")
	}
	m.PageBytes, m.TimeoutMillis = d.uint32("page bytes"), d.uint64("timeout")
	m.Args = d.args(m.Args)
	return d.end()
}

// Values is a list of values that are not decoded yet, one behind the other: so
// that a select copies bytes from the store to the connection.
type Values struct {
	Count int
	Bytes []byte
}

// Add appends a value.
func (vs *Values) Add(v value.Value) {
	vs.Bytes = value.Append(vs.Bytes, v)
	vs.Count++
}

// Each calls fn with each value, decoded, until fn returns an error, and returns
// that. What is no value is an error that wraps CodeBadPayload.
func (vs Values) Each(fn func(v value.Value) error) error {
	b := vs.Bytes
	for i := range vs.Count {
		v, rest, err := value.DecodeFirst(b)
		if err != nil {
			return fmt.Errorf("%w: value %d: %w", CodeBadPayload, i, err)
		}
		if err := fn(v); err != nil {
			return err
		}
		b = rest
	}
	if len(b) > 0 {
		return fmt.Errorf("%w: %d bytes follow %d values", CodeBadPayload, len(b), vs.Count)
	}
	return nil
}

// SelectPage is a part of the answer to a select.
type SelectPage struct {
	Epoch, Applied uint64 // the state that was read; a client refuses an older one than it has seen
	Values         Values
}

// Append implements Message.
func (m *SelectPage) Append(dst []byte) []byte {
	dst = appendUint(appendUint(dst, m.Epoch), m.Applied)
	return append(appendUint(dst, uint64(m.Values.Count)), m.Values.Bytes...)
}

// Decode implements Message. The values are looked at by Each only.
func (m *SelectPage) Decode(b []byte) error {
	d := decoder{b: b, msg: "page of SELECT"}
	m.Epoch, m.Applied = d.uint64("epoch"), d.uint64("applied")
	m.Values.Count = d.count("number of values", 1)
	m.Values.Bytes = d.rest()
	return d.end()
}
