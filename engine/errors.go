package engine

import "errors"

// Errors that a store, an overlay and the decoders of this package can meet.
// They are wrapped with what was met and where.
var (
	// ErrCorrupt is met when stored bytes are damaged.
	ErrCorrupt = errors.New("corrupt store")
	// ErrFailed is met by every write after a write, a sync or background work of
	// the store has failed. Reads go on. The cause is wrapped beside it.
	ErrFailed = errors.New("store failed")
	// ErrClosed is met when a closed store, snapshot or iterator is used.
	ErrClosed = errors.New("store closed")
	// ErrBusy is met when a store is closed while iterators or snapshots of it are
	// open, or shared caches while stores use them.
	ErrBusy = errors.New("still in use")
	// ErrInUse is met when the directory of a store is open elsewhere.
	ErrInUse = errors.New("store is open elsewhere")
	// ErrExists is met when a checkpoint would overwrite something.
	ErrExists = errors.New("already exists")
	// ErrNewerFormat is met when a store or a record was written by a newer program.
	ErrNewerFormat = errors.New("format is newer than this program")
	// ErrOptions is met when options contradict each other or leave their range.
	ErrOptions = errors.New("invalid options")
	// ErrKeyTooLong is met when a key exceeds MaxKeyLen.
	ErrKeyTooLong = errors.New("key too long")
	// ErrValueTooLong is met when a value exceeds Options.MaxValueBytes.
	ErrValueTooLong = errors.New("value too long")
	// ErrForeignKey is met when an overlay is asked for a key outside its task.
	ErrForeignKey = errors.New("key outside its task")
	// ErrLayerFull is met when the open layer of an overlay exceeds MaxLayerBytes.
	ErrLayerFull = errors.New("too much written between two cuts")
	// ErrInvalidEntry is met when bytes are no entry, or a section holds what it
	// must not.
	ErrInvalidEntry = errors.New("invalid entry")
	// ErrInvalidCatalogue is met when definitions contradict themselves or the
	// catalogue they extend.
	ErrInvalidCatalogue = errors.New("invalid catalogue")
	// ErrStaleIterator is met when an iterator of an overlay is used after a write
	// to the overlay.
	ErrStaleIterator = errors.New("iterator used after a write to its overlay")
)
