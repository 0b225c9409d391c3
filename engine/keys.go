package engine

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"rama/engine/value"
)

// A stored key, drawn. Three ordered numbers, then keys of values (value.AppendKey)
// one behind the other:
//
//	task+1 | object | node | key key ...
//
// An ordered number is written in as few bytes as it needs, so that the bytes
// order as the numbers do and none is the prefix of another:
//
//	0 .. 239       n
//	240 .. 2^64-1  F0+len m     m has len bytes, 1 to 8, big endian, no leading zero byte
//
// A structure whose elements are kept apart has a prefix P: its task, object and
// node and the keys of its ancestors. Its elements are P+key; P itself is its
// header record. Every key that begins with P, and no other, lies in [P, P+FF):
// no number and no key of a value begins with FF.
//
// The task is stored plus one, and what begins with number 0 belongs to no task:
//
//	00 | meta                    one byte, the Meta constants
//
// The format is frozen: keys_test.go holds golden bytes.

// TaskID names a task of a module: 0 up to the number of tasks.
type TaskID uint32

// ObjectID names a depot, a PState or a part of the system within a module's
// catalogue. Object 0 is the system's own.
type ObjectID uint32

// NodeID names a node of an object's schema.
type NodeID uint32

// SystemObject is the object whose records the server keeps for itself.
const SystemObject ObjectID = 0

// MaxKeyLen bounds a stored key, in bytes. It keeps at least a few keys in a
// block and bounds what one comparison reads.
const MaxKeyLen = 8 << 10

const (
	orderedOne  = 240  // the first number that takes more than one byte
	orderedMore = 0xF0 // plus the number of bytes that follow
	prefixEnd   = value.KeyMax
)

// AppendOrdered appends the ordered number x to dst.
func AppendOrdered(dst []byte, x uint64) []byte {
	if x < orderedOne {
		return append(dst, byte(x))
	}
	n := (bits.Len64(x) + 7) / 8
	dst = append(dst, orderedMore+byte(n))
	for ; n > 0; n-- {
		dst = append(dst, byte(x>>(8*(n-1))))
	}
	return dst
}

// DecodeOrdered returns the ordered number that begins b, and what follows it.
func DecodeOrdered(b []byte) (x uint64, rest []byte, err error) {
	if len(b) == 0 {
		return 0, nil, badKey(b, "ends early")
	}
	if b[0] < orderedOne {
		return uint64(b[0]), b[1:], nil
	}
	n := int(b[0]) - orderedMore
	if n < 1 || n > 8 {
		return 0, nil, badKey(b, "not a number")
	}
	if len(b) < 1+n {
		return 0, nil, badKey(b, "ends early")
	}
	var buf [8]byte
	copy(buf[8-n:], b[1:1+n])
	x = binary.BigEndian.Uint64(buf[:])
	if b[1] == 0 || x < orderedOne {
		return 0, nil, badKey(b, "number not in its shortest form")
	}
	return x, b[1+n:], nil
}

// AppendPrefix appends the prefix of a structure directly below node n of
// object o in task t; the keys on the way to it follow.
func AppendPrefix(dst []byte, t TaskID, o ObjectID, n NodeID) []byte {
	return AppendOrdered(AppendOrdered(AppendTask(dst, t), uint64(o)), uint64(n))
}

// AppendTask appends the prefix of everything that belongs to task t.
func AppendTask(dst []byte, t TaskID) []byte { return AppendOrdered(dst, uint64(t)+1) }

// DecodePrefix splits a stored key into its task, object and node and the keys
// that follow.
func DecodePrefix(key []byte) (TaskID, ObjectID, NodeID, []byte, error) {
	var n [3]uint64
	rest := key
	for i := range n {
		var err error
		if n[i], rest, err = DecodeOrdered(rest); err != nil {
			return 0, 0, 0, nil, err
		}
	}
	if n[0] == 0 || n[0] > math.MaxUint32+1 || n[1] > math.MaxUint32 || n[2] > math.MaxUint32 {
		return 0, 0, 0, nil, badKey(key, "task, object or node out of range")
	}
	return TaskID(n[0] - 1), ObjectID(n[1]), NodeID(n[2]), rest, nil
}

// PrefixEnd appends to dst the bound that lies above every key that begins with
// prefix, and below every other that lies above prefix.
func PrefixEnd(dst, prefix []byte) []byte { return append(append(dst, prefix...), prefixEnd) }

func badKey(b []byte, what string) error {
	return fmt.Errorf("%w: key %x: %s", ErrCorrupt, clip(b), what)
}
