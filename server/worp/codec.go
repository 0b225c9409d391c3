package worp

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"rama/engine/value"
)

// The parts of which payloads are made:
//
//	uint     uvarint: seven bits a byte, the low ones first, the high bit of a byte
//	         says that another follows; the shortest form only
//	string   uint length in bytes, UTF-8
//	bytes    uint length, bytes
//	value    one value in the encoding of package value, which ends by itself
//	fixed8   eight bytes, big endian

func appendUint(dst []byte, x uint64) []byte { return binary.AppendUvarint(dst, x) }

func appendString(dst []byte, s string) []byte {
	return append(appendUint(dst, uint64(len(s))), s...)
}

func appendBytes(dst, b []byte) []byte {
	return append(appendUint(dst, uint64(len(b))), b...)
}

func appendFixed8(dst []byte, x uint64) []byte { return binary.BigEndian.AppendUint64(dst, x) }

// A decoder reads a payload from an untrusted peer. The first fault sticks:
// after it every read returns zero and end returns the fault, which wraps
// CodeBadPayload and names the message and the field. Nothing is allocated by a
// length that is only claimed. Strings of names are copied, everything else lies
// in the payload.
type decoder struct {
	b   []byte
	msg string
	err error
}

func (d *decoder) fail(field, format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s: %s %s", CodeBadPayload, d.msg, field, fmt.Sprintf(format, args...))
	}
	d.b = nil
}

// end returns the fault, one of its own if something follows the last field.
func (d *decoder) end() error {
	if d.err == nil && len(d.b) > 0 {
		return fmt.Errorf("%w: %s: %d bytes follow the last field", CodeBadPayload, d.msg, len(d.b))
	}
	return d.err
}

func (d *decoder) uint(field string, most uint64) uint64 {
	x, n := binary.Uvarint(d.b)
	switch {
	case d.err != nil:
		return 0
	case n == 0:
		d.fail(field, "ends early")
		return 0
	case n < 0:
		d.fail(field, "goes beyond 64 bits")
		return 0
	case n > 1 && d.b[n-1] == 0:
		d.fail(field, "is not in its shortest form")
		return 0
	case x > most:
		d.fail(field, "is %d, the limit is %d", x, most)
		return 0
	}
	d.b = d.b[n:]
	return x
}

func (d *decoder) uint32(field string) uint32 { return uint32(d.uint(field, 1<<32-1)) }

func (d *decoder) uint64(field string) uint64 { return d.uint(field, 1<<64-1) }

// count reads the number of elements that follow, each of at least size bytes.
func (d *decoder) count(field string, size int) int {
	n := d.uint(field, 1<<32-1)
	if n > uint64(len(d.b)/size) {
		d.fail(field, "is %d, with %d bytes left", n, len(d.b))
		return 0
	}
	return int(n)
}

func (d *decoder) byte(field string) byte {
	if len(d.b) == 0 {
		d.fail(field, "ends early")
		return 0
	}
	x := d.b[0]
	d.b = d.b[1:]
	return x
}

func (d *decoder) fixed8(field string) uint64 { return binary.BigEndian.Uint64(d.take(field, 8)) }

var zeros [16]byte

// take returns the next n bytes, and after a fault n zeros; n is at most 16.
func (d *decoder) take(field string, n int) []byte {
	if len(d.b) < n {
		d.fail(field, "ends early")
		return zeros[:n]
	}
	x := d.b[:n]
	d.b = d.b[n:]
	return x
}

func (d *decoder) bytes(field string, most int) []byte {
	n := d.uint(field, 1<<32-1)
	switch {
	case n > uint64(len(d.b)):
		d.fail(field, "is %d bytes long, with %d left", n, len(d.b))
		return nil
	case n > uint64(most):
		d.fail(field, "is %d bytes long, the limit is %d", n, most)
		return nil
	}
	x := d.b[:n:n]
	d.b = d.b[n:]
	return x
}

func (d *decoder) string(field string, most int) string {
	b := d.bytes(field, most)
	if !utf8.Valid(b) {
		d.fail(field, "is not UTF-8")
		return ""
	}
	return string(b)
}

// maxName bounds the names of modules, objects, topologies and nodes, in bytes.
const maxName = 1 << 10

func (d *decoder) name(field string) string { return d.string(field, maxName) }

func (d *decoder) value(field string) value.Value {
	if d.err != nil {
		return value.Nil
	}
	v, rest, err := value.DecodeFirst(d.b)
	if err != nil {
		d.err = fmt.Errorf("%w: %s: %s: %w", CodeBadPayload, d.msg, field, err)
		d.b = nil
		return value.Nil
	}
	d.b = rest
	return v
}

// values reads n values into dst, which it returns.
func (d *decoder) values(field string, n int, dst []value.Value) []value.Value {
	for i := 0; i < n && d.err == nil; i++ {
		dst = append(dst, d.value(field))
	}
	return dst
}

// rest returns all that is left.
func (d *decoder) rest() []byte {
	x := d.b
	d.b = nil
	return x
}
