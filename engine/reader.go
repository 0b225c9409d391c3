package engine

// Reader is a view of stored keys and values: a Store's committed state, a
// Snapshot of it, or an Overlay's view of its task.
type Reader interface {
	// Get appends the value of key to dst and returns the extended slice. Where
	// there is no such key it returns dst and false.
	Get(dst, key []byte) (val []byte, ok bool, err error)

	// NewIter returns an iterator over the keys in [lo, hi), not positioned yet.
	// A nil bound is open. The bounds are copied. An error of opening is the
	// iterator's Error.
	NewIter(lo, hi []byte) Iterator
}

// Iterator walks over the keys between two bounds, in order. A move that finds
// no key, or meets an error, returns false; Error then tells which. It is used
// by one goroutine and must be closed.
type Iterator interface {
	// First moves to the lowest key, Last to the highest.
	First() bool
	Last() bool
	// SeekGE moves to the lowest key at or above key, SeekLT to the highest below.
	SeekGE(key []byte) bool
	SeekLT(key []byte) bool
	// Next and Prev move by one key. After a move beyond the last key Prev returns
	// to the last one, and likewise at the other end. Of an iterator that was never
	// positioned Next moves to the first key and Prev to the last.
	Next() bool
	Prev() bool
	// Valid reports whether the iterator stands at a key.
	Valid() bool
	// Key and Value are those where the iterator stands, until the next move.
	Key() []byte
	Value() []byte
	// SetBounds replaces both bounds; the iterator is not positioned afterwards.
	SetBounds(lo, hi []byte)
	// Error is the first error met. An iterator with an error is not Valid.
	Error() error
	// Close releases the iterator and returns Error. A second Close does nothing.
	Close() error
}
