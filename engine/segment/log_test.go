package segment

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// TestBadArguments: each gets its error, and changes nothing.
func TestBadArguments(t *testing.T) {
	fs := vfs.NewMem()
	l := mustOpen(t, fs, Options{}, Position{})
	mustAppend(t, l, 10, "a", "b")
	pos := mustSync(t, l)
	appendErr := func(base uint64, payload []byte, count uint32) error {
		_, err := l.Append(base, 10, payload, count)
		return err
	}
	big := make([]byte, MaxBlockBytes+1)
	for _, c := range []struct {
		what string
		err  error
		want error
	}{
		{"append below the end", appendErr(1, payloadOf("x"), 1), ErrGap},
		{"append above the end", appendErr(3, payloadOf("x"), 1), ErrGap},
		{"append of nothing", appendErr(2, nil, 0), ErrInvalid},
		{"fewer records than said", appendErr(2, payloadOf("x"), 2), ErrInvalid},
		{"more records than said", appendErr(2, payloadOf("x", "y"), 1), ErrInvalid},
		{"record beyond the payload", appendErr(2, []byte{9, 'x'}, 1), ErrInvalid},
		{"length without end", appendErr(2, bytes.Repeat([]byte{0x80}, 11), 1), ErrInvalid},
		{"too large", appendErr(2, big, 1), ErrTooLarge},
		{"recorded but not synced", l.Recorded(Position{Segment: 0, Bytes: 500, Offset: 3, Time: 1}), ErrInvalid},
		{"trim beyond the end", l.TrimBefore(3), ErrOutOfRange},
		{"options", errOf(Open(fs, dir, Options{SegmentBytes: -1, PackBytes: 2 << 20}, pos)), ErrInvalid},
		{"position", errOf(Open(fs, dir, Options{}, Position{Bytes: 1})), ErrInvalid},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.err, c.want)
		}
	}
	if err := errOf(Open(fs, dir, Options{SegmentBytes: -1, PackBytes: 2 << 20}, pos)); !strings.Contains(err.Error(), "SegmentBytes") || !strings.Contains(err.Error(), "PackBytes") {
		t.Errorf("not every fault of the options is named: %v", err)
	}
	if start, end := l.Bounds(); start != 0 || end != 2 {
		t.Errorf("log is %d to %d afterwards", start, end)
	}
	if again := mustSync(t, l); again != pos {
		t.Errorf("position moved from %v to %v", pos, again)
	}
}

func errOf(_ *Log, err error) error { return err }

func TestRangeErrorNamesBoth(t *testing.T) {
	l := mustOpen(t, vfs.NewMem(), Options{}, Position{})
	mustAppend(t, l, 1, "a", "b", "c")
	must(t, l.TrimBefore(1))
	_, err := l.Read(0, 9, 0, nil)
	r, ok := errors.AsType[*RangeError](err)
	if !ok || *r != (RangeError{From: 0, To: 9, Start: 1, End: 3}) {
		t.Fatalf("%v", err)
	}
	c := l.NewCursor(0)
	defer c.Close()
	if c.Next() || !errors.Is(c.Err(), ErrOutOfRange) {
		t.Fatalf("cursor below the start: %v", c.Err())
	}
	if c.Seek(1); !c.Next() || string(c.Record()) != "b" {
		t.Fatalf("cursor after Seek: %q, %v", c.Record(), c.Err())
	}
}

// TestReadOnlyAndClosed: what does not write must not, what is closed says so.
func TestReadOnlyAndClosed(t *testing.T) {
	fs := vfs.NewMem()
	l := mustOpen(t, fs, Options{}, Position{})
	mustAppend(t, l, 1, "a")
	pos := mustSync(t, l)
	mustAppend(t, l, 2, "void")
	must(t, l.Close())
	before := fs.String()

	ro, err := OpenReadOnly(fs, dir, Options{}, pos)
	must(t, err)
	_, appendErr := ro.Append(1, 1, payloadOf("x"), 1)
	_, syncErr := ro.Sync()
	_, sealErr := ro.SealNext()
	for _, err := range []error{appendErr, syncErr, sealErr, ro.TrimBefore(1)} {
		if !errors.Is(err, ErrReadOnly) {
			t.Errorf("read-only log: %v", err)
		}
	}
	c := ro.NewCursor(0)
	if !c.Next() || string(c.Record()) != "a" || c.Next() || c.Err() != nil {
		t.Errorf("read-only cursor: %q, %v", c.Record(), c.Err())
	}
	must(t, ro.Close())
	if c.Next() || !errors.Is(c.Err(), ErrClosed) {
		t.Errorf("cursor of a closed log: %v", c.Err())
	}
	c.Close()
	c.Close()
	_, timeErr := ro.OffsetAtTime(1)
	if !errors.Is(timeErr, ErrClosed) || !errors.Is(ro.Close(), ErrClosed) {
		t.Errorf("closed log: %v", timeErr)
	}
	if fs.String() != before {
		t.Errorf("files were\n%s and are\n%s", before, fs.String())
	}
	if _, err := l.Append(2, 1, payloadOf("x"), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("append to a closed log: %v", err)
	}
}

// TestLogThatBeginsLater is an empty log whose first record gets an offset.
func TestLogThatBeginsLater(t *testing.T) {
	fs := vfs.NewMem()
	at := Position{Segment: 1000, Offset: 1000}
	l := mustOpen(t, fs, Options{}, at)
	if pos := mustSync(t, l); pos != at {
		t.Fatalf("synced to %v", pos)
	}
	mustAppend(t, l, 5, "thousand")
	pos := mustSync(t, l)
	must(t, l.Close())
	l = mustOpen(t, fs, Options{}, pos)
	if start, end := l.Bounds(); start != 1000 || end != 1001 {
		t.Fatalf("log is %d to %d", start, end)
	}
	if _, err := l.Read(1000, 1001, 0, func(_ uint64, _ int64, rec []byte) error {
		if string(rec) != "thousand" {
			return fmt.Errorf("record is %q", rec)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestPositionMustFit: a position that the log never was at is not believed.
func TestPositionMustFit(t *testing.T) {
	fs := vfs.NewMem()
	l := mustOpen(t, fs, Options{SegmentBytes: 140}, Position{})
	for i := range int64(3) {
		mustAppend(t, l, i, "a", "b", "c")
	}
	pos := mustSync(t, l)
	must(t, l.Close())
	for _, wrong := range []Position{
		{pos.Segment, pos.Bytes, pos.Offset - 1, pos.Time},
		{pos.Segment, pos.Bytes, pos.Offset + 1, pos.Time},
		{pos.Segment, pos.Bytes, pos.Offset, pos.Time - 1},
		{pos.Segment, pos.Bytes, pos.Offset, pos.Time + 1},
		{pos.Segment, pos.Bytes - 1, pos.Offset, pos.Time},
		{pos.Segment, pos.Bytes + 1, pos.Offset, pos.Time},
		{pos.Segment + 1, pos.Bytes, pos.Offset, pos.Time},
		{0, pos.Bytes, pos.Offset, pos.Time},
	} {
		if _, err := OpenReadOnly(fs, dir, Options{}, wrong); !errors.Is(err, ErrCorrupt) {
			t.Errorf("open at %v, synced was %v: %v", wrong, pos, err)
		}
	}
}

// TestTrimWhilePacking: the segment being packed stays until the next trim.
func TestTrimWhilePacking(t *testing.T) {
	var l *Log
	mem := vfs.NewMem()
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpRename && strings.Contains(op.Path, packedSuffix) {
			return l.TrimBefore(3)
		}
		return nil
	}))
	l = mustOpen(t, fs, Options{SegmentBytes: 1}, Position{})
	for i := range int64(4) {
		mustAppend(t, l, i, "a")
	}
	must(t, l.Recorded(mustSync(t, l)))
	if ok, err := l.SealNext(); !ok || err != nil {
		t.Fatalf("seal: %v, %v", ok, err)
	}
	if s := l.Stats(); s.Start != 3 || s.Sealed != 3 || s.Packed != 1 {
		t.Fatalf("after a trim during packing: %+v", s)
	}
	must(t, l.TrimBefore(3))
	names, err := mem.List(dir)
	must(t, err)
	if s := l.Stats(); s.Sealed != 0 || len(names) != 2 {
		t.Fatalf("after the next trim: %+v, %v", s, names)
	}
}

// TestAppendWhileSyncing: appends, even to a new segment, do not wait for a sync,
// and belong to the next.
func TestAppendWhileSyncing(t *testing.T) {
	var l *Log
	busy := false
	mem := vfs.NewCrashableMem()
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData && busy {
			busy = false
			mustAppend(t, l, 2, "meanwhile")
			mustAppend(t, l, 3, "in a segment of its own")
		}
		return nil
	}))
	l = mustOpen(t, fs, Options{SegmentBytes: 150}, Position{})
	mustAppend(t, l, 1, "before")
	busy = true
	first := mustSync(t, l)
	if first.Offset != 1 || l.End() != 3 {
		t.Fatalf("synced to %v, end is %d", first, l.End())
	}
	second := mustSync(t, l)
	if second.Offset != 3 || second.Segment != 2 {
		t.Fatalf("synced to %v", second)
	}
	for _, pos := range []Position{first, second} {
		if rep, err := Check(mem.CrashClone(vfs.CrashCloneCfg{}), dir, Options{}, pos); err != nil || rep.Records != int64(pos.Offset) {
			t.Errorf("after a crash at %v: %+v, %v", pos, rep, err)
		}
	}
}

// TestPackedSegmentLeavesCache: the file of the raw one is given back.
func TestPackedSegmentLeavesCache(t *testing.T) {
	files := &tearFS{FS: vfs.NewMem()}
	l := mustOpen(t, files, Options{SegmentBytes: 1}, Position{})
	mustAppend(t, l, 1, "a")
	mustAppend(t, l, 1, "b")
	must(t, l.Recorded(mustSync(t, l)))
	if ok, err := l.SealNext(); !ok || err != nil {
		t.Fatalf("seal: %v, %v", ok, err)
	}
	if open := files.open.Load(); open != 2 {
		t.Errorf("%d files are open, want the active one and its syncer", open)
	}
}

// TestFileLostWhileOpen: a sealed segment that vanishes under an open log.
func TestFileLostWhileOpen(t *testing.T) {
	fs := vfs.NewMem()
	l := mustOpen(t, fs, Options{SegmentBytes: 1, Cache: NewCache(1)}, Position{})
	for i := range int64(3) {
		mustAppend(t, l, i, "a")
	}
	must(t, fs.Remove(dir+"/"+rawName(0)))
	_, readErr := l.Read(0, 3, 0, func(uint64, int64, []byte) error { return nil })
	_, timeErr := l.OffsetAtTime(0)
	for _, err := range []error{readErr, timeErr} {
		if c, ok := errors.AsType[*CorruptError](err); !ok || c.File != dir+"/"+rawName(0) {
			t.Errorf("%v", err)
		}
	}
	if next, err := l.Read(1, 3, 0, func(uint64, int64, []byte) error { return nil }); next != 3 || err != nil {
		t.Errorf("the others: %d, %v", next, err)
	}
}

// TestNewDirectoriesSurvive: every directory above a new log is durable after
// the first sync, or trim.
func TestNewDirectoriesSurvive(t *testing.T) {
	for _, trim := range []bool{false, true} {
		fs := vfs.NewCrashableMem()
		l, err := Open(fs, "store/tasks/7/depot", Options{}, Position{})
		must(t, err)
		mustAppend(t, l, 1, "a", "b")
		pos := Position{}
		if trim {
			must(t, l.TrimBefore(1))
		} else {
			pos = mustSync(t, l)
		}
		l, err = Open(fs.CrashClone(vfs.CrashCloneCfg{}), "store/tasks/7/depot", Options{}, pos)
		must(t, err)
		if trim {
			mustAppend(t, l, 1, "a", "b")
		}
		start, end := l.Bounds()
		if want := map[bool]uint64{false: 0, true: 1}[trim]; start != want || end != 2 {
			t.Errorf("trim %v: log is %d to %d", trim, start, end)
		}
	}
}

// TestFunctionEndsRead: an error of the function comes back as it is.
func TestFunctionEndsRead(t *testing.T) {
	l := mustOpen(t, vfs.NewMem(), Options{}, Position{})
	mustAppend(t, l, 1, "a", "b", "c")
	stop := errors.New("enough")
	next, err := l.Read(0, 3, 0, func(offset uint64, _ int64, _ []byte) error {
		if offset == 1 {
			return stop
		}
		return nil
	})
	if next != 1 || err != stop {
		t.Fatalf("read ended at %d: %v", next, err)
	}
}

// TestLargeRecords: records larger than every buffer, kept, packed and found.
func TestLargeRecords(t *testing.T) {
	fs := vfs.NewMem()
	l := mustOpen(t, fs, Options{SegmentBytes: 8 << 20}, Position{})
	sizes := []int{6 << 20, 0, 300 << 10, 3 << 20, 1, 5 << 20}
	rec := func(i int) string { return strings.Repeat(string(rune('a'+i)), sizes[i%len(sizes)]) }
	for i := range 12 {
		mustAppend(t, l, int64(i), rec(i))
	}
	must(t, l.Recorded(mustSync(t, l)))
	packed := 0
	for {
		ok, err := l.SealNext()
		must(t, err)
		if !ok {
			break
		}
		packed++
	}
	if packed == 0 {
		t.Fatal("nothing was packed")
	}
	for i := range uint64(12) {
		if _, err := l.Read(i, i+1, 0, func(offset uint64, time int64, b []byte) error {
			if time != int64(offset) || string(b) != rec(int(offset)) {
				return fmt.Errorf("record %d: %d bytes at %d", offset, len(b), time)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if rep, err := Check(fs, dir, l.opts, mustSync(t, l)); err != nil || rep.Records != 12 {
		t.Fatalf("check: %+v, %v", rep, err)
	}
}

// TestSharedCache: two logs of the same names in one cache stay apart.
func TestSharedCache(t *testing.T) {
	cache := NewCache(1)
	var logs []*Log
	for i := range 2 {
		l := mustOpen(t, vfs.NewMem(), Options{SegmentBytes: 1, Cache: cache, ID: uint64(i)}, Position{})
		for range 4 {
			mustAppend(t, l, 1, fmt.Sprint("log ", i))
		}
		logs = append(logs, l)
	}
	for at := range uint64(4) {
		for i, l := range logs {
			if _, err := l.Read(at, at+1, 0, func(_ uint64, _ int64, rec []byte) error {
				if string(rec) != fmt.Sprint("log ", i) {
					return fmt.Errorf("log %d gives %q", i, rec)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(cache.entries); n != 1 {
		t.Errorf("cache of 1 holds %d", n)
	}
	for _, l := range logs {
		must(t, l.Close())
	}
	if n := len(cache.entries); n != 0 {
		t.Errorf("after Close the cache holds %d", n)
	}
}

// TestTogether runs one appender beside readers, a sealer and a trimmer. Each
// record tells its offset, so that every reader can judge what it sees.
func TestTogether(t *testing.T) {
	const records = 20000
	files := &tearFS{FS: vfs.NewMem()}
	l := mustOpen(t, files, Options{SegmentBytes: 16 << 10, PackBytes: 2 << 10, IndexBytes: 500, Cache: NewCache(2)}, Position{})
	var done atomic.Bool
	var wg sync.WaitGroup
	judge := func(offset uint64, time int64, rec []byte) error {
		if string(rec) != fmt.Sprint("record ", offset) || time != int64(offset/7) {
			return fmt.Errorf("record %d is %q at %d", offset, rec, time)
		}
		return nil
	}
	follow := func() { // from the beginning to the end, as it grows
		c := l.NewCursor(0)
		defer c.Close()
		for next := uint64(0); next < records; {
			switch {
			case c.Next():
				if err := judge(c.Offset(), c.Time(), c.Record()); err != nil || c.Offset() != next {
					t.Errorf("cursor at %d, want %d: %v", c.Offset(), next, err)
					return
				}
				next++
			case errors.Is(c.Err(), ErrOutOfRange): // trimmed
				next = l.Start()
				c.Seek(next)
			case c.Err() != nil:
				t.Error(c.Err())
				return
			}
		}
	}
	jump := func(seed uint64) {
		for i := seed; !done.Load(); i += 7919 {
			start, end := l.Bounds()
			if start == end {
				continue
			}
			at := start + i%(end-start)
			_, err := l.Read(at, min(at+20, end), 0, judge)
			if err != nil && !errors.Is(err, ErrOutOfRange) {
				t.Error(err)
				return
			}
			got, err := l.OffsetAtTime(int64(at / 7))
			if err != nil || got < at/7*7 || got > at && got > l.Start() { // trimmed meanwhile: the start
				t.Errorf("offset at time %d is %d: %v", at/7, got, err)
				return
			}
		}
	}
	seal := func() {
		for !done.Load() {
			if _, err := l.SealNext(); err != nil {
				t.Error(err)
				return
			}
		}
	}
	trim := func() {
		for !done.Load() {
			start, end := l.Bounds()
			if end-start < 4000 {
				runtime.Gosched()
				continue
			}
			if err := l.TrimBefore(start + 900); err != nil {
				t.Error(err)
				return
			}
		}
	}
	wg.Go(follow)
	wg.Go(follow)
	wg.Go(func() { jump(1) })
	wg.Go(func() { jump(100) })
	wg.Go(seal)
	wg.Go(func() {
		for !done.Load() {
			pos, err := l.Sync()
			if err == nil {
				err = l.Recorded(pos)
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	wg.Go(trim)
	for at := uint64(0); at < records; {
		n := min(1+at%5, records-at)
		n = min(n, 7-at%7)
		var payload []byte
		for i := range n {
			payload = AppendRecord(payload, fmt.Appendf(nil, "record %d", at+i))
		}
		if _, err := l.Append(at, int64(at/7), payload, uint32(n)); err != nil {
			t.Fatal(err)
		}
		at += n
	}
	done.Store(true)
	wg.Wait()
	must(t, l.TrimBefore(l.Start())) // a segment that was being packed stayed
	names, err := files.List(dir)
	must(t, err)
	if want := l.Stats().Sealed + 2; len(names) != want {
		t.Errorf("%d files for %+v: %v", len(names), l.Stats(), names)
	}
	must(t, l.Close())
	if left := files.open.Load(); left != 0 {
		t.Errorf("%d files left open", left)
	}
}
