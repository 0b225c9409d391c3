package depot

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rama/engine/segment"
)

// Errors of partitions, as package segment has them.
var (
	// ErrOutOfRange is met when offsets are asked for that the partition does not
	// hold. As a *RangeError it says which it holds.
	ErrOutOfRange = segment.ErrOutOfRange
	// ErrGap is met when records to be applied begin beyond the partition's end.
	ErrGap = segment.ErrGap
	// ErrCorrupt is met when what was durable is damaged. It names file and byte.
	ErrCorrupt = segment.ErrCorrupt
	// ErrInvalid is met when an argument makes no sense.
	ErrInvalid = segment.ErrInvalid
	// ErrVersion is met when bytes were written by a newer version.
	ErrVersion = segment.ErrVersion
	// ErrHalted is met after a sync that failed.
	ErrHalted = segment.ErrHalted
	// ErrClosed is met after Close.
	ErrClosed = segment.ErrClosed
)

// RangeError says which offsets were asked for and which there are.
type RangeError = segment.RangeError

// Options of a partition. The zero value works.
type Options struct {
	// Segment are the options of the log. Its ID should name task and depot.
	Segment segment.Options
	// TailBytes bounds the newest records kept in memory. The default, 256 KiB,
	// is more than consumers lag behind that keep up. Negative is none.
	TailBytes int
}

// Partition is one partition of a depot. One goroutine applies; any number read
// beside it, and others may sync, seal and trim.
type Partition struct {
	log  *segment.Log
	tail tail
}

// Open opens the partition in dir as it was at pos, the position recorded after
// the last Sync. See segment.Open.
func Open(fs vfs.FS, dir string, o Options, pos segment.Position) (*Partition, error) {
	log, err := segment.Open(fs, dir, o.Segment, pos)
	if err != nil {
		return nil, fmt.Errorf("depot partition: %w", err)
	}
	p := &Partition{log: log}
	if p.tail.limit = o.TailBytes; o.TailBytes == 0 {
		p.tail.limit = 256 << 10
	}
	p.tail.base.Store(log.End())
	return p, nil
}

// Check verifies the partition in dir up to pos, every record of it. It changes
// nothing.
func Check(fs vfs.FS, dir string, o Options, pos segment.Position) (segment.Report, error) {
	return segment.Check(fs, dir, o.Segment, pos)
}

// Apply appends count records, in the form of segment.AppendRecord, whose first
// has offset base. timeMillis is when they were appended; it is raised if it lies
// before that of the record before. Records that are there already are skipped:
// applied says whether any was not. records are not kept.
//
// ErrGap means that records before base are missing: entries were left out. After
// an error nothing was applied.
func (p *Partition) Apply(base uint64, timeMillis int64, records []byte, count uint32) (applied bool, err error) {
	end := p.log.End()
	if base+uint64(count) < base {
		return false, fmt.Errorf("%w: %d records from offset %d on", ErrInvalid, count, base)
	}
	if base+uint64(count) <= end && count > 0 {
		return false, nil
	}
	if base < end {
		known := uint32(end - base)
		if records, err = segment.SkipRecords(records, known); err != nil {
			return false, fmt.Errorf("depot partition: %w", err)
		}
		base, count = end, count-known
	}
	stored, err := p.log.Append(base, timeMillis, records, count)
	if err != nil {
		return false, fmt.Errorf("depot partition: %w", err)
	}
	p.tail.add(base, stored, records, count)
	return true, nil
}

// Info returns the offset of the first record and the offset that the next one
// gets.
func (p *Partition) Info() (start, end uint64) { return p.log.Bounds() }

// Sync makes everything applied before the call durable and returns up to where
// that is; applying goes on meanwhile. After a sync that failed the partition
// takes no more: ErrHalted.
func (p *Partition) Sync() (segment.Position, error) { return p.log.Sync() }

// Recorded says that pos is durable in the caller's store. Only what lies below
// is sealed and removed.
func (p *Partition) Recorded(pos segment.Position) error { return p.log.Recorded(pos) }

// Trim makes before the first offset that can be read.
func (p *Partition) Trim(before uint64) error { return p.log.TrimBefore(before) }

// Seal packs one segment, if there is one to pack; see segment.Log.SealNext. It
// may be called in the background.
func (p *Partition) Seal() (bool, error) { return p.log.SealNext() }

// Stats returns an account of the partition's log.
func (p *Partition) Stats() segment.Stats { return p.log.Stats() }

// Close gives up the files. It syncs nothing.
func (p *Partition) Close() error { return p.log.Close() }
