package engine

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Store is the committed state of one task group.
//
// Its methods may be called from any goroutine, except that Apply is called by
// one at a time. Overlays on it belong to their task thread.
type Store struct {
	dir    string
	o      Options
	fs     *haltFS
	db     *pebble.DB
	view   view
	lock   *pebble.Lock
	leave  func() // what Shared.join gave
	unwrap func() error
	count  counters

	// write is held by what commits a batch.
	write sync.Mutex
	stall stall
	batch *pebble.Batch // used over and over
	repr  []byte        // its bytes

	// life is held for reading by every call that uses db, and for writing by
	// Close.
	life   sync.RWMutex
	closed bool
	open   atomic.Int64 // iterators and snapshots

	applied struct {
		sync.Mutex
		index, epoch uint64
	}
	failed  chan struct{} // closed by the first failure
	failure struct {
		sync.Mutex
		err   error
		armed bool // Open is over: a failure goes to Options.Fatal
	}
	abandon chan struct{} // closed by Close, when it begins
	asyncs  sync.WaitGroup
}

// Open opens the store in dir and makes it if it is not there. It meets ErrInUse,
// ErrNewerFormat, ErrCorrupt and ErrOptions.
func Open(dir string, o Options) (*Store, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	s := &Store{
		dir:     o.FS.PathJoin(dir),
		o:       o,
		failed:  make(chan struct{}),
		abandon: make(chan struct{}),
		stall:   stall{relief: make(chan struct{}, 1)},
	}
	if err := s.openFiles(); err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	return s, nil
}

func (s *Store) openFiles() error {
	if err := s.lockDir(); err != nil {
		return err
	}
	err := s.openLocked()
	if err != nil {
		_ = s.lock.Close() // the error that matters is there already
	}
	return err
}

func (s *Store) openLocked() error {
	if err := checkPebbleFormat(s.o.FS, s.dir); err != nil {
		return err
	}
	if err := removeLogs(s.o.FS, s.dir); err != nil {
		return err
	}
	if err := s.joinShared(); err != nil {
		return err
	}
	inner := s.o.FS
	s.unwrap = func() error { return nil }
	if s.o.SlowDisk > 0 {
		checked, closer := vfs.WithDiskHealthChecks(inner, s.o.SlowDisk, nil, s.diskSlow)
		inner, s.unwrap = checked, closer.Close
	}
	s.fs = &haltFS{FS: inner, dir: s.dir, hurry: s.abandon, failing: func(err error) {
		s.fail(fmt.Errorf("file operation: %w", err))
	}}
	s.fs.opening.Store(true)
	err := s.openPebble()
	if err != nil {
		s.release()
	}
	return err
}

// joinShared takes part in the shared caches, or makes them for this store alone.
func (s *Store) joinShared() (err error) {
	own := s.o.Shared == nil
	if own {
		if s.o.Shared, err = NewShared(SharedOptions{}); err != nil {
			return err
		}
	}
	leave, err := s.o.Shared.join(s.o.MemTableSize)
	if err != nil {
		return err
	}
	s.leave = func() {
		leave()
		if own {
			_ = s.o.Shared.Close() // nobody else knows it
		}
	}
	return nil
}

func (s *Store) openPebble() error {
	p := s.o.pebbleOptions(s.fs)
	p.Logger = pebbleLogger{s}
	p.EventListener = s.listener()
	p.Experimental.CompactionScheduler = &slotUser{pool: s.o.Shared.slots}
	p.Lock = s.lock
	db, err := pebble.Open(s.dir, p)
	if err != nil {
		return openError(err)
	}
	s.db = db
	s.view = view{s: s, source: db}
	s.batch = db.NewBatch()
	if err := s.readMeta(); err != nil {
		return errors.Join(err, s.closePebble())
	}
	s.failure.Lock()
	err, s.failure.armed = s.failure.err, true
	s.failure.Unlock()
	if err != nil {
		return errors.Join(err, s.closePebble())
	}
	s.fs.opening.Store(false)
	return nil
}

// readMeta reads the records of the group, or writes the first ones. They are
// made durable at once: a store that has data without them is damaged.
func (s *Store) readMeta() error {
	val, ok, err := s.view.get(nil, formatKey)
	if err != nil {
		return err
	}
	if !ok {
		return s.writeMeta()
	}
	version, _, err := DecodeOrdered(val)
	if err != nil {
		return fmt.Errorf("format record: %w", err)
	}
	if version > formatVersion {
		return fmt.Errorf("%w: keys have format %d, this program knows %d", ErrNewerFormat, version, formatVersion)
	}
	if val, ok, err = s.view.get(nil, appliedKey); err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: no applied record", ErrCorrupt)
	}
	s.applied.index, s.applied.epoch, err = decodeApplied(val)
	return err
}

func (s *Store) writeMeta() error {
	it := s.view.iter(nil, nil)
	some := it.First()
	if err := it.Close(); err != nil {
		return err
	}
	if some {
		return fmt.Errorf("%w: keys without a format record", ErrCorrupt)
	}
	b := s.db.NewBatch()
	defer b.Close()
	if err := errors.Join(
		b.Set(formatKey, AppendOrdered(nil, formatVersion), nil),
		b.Set(appliedKey, appendApplied(nil, 0, 0), nil),
		s.db.Apply(b, pebble.NoSync),
	); err != nil {
		return err
	}
	s.view.renew(false)
	return <-s.flush()
}

// fail makes the store fail, once.
func (s *Store) fail(err error) {
	s.failure.Lock()
	first, armed := s.failure.err == nil, s.failure.armed
	if first {
		s.failure.err = fmt.Errorf("store %s: %w: %w", s.dir, ErrFailed, err)
		err = s.failure.err
	}
	s.failure.Unlock()
	if !first {
		return
	}
	s.fs.halt()
	close(s.failed)
	s.o.Logger.Error("store failed", "dir", s.dir, "error", err)
	if armed {
		go s.o.Fatal(err)
	}
}

// Err returns what made the store fail, or nil. It wraps ErrFailed.
func (s *Store) Err() error {
	s.failure.Lock()
	defer s.failure.Unlock()
	return s.failure.err
}

// enter begins a call that uses the database; exit ends it.
func (s *Store) enter() error {
	s.life.RLock()
	if s.closed {
		s.life.RUnlock()
		return fmt.Errorf("store %s: %w", s.dir, ErrClosed)
	}
	return nil
}

func (s *Store) exit() { s.life.RUnlock() }

// Get reads committed state; see Reader.
func (s *Store) Get(dst, key []byte) ([]byte, bool, error) {
	if err := s.enter(); err != nil {
		return dst, false, err
	}
	defer s.exit()
	return s.view.get(dst, key)
}

// NewIter reads committed state; see Reader. The iterator stays at the state in
// which it was opened, whatever is applied meanwhile.
func (s *Store) NewIter(lo, hi []byte) Iterator { return s.newIter(lo, hi) }

func (s *Store) newIter(lo, hi []byte) *storeIter {
	if err := s.enter(); err != nil {
		return &storeIter{err: err}
	}
	defer s.exit()
	return s.view.iter(lo, hi)
}

// Dir is the directory of the store.
func (s *Store) Dir() string { return s.dir }

// Close flushes and closes the store. It meets ErrBusy, and does nothing, while
// iterators or snapshots are open; the error of a store that had failed, which is
// closed all the same; and ErrClosed the second time.
func (s *Store) Close() error { return s.close(true) }

// CloseAbrupt closes the store and leaves what is not flushed to the log, as a
// crash would.
func (s *Store) CloseAbrupt() error { return s.close(false) }

func (s *Store) close(flush bool) error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.closed {
		return fmt.Errorf("store %s: %w", s.dir, ErrClosed)
	}
	if n := s.open.Load(); n > 0 {
		return fmt.Errorf("store %s: %w: %d iterators and snapshots are open", s.dir, ErrBusy, n)
	}
	s.closed = true
	var err error
	if flush && s.Err() == nil {
		<-s.flush()
	}
	close(s.abandon)
	s.asyncs.Wait()
	if err = s.closePebble(); err != nil {
		err = fmt.Errorf("close store %s: %w", s.dir, err)
	}
	s.release()
	if lerr := s.lock.Close(); err == nil && lerr != nil {
		err = fmt.Errorf("close store %s: %w", s.dir, lerr)
	}
	if failure := s.Err(); failure != nil {
		return failure // what closing met is its echo
	}
	return err
}

func (s *Store) closePebble() error {
	s.view.renew(true)
	return errors.Join(s.batch.Close(), s.db.Close())
}

func (s *Store) release() {
	_ = s.unwrap() // stops a ticker; cannot fail
	s.leave()
}
