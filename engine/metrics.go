package engine

import "time"

// Metrics tell how a store is. Sizes are in bytes; counts are since it was opened.
type Metrics struct {
	Applied uint64 // index of the last entry applied

	DiskSize       uint64
	Tables         int64  // table files
	MemTableSize   uint64 // memory of the memtables that are not flushed
	L0Runs         int32  // sorted runs in the uppermost level
	ReadAmp        int    // sorted runs that a read may have to look at
	CompactionDebt uint64 // an estimate of what there is to compact
	OpenReaders    int64  // iterators and snapshots

	BytesFlushed   uint64
	BytesCompacted uint64
	Flushes        uint64
	Compactions    uint64

	// Of the block cache that the stores of the process share.
	CacheSize                int64
	CacheHits, CacheMisses   int64
	FilterHits, FilterPasses int64 // reads that filters spared, and did not

	WriteStalls      uint64 // how often Apply waited for the disk
	WriteStallTime   time.Duration
	SlowDisk         uint64 // writes and syncs slower than Options.SlowDisk
	LowDiskSpace     uint64
	BackgroundErrors uint64
	Corruptions      uint64
}

// Metrics returns how the store is; of a closed store only the counts.
func (s *Store) Metrics() Metrics {
	m := Metrics{
		OpenReaders:      s.open.Load(),
		Flushes:          s.count.flushes.Load(),
		Compactions:      s.count.compactions.Load(),
		WriteStalls:      s.count.stalls.Load(),
		WriteStallTime:   time.Duration(s.count.stallNanos.Load()),
		SlowDisk:         s.count.slowDisk.Load(),
		LowDiskSpace:     s.count.lowDiskSpace.Load(),
		BackgroundErrors: s.count.backgroundErrors.Load(),
		Corruptions:      s.count.corruptions.Load(),
	}
	m.Applied, _ = s.Applied()
	if s.enter() != nil {
		return m
	}
	defer s.exit()
	p := s.db.Metrics()
	total := p.Total()
	m.DiskSize = p.DiskSpaceUsage()
	m.Tables = total.TablesCount
	m.MemTableSize = p.MemTable.Size
	m.L0Runs = p.Levels[0].Sublevels
	m.ReadAmp = p.ReadAmp()
	m.CompactionDebt = p.Compact.EstimatedDebt
	m.BytesFlushed = total.TableBytesFlushed
	m.BytesCompacted = total.TableBytesCompacted
	m.CacheSize, m.CacheHits, m.CacheMisses = p.BlockCache.Size, p.BlockCache.Hits, p.BlockCache.Misses
	m.FilterHits, m.FilterPasses = p.Filter.Hits, p.Filter.Misses
	return m
}

// DebugString is a page about the inside of the store, for people.
func (s *Store) DebugString() string {
	if err := s.enter(); err != nil {
		return err.Error()
	}
	defer s.exit()
	return s.db.Metrics().String()
}
