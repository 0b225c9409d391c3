package segment

import (
	"errors"
	"fmt"
	"sort"
)

// place is where reading begins: a block, in a file held open.
type place struct {
	*handle
	base, end  uint64 // of the segment; of the active one, as far as it goes now
	pos, limit int64  // of the block; behind the last block
	first      uint64 // record of the block
	active     bool
}

func placeAt(h *handle, s *summary, e entry) place {
	return place{handle: h, base: s.base, end: s.end, pos: int64(e.pos), limit: s.blocksEnd, first: s.base + uint64(e.offset)}
}

// errAtEnd says that a reader has seen all there is.
var errAtEnd = errors.New("at the end of the log")

// placeOf finds the block from which to look for offset. The place is held for
// the caller.
//
// Between naming a sealed segment and opening it, its file may be packed or
// trimmed away. Then it is looked up again: it has another form, or the offset is
// out of range. Each segment is packed and trimmed once, so this ends.
func (l *Log) placeOf(offset uint64) (place, error) {
	for {
		seg, p, err := l.lookUp(offset)
		if err != nil || p.handle != nil {
			return p, err
		}
		s, gone, err := l.openHeld(seg)
		if gone {
			continue
		}
		if err != nil {
			return place{}, err
		}
		return placeAt(s.handle, &s.summary, s.index.atOffset(uint32(offset-s.base))), nil
	}
}

// lookUp returns the sealed segment that holds offset, or the place in the
// active one.
func (l *Log) lookUp(offset uint64) (sealedSegment, place, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	start, end := l.bounds()
	switch {
	case l.closed:
		return sealedSegment{}, place{}, fmt.Errorf("%w: %s", ErrClosed, l.dir)
	case offset < start || offset > end:
		return sealedSegment{}, place{}, &RangeError{From: offset, To: offset, Start: start, End: end}
	case offset == end:
		return sealedSegment{}, place{}, errAtEnd
	case offset >= l.active.base:
		p := placeAt(l.active.retain(), &l.active.summary, l.active.index.atOffset(uint32(offset-l.active.base)))
		p.active = true
		return sealedSegment{}, p, nil
	}
	i := sort.Search(len(l.segments), func(i int) bool { return l.segments[i].end > offset })
	return l.segments[i], place{}, nil
}

// openHeld is openSealed for a segment that was of the log a moment ago. gone
// says that it no longer is, in this form.
func (l *Log) openHeld(seg sealedSegment) (s *sealed, gone bool, err error) {
	s, err = l.openSealed(seg)
	if !isMissing(err) {
		return s, false, err
	}
	if l.holds(seg) {
		return nil, false, corrupt(l.path(seg.name()), 0, "file is missing")
	}
	return nil, true, nil
}

// holds reports whether seg is a segment of the log, in its form.
func (l *Log) holds(seg sealedSegment) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, s := range l.segments {
		if s.base == seg.base {
			return s.form == seg.form
		}
	}
	return false
}
