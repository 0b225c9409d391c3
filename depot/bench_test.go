package depot

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rama/engine/segment"
)

func benchPartition(b *testing.B) *Partition {
	p, err := Open(vfs.Default, b.TempDir(), Options{}, segment.Position{})
	must(b, err)
	b.Cleanup(func() { _ = p.Close() })
	return p
}

func benchPayload(n int) []byte {
	var payload []byte
	for i := range n {
		payload = segment.AppendRecord(payload, fmt.Appendf(nil, `{"user":"u%06d","url":"/shop/item/%d","ms":1700000000000,"ref":"https://example.com/"}`, i*7919%100000, i%2000))
	}
	return payload
}

// BenchmarkApply applies blocks of records of about 90 bytes, without a sync.
func BenchmarkApply(b *testing.B) {
	for _, batch := range []int{1, 100} {
		b.Run(fmt.Sprint("batch=", batch), func(b *testing.B) {
			p, payload, end := benchPartition(b), benchPayload(batch), uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Apply(end, 1, payload, uint32(batch)); err != nil {
					b.Fatal(err)
				}
				end += uint64(batch)
			}
			b.ReportMetric(float64(end)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkFollow applies a block of 10 records and reads it with a cursor that
// is up to date.
func BenchmarkFollow(b *testing.B) {
	p, payload, end := benchPartition(b), benchPayload(10), uint64(0)
	c := p.NewCursor(0)
	defer c.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Apply(end, 1, payload, 10); err != nil {
			b.Fatal(err)
		}
		for end += 10; c.Next(); {
			_ = c.Record()
		}
		if c.Err() != nil || c.Record().Offset != end-1 {
			b.Fatal(c.Err())
		}
	}
	b.ReportMetric(float64(end)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkCatchUp reads 300,000 records from the beginning, from the files but
// for the tail.
func BenchmarkCatchUp(b *testing.B) {
	p, payload, end := benchPartition(b), benchPayload(10), uint64(0)
	for ; end < 300_000; end += 10 {
		_, err := p.Apply(end, 1, payload, 10)
		must(b, err)
	}
	n := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		c := p.NewCursor(0)
		for c.Next() {
			n++
		}
		must(b, c.Err())
		c.Close()
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkRead reads 20 records at the end, as a client does.
func BenchmarkRead(b *testing.B) {
	p, payload := benchPartition(b), benchPayload(10)
	for end := uint64(0); end < 1000; end += 10 {
		_, err := p.Apply(end, 1, payload, 10)
		must(b, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, err := p.Read(980, 1000, 50_000); err != nil || len(got) != 20 {
			b.Fatal(len(got), err)
		}
	}
}

// BenchmarkAccept judges batches and encodes their pairs, with runs that do not
// join.
func BenchmarkAccept(b *testing.B) {
	p, id := NewProducers(), idOf(1)
	var key, val []byte
	b.ReportAllocs()
	for seq := uint64(1); b.Loop(); seq++ {
		if _, err := p.Accept(id, seq, 1, 2*seq, 1); err != nil {
			b.Fatal(err)
		}
		key, val = p.AppendPair(key[:0], val[:0], id)
	}
}
