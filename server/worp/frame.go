package worp

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A frame, drawn. Integers are big endian.
//
//	 0        4      5       6        8               16      20
//	+--------+------+-------+--------+---------------+-------+---------~
//	| length | type | flags | zero   | call          | crc   | payload
//	| u32    | u8   | u8    | u16    | u64           | u32   | length bytes
//	+--------+------+-------+--------+---------------+-------+---------~
//
// call is the serial number (upper 32 bits) and the slot (lower 32) of the call
// to which the frame belongs; see callID. It is 0 in one-way messages and in
// control frames that concern the connection.
//
// crc is the CRC32C (Castagnoli) of bytes 0 to 15 and the payload as it lies on
// the wire. On connections without checksums (TLS has its own) it is 0, save in
// HELLO and HELLO_ACK, which always carry it.
//
// Flags: 01 the payload is an s2 block; 02 the last frame of a call. Other bits
// and the two zero bytes are refused until a version gives them a meaning.
//
// The format is frozen: docs/PROTOCOL.md holds golden frames that a test checks.
const headerLen = 20

// Type says what a frame is. The ranges have a meaning of their own, so that a
// receiver knows how to refuse a type that it does not know.
type Type uint8

// The types. From 0x01 control frames, exempt from flow control; from 0x10
// replies; from 0x20 requests, which open a call; from 0x80 one-way messages,
// which are never answered; from 0xC0 none.
const (
	TypeHello    Type = 0x01
	TypeHelloAck Type = 0x02
	TypePing     Type = 0x03
	TypePong     Type = 0x04
	TypeCredit   Type = 0x05
	TypeCancel   Type = 0x06
	TypeGoAway   Type = 0x07

	TypeReply Type = 0x10
	TypeError Type = 0x11

	TypeDescribe  Type = 0x20
	TypeStatus    Type = 0x21
	TypeOptionGet Type = 0x22
	TypeOptionSet Type = 0x23
	TypeAppend    Type = 0x30
	TypeDepotRead Type = 0x31
	TypeDepotInfo Type = 0x32
	TypePrepare   Type = 0x40
	TypeSelect    Type = 0x41
	TypeInvoke    Type = 0x50

	TypeEvents Type = 0x80
	TypeTree   Type = 0x81
)

var typeNames = map[Type]string{
	TypeHello: "HELLO", TypeHelloAck: "HELLO_ACK", TypePing: "PING", TypePong: "PONG",
	TypeCredit: "CREDIT", TypeCancel: "CANCEL", TypeGoAway: "GOAWAY",
	TypeReply: "REPLY", TypeError: "ERROR",
	TypeDescribe: "DESCRIBE", TypeStatus: "STATUS", TypeOptionGet: "OPTION_GET", TypeOptionSet: "OPTION_SET",
	TypeAppend: "APPEND", TypeDepotRead: "DEPOT_READ", TypeDepotInfo: "DEPOT_INFO",
	TypePrepare: "PREPARE", TypeSelect: "SELECT", TypeInvoke: "INVOKE",
	TypeEvents: "EVENTS", TypeTree: "TREE",
}

func (t Type) String() string {
	if n, ok := typeNames[t]; ok {
		return n
	}
	return fmt.Sprintf("type(0x%02x)", uint8(t))
}

// class is what the range of a type says.
type class uint8

const (
	classNone class = iota
	classControl
	classReply
	classRequest
	classOneWay
)

func (t Type) class() class {
	switch {
	case t == 0:
		return classNone
	case t < 0x10:
		return classControl
	case t < 0x20:
		return classReply
	case t < 0x80:
		return classRequest
	case t < 0xC0:
		return classOneWay
	}
	return classNone
}

type flags uint8

const (
	flagS2  flags = 1 << 0
	flagEnd flags = 1 << 1

	knownFlags = flagS2 | flagEnd
)

// callID names a call on its connection. Its caller chooses the slot, from 1 to
// the number of calls that the other side allows, and leaves it alone until the
// last frame of the call has come. So there is never a doubt which call a frame
// means, both sides find it by an index into a slice, and the number of open
// calls is bounded by the shape of their names. The serial number goes up with
// every call; it catches mistakes and makes logs readable.
type callID uint64

func makeCallID(slot, serial uint32) callID { return callID(serial)<<32 | callID(slot) }

func (id callID) slot() uint32 { return uint32(id) }

func (id callID) String() string { return fmt.Sprintf("%d.%d", id.slot(), uint32(id>>32)) }

// frame is a frame as it was read. The payload is still as it was on the wire.
type frame struct {
	typ     Type
	flags   flags
	call    callID
	payload []byte
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrame appends a frame to dst. sum says whether it carries a checksum.
func appendFrame(dst []byte, f frame, sum bool) []byte {
	at := len(dst)
	var h [headerLen]byte
	binary.BigEndian.PutUint32(h[0:], uint32(len(f.payload)))
	h[4], h[5] = byte(f.typ), byte(f.flags)
	binary.BigEndian.PutUint64(h[8:], uint64(f.call))
	dst = append(dst, h[:]...)
	dst = append(dst, f.payload...)
	if sum {
		binary.BigEndian.PutUint32(dst[at+16:], checksum(dst[at:at+16], dst[at+headerLen:]))
	}
	return dst
}

func checksum(head, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, payload)
}

// parseFrame reads the frame that begins b. It returns the frame's length on the
// wire, which may be beyond b: then ok is false and more has to be read. Of a
// frame that is not whole only what can be judged is judged.
func parseFrame(b []byte, most int, sum bool) (f frame, n int, ok bool, err error) {
	if len(b) < headerLen {
		return f, headerLen, false, nil
	}
	length := int64(binary.BigEndian.Uint32(b))
	f = frame{typ: Type(b[4]), flags: flags(b[5]), call: callID(binary.BigEndian.Uint64(b[8:]))}
	switch {
	case b[6] != 0 || b[7] != 0 || f.flags&^knownFlags != 0:
		return f, 0, false, errorf(CodeBadFrame, "%s with reserved bits set: header %x", f.typ, b[:headerLen])
	case f.typ.class() == classNone:
		return f, 0, false, errorf(CodeBadFrame, "type 0x%02x is in no range: header %x", uint8(f.typ), b[:headerLen])
	case length > int64(most):
		return f, 0, false, errorf(CodeFrameTooLong, "%s of %d bytes, the limit is %d", f.typ, length, most)
	}
	n = headerLen + int(length)
	if len(b) < n {
		return f, n, false, nil
	}
	f.payload = b[headerLen:n:n]
	if got := binary.BigEndian.Uint32(b[16:]); sum && got != checksum(b[:16], f.payload) {
		return f, 0, false, errorf(CodeBadFrame, "%s with checksum %08x, computed %08x", f.typ, got, checksum(b[:16], f.payload))
	} else if !sum && got != 0 {
		return f, 0, false, errorf(CodeBadFrame, "%s with checksum %08x on a connection without checksums", f.typ, got)
	}
	return f, n, true, nil
}
