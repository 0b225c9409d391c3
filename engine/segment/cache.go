package segment

import (
	"container/list"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// handle is an open file that several hold. The last to release it closes it;
// until then it can be read, also after the file was removed.
type handle struct {
	file vfs.File
	name string
	refs atomic.Int32
}

func newHandle(f vfs.File, name string) *handle {
	h := &handle{file: f, name: name}
	h.refs.Store(1)
	return h
}

func (h *handle) retain() *handle {
	h.refs.Add(1)
	return h
}

func (h *handle) release() error {
	if h == nil || h.refs.Add(-1) > 0 {
		return nil
	}
	return h.file.Close()
}

func (h *handle) size() (int64, error) {
	info, err := h.file.Stat()
	if err != nil {
		return 0, fmt.Errorf("size of %s: %w", h.name, err)
	}
	return info.Size(), nil
}

// readAt reads n bytes, which must be there, from pos on.
func (h *handle) readAt(pos int64, n int) ([]byte, error) {
	b := make([]byte, n)
	got, err := h.file.ReadAt(b, pos)
	if got == n {
		return b, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return nil, corrupt(h.name, pos+int64(got), "file ends here, not at byte %d", pos+int64(n))
	}
	return nil, fmt.Errorf("reading %s at byte %d: %w", h.name, pos, err)
}

// Cache holds sealed segments ready for reading: the open file and the index. It
// keeps those used last. Memory is some 10 KiB a packed segment and up to 64 KiB
// a raw one, by the default options.
type Cache struct {
	mu       sync.Mutex
	capacity int
	entries  map[cacheKey]*list.Element // of *sealed
	used     list.List                  // last used first
}

type cacheKey struct {
	log  *Log
	base uint64
	form form
}

// sealed is a sealed segment ready for reading. It does not change.
type sealed struct {
	key cacheKey
	*handle
	summary
}

// NewCache returns a cache of at most segments segments, at least one.
func NewCache(segments int) *Cache {
	return &Cache{capacity: max(1, segments), entries: map[cacheKey]*list.Element{}}
}

// get returns the segment of key, retained for the caller, or nil.
func (c *Cache) get(key cacheKey) *sealed {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[key]
	if e == nil {
		return nil
	}
	c.used.MoveToFront(e)
	s := e.Value.(*sealed)
	s.retain()
	return s
}

// put adds s, retaining it for itself. If another reader was faster, the cache
// stays as it is.
func (c *Cache) put(s *sealed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[s.key] != nil {
		return
	}
	s.retain()
	c.entries[s.key] = c.used.PushFront(s)
	for len(c.entries) > c.capacity {
		c.remove(c.used.Back())
	}
}

// drop forgets the segments of l that are gone.
func (c *Cache) drop(l *Log, gone func(base uint64, f form) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.entries {
		if key.log == l && gone(key.base, key.form) {
			c.remove(e)
		}
	}
}

func (c *Cache) remove(e *list.Element) {
	s := c.used.Remove(e).(*sealed)
	delete(c.entries, s.key)
	_ = s.release() // it was only read
}
