package segment

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// tearFS writes only half of the n-th write and says that the disk is full. It
// counts open files.
type tearFS struct {
	vfs.FS
	writes, tearAt int // 0: none; then writes are not counted
	open           atomic.Int64
}

type tearFile struct {
	vfs.File
	fs *tearFS
}

func (f *tearFS) wrap(file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	f.open.Add(1)
	return &tearFile{file, f}, nil
}

func (f *tearFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.wrap(f.FS.Create(name, c))
}

func (f *tearFS) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	return f.wrap(f.FS.Open(name, o...))
}

func (f *tearFS) OpenDir(name string) (vfs.File, error) { return f.wrap(f.FS.OpenDir(name)) }

func (f *tearFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return f.wrap(f.FS.OpenReadWrite(name, c, o...))
}

func (f *tearFile) Close() error {
	f.fs.open.Add(-1)
	return f.File.Close()
}

func (f *tearFile) tear(b []byte, write func([]byte) (int, error)) (int, error) {
	if f.fs.tearAt == 0 {
		return write(b)
	}
	if f.fs.writes++; f.fs.writes == f.fs.tearAt {
		n, _ := write(b[:len(b)/2])
		return n, syscall.ENOSPC
	}
	return write(b)
}

func (f *tearFile) Write(b []byte) (int, error) { return f.tear(b, f.File.Write) }

func (f *tearFile) WriteAt(b []byte, pos int64) (int, error) {
	return f.tear(b, func(b []byte) (int, error) { return f.File.WriteAt(b, pos) })
}

// script is a fixed life of a log, from one seed: the owner appends, syncs,
// records, seals, trims, reads and restarts. Faults come from the file system;
// the script goes on as an owner would.
type script struct {
	t        *testing.T
	fs       vfs.FS
	opts     Options
	dice     *rand.Rand
	log      *Log
	twin     twin
	synced   Position
	recorded Position
	trimming uint64 // where a trim under way goes
	faults   int
	expected func(error) bool
}

func newScript(t *testing.T, fs vfs.FS, seed uint64) *script {
	dice := rand.New(rand.NewPCG(seed, 7))
	sizes := []int64{1, 400, 3000}
	return &script{
		t: t, fs: fs, dice: dice, expected: func(error) bool { return false },
		opts: Options{ID: seed, SegmentBytes: sizes[seed%3], PackBytes: 200, IndexBytes: 64, ReadBytes: 100},
	}
}

// try runs one act of the owner until it succeeds, starting the log again where
// it halted.
func (s *script) try(what string, act func() error) {
	for range 20 {
		err := act()
		if err == nil {
			return
		}
		if !s.expected(err) {
			s.t.Fatalf("%s: %v", what, err)
		}
		s.faults++
		if s.log != nil && errors.Is(err, ErrHalted) {
			_ = s.log.Close()
			s.restart()
		}
	}
	s.t.Fatalf("%s fails again and again", what)
}

func (s *script) restart() {
	s.log = nil
	s.try("open", func() (err error) {
		s.log, err = Open(s.fs, dir, s.opts, s.recorded)
		return err
	})
	s.synced = s.recorded
	lost := s.twin.records[s.recorded.Offset:]
	s.twin.records = s.twin.records[:s.recorded.Offset:s.recorded.Offset]
	for _, r := range lost {
		s.append(r.time, r.data)
	}
}

// append appends a block. A log that restarted meanwhile is at the end the twin
// has, for restart appended everything.
func (s *script) append(time int64, recs ...[]byte) {
	var payload []byte
	for _, r := range recs {
		payload = AppendRecord(payload, r)
	}
	s.try("append", func() error {
		before := s.log.End()
		_, err := s.log.Append(s.twin.end(), time, payload, uint32(len(recs)))
		if err != nil && s.log.End() != before {
			s.t.Fatalf("a failed append moved the end from %d to %d", before, s.log.End())
		}
		return err
	})
	s.twin.append(time, recs)
}

func (s *script) run(steps int) {
	s.restart()
	for i := range steps {
		switch act := s.dice.IntN(12); act {
		case 0, 1, 2, 3:
			recs := make([][]byte, 1+s.dice.IntN(5))
			for j := range recs {
				recs[j] = []byte(fmt.Sprintf("%d.%d.%0*d", i, j, s.dice.IntN(60), 7))
			}
			s.append(s.twin.lastTime()+s.dice.Int64N(3), recs...)
		case 4, 5:
			s.try("sync", func() (err error) {
				s.synced, err = s.log.Sync()
				return err
			})
		case 6:
			s.try("recorded", func() error { return s.log.Recorded(s.synced) })
			s.recorded = s.synced
		case 7, 8:
			s.try("seal", func() error {
				_, err := s.log.SealNext()
				return err
			})
		case 9:
			s.trimming = s.twin.start() + s.dice.Uint64N(s.twin.end()-s.twin.start()+1)
			s.try("trim", func() error { return s.log.TrimBefore(s.trimming) })
			s.twin.trimmed = max(s.twin.trimmed, s.trimming)
		case 10:
			s.verify()
		case 11:
			must(s.t, s.log.Close())
			s.restart()
		}
	}
	s.verify()
	must(s.t, s.log.Close())
}

func (s *script) verify() {
	s.try("read", func() error {
		start, end := s.log.Bounds()
		if end != s.twin.end() || start < s.twin.start() {
			s.t.Fatalf("log is %d to %d, twin %d to %d", start, end, s.twin.start(), s.twin.end())
		}
		_, err := s.log.Read(start, end, 0, s.twin.same)
		return err
	})
	s.try("offset at time", func() error {
		millis := s.dice.Int64N(s.twin.lastTime() + 2)
		got, err := s.log.OffsetAtTime(millis)
		if want := s.twin.offsetAtTime(millis); err == nil && got != max(want, s.log.Start()) {
			s.t.Fatalf("offset at %d is %d, want %d", millis, got, want)
		}
		return err
	})
}

func (w *twin) same(offset uint64, time int64, rec []byte) error {
	if offset >= w.end() {
		return fmt.Errorf("record %d, the twin ends at %d", offset, w.end())
	}
	if want := w.records[offset]; want.time != time || string(want.data) != string(rec) {
		return fmt.Errorf("record %d is %q at %d, want %q at %d", offset, rec, time, want.data, want.time)
	}
	return nil
}

// TestCrashAnywhere crashes before every operation that changes the disk, and
// keeps none, half or all of what was not synced. Each time the log must open at
// the position recorded, hold exactly what lies below, and be usable.
func TestCrashAnywhere(t *testing.T) {
	crashes := 0
	for seed := range uint64(6) {
		mem := vfs.NewCrashableMem()
		var s *script
		s = newScript(t, errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
				for _, kept := range []int{0, 50, 100} {
					crashes++
					rng := rand.New(rand.NewPCG(seed, uint64(crashes)))
					s.afterCrash(mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rng}), crashes)
				}
			}
			return nil
		})), seed)
		s.run(70)
	}
	if crashes < 1000 {
		t.Errorf("only %d crashes", crashes)
	}
	t.Logf("%d crashes", crashes)
}

// afterCrash is the next life, on a disk of its own.
func (s *script) afterCrash(fs *vfs.MemFS, number int) {
	pos := s.recorded
	l, err := Open(fs, dir, s.opts, pos)
	if err != nil {
		s.t.Fatalf("crash %d: open at %v: %v", number, pos, err)
	}
	start, end := l.Bounds()
	if was, may := min(s.twin.trimmed, pos.Offset), min(s.trimming, pos.Offset); end != pos.Offset || start != was && start != may {
		s.t.Fatalf("crash %d: log is %d to %d, recorded %v, trimmed %d", number, start, end, pos, s.twin.trimmed)
	}
	if _, err := l.Read(start, end, 0, s.twin.same); err != nil {
		s.t.Fatalf("crash %d: %v", number, err)
	}
	for i := range 3 { // shorter and longer than what was there
		mustAppend(s.t, l, 0, fmt.Sprintf("life %0*d", i*i*9, number), "")
	}
	pos = mustSync(s.t, l)
	must(s.t, l.Recorded(pos))
	for more := true; more; {
		more, err = l.SealNext()
		must(s.t, err)
	}
	must(s.t, l.Close())
	if rep, err := Check(fs, dir, s.opts, pos); err != nil || rep.End != end+6 {
		s.t.Fatalf("crash %d: check: %+v, %v", number, rep, err)
	}
}

// TestErrorAnywhere fails each operation of the script in turn, reads too.
func TestErrorAnywhere(t *testing.T) {
	faults := 0
	for seed := range uint64(3) {
		for n := int32(0); ; n++ {
			inject := errorfs.OnIndex(n)
			files := &tearFS{FS: errorfs.Wrap(vfs.NewMem(), inject)}
			s := newScript(t, files, seed)
			s.expected = func(err error) bool { return errors.Is(err, errorfs.ErrInjected) }
			s.run(50)
			if left := files.open.Load(); left != 0 {
				t.Fatalf("seed %d, fault %d: %d files left open", seed, n, left)
			}
			faults += s.faults
			if inject.Index.Load() >= 0 {
				break // the script has fewer operations
			}
		}
	}
	if faults < 300 {
		t.Errorf("only %d faults were met", faults)
	}
	t.Logf("%d faults", faults)
}

// TestTornWriteAnywhere writes half of each write in turn: the disk is full.
func TestTornWriteAnywhere(t *testing.T) {
	faults := 0
	for seed := range uint64(3) {
		for n := 1; ; n++ {
			files := &tearFS{FS: vfs.NewMem(), tearAt: n}
			s := newScript(t, files, seed)
			s.expected = func(err error) bool { return errors.Is(err, syscall.ENOSPC) }
			s.run(50)
			faults += s.faults
			if files.writes < n {
				break
			}
		}
	}
	if faults < 100 {
		t.Errorf("only %d faults were met", faults)
	}
	t.Logf("%d faults", faults)
}

// TestFailedSyncHalts: after a sync that failed nothing is appended or synced,
// though the disk works again, but all can be read.
func TestFailedSyncHalts(t *testing.T) {
	toggle := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData {
			return errorfs.ErrInjected
		}
		return nil
	})}
	l := mustOpen(t, errorfs.Wrap(vfs.NewMem(), toggle), Options{}, Position{})
	mustAppend(t, l, 1, "a")
	toggle.On()
	if _, err := l.Sync(); !errors.Is(err, ErrHalted) || !errors.Is(err, errorfs.ErrInjected) {
		t.Fatalf("sync: %v", err)
	}
	toggle.Off()
	if _, err := l.Sync(); !errors.Is(err, ErrHalted) {
		t.Errorf("second sync: %v", err)
	}
	if _, err := l.Append(1, 1, payloadOf("b"), 1); !errors.Is(err, ErrHalted) {
		t.Errorf("append: %v", err)
	}
	if next, err := l.Read(0, 1, 0, func(uint64, int64, []byte) error { return nil }); next != 1 || err != nil {
		t.Errorf("read: %d, %v", next, err)
	}
}
