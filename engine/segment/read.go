package segment

import "fmt"

// Read calls fn with the records from offset from, inclusive, to offset to,
// exclusive, until it has seen maxBytes of them; one more that would go beyond is
// left, unless it is the first. No limit is 0. It returns the offset of the
// record that would be next. A record is valid during the call. An error of fn
// ends the reading and is returned.
//
// If not all offsets from from to to are there, nothing is read: ErrOutOfRange.
func (l *Log) Read(from, to uint64, maxBytes int, fn func(offset uint64, timeMillis int64, rec []byte) error) (next uint64, err error) {
	if start, end := l.Bounds(); from < start || to > end || from > to {
		return from, &RangeError{From: from, To: to, Start: start, End: end}
	}
	c := l.NewCursor(from)
	defer c.Close()
	size := 0
	for next = from; next < to; next++ {
		if !c.Next() {
			return next, c.failure(to)
		}
		size += len(c.record)
		if maxBytes > 0 && size > maxBytes && next > from {
			return next, nil
		}
		if err := fn(c.offset, c.time, c.record); err != nil {
			return next, err
		}
	}
	return next, nil
}

// failure is the error of a cursor that should have reached offset to.
func (c *Cursor) failure(to uint64) error {
	if c.err != nil {
		return c.err
	}
	start, end := c.log.Bounds()
	return &RangeError{From: c.next, To: to, Start: start, End: end}
}

// OffsetAtTime returns the first offset, of those that can be read, whose record
// has a time of at least millis, milliseconds since 1970: End() if there is none.
func (l *Log) OffsetAtTime(millis int64) (uint64, error) {
	for {
		v, err := l.viewAtTime(millis)
		if err != nil {
			return 0, err
		}
		p, gone, err := l.placeOfTime(&v, millis)
		if gone {
			continue // packed or trimmed meanwhile
		}
		if err != nil {
			return 0, err
		}
		if p.handle == nil {
			return v.end, nil
		}
		offset, err := l.searchTime(p, millis)
		return max(offset, v.start), err
	}
}

// timeView is the log at one instant, as OffsetAtTime needs it.
type timeView struct {
	segments   []sealedSegment
	active     place // from which to look, if the active segment reaches the time
	start, end uint64
}

func (l *Log) viewAtTime(millis int64) (v timeView, err error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return v, fmt.Errorf("%w: %s", ErrClosed, l.dir)
	}
	v.start, v.end = l.bounds()
	v.segments = append(v.segments, l.segments...)
	if a := &l.active; a.handle != nil && a.lastTime >= millis {
		v.active = placeAt(a.retain(), &a.summary, a.index.beforeTime(millis))
	}
	return v, nil
}

// placeOfTime finds the block from which to look for millis: in the first
// segment that reaches it. gone says that a segment of the view is no more.
func (l *Log) placeOfTime(v *timeView, millis int64) (p place, gone bool, err error) {
	p = v.active
	for rest := v.segments; len(rest) > 0; {
		mid := len(rest) / 2
		s, gone, err := l.openHeld(rest[mid])
		if gone || err != nil {
			_ = p.release()
			return place{}, gone, err
		}
		if s.lastTime < millis {
			rest = rest[mid+1:]
			_ = s.release()
			continue
		}
		rest = rest[:mid]
		_ = p.release()
		p = placeAt(s.handle, &s.summary, s.index.beforeTime(millis))
	}
	return p, false, nil
}

// searchTime reads on from p to the first record whose time is at least millis.
// Blocks passed over are verified too: a wrong time would lead astray, and
// nothing behind would show it.
func (l *Log) searchTime(p place, millis int64) (uint64, error) {
	defer p.release()
	r := l.newReader()
	r.seek(p.file, p.name, p.pos, p.limit, p.first)
	for r.next < p.end {
		h, stored, err := r.read()
		if err != nil {
			return 0, err
		}
		if h.lastTime < millis {
			continue
		}
		t, _, err := r.decode(&h, stored)
		return h.base + uint64(t.before(millis)), err
	}
	return p.end, nil
}
