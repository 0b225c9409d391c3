package segment

import (
	"errors"
	"fmt"
)

// Options of a log. The zero value works.
type Options struct {
	// ID is part of every checksum, so that a file or block of another log is
	// never taken for one of this. It cannot change later.
	ID uint64
	// SegmentBytes is the size at which a segment is sealed: the next append opens
	// a new one. The default, 64 MiB, is packed in a fraction of a second and makes
	// trimming, which removes whole segments, fine enough. At most 1 GiB.
	SegmentBytes int64
	// PackBytes is the raw size of a block of a packed segment: a reader of one
	// record must decompress so much. The default is 64 KiB; beyond, zstd gains
	// little. At most 1 MiB.
	PackBytes int
	// IndexBytes is how far apart in a file the blocks are that the index knows.
	// The default, 16 KiB, makes a seek read no more than a device does anyway,
	// and the index of a full active segment takes 64 KiB.
	IndexBytes int
	// ReadBytes is what a sequential reader reads at once. The default is 128 KiB.
	ReadBytes int
	// Cache holds open files and indexes of sealed segments. Logs of one process
	// can share one. The default is one of its own with 4 segments.
	Cache *Cache
}

func (o Options) withDefaults() (Options, error) {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 64 << 20
	}
	if o.PackBytes == 0 {
		o.PackBytes = 64 << 10
	}
	if o.IndexBytes == 0 {
		o.IndexBytes = 16 << 10
	}
	if o.ReadBytes == 0 {
		o.ReadBytes = 128 << 10
	}
	if o.Cache == nil {
		o.Cache = NewCache(4)
	}
	return o, o.validate()
}

func (o *Options) validate() error {
	var faults []error
	check := func(name string, v, max int64) {
		if v < 1 || v > max {
			faults = append(faults, fmt.Errorf("%w: option %s is %d, must be 1 to %d", ErrInvalid, name, v, max))
		}
	}
	check("SegmentBytes", o.SegmentBytes, 1<<30)
	check("PackBytes", int64(o.PackBytes), 1<<20)
	check("IndexBytes", int64(o.IndexBytes), 1<<30)
	check("ReadBytes", int64(o.ReadBytes), 64<<20)
	return errors.Join(faults...)
}
