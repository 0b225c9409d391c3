package depot

import (
	"fmt"

	"rama/engine/segment"
)

// Record is a record of a partition.
type Record struct {
	Offset uint64
	Time   int64 // when it was appended, milliseconds since 1970
	Data   []byte
}

// Read returns the records from offset start, inclusive, to end, exclusive, or
// as many of them as have maxBytes together, at least one; 0 is no limit. The
// records are the caller's.
//
// If not all offsets from start to end are there, it is ErrOutOfRange, which
// names both.
func (p *Partition) Read(start, end uint64, maxBytes int) ([]Record, error) {
	var records []Record
	var bytes []byte
	_, err := p.Scan(start, end, maxBytes, func(r Record) error {
		records = append(records, Record{Offset: r.Offset, Time: r.Time, Data: r.Data[:len(r.Data):len(r.Data)]})
		bytes = append(bytes, r.Data...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range records {
		n := len(records[i].Data)
		records[i].Data, bytes = bytes[:n:n], bytes[n:]
	}
	return records, nil
}

// Scan calls fn with the records that Read returns, without copying: Data is
// valid during the call. It returns the offset of the record that would be next.
// An error of fn ends it and is returned.
func (p *Partition) Scan(start, end uint64, maxBytes int, fn func(Record) error) (next uint64, err error) {
	if first, last := p.log.Bounds(); start < first || end > last || start > end {
		return start, &RangeError{From: start, To: end, Start: first, End: last}
	}
	c := p.NewCursor(start)
	defer c.Close()
	size := 0
	for next = start; next < end; next++ {
		if !c.Next() {
			if c.err == nil {
				panic(fmt.Sprintf("depot: the end fell from %d to %d", end, next))
			}
			return next, c.err
		}
		r := c.Record()
		if size += len(r.Data); maxBytes > 0 && size > maxBytes && next > start {
			return next, nil
		}
		if err := fn(r); err != nil {
			return next, err
		}
	}
	return next, nil
}

// Cursor reads records in order and keeps its place, for a consumer that follows
// the partition. Up to date it reads from memory; behind, from the files. It is
// for one goroutine.
type Cursor struct {
	partition *Partition
	next      uint64
	record    Record
	err       error

	left uint32 // records to come of the block of the tail at hand
	tail block

	file *segment.Cursor // while the tail does not have what is next
}

// NewCursor returns a cursor before the record at offset. It does no I/O. Close
// it.
func (p *Partition) NewCursor(offset uint64) *Cursor { return &Cursor{partition: p, next: offset} }

// Next goes to the next record. It is false at the end, where it may be called
// again later, and after an error, which Err returns. A cursor that a trim has
// overtaken gives ErrOutOfRange, at the latest when it needs another segment.
func (c *Cursor) Next() bool {
	if c.left == 0 {
		if c.err != nil {
			return false
		}
		if c.next < c.partition.tail.base.Load() || !c.fromTail() {
			return c.err == nil && c.fromFile()
		}
	}
	data, rest, ok := segment.CutRecord(c.tail.records)
	if !ok {
		panic("depot: the tail holds a block that is no records")
	}
	c.tail.records = rest
	c.left--
	c.record = Record{Offset: c.next, Time: c.tail.time, Data: data}
	c.next++
	return true
}

// fromTail takes the block with the next record from the tail, if it is there.
func (c *Cursor) fromTail() bool {
	b, ok := c.partition.tail.at(c.next)
	if !ok { // at the end; or Apply is between log and tail, or was just ahead
		return false
	}
	if start, end := c.partition.Info(); c.next < start {
		c.err = &RangeError{From: c.next, To: c.next, Start: start, End: end}
		return false
	}
	c.Close()
	skip := uint32(c.next - b.base)
	var err error
	if b.records, err = segment.SkipRecords(b.records, skip); err != nil {
		panic(fmt.Sprintf("depot: the tail holds a block that is no records: %v", err))
	}
	c.tail, c.left = b, b.count-skip
	return true
}

func (c *Cursor) fromFile() bool {
	if c.file == nil {
		if _, end := c.partition.Info(); c.next == end {
			return false
		}
		c.file = c.partition.log.NewCursor(c.next)
	}
	if !c.file.Next() {
		c.err = c.file.Err()
		return false
	}
	c.record = Record{Offset: c.file.Offset(), Time: c.file.Time(), Data: c.file.Record()}
	c.next = c.record.Offset + 1
	return true
}

// Record returns the record at which the cursor stands. Its Data is valid until
// the next call of Next, and not to be changed.
func (c *Cursor) Record() Record { return c.record }

// Err returns why Next was false: nil at the end. It stays until Seek.
func (c *Cursor) Err() error { return c.err }

// Seek puts the cursor before the record at offset.
func (c *Cursor) Seek(offset uint64) {
	c.err = nil
	if offset == c.next && c.file == nil {
		return
	}
	c.next, c.left = offset, 0
	if c.file != nil {
		c.file.Seek(offset)
	}
}

// Close gives back the files that the cursor holds. It may be called again, and
// Next after it takes them anew.
func (c *Cursor) Close() {
	if c.file != nil {
		c.file.Close()
		c.file = nil
	}
}
