package engine

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// The benchmarks measure the overlay as the trial that chose its structure did: a
// store of a million compacted keys of 16 bytes and values of 100, in cache; three
// cut layers and an open one, 102 puts a layer, half of them to 20,000 neighbouring
// keys. "raw" is Pebble without an overlay.

const (
	benchKeys  = 1_000_000
	benchNear  = 20_000
	benchLayer = 102
)

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// benchKey is key i of the store; odd numbers beyond twice benchKeys are not there.
func benchKey(dst []byte, i uint64) []byte {
	dst = AppendPrefix(dst[:0], 0, 16, 1)
	if i < benchNear { // neighbours
		return binary.BigEndian.AppendUint64(append(dst, 0x80, 0, 0, 0, 0, 0, 0, 0), i)
	}
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, mix(i)), mix(i+1))
}

var benchVal = []byte(fmt.Sprintf(`{"id":12345,"name":"user-86415","url":"http://example.com/345/index.html","score":72,"x":%020d}`, 7))

type bench struct {
	b     *testing.B
	s     *Store
	o     *Overlay
	rng   *rand.Rand
	key   []byte
	dst   []byte
	index uint64
	cuts  []Section
}

var benchStore *Store // filled once

func newBench(b *testing.B) *bench {
	if benchStore == nil {
		shared, err := NewShared(SharedOptions{CacheBytes: 512 << 20})
		if err != nil {
			b.Fatal(err)
		}
		s, err := Open("bench", Options{FS: vfs.NewMem(), Shared: shared, SlowDisk: -1})
		if err != nil {
			b.Fatal(err)
		}
		var key []byte
		sec := Section{}
		for i := range uint64(benchKeys) {
			key = benchKey(key, i)
			sec.KV = appendRecord(sec.KV, kindSet, key, benchVal)
			if sec.KVCount++; sec.KVCount == 500 {
				mustApply(b, s, i, 1, sec)
				sec = Section{KV: sec.KV[:0]}
			}
		}
		benchStore = s
		compactBench(b)
	}
	x := &bench{b: b, s: benchStore, o: NewOverlay(benchStore, 0), rng: rand.New(rand.NewPCG(1, 2))}
	x.index, _ = x.s.Applied()
	before := x.index
	b.Cleanup(func() {
		if at, _ := x.s.Applied(); at != before {
			compactBench(b)
		}
	})
	for range 3 {
		x.fill()
		x.cut()
	}
	x.fill()
	b.ReportAllocs()
	b.ResetTimer()
	return x
}

// compactBench compacts the store and reads it all, so that it is in cache.
func compactBench(b *testing.B) {
	if err := benchStore.Compact(context.Background()); err != nil {
		b.Fatal(err)
	}
	it := benchStore.NewIter(nil, nil)
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
	}
}

func (x *bench) draw() []byte {
	if x.rng.Uint32()&1 == 0 {
		x.key = benchKey(x.key, x.rng.Uint64N(benchNear))
	} else {
		x.key = benchKey(x.key, x.rng.Uint64N(benchKeys))
	}
	return x.key
}

func (x *bench) put() {
	if err := x.o.Put(x.draw(), benchVal); err != nil {
		x.b.Fatal(err)
	}
}

func (x *bench) fill() {
	for range benchLayer {
		x.put()
	}
}

func (x *bench) cut() {
	if body, n, ok := x.o.Cut(); ok {
		x.cuts = append(x.cuts, Section{KV: body, KVCount: n})
	}
}

func (x *bench) apply() {
	x.index++
	mustApply(x.b, x.s, x.index, 1, x.cuts[0])
	x.cuts = x.cuts[1:]
	x.o.Drop()
}

func BenchmarkRawPut(b *testing.B) {
	x := newBench(b)
	batch := x.s.db.NewBatch()
	defer batch.Close()
	for i := range b.N {
		batch.Set(x.draw(), benchVal, nil)
		if i%benchLayer == 0 {
			batch.Reset()
		}
	}
}

// Put, with its share of cutting and dropping.
func BenchmarkPut(b *testing.B) {
	x := newBench(b)
	for i := range b.N {
		x.put()
		if i%benchLayer == 0 {
			x.cut()
			x.cuts = x.cuts[1:]
			x.o.Drop()
		}
	}
	x.o.Reset()
	x.cuts = nil
}

// A put whose layer is taken back, again and again: nothing is allocated.
func BenchmarkPutSteady(b *testing.B) {
	x := newBench(b)
	m := x.o.Mark()
	for i := range b.N {
		x.put()
		if i%benchLayer == 0 {
			x.o.Rollback(m)
		}
	}
}

func BenchmarkGetOwn(b *testing.B) {
	x := newBench(b)
	var own [][]byte
	for range 64 {
		x.put()
		own = append(own, append([]byte(nil), x.key...))
	}
	b.ResetTimer()
	for i := range b.N {
		if x.dst, _, _ = x.o.Get(x.dst[:0], own[i%64]); len(x.dst) == 0 {
			b.Fatal("not found")
		}
	}
}

func benchmarkGet(b *testing.B, get func(x *bench, key []byte) bool, from uint64, want bool) {
	x := newBench(b)
	for range b.N {
		x.key = benchKey(x.key, benchNear+from+x.rng.Uint64N(benchKeys-benchNear))
		if get(x, x.key) != want {
			b.Fatal("found, or not")
		}
	}
}

func rawGet(x *bench, key []byte) bool {
	v, closer, err := x.s.db.Get(key)
	if err != nil {
		return false
	}
	x.dst = append(x.dst[:0], v...)
	closer.Close()
	return true
}

func overlayGet(x *bench, key []byte) (ok bool) {
	x.dst, ok, _ = x.o.Get(x.dst[:0], key)
	return ok
}

func BenchmarkRawGet(b *testing.B)     { benchmarkGet(b, rawGet, 0, true) }
func BenchmarkGetStore(b *testing.B)   { benchmarkGet(b, overlayGet, 0, true) }
func BenchmarkRawGetMiss(b *testing.B) { benchmarkGet(b, rawGet, 2*benchKeys, false) }
func BenchmarkGetMiss(b *testing.B)    { benchmarkGet(b, overlayGet, 2*benchKeys, false) }

// reportEntry reports the time of one of the 20 entries of a scan.
func reportEntry(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20, "ns/entry")
}

func BenchmarkRawScan(b *testing.B) {
	x := newBench(b)
	defer reportEntry(b)
	for range b.N {
		x.key = benchKey(x.key, benchNear+x.rng.Uint64N(benchKeys-benchNear))
		it, _ := x.s.db.NewIter(&pebble.IterOptions{LowerBound: x.key})
		n := 0
		for ok := it.First(); ok && n < 20; ok = it.Next() {
			n++
		}
		it.Close()
	}
}

func (x *bench) scan(from uint64) {
	x.key = benchKey(x.key, from)
	it := x.o.NewIter(x.key, nil)
	n := 0
	for ok := it.First(); ok && n < 20; ok = it.Next() {
		n++
	}
	if err := it.Close(); err != nil {
		x.b.Fatal(err)
	}
}

func BenchmarkScanAway(b *testing.B) {
	x := newBench(b)
	defer reportEntry(b)
	for range b.N {
		x.scan(benchNear + x.rng.Uint64N(benchKeys-benchNear))
	}
}

func BenchmarkScanAmongOwn(b *testing.B) {
	x := newBench(b)
	defer reportEntry(b)
	for range b.N {
		x.scan(x.rng.Uint64N(benchNear))
	}
}

func BenchmarkScanAfter3Puts(b *testing.B) {
	x := newBench(b)
	defer reportEntry(b)
	m := x.o.Mark()
	for i := range b.N {
		x.put()
		x.put()
		x.put()
		x.scan(x.rng.Uint64N(benchNear))
		if i%30 == 0 {
			x.o.Rollback(m)
		}
	}
}

// A scan after each put over a stack of 100,000 keys: the index must not be moved
// for each.
func BenchmarkScanAfterPutLarge(b *testing.B) {
	x := newBench(b)
	for range 100_000 {
		x.put()
	}
	b.ResetTimer()
	defer reportEntry(b)
	for range b.N {
		x.put()
		x.scan(x.rng.Uint64N(benchNear))
	}
	x.o.Reset()
	x.cuts = nil
}

func BenchmarkRollback3Puts(b *testing.B) {
	x := newBench(b)
	for range b.N {
		m := x.o.Mark()
		x.put()
		x.put()
		x.put()
		x.o.Rollback(m)
	}
}

func BenchmarkDeleteRange(b *testing.B) {
	x := newBench(b)
	var hi []byte
	for i := range b.N {
		m := x.o.Mark()
		lo := x.rng.Uint64N(benchNear - 20)
		x.key, hi = benchKey(x.key, lo), benchKey(hi, lo+20)
		if err := x.o.DeleteRange(x.key, hi); err != nil {
			b.Fatal(err)
		}
		if i%8 == 0 {
			x.o.Rollback(m)
		}
		if i%64 == 0 {
			x.o.Reset()
			x.cuts = nil
		}
	}
}

// One batch: 99 puts, cut, apply and drop of the oldest of four.
func BenchmarkBatch(b *testing.B) {
	x := newBench(b)
	for range b.N {
		x.fill()
		x.cut()
		x.apply()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchLayer, "ns/put")
}

func BenchmarkRawBatch(b *testing.B) {
	x := newBench(b)
	for range b.N {
		batch := x.s.db.NewBatch()
		for range benchLayer {
			batch.Set(x.draw(), benchVal, nil)
		}
		if err := x.s.db.Apply(batch, pebble.NoSync); err != nil {
			b.Fatal(err)
		}
		batch.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchLayer, "ns/put")
}

// The loop of the trial: events of a savepoint, 3 puts, 3 gets (30 % own), a scan of
// 20 in every 10th, 1 % taken back; a batch per 33 events.
func BenchmarkEvents(b *testing.B) {
	x := newBench(b)
	var own []byte
	for i := range b.N {
		m := x.o.Mark()
		x.put()
		x.put()
		x.put()
		own = append(own[:0], x.key...)
		for range 3 {
			if x.rng.Uint32N(10) < 3 {
				x.dst, _, _ = x.o.Get(x.dst[:0], own)
			} else {
				x.dst, _, _ = x.o.Get(x.dst[:0], x.draw())
			}
		}
		if i%10 == 0 {
			x.scan(x.rng.Uint64N(benchNear))
		}
		if i%100 == 0 {
			x.o.Rollback(m)
		}
		if i%33 == 0 {
			x.cut()
			x.apply()
		}
	}
}

func BenchmarkDecodeEntry(b *testing.B) {
	x := newBench(b)
	body, n, _ := x.o.Cut()
	x.o.Reset()
	x.cuts = nil
	buf := AppendEntry(nil, &Entry{Kind: EntryEffects, Sections: []Section{{KV: body, KVCount: n}}})
	var e Entry
	b.SetBytes(int64(len(buf)))
	b.ResetTimer()
	for range b.N {
		if err := DecodeEntry(buf, &e); err != nil {
			b.Fatal(err)
		}
	}
}
