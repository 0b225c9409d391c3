package engine

import (
	"bytes"
	"fmt"
	"math/bits"
)

// A body, drawn: the writes of one task, in Pebble's batch format without its
// header of 12 bytes, so that Apply hands it on as it is.
//
//	record*    range deletes first
//
//	00 key         delete
//	01 key value   set
//	0F lo hi       delete range: the keys at or above lo and below hi
//
// A key, a value or a bound is its length (uvarint, shortest form) and its bytes.
// All keys and bounds belong to the task of the section. Later records win over
// earlier ones; that range deletes stand first makes them delete what was there
// before the body and nothing of the body.
//
// Pebble's header is missing because Pebble writes a sequence number into it
// while the same bytes may be on their way to a follower.
const (
	kindDelete      = 0x00
	kindSet         = 0x01
	kindRangeDelete = 0x0F

	// kindCovered never stands in a body. In an overlay it marks a key that a range
	// delete of the same layer removed.
	kindCovered = 0xFF
)

// bodyReader walks over the records of a body that may hold anything.
type bodyReader struct {
	rest []byte
	err  error
}

type bodyRecord struct {
	kind byte
	key  []byte // of a range delete: lo
	val  []byte // of a range delete: hi
}

func (r *bodyReader) next() (rec bodyRecord, ok bool) {
	if len(r.rest) == 0 || r.err != nil {
		return rec, false
	}
	at := r.rest
	rec.kind = at[0]
	if rec.kind != kindDelete && rec.kind != kindSet && rec.kind != kindRangeDelete {
		r.err = fmt.Errorf("%w: record of unknown kind %#x", ErrInvalidEntry, rec.kind)
		return rec, false
	}
	rec.key, at, ok = cutString(at[1:])
	if ok && rec.kind != kindDelete {
		rec.val, at, ok = cutString(at)
	}
	if !ok {
		r.err = fmt.Errorf("%w: record ends early", ErrInvalidEntry)
		return rec, false
	}
	r.rest = at
	return rec, true
}

// cutString takes a length and that many bytes off b. Pebble reads at most five
// bytes of a length and does not look whether they are there; so this must.
func cutString(b []byte) (s, rest []byte, ok bool) {
	n, rest, ok := cutUvarint(b)
	if !ok || n > uint64(len(rest)) || n > 1<<32-1 {
		return nil, nil, false
	}
	return rest[:n:n], rest[n:], true
}

// cutUvarint takes a uvarint in its shortest form off b.
func cutUvarint(b []byte) (x uint64, rest []byte, ok bool) {
	for i, c := range b {
		if i == 9 && c > 1 {
			return 0, nil, false
		}
		x |= uint64(c&0x7F) << (7 * i)
		if c < 0x80 {
			return x, b[i+1:], c != 0 || i == 0
		}
	}
	return 0, nil, false
}

func uvarintLen(x uint64) int { return (bits.Len64(x|1) + 6) / 7 }

// recordLen is the length of a record in a body.
func recordLen(kind byte, key, val []byte) int {
	n := 1 + uvarintLen(uint64(len(key))) + len(key)
	if kind != kindDelete {
		n += uvarintLen(uint64(len(val))) + len(val)
	}
	return n
}

// checkBody verifies that body holds count records of the kinds above with keys
// of task t.
func checkBody(t TaskID, body []byte, count uint32) error {
	var buf [8]byte
	prefix := AppendTask(buf[:0], t)
	r := bodyReader{rest: body}
	n, points := uint32(0), false
	for rec, ok := r.next(); ok; rec, ok = r.next() {
		if err := checkRecord(prefix, rec); err != nil {
			return err
		}
		if rec.kind != kindRangeDelete {
			points = true
		} else if points {
			return fmt.Errorf("%w: a range delete behind other records", ErrInvalidEntry)
		}
		n++
	}
	if r.err != nil {
		return r.err
	}
	if n != count {
		return fmt.Errorf("%w: %d records in a body of %d", ErrInvalidEntry, n, count)
	}
	return nil
}

func checkRecord(prefix []byte, rec bodyRecord) error {
	if !bytes.HasPrefix(rec.key, prefix) {
		return fmt.Errorf("%w: %w: %x", ErrInvalidEntry, ErrForeignKey, clip(rec.key))
	}
	if len(rec.key) > MaxKeyLen {
		return fmt.Errorf("%w: %w: %d bytes", ErrInvalidEntry, ErrKeyTooLong, len(rec.key))
	}
	if rec.kind != kindRangeDelete {
		return nil
	}
	// A bound that begins with the prefix leaves no key of another task below it.
	if !bytes.HasPrefix(rec.val, prefix) || len(rec.val) > MaxKeyLen+1 || bytes.Compare(rec.key, rec.val) >= 0 {
		return fmt.Errorf("%w: range delete from %x to %x", ErrInvalidEntry, clip(rec.key), clip(rec.val))
	}
	return nil
}

func clip(b []byte) []byte { return b[:min(len(b), 24)] }
