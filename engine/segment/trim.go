package segment

// TrimBefore makes offset the first that can be read, durably, and removes the
// segments that lie wholly below, except those that must stay: the active one,
// one being packed, and those not below the recorded position. They go with a
// later call. It does nothing if the log starts there already, and gives
// ErrOutOfRange if the log ends before.
//
// Replicas of one log seal at different offsets, but all start exactly where
// they were told.
func (l *Log) TrimBefore(offset uint64) error {
	l.trim.Lock()
	defer l.trim.Unlock()
	if err := l.mayWrite(); err != nil {
		return err
	}
	start, end := l.Bounds()
	if offset > end {
		return &RangeError{From: offset, To: offset, Start: start, End: end}
	}
	if offset > l.trimmed() {
		if err := l.writeStart(offset); err != nil {
			return err
		}
		l.mu.Lock()
		l.start = offset
		l.mu.Unlock()
	}
	gone := l.cutTrimmed()
	if len(gone) == 0 {
		return nil
	}
	l.opts.Cache.drop(l, func(base uint64, _ form) bool { return base <= gone[len(gone)-1].base })
	var failed error
	for _, s := range gone {
		if err := l.remove(s.name()); err != nil {
			failed = err // Open removes it
		}
	}
	return failed
}

func (l *Log) trimmed() uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.start
}

// cutTrimmed takes segments that may go off the list. What comes back after a
// crash lies below the start file's offset, and Open removes it.
func (l *Log) cutTrimmed() []sealedSegment {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for n < len(l.segments) {
		if s := l.segments[n]; s.end > l.start || s.packing || s.base >= l.recorded.Segment {
			break
		}
		n++
	}
	gone := l.segments[:n:n]
	l.segments = append([]sealedSegment(nil), l.segments[n:]...)
	return gone
}
