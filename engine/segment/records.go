package segment

import (
	"encoding/binary"
	"fmt"
)

// AppendRecord appends rec to dst in the form in which Append takes records:
// its length as a uvarint, then its bytes.
func AppendRecord(dst, rec []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(rec))), rec...)
}

// CutRecord returns the first of records and the others. It is false if there is
// none or the bytes are no records.
func CutRecord(records []byte) (rec, rest []byte, ok bool) {
	var n uint64
	w := 1
	if len(records) > 0 && records[0] < 0x80 {
		n = uint64(records[0])
	} else if n, w = binary.Uvarint(records); w <= 0 {
		return nil, nil, false
	}
	if n > uint64(len(records)-w) {
		return nil, nil, false
	}
	end := w + int(n)
	return records[w:end:end], records[end:], true
}

// SkipRecords returns records without the first n of them.
func SkipRecords(records []byte, n uint32) ([]byte, error) {
	for i := range n {
		_, rest, ok := CutRecord(records)
		if !ok {
			return nil, fmt.Errorf("%w: no record %d of %d in the %d bytes left", ErrInvalid, i, n, len(records))
		}
		records = rest
	}
	return records, nil
}

// checkRecords checks that records are exactly count records.
func checkRecords(records []byte, count uint32) error {
	rest, err := SkipRecords(records, count)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %d bytes behind the last of %d records", ErrInvalid, len(rest), count)
	}
	return err
}

// times tells the time of each record of a block, in order. Most blocks have
// one time for all; packing puts records of several appends into one block and
// keeps their times as runs.
type times struct {
	table []byte // the runs to come
	at    int64  // time of the present run
	left  uint32 // records of it to come
}

// openTimes splits a raw payload into times and records. The table of runs is
// checked here, so that next need not.
func openTimes(h *blockHeader, raw []byte) (t times, records []byte, ok bool) {
	if h.firstTime == h.lastTime {
		return times{at: h.firstTime, left: h.count}, raw, true
	}
	runs, w := binary.Uvarint(raw)
	if w <= 0 || runs < 2 || runs > uint64(h.count) {
		return t, nil, false
	}
	table := raw[w:]
	rest, at, total := table, h.firstTime, uint64(0)
	for i := range runs {
		count, delta, tail, ok := cutRun(rest)
		if !ok || count == 0 || count > uint64(h.count) || (delta == 0) != (i == 0) || delta > uint64(h.lastTime-at) {
			return t, nil, false
		}
		rest, at, total = tail, at+int64(delta), total+count
	}
	if total != uint64(h.count) || at != h.lastTime {
		return t, nil, false
	}
	return times{table: table[:len(table)-len(rest)], at: h.firstTime}, rest, true
}

// next is the time of the next record.
func (t *times) next() int64 {
	if t.left == 0 {
		t.nextRun()
	}
	t.left--
	return t.at
}

func (t *times) nextRun() {
	count, delta, rest, _ := cutRun(t.table)
	t.table, t.at, t.left = rest, t.at+int64(delta), uint32(count)
}

// skip passes over n records.
func (t *times) skip(n uint32) {
	for n > t.left {
		n -= t.left
		t.nextRun()
	}
	t.left -= n
}

// before is how many of the records to come have a time below millis.
func (t times) before(millis int64) uint32 {
	n := uint32(0)
	for t.at < millis || t.left == 0 {
		n += t.left
		if len(t.table) == 0 {
			return n
		}
		t.nextRun()
	}
	return n
}

func cutRun(b []byte) (count, delta uint64, rest []byte, ok bool) {
	count, w := binary.Uvarint(b)
	if w <= 0 {
		return 0, 0, nil, false
	}
	delta, v := binary.Uvarint(b[w:])
	if v <= 0 {
		return 0, 0, nil, false
	}
	return count, delta, b[w+v:], true
}
