package depot

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rama/engine/segment"
)

const dir = "depot"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func payloadOf(recs ...string) []byte {
	var b []byte
	for _, r := range recs {
		b = segment.AppendRecord(b, []byte(r))
	}
	return b
}

func apply(t testing.TB, p *Partition, millis int64, recs ...string) {
	t.Helper()
	_, end := p.Info()
	applied, err := p.Apply(end, millis, payloadOf(recs...), uint32(len(recs)))
	if err != nil || !applied {
		t.Fatalf("apply: %v, %v", applied, err)
	}
}

// entry is what the replication log holds of one append.
type entry struct {
	base uint64
	time int64
	recs []string
}

// machine drives a partition, a slice of its records, and the log of entries
// from which lost records come again.
type machine struct {
	fs       *vfs.MemFS
	opts     Options
	part     *Partition
	entries  []entry
	records  []Record
	trimmed  uint64
	synced   segment.Position
	recorded segment.Position
	cursors  []*Cursor
	places   []uint64
}

func (m *machine) end() uint64   { return uint64(len(m.records)) }
func (m *machine) start() uint64 { return min(m.trimmed, m.end()) }

// replay applies the entry e, new or again.
func (m *machine) replay(t *rapid.T, e entry) {
	before := m.end()
	applied, err := m.part.Apply(e.base, e.time, payloadOf(e.recs...), uint32(len(e.recs)))
	end := e.base + uint64(len(e.recs))
	if err != nil || applied != (end > before) {
		t.Fatalf("apply %d to %d at end %d: %v, %v", e.base, end, before, applied, err)
	}
	for i, r := range e.recs {
		if offset := e.base + uint64(i); offset >= before {
			time := e.time
			if n := len(m.records); n > 0 {
				time = max(time, m.records[n-1].Time)
			}
			m.records = append(m.records, Record{Offset: offset, Time: time, Data: []byte(r)})
		}
	}
}

func (m *machine) apply(t *rapid.T) {
	e := entry{base: m.end(), time: rapid.Int64Range(0, 1000).Draw(t, "time")}
	for i := range rapid.IntRange(1, 6).Draw(t, "count") {
		e.recs = append(e.recs, fmt.Sprintf("%d.%d:%0*d", len(m.entries), i, rapid.IntRange(0, 40).Draw(t, "size"), 5))
	}
	m.entries = append(m.entries, e)
	m.replay(t, e)
}

// repeat replays some old entries, as after a restart; some straddle the end in
// a log whose blocks were cut differently.
func (m *machine) repeat(t *rapid.T) {
	if len(m.entries) > 0 {
		i := rapid.IntRange(0, len(m.entries)-1).Draw(t, "entry")
		m.replay(t, m.entries[i])
	}
}

func (m *machine) gap(t *rapid.T) {
	base := m.end() + rapid.Uint64Range(1, 3).Draw(t, "beyond")
	if applied, err := m.part.Apply(base, 1, payloadOf("x"), 1); applied || !errors.Is(err, ErrGap) {
		t.Fatalf("apply beyond the end: %v, %v", applied, err)
	}
}

func (m *machine) sync(t *rapid.T) {
	pos, err := m.part.Sync()
	if err != nil || pos.Offset != m.end() {
		t.Fatalf("sync: %v, %v", pos, err)
	}
	m.synced = pos
	if rapid.Bool().Draw(t, "recorded") {
		if err := m.part.Recorded(pos); err != nil {
			t.Fatal(err)
		}
		m.recorded = pos
	}
}

func (m *machine) seal(t *rapid.T) {
	if _, err := m.part.Seal(); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) trim(t *rapid.T) {
	to := rapid.Uint64Range(m.start(), m.end()).Draw(t, "to")
	if err := m.part.Trim(to); err != nil {
		t.Fatal(err)
	}
	m.trimmed = max(m.trimmed, to)
}

func (m *machine) read(t *rapid.T) {
	start := rapid.Uint64Range(0, m.end()+1).Draw(t, "start")
	end := start + rapid.Uint64Range(0, 30).Draw(t, "n")
	limit := rapid.SampledFrom([]int{0, 1, 60, 500}).Draw(t, "maxBytes")
	got, err := m.part.Read(start, end, limit)
	if start < m.start() || end > m.end() {
		r, ok := errors.AsType[*RangeError](err)
		if !ok || !errors.Is(err, ErrOutOfRange) || *r != (RangeError{From: start, To: end, Start: m.start(), End: m.end()}) {
			t.Fatalf("read %d to %d of %d to %d: %v", start, end, m.start(), m.end(), err)
		}
		return
	}
	want := m.records[start:end]
	if limit > 0 {
		size := 0
		for i, r := range want {
			if size += len(r.Data); size > limit && i > 0 {
				want = want[:i]
				break
			}
		}
	}
	if err != nil || len(got) != len(want) {
		t.Fatalf("read %d to %d: %d records, want %d: %v", start, end, len(got), len(want), err)
	}
	for i := range got {
		if err := m.same(got[i], want[i].Offset); err != nil {
			t.Fatal(err)
		}
	}
}

func (m *machine) same(r Record, at uint64) error {
	if r.Offset != at || at >= m.end() {
		return fmt.Errorf("record %d at %d of %d", r.Offset, at, m.end())
	}
	if want := m.records[at]; r.Time != want.Time || !bytes.Equal(r.Data, want.Data) {
		return fmt.Errorf("record %d is %q at %d, want %q at %d", at, r.Data, r.Time, want.Data, want.Time)
	}
	return nil
}

func (m *machine) follow(t *rapid.T) {
	if len(m.cursors) < 3 {
		from := rapid.Uint64Range(m.start(), m.end()).Draw(t, "from")
		m.cursors, m.places = append(m.cursors, m.part.NewCursor(from)), append(m.places, from)
	}
	i := rapid.IntRange(0, len(m.cursors)-1).Draw(t, "cursor")
	c := m.cursors[i]
	if rapid.IntRange(0, 5).Draw(t, "seek") == 0 {
		m.places[i] = rapid.Uint64Range(m.start(), m.end()).Draw(t, "to")
		c.Seek(m.places[i])
	}
	for range rapid.IntRange(1, 40).Draw(t, "steps") {
		if c.Next() {
			if err := m.same(c.Record(), m.places[i]); err != nil {
				t.Fatal(err)
			}
			m.places[i]++
			continue
		}
		if errors.Is(c.Err(), ErrOutOfRange) && m.places[i] < m.start() {
			m.places[i] = m.start()
			c.Seek(m.start())
		} else if c.Err() != nil || m.places[i] != m.end() {
			t.Fatalf("cursor stopped at %d of %d: %v", m.places[i], m.end(), c.Err())
		}
		return
	}
}

func (m *machine) from(t *rapid.T) {
	s := StartFrom{
		Kind:   StartKind(rapid.IntRange(0, 3).Draw(t, "kind")),
		Millis: rapid.Int64Range(-1, 1001).Draw(t, "millis"),
		N:      rapid.Int64Range(0, 20).Draw(t, "n"),
		Unit:   Unit(rapid.IntRange(0, 4).Draw(t, "unit")),
	}
	now := rapid.Int64Range(0, 5000).Draw(t, "now")
	since := func(millis int64) uint64 {
		i := sort.Search(len(m.records), func(i int) bool { return m.records[i].Time >= millis })
		return max(uint64(i), m.start())
	}
	want := m.end()
	switch {
	case s.Kind == StartBeginning:
		want = m.start()
	case s.Kind == StartAfterTimestamp:
		want = since(s.Millis)
	case s.Kind == StartAgo && s.Unit == Records:
		want = max(m.start(), m.end()-min(m.end(), uint64(s.N)))
	case s.Kind == StartAgo:
		want = since(now - s.N*unitMillis[s.Unit])
	}
	if got, err := m.part.OffsetAt(s, now); err != nil || got != want {
		t.Fatalf("%v at %d: %d, %v, want %d", s, now, got, err, want)
	}
}

func (m *machine) crash(t *rapid.T) {
	kept := rapid.SampledFrom([]int{0, 50, 100}).Draw(t, "kept")
	crashed := m.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "dice"), 0))})
	m.close(t)
	m.fs = crashed
	m.open(t, m.recorded)
}

func (m *machine) close(t *rapid.T) {
	for _, c := range m.cursors {
		c.Close()
	}
	m.cursors, m.places = nil, nil
	if err := m.part.Close(); err != nil {
		t.Fatal(err)
	}
}

// open opens at pos and lets entries come again from a little before.
func (m *machine) open(t *rapid.T, pos segment.Position) {
	p, err := Open(m.fs, dir, m.opts, pos)
	if err != nil {
		t.Fatalf("open at %v: %v", pos, err)
	}
	m.part, m.synced, m.recorded = p, pos, pos
	m.records = m.records[:pos.Offset:pos.Offset]
	if _, end := p.Info(); end != pos.Offset {
		t.Fatalf("end is %d after opening at %v", end, pos)
	}
	first := 0
	for first < len(m.entries) && m.entries[first].base+uint64(len(m.entries[first].recs)) <= pos.Offset {
		first++
	}
	for _, e := range m.entries[max(0, first-2):] {
		m.replay(t, e)
	}
	if m.end() > 0 {
		if rep, err := Check(m.fs, dir, m.opts, pos); err != nil || rep.End != pos.Offset {
			t.Fatalf("check: %+v, %v", rep, err)
		}
	}
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{fs: vfs.NewCrashableMem(), opts: Options{
			TailBytes: rapid.SampledFrom([]int{-1, 1, 300, 2000, 0}).Draw(t, "tail"),
			Segment: segment.Options{
				SegmentBytes: rapid.SampledFrom([]int64{1, 500, 5000}).Draw(t, "segment"),
				PackBytes:    rapid.SampledFrom([]int{1, 200}).Draw(t, "pack"),
				IndexBytes:   100, ReadBytes: 100,
			},
		}}
		m.open(t, segment.Position{})
		t.Repeat(map[string]func(*rapid.T){
			"apply": m.apply, "apply2": m.apply, "repeat": m.repeat, "gap": m.gap, "sync": m.sync, "seal": m.seal, "trim": m.trim,
			"read": m.read, "follow": m.follow, "follow2": m.follow, "from": m.from, "crash": m.crash,
		})
		m.close(t)
	})
}

// TestPartOfAnEntry: of an entry that is there in part, the rest is applied.
func TestPartOfAnEntry(t *testing.T) {
	p, err := Open(vfs.NewMem(), dir, Options{}, segment.Position{})
	must(t, err)
	apply(t, p, 1, "a", "b")
	if applied, err := p.Apply(1, 2, payloadOf("b", "c", "d"), 3); !applied || err != nil {
		t.Fatalf("apply: %v, %v", applied, err)
	}
	got, err := p.Read(0, 4, 0)
	want := []Record{{0, 1, []byte("a")}, {1, 1, []byte("b")}, {2, 2, []byte("c")}, {3, 2, []byte("d")}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
	for what, err := range map[string]error{
		"no records":              errOf(p.Apply(4, 1, nil, 0)),
		"fewer than said":         errOf(p.Apply(4, 1, payloadOf("x"), 2)),
		"fewer than said, partly": errOf(p.Apply(2, 1, payloadOf("x"), 3)),
		"offsets beyond all":      errOf(p.Apply(math.MaxUint64, 1, payloadOf("x"), 1)),
	} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, end := p.Info(); end != 4 {
		t.Errorf("end is %d", end)
	}
}

func errOf(_ bool, err error) error { return err }

// TestUpToDateTouchesNoFile: a consumer at the end reads from memory.
func TestUpToDateTouchesNoFile(t *testing.T) {
	files := &countFS{FS: vfs.NewMem()}
	p, err := Open(files, dir, Options{}, segment.Position{})
	must(t, err)
	c := p.NewCursor(0)
	defer c.Close()
	apply(t, p, 1, "first")
	before := files.opens.Load()
	for i := range 100 {
		if !c.Next() {
			t.Fatal(c.Err())
		}
		if c.Next() || c.Err() != nil {
			t.Fatalf("beyond the end: %v", c.Err())
		}
		apply(t, p, 1, fmt.Sprint(i))
		if _, err := p.Read(uint64(i), uint64(i)+2, 0); err != nil {
			t.Fatal(err)
		}
	}
	if after := files.opens.Load(); after != before || files.reads.Load() != 0 {
		t.Errorf("%d files opened, %d reads", after-before, files.reads.Load())
	}
}

// countFS counts opened files and reads.
type countFS struct {
	vfs.FS
	opens, reads atomic.Int64
}

type countFile struct {
	vfs.File
	fs *countFS
}

func (f *countFS) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	f.opens.Add(1)
	return f.FS.Open(name, o...)
}

func (f *countFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, c, o...)
	return &countFile{file, f}, err
}

func (f *countFile) ReadAt(b []byte, at int64) (int, error) {
	f.fs.reads.Add(1)
	return f.File.ReadAt(b, at)
}

// TestTailStaysSmall: memory is bounded, whatever comes.
func TestTailStaysSmall(t *testing.T) {
	p, err := Open(vfs.NewMem(), dir, Options{TailBytes: 5000}, segment.Position{})
	must(t, err)
	for i := range 3000 {
		apply(t, p, 1, string(make([]byte, i*i%700)))
		tail := &p.tail
		bytes := 0
		for _, b := range tail.blocks {
			bytes += b.bytes()
		}
		if bytes != tail.bytes || bytes > 5000 || cap(tail.blocks) > 400 {
			t.Fatalf("tail holds %d bytes, counts %d, room for %d blocks", bytes, tail.bytes, cap(tail.blocks))
		}
	}
	apply(t, p, 1, string(make([]byte, 6000)))
	if len(p.tail.blocks) != 0 {
		t.Error("a block beyond the limit is kept")
	}
	if got, err := p.Read(2990, 3001, 0); err != nil || len(got) != 11 || len(got[10].Data) != 6000 {
		t.Errorf("read over the end of the tail: %d records, %v", len(got), err)
	}
}

func TestStartFrom(t *testing.T) {
	p, err := Open(vfs.NewMem(), dir, Options{}, segment.Position{})
	must(t, err)
	const day = 86_400_000
	for i := range int64(10) {
		apply(t, p, i*day, fmt.Sprint(i))
	}
	must(t, p.Trim(2))
	for _, c := range []struct {
		from StartFrom
		text string
		want uint64
	}{
		{StartFrom{}, "end", 10},
		{StartFrom{Kind: StartBeginning}, "beginning", 2},
		{StartFrom{Kind: StartAfterTimestamp, Millis: 4 * day}, "offsetAfterTimestamp(345600000)", 4},
		{StartFrom{Kind: StartAfterTimestamp, Millis: 4*day + 1}, "offsetAfterTimestamp(345600001)", 5},
		{StartFrom{Kind: StartAgo, N: 3}, "offsetAgo(3, RECORDS)", 7},
		{StartFrom{Kind: StartAgo, N: 0}, "offsetAgo(0, RECORDS)", 10},
		{StartFrom{Kind: StartAgo, N: 9}, "offsetAgo(9, RECORDS)", 2},
		{StartFrom{Kind: StartAgo, N: 3, Unit: Days}, "offsetAgo(3, DAYS)", 6},
		{StartFrom{Kind: StartAgo, N: 72, Unit: Hours}, "offsetAgo(72, HOURS)", 6},
		{StartFrom{Kind: StartAgo, N: 1, Unit: Minutes}, "offsetAgo(1, MINUTES)", 9},
		{StartFrom{Kind: StartAgo, N: math.MaxInt64, Unit: Seconds}, "offsetAgo(9223372036854775807, SECONDS)", 2},
	} {
		got, err := p.OffsetAt(c.from, 9*day)
		if err != nil || got != c.want || c.from.String() != c.text {
			t.Errorf("%v: %d, %v, want %d", c.from, got, err, c.want)
		}
	}
	for _, bad := range []StartFrom{{Kind: 4}, {Unit: 5}, {Kind: StartAgo, N: -1}} {
		if _, err := p.OffsetAt(bad, 0); !errors.Is(err, ErrInvalid) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// TestErrorAnywhere fails each operation in turn. What failed is tried again, in
// another life if a sync failed; log and tail must never tell different stories.
func TestErrorAnywhere(t *testing.T) {
	faults := 0
	for n := int32(0); ; n++ {
		inject := errorfs.OnIndex(n)
		faults += storm(t, errorfs.Wrap(vfs.NewMem(), inject))
		if inject.Index.Load() >= 0 {
			break // there are fewer operations
		}
	}
	if faults < 100 {
		t.Errorf("only %d faults were met", faults)
	}
}

// storm applies 40 records and reads them all after each, whatever fails.
func storm(t *testing.T, fs vfs.FS) (faults int) {
	o := Options{TailBytes: 400, Segment: segment.Options{SegmentBytes: 600, PackBytes: 100}}
	var p *Partition
	var pos segment.Position
	try := func(act func() error) {
		for err := act(); err != nil; err = act() {
			if faults++; !errors.Is(err, errorfs.ErrInjected) || faults > 9 {
				t.Fatal(err)
			}
			if errors.Is(err, ErrHalted) {
				must(t, p.Close())
				p = nil
			}
		}
	}
	alive := func() (err error) {
		if p == nil {
			p, err = Open(fs, dir, o, pos)
		}
		return err
	}
	for i := uint64(0); i < 40; i++ {
		try(func() error { // what a new life lost comes again first
			if err := alive(); err != nil {
				return err
			}
			for _, end := p.Info(); end <= i; end++ {
				if _, err := p.Apply(end, int64(end), payloadOf(fmt.Sprint("record ", end)), 1); err != nil {
					return err
				}
			}
			return nil
		})
		try(func() error {
			_, err := p.Scan(0, i+1, 0, func(r Record) error {
				if string(r.Data) != fmt.Sprint("record ", r.Offset) || r.Time != int64(r.Offset) {
					t.Fatalf("record %d is %q at %d", r.Offset, r.Data, r.Time)
				}
				return nil
			})
			return err
		})
		if i%10 == 9 {
			try(func() error {
				if err := alive(); err != nil {
					return err
				}
				synced, err := p.Sync()
				if err != nil {
					return err
				}
				pos = synced
				return p.Recorded(pos)
			})
			try(func() error {
				_, err := p.Seal()
				return err
			})
		}
	}
	must(t, p.Close())
	return faults
}

// TestTogether runs one applier beside followers, a sealer and readers.
func TestTogether(t *testing.T) {
	const records = 20000
	p, err := Open(vfs.NewMem(), dir, Options{TailBytes: 3000, Segment: segment.Options{SegmentBytes: 20 << 10, PackBytes: 2000}}, segment.Position{})
	must(t, err)
	var done atomic.Bool
	var wg sync.WaitGroup
	judge := func(r Record, at uint64) {
		if r.Offset != at || string(r.Data) != fmt.Sprint("record ", at) || r.Time != int64(at/5) {
			t.Errorf("record %d at %d is %q at %d", r.Offset, at, r.Data, r.Time)
		}
	}
	for range 3 {
		wg.Go(func() {
			c := p.NewCursor(0)
			defer c.Close()
			for next := uint64(0); next < records && !t.Failed(); {
				if !c.Next() {
					if c.Err() != nil {
						t.Error(c.Err())
					}
					runtime.Gosched()
					continue
				}
				judge(c.Record(), next)
				next++
			}
		})
	}
	wg.Go(func() {
		for i := uint64(0); !done.Load(); i += 977 {
			if _, end := p.Info(); end > 0 {
				at := i % end
				got, err := p.Read(at, min(at+10, end), 0)
				if err != nil {
					t.Error(err)
					return
				}
				for j, r := range got {
					judge(r, at+uint64(j))
				}
			}
		}
	})
	wg.Go(func() {
		for !done.Load() {
			if _, err := p.Seal(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for at := uint64(0); at < records; at += 5 {
		var b []byte
		for i := range uint64(5) {
			b = segment.AppendRecord(b, fmt.Appendf(nil, "record %d", at+i))
		}
		_, err := p.Apply(at, int64(at/5), b, 5)
		must(t, err)
		if at%500 == 0 {
			pos, err := p.Sync()
			must(t, err)
			must(t, p.Recorded(pos))
		}
	}
	done.Store(true)
	wg.Wait()
	must(t, p.Close())
}
