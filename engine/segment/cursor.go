package segment

import "sync"

// Cursor reads records in order and keeps its place: the open file and the block
// at hand. It is for one goroutine. It may stand at the end of the log and go on
// when more was appended.
//
// A cursor may read on in the segment it stands in after a trim of it.
type Cursor struct {
	log    *Log
	reader blockReader
	bufs   *buffers
	at     place // no handle: the place is still to be found

	next    uint64 // offset of the record that Next returns
	times   times  // of the block at hand
	records []byte
	left    uint32

	record []byte
	offset uint64
	time   int64
	err    error
}

// buffers are what a cursor reads into. They go from one cursor to another.
type buffers struct{ window, raw []byte }

var bufferPool = sync.Pool{New: func() any { return new(buffers) }}

// NewCursor returns a cursor before the record at offset. It does no I/O; an
// offset outside the log is found by Next. Close gives its file back.
func (l *Log) NewCursor(offset uint64) *Cursor {
	c := &Cursor{log: l, reader: l.newReader(), next: offset, bufs: bufferPool.Get().(*buffers)}
	c.reader.window, c.reader.raw = c.bufs.window, c.bufs.raw
	return c
}

// Next goes to the next record. It is false at the end of the log, where it may
// be called again later, and after an error, which Err returns.
func (c *Cursor) Next() bool {
	if c.left == 0 && !c.load() {
		return false
	}
	rec, rest, ok := CutRecord(c.records)
	if !ok {
		c.err = corrupt(c.at.name, c.reader.pos, "records of the block that ends here")
		return false
	}
	c.record, c.records = rec, rest
	c.left--
	c.time = c.times.next()
	c.offset = c.next
	c.next++
	return true
}

// Record returns the record at which the cursor stands: valid until the next
// call of Next, and not to be changed.
func (c *Cursor) Record() []byte { return c.record }

// Offset returns the offset of the record.
func (c *Cursor) Offset() uint64 { return c.offset }

// Time returns the time of the record, milliseconds since 1970.
func (c *Cursor) Time() int64 { return c.time }

// Err returns why Next was false: nil at the end of the log. It stays until
// Seek.
func (c *Cursor) Err() error { return c.err }

// Seek puts the cursor before the record at offset. Going on where it stands
// costs nothing.
func (c *Cursor) Seek(offset uint64) {
	if offset == c.next && c.err == nil {
		return
	}
	c.leave()
	c.next, c.left, c.err = offset, 0, nil
}

// Close gives back what the cursor holds. It may be called again; Next after it
// is a bug of the caller.
func (c *Cursor) Close() {
	c.leave()
	if c.bufs == nil {
		return
	}
	if cap(c.reader.window)+cap(c.reader.raw) <= maxKeptBuffer {
		*c.bufs = buffers{window: c.reader.window[:0], raw: c.reader.raw[:0]}
		bufferPool.Put(c.bufs)
	}
	c.bufs, c.reader, c.records, c.record, c.left = nil, blockReader{}, nil, nil, 0
}

func (c *Cursor) leave() {
	_ = c.at.release() // it was only read
	c.at = place{}
}

// load reads the block that holds the next record, and puts the cursor before
// that record in it.
func (c *Cursor) load() bool {
	if c.err != nil || !c.arrive() {
		return false
	}
	h, stored, err := c.reader.read()
	if err == nil && (c.next < h.base || c.next >= h.end() || h.end() > c.at.end) {
		err = corrupt(c.at.name, c.reader.pos-h.bytes(), "block of offsets %d to %d where %d was looked for", h.base, h.end(), c.next)
	}
	if err == nil {
		c.times, c.records, err = c.reader.decode(&h, stored)
	}
	skip := uint32(c.next - h.base)
	if err == nil && skip > 0 {
		if c.records, err = SkipRecords(c.records, skip); err != nil {
			err = corrupt(c.at.name, c.reader.pos-h.bytes(), "%v", err)
		}
		c.times.skip(skip)
	}
	c.left, c.err = h.count-skip, err
	if err != nil {
		c.left = 0
	}
	return err == nil
}

// arrive brings the reader to the block that holds the next record. It is false
// if there is none, or with an error.
func (c *Cursor) arrive() bool {
	for c.at.handle == nil || c.next == c.at.end {
		if c.at.handle != nil && c.at.active {
			more, still := c.log.extent(&c.at)
			if still {
				c.reader.limit = c.at.limit
				if !more {
					return false
				}
				continue
			}
		}
		c.leave()
		p, err := c.log.placeOf(c.next)
		if err != nil {
			if err != errAtEnd {
				c.err = err
			}
			return false
		}
		c.at = p
		c.reader.seek(p.file, p.name, p.pos, p.limit, p.first)
		if c.err = c.reader.skipTo(c.next); c.err != nil {
			return false
		}
	}
	return true
}

// extent brings p up to date, as long as it is in the active segment.
func (l *Log) extent(p *place) (more, still bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed || l.active.base != p.base {
		return false, false
	}
	more = l.active.end > p.end
	p.end, p.limit = l.active.end, l.active.blocksEnd
	return more, true
}
