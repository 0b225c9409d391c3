package segment

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// click is a record of about 100 bytes that compresses as JSON does.
func click(dst []byte, i uint64, dice *rand.Rand) []byte {
	return fmt.Appendf(dst, `{"user":"u%06d","url":"/shop/item/%d","ms":%d,"ref":"https://example.com/%d","id":%08d}`,
		dice.Uint64N(100000), dice.Uint64N(2000), 1700000000000+i, dice.Uint64N(50), i%100000000)
}

// blockOf is a block of n such records.
func blockOf(n int) (payload []byte, size int64) {
	dice := rand.New(rand.NewPCG(1, 1))
	for i := range n {
		rec := click(nil, uint64(i), dice)
		size += int64(len(rec))
		payload = AppendRecord(payload, rec)
	}
	return payload, size
}

// grown is a log on the real disk with about n records, in appends of batch.
func grown(b *testing.B, o Options, n, batch int, packed bool) (*Log, string) {
	name := b.TempDir()
	l, err := Open(vfs.Default, name, o, Position{})
	must(b, err)
	payload, _ := blockOf(batch)
	for l.End() < uint64(n) {
		_, err := l.Append(l.End(), int64(l.End()/1000), payload, uint32(batch))
		must(b, err)
	}
	must(b, l.Recorded(mustSync(b, l)))
	for packed {
		packed, err = l.SealNext()
		must(b, err)
	}
	b.Cleanup(func() { _ = l.Close() })
	return l, name
}

func reportRecords(b *testing.B, n uint64) {
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkAppend appends blocks of records of about 100 bytes; with a sync each
// or none.
func BenchmarkAppend(b *testing.B) {
	for _, batch := range []int{1, 10, 100, 1000} {
		for _, sync := range []bool{false, true} {
			b.Run(fmt.Sprintf("batch=%d/sync=%v", batch, sync), func(b *testing.B) {
				l, err := Open(vfs.Default, b.TempDir(), Options{}, Position{})
				must(b, err)
				defer l.Close()
				payload, size := blockOf(batch)
				b.SetBytes(size)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := l.Append(l.End(), 1, payload, uint32(batch)); err != nil {
						b.Fatal(err)
					}
					if sync {
						_ = mustSync(b, l)
					}
				}
				reportRecords(b, l.End())
			})
		}
	}
}

// BenchmarkRead reads a log from the beginning to the end with a cursor.
func BenchmarkRead(b *testing.B) {
	for _, packed := range []bool{false, true} {
		for _, batch := range []int{1, 10, 1000} {
			b.Run(fmt.Sprintf("packed=%v/batch=%d", packed, batch), func(b *testing.B) {
				l, _ := grown(b, Options{SegmentBytes: 16 << 20}, 1<<20, batch, packed)
				b.ReportAllocs()
				n, size := uint64(0), int64(0)
				for b.Loop() {
					size = 0
					c := l.NewCursor(0)
					for c.Next() {
						n++
						size += int64(len(c.Record()))
					}
					must(b, c.Err())
					c.Close()
				}
				b.SetBytes(size)
				reportRecords(b, n)
			})
		}
	}
}

// BenchmarkSeek reads one record at a random offset: in a log that was just
// opened, so that every segment's footer is read as well, or in one in use.
func BenchmarkSeek(b *testing.B) {
	for _, packed := range []bool{false, true} {
		for _, cold := range []bool{false, true} {
			b.Run(fmt.Sprintf("packed=%v/cold=%v", packed, cold), func(b *testing.B) {
				o := Options{SegmentBytes: 16 << 20, Cache: NewCache(64)}
				l, _ := grown(b, o, 1<<20, 10, packed)
				dice := rand.New(rand.NewPCG(2, 2))
				b.ReportAllocs()
				for b.Loop() {
					if cold {
						o.Cache.drop(l, func(uint64, form) bool { return true })
					}
					at := dice.Uint64N(l.End())
					if _, err := l.Read(at, at+1, 0, func(uint64, int64, []byte) error { return nil }); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkTail appends one record and reads it with a cursor at the end.
func BenchmarkTail(b *testing.B) {
	l, err := Open(vfs.Default, b.TempDir(), Options{}, Position{})
	must(b, err)
	defer l.Close()
	payload, _ := blockOf(1)
	c := l.NewCursor(0)
	defer c.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Append(l.End(), 1, payload, 1); err != nil {
			b.Fatal(err)
		}
		if !c.Next() || c.Next() {
			b.Fatal(c.Err())
		}
	}
}

// BenchmarkSeal packs segments.
func BenchmarkSeal(b *testing.B) {
	payload, size := blockOf(100)
	b.SetBytes(size * 1700)
	for b.Loop() {
		b.StopTimer()
		l, _ := grown(b, Options{SegmentBytes: int64(1700 * (len(payload) + blockHeaderBytes))}, 170001, 100, false)
		b.StartTimer()
		if ok, err := l.SealNext(); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

// BenchmarkOpen opens a log whose active segment is nearly full.
func BenchmarkOpen(b *testing.B) {
	l, name := grown(b, Options{}, 550000, 100, false)
	pos := mustSync(b, l)
	must(b, l.Close())
	b.SetBytes(pos.Bytes)
	for b.Loop() {
		l, err := Open(vfs.Default, name, Options{}, pos)
		must(b, err)
		must(b, l.Close())
	}
}
