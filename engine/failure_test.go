package engine

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// hookFS calls hook before each operation on a file whose name ends with suffix.
func hookFS(fs vfs.FS, suffix string, kinds []errorfs.OpKind, hook func() error) vfs.FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		for _, k := range kinds {
			if op.Kind == k && strings.HasSuffix(op.Path, suffix) {
				return hook()
			}
		}
		return nil
	}))
}

// After a failed sync of a table, a manifest or the directory nothing is written,
// everybody is told, reads go on, and reopening finds what was durable.
func TestFailedSync(t *testing.T) {
	for name, c := range map[string]struct {
		name string // is part of the file's name
		kind errorfs.OpKind
	}{
		"table":             {".sst", errorfs.OpFileSync},
		"table data":        {".sst", errorfs.OpFileWrite},
		"table creation":    {".sst", errorfs.OpCreate},
		"directory":         {"store", errorfs.OpFileSync},
		"manifest":          {"MANIFEST", errorfs.OpFileSync},
		"manifest data":     {"MANIFEST", errorfs.OpFileWrite},
		"manifest creation": {"MANIFEST", errorfs.OpCreate},
		"marker":            {"marker.manifest", errorfs.OpCreate},
	} {
		t.Run(name, func(t *testing.T) {
			mem := vfs.NewCrashableMem()
			var arm errorfs.Toggle
			arm.Injector = errorfs.InjectorFunc(func(op errorfs.Op) error {
				ours := strings.Contains(op.Path, c.name) && (c.name != "store" || op.Path == c.name)
				if kind := op.Kind; ours && (kind == c.kind || c.kind == errorfs.OpFileSync && (kind == errorfs.OpFileSyncData || kind == errorfs.OpFileSyncTo)) {
					return errDisk
				}
				return nil
			})
			o := testOptions(errorfs.Wrap(mem, &arm))
			fatal := make(chan error, 10)
			o.Fatal = func(err error) { fatal <- err }
			s, err := Open("store", o)
			if err != nil {
				t.Fatal(err)
			}
			mustApply(t, s, 1, 1, setSection(0, 0, 5, "durable"))
			if err := s.Close(); err != nil { // the first flush after opening makes a new manifest
				t.Fatal(err)
			}
			if s, err = Open("store", o); err != nil {
				t.Fatal(err)
			}
			mustApply(t, s, 2, 1, setSection(0, 5, 5, "lost"))
			arm.On()
			failed := func(what string, err error) {
				t.Helper()
				if !errors.Is(err, ErrFailed) || !errors.Is(err, errDisk) {
					t.Errorf("%s: %v", what, err)
				}
			}
			failed("flush", s.Flush())
			failed("Fatal", <-fatal)
			arm.Off() // and if the disk got well again: nothing is tried
			failed("Err", s.Err())
			failed("second flush", s.Flush())
			failed("async flush", <-s.AsyncFlush())
			failed("apply", s.Apply(3, 1, nil))
			failed("local record", s.SetLocal("x", nil))
			failed("checkpoint", s.Checkpoint("copy"))
			_, err = s.Flushed()
			failed("flushed", err)
			if got := contents(t, s); len(got) != 10 {
				t.Errorf("a failed store reads %d keys, want 10", len(got))
			}
			failed("close", s.Close())
			if err := s.Close(); !errors.Is(err, ErrClosed) {
				t.Errorf("second close: %v", err)
			}
			if len(fatal) != 0 {
				t.Errorf("Fatal was called again: %v", <-fatal)
			}
			// After a crash, what was flushed; without one, maybe what could not be synced.
			for most, fs := range []vfs.FS{1: mem.CrashClone(vfs.CrashCloneCfg{}), 2: mem} {
				if fs == nil {
					continue
				}
				s := mustOpen(t, fs)
				if i, _ := s.Applied(); i < 1 || int(i) > most || len(contents(t, s)) != 5*int(i) {
					t.Errorf("reopened at %d with %d keys", i, len(contents(t, s)))
				}
				s.Close()
			}
		})
	}
}

// A checkpoint that fails leaves nothing, and the store goes on.
func TestFailedCheckpoint(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpCreate, errorfs.OpLink, errorfs.OpFileWrite, errorfs.OpFileSync, errorfs.OpMkdirAll} {
		mem := vfs.NewMem()
		var arm errorfs.Toggle
		arm.Injector = errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind == kind && strings.Contains(op.Path, "copy") {
				return errDisk
			}
			return nil
		})
		s := mustOpen(t, errorfs.Wrap(mem, &arm))
		mustApply(t, s, 1, 1, setSection(0, 0, 5, "v"))
		arm.On()
		err := s.Checkpoint("copy")
		arm.Off()
		if kind == errorfs.OpLink { // then files are copied
			if err != nil {
				t.Errorf("%v: %v", kind, err)
			}
		} else if _, statErr := mem.Stat("copy"); !errors.Is(err, errDisk) || statErr == nil {
			t.Errorf("%v: %v, and the directory: %v", kind, err, statErr)
		}
		mustApply(t, s, 2, 1, setSection(0, 0, 5, "w"))
		if err := errors.Join(s.Checkpoint("copy2"), s.Flush(), s.Close()); err != nil {
			t.Errorf("%v: afterwards: %v", kind, err)
		}
	}
}

// signalHandler closes said when message is logged.
type signalHandler struct {
	slog.Handler
	message string
	once    *sync.Once
	said    chan struct{}
}

func (h signalHandler) Handle(_ context.Context, r slog.Record) error {
	if r.Message == h.message {
		h.once.Do(func() { close(h.said) })
	}
	return nil
}

func (h signalHandler) Enabled(context.Context, slog.Level) bool { return true }

// onLog returns a logger and a channel that is closed when message is logged.
func onLog(message string) (*slog.Logger, chan struct{}) {
	h := signalHandler{message: message, once: new(sync.Once), said: make(chan struct{})}
	return slog.New(h), h.said
}

// Apply waits while flushes do not come after, and goes on when they do; or, where
// they fail, returns.
func TestApplyWaitsForFlush(t *testing.T) {
	for _, outcome := range []error{nil, errDisk} {
		release := make(chan struct{})
		armed := make(chan struct{})
		hook := func() error {
			select {
			case <-armed:
				<-release
				return outcome
			default:
				return nil
			}
		}
		fs := hookFS(vfs.NewMem(), ".sst", []errorfs.OpKind{errorfs.OpCreate}, hook)
		o := testOptions(fs)
		var waits chan struct{}
		o.Logger, waits = onLog("writes wait for the disk")
		fatal := make(chan error, 1)
		o.Fatal = func(err error) { fatal <- err }
		s, err := Open("store", o)
		if err != nil {
			t.Fatal(err)
		}
		close(armed)
		go func() {
			<-waits
			close(release)
		}()
		val := strings.Repeat("v", 1000)
		for i := uint64(1); err == nil && i <= 600; i++ { // 6 MB into memtables of 64 KiB
			err = s.Apply(i, 1, []Section{setSection(0, int64(i)*10, 10, val)})
		}
		if outcome == nil {
			if err != nil || s.Metrics().WriteStalls == 0 {
				t.Errorf("%v after %d waits", err, s.Metrics().WriteStalls)
			}
			err = s.Check(0)
		} else if errors.Is(err, errDisk) && errors.Is(<-fatal, errDisk) {
			err = nil
		}
		if cerr := s.Close(); err != nil || !errors.Is(cerr, outcome) {
			t.Errorf("%v, close: %v", err, cerr)
		}
	}
}

// Apply waits while compaction does not come after.
func TestApplyWaitsForCompaction(t *testing.T) {
	shared, err := NewShared(SharedOptions{Compactions: 1})
	if err != nil {
		t.Fatal(err)
	}
	o := testOptions(vfs.NewMem())
	o.Shared, o.L0Stop = shared, 6
	var waits chan struct{}
	o.Logger, waits = onLog("writes wait for the disk")
	s, err := Open("store", o)
	if err != nil {
		t.Fatal(err)
	}
	other := &slotUser{pool: shared.slots, db: &fakeDB{allowed: 1}} // holds the only slot
	if ok, _ := other.TrySchedule(); !ok {
		t.Fatal("no slot")
	}
	go func() {
		<-waits
		other.Done()
	}()
	val := strings.Repeat("v", 2000)
	for i := uint64(1); i <= 30; i++ {
		mustApply(t, s, i, 1, setSection(0, 0, 10, val)) // the same keys, so that runs overlap
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-waits:
	default:
		t.Error("nothing waited")
	}
	if m := s.Metrics(); m.L0Runs > 8 || m.WriteStallTime == 0 {
		t.Errorf("%d runs after waiting %v", m.L0Runs, m.WriteStallTime)
	}
	if err := errors.Join(s.Check(0), s.Close(), shared.Close()); err != nil {
		t.Error(err)
	}
}

// A damaged block is met as ErrCorrupt, never as data, and the replica is halted.
func TestDamagedTable(t *testing.T) {
	mem := vfs.NewMem()
	s := mustOpen(t, mem)
	mustApply(t, s, 1, 1, setSection(0, 0, 3000, strings.Repeat("some value", 10)))
	want := contents(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	names, _ := mem.List("store")
	damaged := 0
	for _, name := range names {
		if strings.HasSuffix(name, ".sst") {
			f, err := mem.OpenReadWrite("store/"+name, vfs.WriteCategoryUnspecified)
			if err != nil {
				t.Fatal(err)
			}
			info, _ := f.Stat()
			var b [1]byte
			f.ReadAt(b[:], info.Size()/3)
			b[0] ^= 0x40
			f.WriteAt(b[:], info.Size()/3)
			f.Close()
			damaged++
		}
	}
	o := testOptions(mem)
	fatal := make(chan error, 1)
	o.Fatal = func(err error) { fatal <- err }
	s, err := Open("store", o)
	if err != nil {
		t.Fatal(err)
	}
	var met error
	for k, v := range want {
		got, ok, err := s.Get(nil, []byte(k))
		if err != nil {
			met = err
		} else if !ok || string(got) != v {
			t.Fatalf("damage was read as data: %q", got)
		}
	}
	it := s.NewIter(nil, nil)
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		n++
	}
	if err := it.Close(); !errors.Is(err, ErrCorrupt) || n >= len(want) {
		t.Errorf("scan over damage: %d keys, %v", n, err)
	}
	if err := <-fatal; !errors.Is(met, ErrCorrupt) || !errors.Is(err, ErrCorrupt) || !errors.Is(err, ErrFailed) {
		t.Errorf("%d damaged tables: get: %v, Fatal: %v", damaged, met, err)
	}
	if err := s.Check(0); !errors.Is(err, ErrCorrupt) {
		t.Errorf("check: %v", err)
	}
	if m := s.Metrics(); m.Corruptions == 0 {
		t.Errorf("%+v", m)
	}
	if err := s.Close(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("close: %v", err)
	}
}

func TestFatal(t *testing.T) {
	o := Options{}.withDefaults()
	panics := func(f func()) (p any) {
		defer func() { p = recover() }()
		f()
		return nil
	}
	if panics(func() { o.Fatal(errDisk) }) != errDisk {
		t.Error("a failure that nobody hears does not panic")
	}
	s := mustOpen(t, vfs.NewMem())
	fatal := make(chan error, 1)
	s.o.Fatal = func(err error) { fatal <- err }
	if panics(func() { pebbleLogger{s}.Fatalf("bad invariant %d", 1) }) != "pebble: bad invariant 1" {
		t.Error("a broken invariant does not panic")
	}
	pebbleLogger{s}.Errorf("said %d", 1)
	pebbleLogger{s}.Fatalf("%s", errDisk)
	if err := <-fatal; !errors.Is(err, errDisk) {
		t.Error(err)
	}
	if err := s.CloseAbrupt(); !errors.Is(err, errDisk) {
		t.Error(err)
	}
}

// CloseAbrupt leaves what a crash would.
func TestCloseAbrupt(t *testing.T) {
	fs := vfs.NewMem()
	s := mustOpen(t, fs)
	mustApply(t, s, 1, 1, setSection(0, 0, 5, "v"))
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	want := contents(t, s)
	mustApply(t, s, 2, 1, setSection(0, 0, 9, "w"))
	if err := s.CloseAbrupt(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, fs)
	defer s.Close()
	if i, _ := s.Applied(); i != 1 || !maps.Equal(contents(t, s), want) {
		t.Errorf("reopened at %d", i)
	}
}
