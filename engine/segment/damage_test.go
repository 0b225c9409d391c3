package segment

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// sample is a closed log with every kind of file: packed segments, a raw one
// with its footer, one that Open cut, an active one, and a start file.
type sample struct {
	opts  Options
	pos   Position
	twin  twin
	files map[string][]byte
	clean Report
}

func newSample(t *testing.T) *sample {
	s := &sample{opts: Options{ID: 9, SegmentBytes: 500, PackBytes: 150, IndexBytes: 200, ReadBytes: 64}}
	fs := vfs.NewMem()
	l := mustOpen(t, fs, s.opts, Position{})
	add := func(n int, text string) {
		for i := range n {
			recs := [][]byte{fmt.Appendf(nil, "%s %d", strings.Repeat(text, 5), i), {}, []byte(text)}
			_, err := l.Append(s.twin.end(), s.twin.lastTime()+1, payloadOf(string(recs[0]), "", text), 3)
			must(t, err)
			s.twin.append(s.twin.lastTime()+1, recs)
		}
	}
	add(14, "packed ")
	must(t, l.Recorded(mustSync(t, l)))
	for ok := true; ok; {
		var err error
		ok, err = l.SealNext()
		must(t, err)
	}
	add(8, "raw ")
	at := mustSync(t, l)
	kept := s.twin
	add(3, "void ")
	must(t, l.TrimBefore(8))
	must(t, l.Close())
	s.twin = kept
	s.twin.trimmed = 8
	l = mustOpen(t, fs, s.opts, at)
	add(2, "active ")
	s.pos = mustSync(t, l)
	must(t, l.Close())

	names, err := fs.List(dir)
	must(t, err)
	s.files = map[string][]byte{}
	for _, name := range names {
		s.files[name] = fileBytes(t, fs, dir+"/"+name)
	}
	if s.clean, err = Check(fs, dir, s.opts, s.pos); err != nil {
		t.Fatal(err)
	}
	if s.clean.Packed < 2 || s.clean.NoFooter != 1 || s.clean.Segments < s.clean.Packed+3 || len(s.files) != s.clean.Segments+1 {
		t.Fatalf("the sample is not what the test needs: %+v, %d files", s.clean, len(s.files))
	}
	return s
}

func (s *sample) names() []string {
	var names []string
	for name := range s.files {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// with is the log with other bytes in a file; without, if they are nil.
func (s *sample) with(t *testing.T, name string, b []byte) *vfs.MemFS {
	fs := vfs.NewMem()
	must(t, fs.MkdirAll(dir, 0o755))
	for other, content := range s.files {
		if other == name {
			content = b
		}
		if content != nil {
			writeFile(t, fs, dir+"/"+other, content)
		}
	}
	return fs
}

// judge opens the damaged log and reads all of it, by offset and by time. Every
// answer must be right or ErrCorrupt. It reports whether damage was found, and
// whether Check found any.
func (s *sample) judge(t *testing.T, what string, fs vfs.FS) (found, checked bool) {
	t.Helper()
	rep, err := Check(fs, dir, s.opts, s.pos)
	checked = err != nil || rep.NoFooter > s.clean.NoFooter
	s.mayFail(t, what, err)
	l, err := OpenReadOnly(fs, dir, s.opts, s.pos)
	if err != nil {
		s.mayFail(t, what, err)
		return true, checked
	}
	defer l.Close()
	start, end := l.Bounds()
	if start != s.twin.start() || end != s.twin.end() {
		t.Fatalf("%s: log is %d to %d", what, start, end)
	}
	for at := start; at < end; at++ {
		_, err = l.Read(at, at+1, 0, s.twin.same)
		s.mayFail(t, what, err)
		found = found || err != nil
	}
	for millis := s.twin.records[start].time; millis <= s.twin.lastTime()+1; millis++ {
		got, err := l.OffsetAtTime(millis)
		s.mayFail(t, what, err)
		if want := s.twin.offsetAtTime(millis); err == nil && got != want {
			t.Fatalf("%s: offset at %d is %d, want %d", what, millis, got, want)
		}
	}
	return found, checked
}

func (s *sample) mayFail(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil && (!errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), dir+"/") || !strings.Contains(err.Error(), "byte ")) {
		t.Fatalf("%s: %v", what, err)
	}
}

// void is where the bytes of a file begin that are no part of the log.
func (s *sample) void(name string) int {
	i := strings.Index(string(s.files[name]), strings.Repeat("void ", 5))
	if i < 0 {
		return len(s.files[name])
	}
	return i - blockHeaderBytes - 2
}

// TestEveryBitCounts flips each bit of each file. Nothing wrong is ever read, and
// Check finds each flip below the position.
func TestEveryBitCounts(t *testing.T) {
	s := newSample(t)
	flips, found := 0, 0
	for _, name := range s.names() {
		for i := range s.files[name] {
			b := append([]byte(nil), s.files[name]...)
			bit := (i*5 + i/8) % 8
			b[i] ^= 1 << bit
			what := fmt.Sprintf("%s: bit %d of byte %d flipped", name, bit, i)
			read, checked := s.judge(t, what, s.with(t, name, b))
			if !checked && i < s.void(name) {
				t.Fatalf("%s: not found by Check", what)
			}
			if flips++; read {
				found++
			}
		}
	}
	t.Logf("%d flips, %d stopped a read", flips, found)
}

// TestLostParts cuts, empties, zeroes, exchanges and removes.
func TestLostParts(t *testing.T) {
	s := newSample(t)
	for _, name := range s.names() {
		whole := s.files[name]
		for n := 0; n < s.void(name); n += 1 + n%7 {
			what := fmt.Sprintf("%s cut to %d bytes", name, n)
			if _, checked := s.judge(t, what, s.with(t, name, whole[:n:n])); !checked {
				t.Fatalf("%s: not found by Check", what)
			}
			zeroed := append([]byte(nil), whole...)
			clear(zeroed[n:min(n+40, s.void(name))])
			what = fmt.Sprintf("%s zeroed from byte %d on", name, n)
			if _, checked := s.judge(t, what, s.with(t, name, zeroed)); !checked && string(zeroed) != string(whole) {
				t.Fatalf("%s: not found by Check", what)
			}
		}
		for _, other := range s.names() {
			if name != other {
				if found, checked := s.judge(t, name+" holds "+other, s.with(t, name, s.files[other])); !found || !checked {
					t.Fatalf("%s holds the bytes of %s: found by reads %v, by Check %v", name, other, found, checked)
				}
			}
		}
		if found, checked := s.judge(t, name+" is missing", s.with(t, name, nil)); !found || !checked {
			t.Fatalf("%s is missing: found by reads %v, by Check %v", name, found, checked)
		}
	}
}

// TestExchangedBlocks exchanges blocks of equal length within a file: each is
// whole, but not where it belongs.
func TestExchangedBlocks(t *testing.T) {
	for _, pack := range []bool{false, true} {
		s := &sample{opts: Options{PackBytes: 1, SegmentBytes: 400, IndexBytes: 1}, files: map[string][]byte{}}
		fs := vfs.NewMem()
		l := mustOpen(t, fs, s.opts, Position{})
		for i := range 8 {
			mustAppend(t, l, 1, fmt.Sprint("record ", i))
			s.twin.append(1, [][]byte{fmt.Append(nil, "record ", i)})
		}
		s.pos = mustSync(t, l)
		must(t, l.Recorded(s.pos))
		name := rawName(0)
		if pack {
			if ok, err := l.SealNext(); !ok || err != nil {
				t.Fatalf("seal: %v, %v", ok, err)
			}
			name = packedName(0, l.segments[0].end)
		}
		must(t, l.Close())
		names, err := fs.List(dir)
		must(t, err)
		for _, n := range names {
			s.files[n] = fileBytes(t, fs, dir+"/"+n)
		}
		const block = blockHeaderBytes + 9
		b := append([]byte(nil), s.files[name]...)
		copy(b[fileHeaderBytes:], s.files[name][fileHeaderBytes+block:][:block])
		copy(b[fileHeaderBytes+block:], s.files[name][fileHeaderBytes:][:block])
		if found, checked := s.judge(t, "blocks exchanged", s.with(t, name, b)); !found || !checked {
			t.Errorf("blocks of %s exchanged: found by reads %v, by Check %v", name, found, checked)
		}
	}
}

// TestBlockOfAnotherLog puts a block with the right offset and a good checksum
// from another log into this one.
func TestBlockOfAnotherLog(t *testing.T) {
	blockOf := func(id uint64) []byte {
		fs := vfs.NewMem()
		l := mustOpen(t, fs, Options{ID: id}, Position{})
		mustAppend(t, l, 5, "same")
		return fileBytes(t, fs, dir+"/"+rawName(0))
	}
	mine, other := blockOf(1), blockOf(2)
	mixed := append(append([]byte(nil), mine[:fileHeaderBytes]...), other[fileHeaderBytes:]...)
	pos := Position{Bytes: int64(len(mine)), Offset: 1, Time: 5}
	for what, b := range map[string][]byte{"block": mixed, "file": other} {
		fs := vfs.NewMem()
		must(t, fs.MkdirAll(dir, 0o755))
		writeFile(t, fs, dir+"/"+rawName(0), b)
		if _, err := Open(fs, dir, Options{ID: 1}, pos); !errors.Is(err, ErrCorrupt) {
			t.Errorf("a %s of another log: %v", what, err)
		}
	}
}
