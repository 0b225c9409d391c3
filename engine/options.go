package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/colblk"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options configure a store. The zero value works. Defaults are filled in once,
// by Open.
type Options struct {
	// FS is where the store lives. Default: the operating system's files.
	FS vfs.FS

	// Shared holds the caches and the compaction slots that the stores of a
	// process share. Default: the store makes its own, as small tests want it.
	Shared *Shared

	// Logger is told about flushes, compactions and trouble. Default: nobody is.
	Logger *slog.Logger

	// Fatal is called once, on a goroutine of its own, when a write, a sync or
	// background work has failed or stored bytes turned out damaged. The store
	// refuses writes from then on; Fatal halts the replica. Default: it panics, for
	// a failure that nobody hears must not be survived.
	Fatal func(error)

	// MemTableSize, in bytes, of the writes gathered in memory before they become a
	// file. Default 16 MiB: against 4 MiB it halves the bytes written to disk;
	// 64 MiB would save another sixth and takes four times the memory per store.
	MemTableSize int

	// MemTableStop is the number of full memtables at which Apply waits for the
	// disk. Default 4: two are usual, and a wait holds up a whole task group.
	MemTableStop int

	// L0Stop is the number of sorted runs in the uppermost level at which Apply
	// waits for compaction. Default 200. Pebble's own default of 12 stalled writers
	// for a second at a time; beyond some hundred, reads suffer more than writers
	// would.
	L0Stop int

	// BlockSize, in bytes, of a data block before compression. Default 16 KiB: in
	// cache as fast as 32 KiB and faster than 4 KiB; out of cache a read takes
	// 10 us, against 28 us at 32 KiB.
	BlockSize int

	// BloomBits is the size of the filters, in bits a key. Default 10, one false
	// positive in a hundred. The filters of the bottom level are asked too: a read
	// of a key that is not there takes 0.55 us with them and 1.2 us without.
	// Negative: no filters.
	BloomBits int

	// Compression of blocks. Default CompressionBalanced.
	Compression Compression

	// MaxValueBytes bounds a value. Default 16 MiB: a larger one costs a memtable
	// of its own and holds up everything behind it in the log.
	MaxValueBytes int

	// SlowDisk is the time after which a write or sync counts as slow and is
	// reported. Default 5 s. Negative: nobody looks.
	SlowDisk time.Duration
}

// Compression says how the blocks of a store are compressed.
type Compression uint8

const (
	// CompressionBalanced compresses the bottom level, where nine tenths of the
	// data lie, with zstd, and what is rewritten soon with something fast.
	CompressionBalanced Compression = iota
	// CompressionFastest compresses everything fast.
	CompressionFastest
	// CompressionNone compresses nothing.
	CompressionNone
)

func (o Options) withDefaults() Options {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Fatal == nil {
		o.Fatal = func(err error) { panic(err) }
	}
	def(&o.MemTableSize, 16<<20)
	def(&o.MemTableStop, 4)
	def(&o.L0Stop, 200)
	def(&o.BlockSize, 16<<10)
	def(&o.BloomBits, 10)
	def(&o.MaxValueBytes, 16<<20)
	if o.SlowDisk == 0 {
		o.SlowDisk = 5 * time.Second
	}
	return o
}

// validate reports every fault at once.
func (o Options) validate() error {
	var faults []error
	within := func(name string, v, lo, hi int) {
		if v < lo || v > hi {
			faults = append(faults, fmt.Errorf("%w: %s is %d, must be %d to %d", ErrOptions, name, v, lo, hi))
		}
	}
	within("MemTableSize", o.MemTableSize, minMemTableSize, 1<<30)
	within("MemTableStop", o.MemTableStop, 2, 1000)
	within("L0Stop", o.L0Stop, 4, 100_000)
	within("BlockSize", o.BlockSize, 256, 1<<20)
	within("BloomBits", o.BloomBits, math.MinInt, 100)
	within("MaxValueBytes", o.MaxValueBytes, 1, 1<<30)
	if o.Compression > CompressionNone {
		faults = append(faults, fmt.Errorf("%w: Compression is %d", ErrOptions, o.Compression))
	}
	return errors.Join(faults...)
}

// minMemTableSize is what Pebble's smallest memtable needs to hold a key of
// MaxKeyLen.
const minMemTableSize = 64 << 10

// The format of the store's files, chosen once. Pebble keeps the three names in
// the files and refuses others; a newer version of Pebble must be told to write
// the old format until a release decides otherwise.
const (
	pebbleFormat  = pebble.FormatValueSeparation // 24: columnar blocks, table format v7
	comparerName  = "rama.key.v1"
	keySchemaName = "rama.keys.v1"
)

// comparer orders keys by their bytes. The whole key is what filters are asked
// for.
var comparer = func() *pebble.Comparer {
	c := *pebble.DefaultComparer
	c.Name = comparerName
	return &c
}()

// keySchema stores the keys of a block as one column of prefixes, 16 keys a
// bundle. The name and the number are part of the format.
var keySchema = func() colblk.KeySchema {
	s := colblk.DefaultKeySchema(comparer, 16)
	s.Name = keySchemaName
	return s
}()

// pebbleOptions are the options of a store with o filled in.
func (o Options) pebbleOptions(fs vfs.FS) *pebble.Options {
	p := &pebble.Options{
		FS:                 fs,
		Cache:              o.Shared.blocks,
		FileCache:          o.Shared.files,
		DisableWAL:         true,
		Comparer:           comparer,
		KeySchema:          keySchema.Name,
		KeySchemas:         sstable.MakeKeySchemas(&keySchema),
		FormatMajorVersion: pebbleFormat,
		MemTableSize:       uint64(o.MemTableSize),
		// Apply waits where Options says, not inside Pebble: a writer that Pebble
		// stalls waits for a flush even when flushes fail, and then Close waits for
		// the writer.
		MemTableStopWritesThreshold: math.MaxInt32,
		L0StopWritesThreshold:       math.MaxInt32,
		CompactionConcurrencyRange:  func() (int, int) { return 1, o.Shared.slots.limit },
	}
	p.Experimental.EnableColumnarBlocks = func() bool { return true }
	for i := range p.Levels {
		p.Levels[i].BlockSize = o.BlockSize
		p.Levels[i].IndexBlockSize = 256 << 10 // one level of index for most files
		if o.BloomBits > 0 {
			p.Levels[i].FilterPolicy = bloom.FilterPolicy(o.BloomBits)
		}
	}
	p.ApplyCompressionSettings(func() pebble.DBCompressionSettings {
		switch o.Compression {
		case CompressionFastest:
			return pebble.DBCompressionFastest
		case CompressionNone:
			return pebble.DBCompressionNone
		}
		return pebble.DBCompressionBalanced
	})
	return p
}
