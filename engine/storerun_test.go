package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Memtables must not eat the block cache: a small hot set stays in it, whatever
// the number of stores.
func TestBlockCacheIsThere(t *testing.T) {
	shared, err := NewShared(SharedOptions{CacheBytes: 2 << 20})
	if err != nil {
		t.Fatal(err)
	}
	fs := vfs.NewMem()
	var stores []*Store
	for i := range 4 {
		o := testOptions(fs)
		o.Shared, o.MemTableSize = shared, 4<<20 // one memtable would take all of the cache
		s, err := Open(fmt.Sprintf("s%d", i), o)
		if err != nil {
			t.Fatal(err)
		}
		mustApply(t, s, 1, 1, setSection(0, 0, 2000, "some value or other"))
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
		mustApply(t, s, 2, 1, setSection(1, 0, 20_000, "some value or other")) // grow the memtable
		stores = append(stores, s)
	}
	before := stores[0].Metrics()
	for range 20 {
		for _, s := range stores {
			for i := range int64(100) {
				if _, ok, err := s.Get(nil, testKey(0, i*20)); !ok || err != nil {
					t.Fatal(ok, err)
				}
			}
		}
	}
	after := stores[0].Metrics()
	hits, misses := after.CacheHits-before.CacheHits, after.CacheMisses-before.CacheMisses
	if hits < 50*misses || hits < 1000 || after.CacheSize == 0 {
		t.Errorf("%d hits, %d misses, %d bytes in the cache", hits, misses, after.CacheSize)
	}
	if err := shared.Close(); !errors.Is(err, ErrBusy) {
		t.Errorf("caches closed under stores: %v", err)
	}
	for _, s := range stores {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := shared.Close(); err != nil {
		t.Error(err)
	}
}

// A read of a key that is not there is answered by the filters of the bottom level.
func TestFiltersAnswerMisses(t *testing.T) {
	s := openTest(t)
	mustApply(t, s, 1, 1, setSection(0, 0, 2000, "v"))
	if err := s.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	before := s.Metrics()
	for i := range int64(100) {
		if _, ok, _ := s.Get(nil, append(testKey(0, i), 2)); ok {
			t.Fatal("found")
		}
	}
	if after := s.Metrics(); after.FilterHits-before.FilterHits < 90 {
		t.Errorf("filters spared %d of 100 reads", after.FilterHits-before.FilterHits)
	}
}

func TestMetrics(t *testing.T) {
	s := openTest(t)
	for i := range uint64(40) {
		mustApply(t, s, i+1, 1, setSection(0, int64(i)*50, 100, strings.Repeat("v", 100)))
	}
	it := s.NewIter(nil, nil)
	defer it.Close()
	if err := s.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	m := s.Metrics()
	if m.Applied != 40 || m.Flushes == 0 || m.Compactions == 0 || m.DiskSize == 0 || m.Tables == 0 || m.MemTableSize == 0 ||
		m.BytesFlushed == 0 || m.OpenReaders != 1 || m.BackgroundErrors != 0 || m.Corruptions != 0 {
		t.Errorf("%+v", m)
	}
	if !strings.Contains(s.DebugString(), "Block cache") {
		t.Error(s.DebugString())
	}
	s.relieved()
	s.diskSlow(vfs.DiskSlowInfo{})
	s.listener().LowDiskSpace(pebble.LowDiskSpaceInfo{})
	s.listener().PossibleAPIMisuse(pebble.PossibleAPIMisuseInfo{})
	if m := s.Metrics(); m.SlowDisk != 1 || m.LowDiskSpace != 1 {
		t.Errorf("%+v", m)
	}
}

// quietHandler fails the test at a log record of trouble. Waiting for the disk is
// none here: the memtables are tiny.
type quietHandler struct {
	slog.Handler
	t *testing.T
}

func (h quietHandler) Handle(_ context.Context, r slog.Record) error {
	if r.Level > slog.LevelInfo && r.Message != "writes wait for the disk" {
		h.t.Errorf("trouble in a healthy run: %s", r.Message)
	}
	return nil
}

func (h quietHandler) Enabled(context.Context, slog.Level) bool { return true }

// One goroutine applies; the rest may read, flush, copy and look at any time.
func TestStoreConcurrency(t *testing.T) {
	fs := vfs.NewMem()
	o := testOptions(fs)
	o.Logger = slog.New(quietHandler{t: t})
	o.SlowDisk = time.Hour
	s, err := Open("store", o)
	if err != nil {
		t.Fatal(err)
	}
	const entries = 300
	stop := make(chan struct{})
	var wg sync.WaitGroup
	run := func(f func(n int)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					f(n)
				}
			}
		}()
	}
	// Entry i sets keys 0..9 to i and key 100+i: what a reader sees must be of one entry.
	check := func(r Reader) {
		it := r.NewIter(testKey(0, 0), testKey(0, 100))
		var first string
		for ok := it.First(); ok; ok = it.Next() {
			if v := string(it.Value()); first == "" {
				first = v
			} else if v != first {
				t.Errorf("keys of entries %x and %x at once", first, v)
			}
		}
		if err := it.Close(); err != nil {
			t.Error(err)
		}
	}
	run(func(int) { check(s) })
	run(func(int) {
		snap := s.NewSnapshot()
		check(snap)
		v, ok, err := snap.Get(nil, testKey(0, 3))
		if err != nil || ok && binary.BigEndian.Uint64(v) != snap.Applied() {
			t.Errorf("snapshot at %d reads %x, %v", snap.Applied(), v, err)
		}
		snap.Close()
	})
	run(func(n int) {
		before, _ := s.Flushed()
		if err := s.Flush(); err != nil {
			t.Error(err)
		}
		if after, _ := s.Flushed(); after < before {
			t.Errorf("flushed went from %d to %d", before, after)
		}
		s.Metrics()
		if err := s.Checkpoint(fmt.Sprintf("copy%d", n)); err != nil {
			t.Error(err)
		}
		if err := s.SetLocal("mark", []byte{byte(n)}); err != nil {
			t.Error(err)
		}
	})
	for i := uint64(1); i <= entries; i++ {
		sec := setSection(0, 0, 10, string(binary.BigEndian.AppendUint64(nil, i)))
		mustApply(t, s, i, 1, sec, setSection(1, int64(i), 1, strings.Repeat("x", 500)))
	}
	close(stop)
	wg.Wait()
	if err := errors.Join(s.Check(0, 1), s.Close()); err != nil {
		t.Error(err)
	}
}
