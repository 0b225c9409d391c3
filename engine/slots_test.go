package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// fakeDB is a store as the pool sees it: so much to compact, so urgently.
type fakeDB struct {
	mu       sync.Mutex
	allowed  int
	waiting  int
	need     pebble.WaitingCompaction
	schedule func(pebble.CompactionGrantHandle)
}

func (d *fakeDB) GetAllowedWithoutPermission() int { return d.allowed }

func (d *fakeDB) GetWaitingCompaction() (bool, pebble.WaitingCompaction) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waiting > 0, d.need
}

func (d *fakeDB) Schedule(h pebble.CompactionGrantHandle) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting == 0 {
		return false
	}
	d.waiting--
	d.schedule(h)
	return true
}

// With one slot, the stores that wait get it in the order of their need.
func TestSlotsByNeed(t *testing.T) {
	pool := newSlots(1)
	defer pool.close()
	order := make(chan string, 10)
	holder := &slotUser{pool: pool}
	holder.Register(1, &fakeDB{allowed: 1})
	ok, handle := holder.TrySchedule()
	if !ok {
		t.Fatal("no free slot")
	}
	for name, need := range map[string]pebble.WaitingCompaction{
		"4 optional": {Optional: true, Priority: 100}, "1 urgent": {Priority: 100}, "2 full": {Priority: 80, Score: 3}, "3 filling": {Priority: 80, Score: 2},
	} {
		u := &slotUser{pool: pool}
		u.Register(1, &fakeDB{allowed: 1, waiting: 1, need: need, schedule: func(h pebble.CompactionGrantHandle) {
			order <- name
			go h.Done()
		}})
		if ok, _ := u.TrySchedule(); ok {
			t.Fatal("a second slot")
		}
	}
	handle.Done()
	for want := 1; want <= 4; want++ {
		if got := <-order; !strings.HasPrefix(got, fmt.Sprint(want)) {
			t.Errorf("turn %d went to %s", want, got)
		}
	}
}

// Over any comings and goings the limits hold and all work gets done.
func TestSlotsLimits(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	const limit, work = 3, 40
	pool := newSlots(limit)
	defer pool.close()
	var mu sync.Mutex
	running, most := 0, 0
	var done sync.WaitGroup
	for range 5 {
		u := &slotUser{pool: pool}
		db := &fakeDB{allowed: 1 + rng.IntN(2)}
		own := 0
		begin := func(h pebble.CompactionGrantHandle) { // with db.mu held
			mu.Lock()
			defer mu.Unlock()
			running++
			own++
			most = max(most, running)
			if own > db.allowed || running > limit {
				t.Errorf("seed %d: %d of %d run, %d of one store", seed, running, limit, own)
			}
			go func() {
				mu.Lock()
				running--
				own--
				mu.Unlock()
				h.Done()
				done.Done()
			}()
		}
		db.schedule = begin
		u.Register(1, db)
		done.Add(work)
		go func() {
			for range work {
				db.mu.Lock()
				if ok, h := u.TrySchedule(); ok {
					begin(h)
				} else {
					db.waiting++
					u.UpdateGetAllowedWithoutPermission()
				}
				db.mu.Unlock()
			}
		}()
	}
	done.Wait()
	pool.mu.Lock()
	defer pool.mu.Unlock()
	if pool.running != 0 || most == 0 {
		t.Errorf("seed %d: %d still run, at most %d did", seed, pool.running, most)
	}
}

// A store that leaves is not called again, and leaves only when the pool is not
// inside of it.
func TestSlotsUnregister(t *testing.T) {
	pool := newSlots(1)
	defer pool.close()
	u := &slotUser{pool: pool}
	left := make(chan struct{})
	u.Register(1, &fakeDB{allowed: 1, waiting: 1, schedule: func(h pebble.CompactionGrantHandle) {
		go func() {
			u.Unregister()
			close(left)
		}()
		for leaving := false; !leaving; {
			runtime.Gosched()
			pool.mu.Lock()
			leaving = u.gone
			pool.mu.Unlock()
		}
		for range 1000 {
			runtime.Gosched()
		}
		select {
		case <-left:
			t.Error("Unregister returned while the pool was inside the store")
		default:
		}
		go h.Done()
	}})
	pool.wake()
	<-left
	if ok, _ := u.TrySchedule(); ok {
		t.Error("a store that left got a slot")
	}
}

// Stores that share one slot all get compacted.
func TestStoresShareSlots(t *testing.T) {
	shared, err := NewShared(SharedOptions{Compactions: 1})
	if err != nil {
		t.Fatal(err)
	}
	fs := vfs.NewMem()
	var wg sync.WaitGroup
	for i := range 4 {
		o := testOptions(fs)
		o.Shared, o.L0Stop = shared, 8 // none gets on without compaction
		s, err := Open(fmt.Sprint("s", i), o)
		if err != nil {
			t.Fatal(err)
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := uint64(1); i <= 150; i++ {
				if err := s.Apply(i, 1, []Section{setSection(0, int64(i%7), 10, strings.Repeat("v", 1000))}); err != nil {
					t.Error(err)
				}
				if i%5 == 0 {
					if err := s.Flush(); err != nil {
						t.Error(err)
					}
				}
			}
			if m := s.Metrics(); m.Compactions == 0 {
				t.Errorf("%+v", m)
			}
			if err := errors.Join(s.Check(0), s.Close()); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if err := shared.Close(); err != nil {
		t.Error(err)
	}
	if err := shared.Close(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	o := testOptions(fs)
	o.Shared = shared
	if _, err := Open("s0", o); !errors.Is(err, ErrClosed) {
		t.Errorf("open on closed caches: %v", err)
	}
}
