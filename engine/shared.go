package engine

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// SharedOptions configure what the stores of a process share. The zero value
// works.
type SharedOptions struct {
	// CacheBytes is the size of the block cache. Default 64 MiB. It is what the
	// blocks get, whatever the memtables of the stores take beside it.
	CacheBytes int64

	// OpenFiles bounds the table files kept open. Default 1000.
	OpenFiles int

	// Compactions bounds the compactions that run at once, over all stores. Default
	// half of the processors, at least one: compaction must not hold up the task
	// threads.
	Compactions int
}

// Shared is the block cache, the cache of open files and the compaction slots of
// a process. Its stores must be closed before it.
type Shared struct {
	blocks *pebble.Cache
	files  *pebble.FileCache
	slots  *slots

	mu     sync.Mutex
	stores int
	closed bool
}

// NewShared makes what the stores of a process share.
func NewShared(o SharedOptions) (*Shared, error) {
	if o.CacheBytes == 0 {
		o.CacheBytes = 64 << 20
	}
	if o.OpenFiles == 0 {
		o.OpenFiles = 1000
	}
	if o.Compactions == 0 {
		o.Compactions = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if o.CacheBytes < 0 || o.OpenFiles < 0 || o.Compactions < 0 {
		return nil, fmt.Errorf("%w: CacheBytes, OpenFiles and Compactions must not be negative", ErrOptions)
	}
	return &Shared{
		blocks: pebble.NewCache(o.CacheBytes),
		files:  pebble.NewFileCache(runtime.GOMAXPROCS(0), o.OpenFiles),
		slots:  newSlots(o.Compactions),
	}, nil
}

// join counts a store in and gives back what undoes it.
//
// Pebble takes the memory of memtables out of the block cache, up to two of them
// a store: eight stores with 16 MiB memtables on a cache of 256 MiB leave it
// nothing, and every read goes to the disk. A reservation below zero gives the
// cache that much more, for as long as the store is open.
func (s *Shared) join(memTableSize int) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("shared caches: %w", ErrClosed)
	}
	s.stores++
	release := s.blocks.Reserve(-2 * memTableSize)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		release()
		s.stores--
	}, nil
}

// Close gives the caches back. Stores that are still open make it fail with
// ErrBusy. A second Close meets ErrClosed.
func (s *Shared) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return fmt.Errorf("shared caches: %w", ErrClosed)
	case s.stores > 0:
		return fmt.Errorf("shared caches: %w by %d stores", ErrBusy, s.stores)
	}
	s.closed = true
	s.slots.close()
	s.files.Unref()
	s.blocks.Unref()
	return nil
}
