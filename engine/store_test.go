package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// setSection is a section of task t that sets keys from to from+n-1.
func setSection(t TaskID, from, n int64, val string) Section {
	s := Section{Task: t}
	for i := from; i < from+n; i++ {
		s.KV = appendRecord(s.KV, kindSet, testKey(t, i), []byte(val))
		s.KVCount++
	}
	return s
}

func mustApply(t failer, s *Store, index, epoch uint64, sections ...Section) {
	t.Helper()
	if err := s.Apply(index, epoch, sections); err != nil {
		t.Fatalf("%v", err)
	}
}

func TestStoreReadsWhatWasApplied(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, fs)
	if i, e := s.Applied(); i != 0 || e != 0 {
		t.Fatalf("a new store has applied %d of epoch %d", i, e)
	}
	mustApply(t, s, 5, 2, setSection(0, 0, 10, "one"), setSection(4, 0, 3, "two"))
	mustApply(t, s, 6, 3) // nothing but its index
	if f, err := s.Flushed(); f != 0 || err != nil {
		t.Fatalf("flushed is %d, %v before a flush", f, err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Flushed(); f != 6 || err != nil {
		t.Fatalf("flushed is %d, %v", f, err)
	}
	mustApply(t, s, 7, 3, setSection(0, 9, 2, "three"))
	if f, _ := s.Flushed(); f != 6 {
		t.Fatalf("flushed is %d after an apply that was not", f)
	}
	if v, ok, err := s.Get([]byte("x"), testKey(0, 9)); !ok || err != nil || string(v) != "xthree" {
		t.Fatalf("get: %q %v %v", v, ok, err)
	}
	for _, key := range [][]byte{nil, {}, testKey(0, 99), make([]byte, MaxKeyLen+1)} {
		if v, ok, err := s.Get([]byte("x"), key); ok || err != nil || string(v) != "x" {
			t.Fatalf("get of no key: %q %v %v", v, ok, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, fs)
	defer s.Close()
	if i, e := s.Applied(); i != 7 || e != 3 {
		t.Fatalf("reopened at %d of epoch %d", i, e)
	}
	if got := contents(t, s); len(got) != 14 || got[string(testKey(0, 10))] != "three" {
		t.Fatalf("reopened with %v", got)
	}
	if err := s.Check(0, 4); err != nil {
		t.Fatal(err)
	}
}

// Iterators of a store and of a snapshot stay at their state and move like a
// sorted map.
func TestStoreIterators(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := mustOpen(t, vfs.NewMem())
		defer func() {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}()
		type open struct {
			it    Iterator
			snap  *Snapshot
			state map[string]string
		}
		var opens []open
		state, index := map[string]string{}, uint64(0)
		key := func(name string) []byte { return testKey(1, rapid.Int64Range(0, 20).Draw(t, name)) }
		for range 12 {
			sec := Section{Task: 1}
			for i := rapid.IntRange(0, 5).Draw(t, "writes"); i > 0; i-- {
				k := key("key")
				if rapid.Bool().Draw(t, "set") {
					sec.KV, state = appendRecord(sec.KV, kindSet, k, k), play(state, []modelOp{{kindSet, string(k), string(k)}})
				} else {
					sec.KV, state = appendRecord(sec.KV, kindDelete, k, nil), play(state, []modelOp{{kindDelete, string(k), ""}})
				}
				sec.KVCount++
			}
			index++
			mustApply(t, s, index, 1, sec)
			if rapid.IntRange(0, 4).Draw(t, "flush") == 0 {
				if err := s.Flush(); err != nil {
					t.Fatal(err)
				}
			}
			lo, hi := AppendTask(nil, 1), PrefixEnd(nil, AppendTask(nil, 1))
			if rapid.Bool().Draw(t, "bounds") {
				lo, hi = key("lo"), key("hi")
			}
			o := open{state: state}
			if rapid.Bool().Draw(t, "snapshot") {
				o.snap = s.NewSnapshot()
				if o.snap.Applied() != index {
					t.Fatalf("snapshot of %d says %d", index, o.snap.Applied())
				}
				o.it = o.snap.NewIter(lo, hi)
			} else {
				o.it = s.NewIter(lo, hi)
			}
			opens = append(opens, o)
			i := rapid.IntRange(0, len(opens)-1).Draw(t, "which")
			o = opens[i]
			o.it.SetBounds(lo, hi) // unpositioned, as walk wants it
			walk(t, o.it, o.state, lo, hi, key)
			if o.snap == nil && rapid.Bool().Draw(t, "close") { // it must not serve a later reader
				if err := o.it.Close(); err != nil {
					t.Fatal(err)
				}
				opens = slices.Delete(opens, i, i+1)
				it := s.NewIter(lo, hi)
				walk(t, it, state, lo, hi, key)
				if err := it.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if o.snap != nil {
				k := key("get")
				if v, ok, err := o.snap.Get(nil, k); err != nil || ok != (o.state[string(k)] != "") || string(v) != o.state[string(k)] {
					t.Fatalf("snapshot get: %q %v %v", v, ok, err)
				}
			}
		}
		for _, o := range opens {
			if err := o.it.Close(); err != nil {
				t.Fatal(err)
			}
			if o.snap != nil && errors.Join(o.snap.Close(), o.snap.Close()) != nil {
				t.Fatal("snapshot does not close")
			}
		}
		it := s.NewIter([]byte{9}, []byte{9})
		if it.First() || it.Last() || it.SeekGE(nil) || it.Next() || it.Valid() {
			t.Fatal("an iterator over nothing stands somewhere")
		}
		it.Close()
	})
}

func TestClosedStore(t *testing.T) {
	s := mustOpen(t, vfs.NewMem())
	snap := s.NewSnapshot()
	it := s.NewIter(nil, nil)
	if err := s.Close(); !errors.Is(err, ErrBusy) {
		t.Fatalf("closed under an iterator: %v", err)
	}
	if !it.First() || it.Close() != nil || snap.Close() != nil {
		t.Fatal("a refused Close did something")
	}
	o := NewOverlay(s, 0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	get := func(r Reader) error { _, _, err := r.Get(nil, testKey(0, 1)); return err }
	iter := func(r Reader) error {
		it := r.NewIter(nil, nil)
		it.SetBounds(nil, nil)
		if it.First() || it.Last() || it.Next() || it.Prev() || it.SeekGE(testKey(0, 1)) || it.SeekLT(testKey(0, 1)) || it.Valid() || it.Key() != nil || it.Value() != nil {
			t.Error("an iterator of a closed store stands somewhere")
		}
		return errors.Join(it.Error(), it.Close())
	}
	_, ferr := s.Flushed()
	for name, err := range map[string]error{
		"Get": get(s), "NewIter": iter(s), "Apply": s.Apply(1, 1, nil), "SetLocal": s.SetLocal("a", []byte("b")),
		"Flush": s.Flush(), "AsyncFlush": <-s.AsyncFlush(), "Flushed": ferr, "Checkpoint": s.Checkpoint("x"), "Check": s.Check(),
		"Compact": s.Compact(context.Background()), "Close": s.Close(), "CloseAbrupt": s.CloseAbrupt(),
		"snapshot Get": get(snap), "snapshot NewIter": iter(snap), "late snapshot": get(s.NewSnapshot()), "late snapshot NewIter": iter(s.NewSnapshot()),
		"overlay Get": get(o), "overlay NewIter": iter(o),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.Metrics()
	if !strings.Contains(s.DebugString(), "closed") {
		t.Error("DebugString of a closed store")
	}
}

func TestApplyMisuse(t *testing.T) {
	s := openTest(t)
	mustApply(t, s, 3, 2, setSection(0, 0, 1, "v"))
	for _, at := range [][2]uint64{{3, 2}, {2, 2}, {4, 1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("entry %d of epoch %d: no panic", at[0], at[1])
				}
			}()
			_ = s.Apply(at[0], at[1], nil)
		}()
	}
	bad := setSection(0, 5, 1, "v")
	bad.Task = 1
	for name, sec := range map[string]Section{
		"foreign key": bad,
		"wrong count": {Task: 0, KV: setSection(0, 5, 1, "v").KV, KVCount: 2},
		"garbage":     {Task: 0, KV: []byte{1, 200}, KVCount: 1},
	} {
		if err := s.Apply(4, 2, []Section{setSection(0, 6, 1, "v"), sec}); !errors.Is(err, ErrInvalidEntry) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := contents(t, s); len(got) != 1 {
		t.Errorf("refused entries left %v", got)
	}
	if i, _ := s.Applied(); i != 3 {
		t.Errorf("refused entries moved applied to %d", i)
	}
}

// A batch of more than half a memtable becomes one and keeps its bytes: they must not
// be written over by the next.
func TestLargeBatches(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, fs)
	want := map[string]string{}
	for i := uint64(1); i <= 20; i++ {
		n := int64(1 + i%3*100) // small, large, larger
		val := strings.Repeat(fmt.Sprint(i%10), 500)
		mustApply(t, s, i, 1, setSection(0, int64(i)*1000, n, val))
		for k := int64(i) * 1000; k < int64(i)*1000+n; k++ {
			want[string(testKey(0, k))] = val
		}
		if got := contents(t, s); !maps.Equal(got, want) {
			t.Fatalf("after entry %d: %d keys, want %d", i, len(got), len(want))
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, fs)
	defer s.Close()
	if got := contents(t, s); !maps.Equal(got, want) {
		t.Fatalf("reopened: %d keys, want %d", len(got), len(want))
	}
}

func TestLocalRecords(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, fs)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.SetLocal("depot", []byte("pos")))
	must(s.SetLocal("other", []byte("x")))
	must(s.SetLocal("other", nil))
	mustApply(t, s, 1, 1, setSection(0, 0, 1, "v"))
	must(s.Close())
	s = mustOpen(t, fs)
	defer s.Close()
	if v, ok, err := s.Local(nil, "depot"); !ok || err != nil || string(v) != "pos" {
		t.Errorf("local record: %q %v %v", v, ok, err)
	}
	if _, ok, err := s.Local(nil, "other"); ok || err != nil {
		t.Errorf("removed local record: %v %v", ok, err)
	}
	if err := s.SetLocal("", nil); err == nil {
		t.Error("a local record without a name")
	}
	if err := s.SetLocal(strings.Repeat("x", MaxKeyLen), nil); !errors.Is(err, ErrKeyTooLong) {
		t.Error(err)
	}
	if err := s.SetLocal("x", make([]byte, 16<<20+1)); !errors.Is(err, ErrValueTooLong) {
		t.Error(err)
	}
	must(s.Check(0))
}

// A checkpoint holds everything applied before it, flushed or not, is a store of
// its own, and does not change with the first one.
func TestCheckpoint(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := mustOpen(t, fs)
	mustApply(t, s, 1, 1, setSection(0, 0, 100, "v"))
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	mustApply(t, s, 2, 1, setSection(0, 100, 100, "v"))
	if err := s.Checkpoint("copies/one"); err != nil {
		t.Fatal(err)
	}
	want := contents(t, s)
	mustApply(t, s, 3, 1, setSection(0, 0, 300, "w"))
	if err := s.Checkpoint("copies/one"); !errors.Is(err, ErrExists) {
		t.Errorf("second checkpoint at one place: %v", err)
	}
	if err := s.Checkpoint("store"); !errors.Is(err, ErrExists) {
		t.Errorf("checkpoint onto itself: %v", err)
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{}) // a checkpoint is durable when it is done
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, fs := range []vfs.FS{fs, crashed} {
		c, err := Open("copies/one", testOptions(fs))
		if err != nil {
			t.Fatal(err)
		}
		if i, _ := c.Applied(); i != 2 || !maps.Equal(contents(t, c), want) {
			t.Errorf("the checkpoint is at %d with %d keys", i, len(contents(t, c)))
		}
		mustApply(t, c, 3, 1, setSection(0, 5, 1, "other"))
		if err := errors.Join(c.Check(0), c.Close()); err != nil {
			t.Error(err)
		}
	}
}
