package engine

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

var (
	crashSeed  = flag.Uint64("crash.seed", 0, "run the crash tests with this seed only")
	crashSeeds = flag.Int("crash.seeds", 20, "how many seeds the crash tests try")
)

// history is a series of entries and the states they lead to.
type history struct {
	sections [][]Section         // of entry i+1
	states   []map[string]string // after entry i; states[0] is empty
}

func newHistory(rng *rand.Rand, n int) *history {
	h := &history{states: []map[string]string{{}}}
	for i := range n {
		var sections []Section
		state := h.states[i]
		for t := range TaskID(2) {
			var ops []modelOp
			key := func() string { return string(testKey(t, rng.Int64N(60))) }
			if rng.IntN(8) == 0 {
				if lo, hi := key(), key(); lo < hi {
					ops = append(ops, modelOp{kindRangeDelete, lo, hi})
				}
			}
			for range rng.IntN(20) {
				if rng.IntN(4) == 0 {
					ops = append(ops, modelOp{kindDelete, key(), ""})
				} else {
					ops = append(ops, modelOp{kindSet, key(), fmt.Sprintf("%d-%0*d", i+1, rng.IntN(400), 0)})
				}
			}
			if len(ops) == 0 {
				continue
			}
			s := Section{Task: t, KVCount: uint32(len(ops))}
			for _, op := range ops {
				s.KV = appendRecord(s.KV, op.kind, []byte(op.key), []byte(op.val))
			}
			sections = append(sections, s)
			state = play(state, ops)
		}
		h.sections, h.states = append(h.sections, sections), append(h.states, state)
	}
	return h
}

// runner plays a history onto a store and keeps what it was promised.
type runner struct {
	h       *history
	rng     *rand.Rand
	begun   atomic.Uint64 // the last entry whose Apply was called
	durable atomic.Uint64 // the store said that no crash takes this entry away
	copies  []string      // checkpoints that were made
}

// play opens the store, applies what is missing, flushes, copies and reopens
// between, and closes the store. It stops at the first error.
func (r *runner) play(o Options) error {
	s, err := Open("store", o)
	if err != nil {
		return err
	}
	for {
		at, _ := s.Applied()
		if int(at) == len(r.h.sections) {
			return s.Close()
		}
		r.begun.Store(max(r.begun.Load(), at+1))
		err := s.Apply(at+1, 1, r.h.sections[at])
		if err == nil {
			err = r.between(s, at+1)
		}
		if err == nil && r.rng.IntN(20) == 0 {
			if err = s.Close(); err == nil {
				r.durable.Store(at + 1)
				s, err = Open("store", o)
			}
			if err != nil {
				return err
			}
		}
		if err != nil {
			return errors.Join(err, s.Close())
		}
	}
}

// between does something now and then.
func (r *runner) between(s *Store, at uint64) error {
	switch r.rng.IntN(12) {
	case 0:
		if err := s.Flush(); err != nil {
			return err
		}
		r.durable.Store(at)
	case 1:
		f, err := s.Flushed()
		if err != nil {
			return err
		}
		r.durable.Store(max(r.durable.Load(), f))
	case 2:
		dir := fmt.Sprintf("copy%d", at)
		if err := s.Checkpoint(dir); err != nil {
			return err
		}
		r.copies = append(r.copies, dir)
		r.durable.Store(at)
	case 3:
		return s.SetLocal("at", fmt.Append(nil, at))
	}
	return nil
}

// judge opens what was left behind: it must be the state after some entry between
// what was promised and what was begun.
func (r *runner) judge(fs vfs.FS, promised, begun uint64) error {
	s, err := Open("store", testOptions(fs))
	if err != nil {
		return err
	}
	defer s.Close()
	at, _ := s.Applied()
	if at < promised || at > begun {
		return fmt.Errorf("at entry %d, %d were promised and %d begun", at, promised, begun)
	}
	if got := contents(panicker{}, s); !maps.Equal(got, r.h.states[at]) {
		return fmt.Errorf("at entry %d with %d keys, want %d", at, len(got), len(r.h.states[at]))
	}
	// What was written beside entries is there only with the entries before it.
	if v, ok, _ := s.Local(nil, "at"); ok {
		var mark uint64
		if fmt.Sscan(string(v), &mark); mark > at {
			return fmt.Errorf("at entry %d with a local record of entry %d", at, mark)
		}
	}
	return s.Check(0, 1)
}

type panicker struct{}

func (panicker) Helper()                      {}
func (panicker) Fatalf(f string, args ...any) { panic(fmt.Sprintf(f, args...)) }

func crashTestSeeds(t *testing.T, run func(t *testing.T, seed uint64)) {
	if *crashSeed != 0 {
		run(t, *crashSeed)
		return
	}
	for range *crashSeeds {
		seed := rand.Uint64()
		run(t, seed)
		if t.Failed() {
			t.Fatalf("seed %d; replay with -crash.seed=%d", seed, seed)
		}
	}
}

// A crash before any operation on files, in a run and in the recovery from it,
// with none, some or all of the unsynced bytes kept, leaves exactly a prefix of
// the entries, and at least what the store had said was flushed.
func TestCrashAnywhere(t *testing.T) {
	crashTestSeeds(t, func(t *testing.T, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 1))
		h := newHistory(rng, 60)
		ops := countOps(t, h, seed)
		for _, percent := range []int{0, 50, 100} {
			fs := vfs.NewCrashableMem()
			promised, begun := uint64(0), uint64(0)
			for round, span := range []uint64{ops, ops, 0} { // crash, crash in the recovery, recover
				r := &runner{h: h, rng: rand.New(rand.NewPCG(seed, uint64(round)))}
				r.durable.Store(promised)
				r.begun.Store(begun)
				point := uint64(0) // no crash
				if span > 0 {
					point = 1 + rng.Uint64N(span)
				}
				var n atomic.Uint64
				var left *vfs.MemFS
				hook := errorfs.InjectorFunc(func(errorfs.Op) error {
					if n.Add(1) == point {
						begun, promised = r.begun.Load(), r.durable.Load()
						left = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(seed, point))})
					}
					return nil
				})
				if err := r.play(testOptions(errorfs.Wrap(fs, hook))); err != nil {
					t.Errorf("seed %d, round %d: %v", seed, round, err)
					return
				}
				if left == nil { // the run was over before
					begun = uint64(len(h.sections))
					left, promised = fs, begun
				}
				if err := r.judge(left, promised, begun); err != nil {
					t.Errorf("seed %d, round %d, crash at operation %d of %d, %d %% kept: %v", seed, round, point, ops, percent, err)
					return
				}
				fs = left
			}
		}
	})
}

// A crash between the making of a manifest's marker and the sync of the directory
// may keep either name without the other; the store opens all the same.
func TestCrashAtMarker(t *testing.T) {
	fs := vfs.NewCrashableMem()
	h := newHistory(rand.New(rand.NewPCG(1, 1)), 10)
	r := &runner{h: h, rng: rand.New(rand.NewPCG(1, 1))}
	var left []*vfs.MemFS
	marked := false
	var mu sync.Mutex
	hook := errorfs.InjectorFunc(func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if marked { // the marker is made, nothing else is
			for seed := range uint64(16) {
				left = append(left, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(seed, 0))}))
			}
		}
		marked = op.Kind == errorfs.OpCreate && strings.Contains(op.Path, "marker.manifest")
		return nil
	})
	for range 3 {
		if err := r.play(testOptions(errorfs.Wrap(fs, hook))); err != nil {
			t.Fatal(err)
		}
		r.h = newHistory(rand.New(rand.NewPCG(1, 1)), len(r.h.sections)+10)
	}
	for i, fs := range left {
		if err := r.judge(fs, 0, uint64(len(r.h.sections))); err != nil {
			t.Fatalf("crash %d of %d: %v", i, len(left), err)
		}
	}
	if len(left) == 0 {
		t.Error("no marker was made")
	}
}

// countOps counts the file operations of a run without a crash.
func countOps(t *testing.T, h *history, seed uint64) uint64 {
	var n atomic.Uint64
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(errorfs.Op) error { n.Add(1); return nil }))
	r := &runner{h: h, rng: rand.New(rand.NewPCG(seed, 0))}
	if err := r.play(testOptions(fs)); err != nil {
		t.Fatal(err)
	}
	return n.Load()
}

var errDisk = errors.New("the disk says no")

// A file operation that fails, once or from then on, anywhere in a run: the caller
// is told, nothing that the store had called flushed is lost, neither on the disk
// as it is nor after a crash, and the store opens again.
func TestErrorAnywhere(t *testing.T) {
	crashTestSeeds(t, func(t *testing.T, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 2))
		h := newHistory(rng, 25)
		ops := countOps(t, h, seed)
		for range 12 {
			point := 1 + rng.Uint64N(ops)
			dead := rng.IntN(3) == 0
			if err := failAt(h, seed, point, dead); err != nil {
				t.Errorf("seed %d, operation %d of %d, dead %v: %v", seed, point, ops, dead, err)
				return
			}
		}
	})
}

func failAt(h *history, seed, point uint64, dead bool) error {
	fs := vfs.NewCrashableMem()
	var n atomic.Uint64
	hook := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if m := n.Add(1); m == point || dead && m > point {
			return errDisk
		}
		return nil
	})
	r := &runner{h: h, rng: rand.New(rand.NewPCG(seed, 0))}
	o := testOptions(errorfs.Wrap(fs, hook))
	var fatal atomic.Int32
	o.Fatal = func(error) { fatal.Add(1) }
	err := r.play(o)
	if n := fatal.Load(); n > 1 && !dead { // once for each time the store was opened
		return fmt.Errorf("Fatal was called %d times", n)
	}
	promised, begun := r.durable.Load(), max(r.begun.Load(), 1)
	if err == nil {
		promised = uint64(len(h.sections))
	}
	if err := r.judge(fs.CrashClone(vfs.CrashCloneCfg{}), promised, begun); err != nil {
		return fmt.Errorf("after a crash: %w", err)
	}
	if err := r.judge(fs, promised, begun); err != nil {
		return fmt.Errorf("after the run: %w", err)
	}
	for _, dir := range r.copies {
		c, err := Open(dir, testOptions(fs))
		if err != nil {
			return fmt.Errorf("checkpoint %s: %w", dir, err)
		}
		at, _ := c.Applied()
		same := maps.Equal(contents(panicker{}, c), h.states[at])
		if err := c.Close(); err != nil || !same {
			return fmt.Errorf("checkpoint %s at %d: %v, %w", dir, at, same, err)
		}
	}
	return nil
}
