package segment

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"sort"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) {
	flag.Parse()
	set := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { set[f.Name] = true })
	if !set["rapid.steps"] {
		_ = flag.Set("rapid.steps", "120")
	}
	os.Exit(m.Run())
}

type record struct {
	time int64
	data []byte
}

// twin is a log told as a slice: what every log must be like.
type twin struct {
	records []record
	trimmed uint64
}

func (w *twin) start() uint64 { return min(w.trimmed, w.end()) }
func (w *twin) end() uint64   { return uint64(len(w.records)) }

func (w *twin) lastTime() int64 {
	if len(w.records) == 0 {
		return 0
	}
	return w.records[len(w.records)-1].time
}

func (w *twin) append(time int64, recs [][]byte) {
	time = max(time, w.lastTime())
	for _, r := range recs {
		w.records = append(w.records, record{time, r})
	}
}

func (w *twin) offsetAtTime(millis int64) uint64 {
	i := sort.Search(len(w.records), func(i int) bool { return w.records[i].time >= millis })
	return max(uint64(i), w.start())
}

// read is Log.Read: how far it gets.
func (w *twin) read(from, to uint64, maxBytes int) uint64 {
	size := 0
	for next := from; next < to; next++ {
		size += len(w.records[next].data)
		if maxBytes > 0 && size > maxBytes && next > from {
			return next
		}
	}
	return to
}

// machine drives a log and its twin.
type machine struct {
	fs       *vfs.MemFS
	opts     Options
	log      *Log
	twin     twin
	synced   Position
	recorded Position // what the owner's store holds after a crash
	cursors  []*Cursor
	places   []uint64
}

func drawOptions(t *rapid.T) Options {
	return Options{
		ID:           rapid.Uint64Range(0, 3).Draw(t, "id"),
		SegmentBytes: rapid.SampledFrom([]int64{1, 300, 2000, 20000}).Draw(t, "segment"),
		PackBytes:    rapid.SampledFrom([]int{1, 60, 700, 5000}).Draw(t, "pack"),
		IndexBytes:   rapid.SampledFrom([]int{1, 150, 3000}).Draw(t, "index"),
		ReadBytes:    rapid.SampledFrom([]int{1, 100, 4096}).Draw(t, "read"),
		Cache:        NewCache(rapid.IntRange(1, 4).Draw(t, "cache")),
	}
}

func drawRecords(t *rapid.T) [][]byte {
	n := rapid.SampledFrom([]int{1, 1, 2, 7, 40}).Draw(t, "count")
	size := rapid.SampledFrom([]int{0, 3, 30, 200}).Draw(t, "size")
	seed := rapid.Byte().Draw(t, "seed")
	recs := make([][]byte, n)
	for i := range recs {
		recs[i] = bytes.Repeat([]byte{seed, seed + byte(i), 'x'}, size/3+i%3)
	}
	return recs
}

func (m *machine) append(t *rapid.T) {
	recs := drawRecords(t)
	time := m.twin.lastTime() + rapid.SampledFrom([]int64{-50, -1, 0, 0, 1, 17, 1 << 40}).Draw(t, "later")
	m.appendRecords(t, time, recs)
}

func (m *machine) appendRecords(t *rapid.T, time int64, recs [][]byte) {
	var payload []byte
	for _, r := range recs {
		payload = AppendRecord(payload, r)
	}
	stored, err := m.log.Append(m.twin.end(), time, payload, uint32(len(recs)))
	if err != nil {
		t.Fatalf("append: %v", err)
	}
	m.twin.append(time, recs)
	if stored != m.twin.lastTime() {
		t.Fatalf("stored time %d, want %d", stored, m.twin.lastTime())
	}
}

func (m *machine) sync(t *rapid.T) {
	pos, err := m.log.Sync()
	if err != nil {
		t.Fatalf("sync: %v", err)
	}
	if pos.Offset != m.twin.end() || pos.Time != m.twin.lastTime() {
		t.Fatalf("synced to %v, the twin is at offset %d time %d", pos, m.twin.end(), m.twin.lastTime())
	}
	decoded, err := DecodePosition(AppendPosition(nil, pos))
	if err != nil || decoded != pos {
		t.Fatalf("position %v comes back as %v, %v", pos, decoded, err)
	}
	m.synced = pos
}

// record is the owner's store becoming durable, some time after the sync.
func (m *machine) record(t *rapid.T) {
	if err := m.log.Recorded(m.synced); err != nil {
		t.Fatalf("recorded: %v", err)
	}
	m.recorded = m.synced
}

func (m *machine) seal(t *rapid.T) {
	before := m.log.Stats()
	ok, err := m.log.SealNext()
	if err != nil || ok != (before.Packable > 0) {
		t.Fatalf("seal: %v, %v, with %d to pack", ok, err, before.Packable)
	}
}

func (m *machine) trim(t *rapid.T) {
	to := rapid.Uint64Range(0, m.twin.end()).Draw(t, "to")
	if err := m.log.TrimBefore(to); err != nil {
		t.Fatalf("trim: %v", err)
	}
	m.twin.trimmed = max(m.twin.trimmed, to)
}

func (m *machine) read(t *rapid.T) {
	from := rapid.Uint64Range(0, m.twin.end()+2).Draw(t, "from")
	to := from + rapid.Uint64Range(0, 50).Draw(t, "n")
	maxBytes := rapid.SampledFrom([]int{0, 1, 100, 1000}).Draw(t, "maxBytes")
	at := from
	next, err := m.log.Read(from, to, maxBytes, func(offset uint64, time int64, rec []byte) error {
		if offset != at {
			return fmt.Errorf("offset %d after %d", offset, at)
		}
		at++
		return m.twin.same(offset, time, rec)
	})
	if from < m.twin.start() || to > m.twin.end() {
		if !errors.Is(err, ErrOutOfRange) || at != from {
			t.Fatalf("read %d to %d of %d to %d: %v", from, to, m.twin.start(), m.twin.end(), err)
		}
		return
	}
	if want := m.twin.read(from, to, maxBytes); err != nil || next != want || at != want {
		t.Fatalf("read %d to %d: got to %d, said %d, want %d: %v", from, to, at, next, want, err)
	}
}

func (m *machine) atTime(t *rapid.T) {
	millis := rapid.Int64Range(-1, 100).Draw(t, "millis")
	if n := len(m.twin.records); n > 0 {
		millis = m.twin.records[rapid.IntRange(0, n-1).Draw(t, "like")].time + rapid.Int64Range(-1, 1).Draw(t, "off")
	}
	got, err := m.log.OffsetAtTime(millis)
	if err != nil || got != m.twin.offsetAtTime(millis) {
		t.Fatalf("offset at %d: %d, %v, want %d", millis, got, err, m.twin.offsetAtTime(millis))
	}
}

// step moves one of the cursors, which live as long as the log is open.
func (m *machine) step(t *rapid.T) {
	if len(m.cursors) < 3 || rapid.IntRange(0, 9).Draw(t, "new") == 0 {
		from := rapid.Uint64Range(m.twin.start(), m.twin.end()).Draw(t, "from")
		m.cursors, m.places = append(m.cursors, m.log.NewCursor(from)), append(m.places, from)
	}
	i := rapid.IntRange(0, len(m.cursors)-1).Draw(t, "cursor")
	c := m.cursors[i]
	if rapid.IntRange(0, 4).Draw(t, "seek") == 0 {
		m.places[i] = rapid.Uint64Range(m.twin.start(), m.twin.end()).Draw(t, "to")
		c.Seek(m.places[i])
	}
	for range rapid.IntRange(1, 60).Draw(t, "steps") {
		if !c.Next() {
			m.stopped(t, i)
			return
		}
		if c.Offset() != m.places[i] {
			t.Fatalf("cursor at %d, want %d", c.Offset(), m.places[i])
		}
		if err := m.twin.same(c.Offset(), c.Time(), c.Record()); err != nil {
			t.Fatal(err)
		}
		m.places[i]++
	}
}

func (m *machine) stopped(t *rapid.T, i int) {
	c := m.cursors[i]
	if errors.Is(c.Err(), ErrOutOfRange) && m.places[i] < m.twin.start() {
		m.places[i] = m.twin.start()
		c.Seek(m.places[i])
		return
	}
	if c.Err() != nil || m.places[i] != m.twin.end() {
		t.Fatalf("cursor stopped at %d of %d: %v", m.places[i], m.twin.end(), c.Err())
	}
}

func (m *machine) close(t *rapid.T) {
	for _, c := range m.cursors {
		c.Close()
	}
	m.cursors, m.places = nil, nil
	if err := m.log.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

// reopen is a clean restart, or a process that was killed: all that was written
// is there, but the owner's store may know an older position.
func (m *machine) reopen(t *rapid.T) {
	m.close(t)
	pos := m.recorded
	if rapid.Bool().Draw(t, "newest") {
		pos = m.synced
	}
	m.open(t, pos)
}

// crash loses some of what was not synced.
func (m *machine) crash(t *rapid.T) {
	kept := rapid.SampledFrom([]int{0, 50, 100}).Draw(t, "kept")
	seed := rapid.Uint64().Draw(t, "dice")
	crashed := m.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(seed, 0))})
	m.close(t)
	m.fs = crashed
	m.open(t, m.recorded)
}

// open opens the log at pos, compares all of it, and then appends what was lost
// again, or something else.
func (m *machine) open(t *rapid.T, pos Position) {
	l, err := Open(m.fs, dir, m.opts, pos)
	if err != nil {
		t.Fatalf("open at %v: %v", pos, err)
	}
	m.log, m.synced, m.recorded = l, pos, pos
	lost := m.twin.records[pos.Offset:]
	m.twin.records = m.twin.records[:pos.Offset:pos.Offset]
	m.verify(t)
	if rapid.Bool().Draw(t, "replay") {
		for len(lost) > 0 {
			n := min(len(lost), rapid.IntRange(1, 20).Draw(t, "n"))
			for n > 1 && lost[n-1].time != lost[0].time {
				n--
			}
			recs := make([][]byte, n)
			for i := range recs {
				recs[i] = lost[i].data
			}
			m.appendRecords(t, lost[0].time, recs)
			lost = lost[n:]
		}
	}
}

// verify compares the whole log with its twin.
func (m *machine) verify(t *rapid.T) {
	start, end := m.log.Bounds()
	if start != m.twin.start() || end != m.twin.end() {
		t.Fatalf("log is %d to %d, twin %d to %d", start, end, m.twin.start(), m.twin.end())
	}
	if _, err := m.log.Read(start, end, 0, m.twin.same); err != nil {
		t.Fatalf("reading all: %v", err)
	}
}

// check runs Check on the files as they are, at the last position synced.
func (m *machine) check(t *rapid.T) {
	rep, err := Check(m.fs, dir, m.opts, m.synced)
	if err != nil || rep.End != m.synced.Offset {
		t.Fatalf("check: %+v, %v", rep, err)
	}
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{fs: vfs.NewCrashableMem(), opts: drawOptions(t)}
		m.open(t, Position{})
		t.Repeat(map[string]func(*rapid.T){
			"append":  m.append,
			"append2": m.append,
			"append3": m.append,
			"sync":    m.sync,
			"record":  m.record,
			"seal":    m.seal,
			"trim":    m.trim,
			"read":    m.read,
			"atTime":  m.atTime,
			"step":    m.step,
			"step2":   m.step,
			"reopen":  m.reopen,
			"crash":   m.crash,
			"check":   m.check,
		})
		m.verify(t)
		m.close(t)
	})
}
