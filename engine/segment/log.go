package segment

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Log is an append-only log of records. One goroutine appends; any number read
// beside it, and others may sync, seal and trim.
//
// The order of the locks: seal, sync and trim, of which only Close takes two;
// then write; then base; then mu, under which no one waits for I/O.
type Log struct {
	fs       vfs.FS
	dir      string
	opts     Options
	salt     uint32
	readOnly bool
	rebuilds atomic.Int64

	seal    sync.Mutex // held while a segment is packed
	syncing sync.Mutex // held while files are synced
	trim    sync.Mutex // held while segments are removed

	write struct {
		sync.Mutex
		buf      []byte    // header and records of the block being written
		unsynced []*handle // syncers of the segments left since the last sync
		dirty    bool      // bytes of the active segment are not synced
		newFiles bool      // the directory changed since it was synced
		halted   error     // why nothing is written any more
	}

	base struct { // what is there before the first segment
		sync.Mutex
		dirs     []string // directories made, to be synced before anything in them is durable
		hasStart bool     // the start file is there
	}

	mu       sync.RWMutex
	segments []sealedSegment // in order; each ends where the next begins
	active   activeSegment
	start    uint64 // what was trimmed, as far as it is there
	synced   Position
	recorded Position // known to be durable in the owner's store
	closed   bool
}

// sealedSegment is a segment that takes no more records.
type sealedSegment struct {
	base, end uint64
	form      form
	packing   bool
}

// activeSegment is the last segment. Before the first append it has no file.
type activeSegment struct {
	*handle
	summary         // blocksEnd is where the next block goes
	cut     bool    // void bytes lie behind; it must not be written again
	syncer  *handle // the same file, for syncs; see openSyncer
}

// Bounds returns the offset of the first record and the offset that the next one
// gets. They are equal in an empty log.
func (l *Log) Bounds() (start, end uint64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.bounds()
}

func (l *Log) bounds() (start, end uint64) {
	// A trim may be ahead of the position at which the log was opened again.
	return min(l.start, l.active.end), l.active.end
}

// Start returns the offset of the first record.
func (l *Log) Start() uint64 { s, _ := l.Bounds(); return s }

// End returns the offset that the next record gets.
func (l *Log) End() uint64 { _, e := l.Bounds(); return e }

// Recorded tells the log that pos, which Sync returned, is durable in the store
// of the owner, so that Open will never be asked for an earlier one. Only
// segments below are packed and removed.
func (l *Log) Recorded(pos Position) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if pos.Offset > l.synced.Offset || pos.check() != nil {
		return fmt.Errorf("%w: %v recorded, but synced is %v", ErrInvalid, pos, l.synced)
	}
	if pos.Offset > l.recorded.Offset {
		l.recorded = pos
	}
	return nil
}

// Stats is a short account of a log.
type Stats struct {
	Start, End    uint64
	Sealed        int   // segments that are sealed
	Packed        int   // of them packed
	Packable      int   // sealed, raw, and below the recorded position
	IndexRebuilds int64 // times that a footer was missing or damaged, since Open
}

// Stats returns an account of the log. It reads no file.
func (l *Log) Stats() Stats {
	l.mu.RLock()
	defer l.mu.RUnlock()
	s := Stats{Sealed: len(l.segments), IndexRebuilds: l.rebuilds.Load()}
	s.Start, s.End = l.bounds()
	for _, seg := range l.segments {
		switch {
		case seg.form == formPacked:
			s.Packed++
		case seg.base < l.recorded.Segment:
			s.Packable++
		}
	}
	return s
}

// Close gives up the files. It syncs nothing: what was not synced is appended
// again after Open. It waits for calls that are under way; SealNext gives up at
// its next block. Cursors give ErrClosed once they need another
// segment or more of the active one.
func (l *Log) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	l.closed = true
	l.mu.Unlock()
	l.seal.Lock()
	defer l.seal.Unlock()
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.trim.Lock()
	defer l.trim.Unlock()
	l.write.Lock()
	defer l.write.Unlock()

	l.opts.Cache.drop(l, func(uint64, form) bool { return true })
	err := l.active.release()
	for _, h := range append(l.write.unsynced, l.active.syncer) {
		if e := h.release(); err == nil {
			err = e
		}
	}
	l.write.unsynced = nil
	return err
}

func (l *Log) isClosed() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.closed
}

// mayWrite is why the log takes no change.
func (l *Log) mayWrite() error {
	switch {
	case l.readOnly:
		return fmt.Errorf("%w: %s", ErrReadOnly, l.dir)
	case l.isClosed():
		return fmt.Errorf("%w: %s", ErrClosed, l.dir)
	}
	return nil
}

func (l *Log) newReader() blockReader { return blockReader{salt: l.salt, maxAhead: l.opts.ReadBytes} }
