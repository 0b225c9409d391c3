package segment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"runtime"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// packedSample is a whole packed segment of log 0, to begin from.
func packedSample(tb testing.TB) []byte {
	fs := vfs.NewMem()
	l := mustOpen(tb, fs, Options{SegmentBytes: 1}, Position{})
	recs := make([]string, 50)
	for i := range recs {
		recs[i] = "aaaaaaaaaaaaaaaaaaaa"
	}
	mustAppend(tb, l, 7, recs...)
	mustAppend(tb, l, 8, "next")
	must(tb, l.Recorded(mustSync(tb, l)))
	if ok, err := l.SealNext(); !ok || err != nil {
		tb.Fatalf("seal: %v, %v", ok, err)
	}
	return fileBytes(tb, fs, dir+"/"+packedName(0, 50))
}

// FuzzBlocks reads bytes as the blocks of a segment. The checksums are put right
// first, for else nothing behind them is reached.
func FuzzBlocks(f *testing.F) {
	sample := packedSample(f)
	f.Add(sample[fileHeaderBytes:], true)
	f.Add(sample[fileHeaderBytes:], false)
	p := packer{opts: &Options{PackBytes: 1000}, sum: summary{blocksEnd: 1}}
	for i := range 9 {
		must(f, p.add(int64(i/2), bytes.Repeat([]byte("r"), i)))
	}
	must(f, p.flushBlock())
	f.Add(p.buf, true)
	f.Fuzz(func(t *testing.T, b []byte, repair bool) {
		if repair {
			b = repaired(b)
		}
		before := allocated()
		r := blockReader{salt: saltOf(0), maxAhead: 4 << 10}
		var next uint64
		if h, ok := firstHeader(b); ok {
			next = h.base
		}
		r.seek(bytes.NewReader(b), "fuzz", 0, int64(len(b)), next)
		for r.pos < r.limit {
			h, stored, err := r.read()
			if err != nil {
				mustBeDamage(t, err)
				break
			}
			if err := walk(&r, &h, stored); err != nil {
				mustBeDamage(t, err)
				break
			}
		}
		// A compressed block may come out as maxZstdBytes, in one scratch that
		// grows by an eighth more than needed; all else is in proportion.
		if used := allocated() - before; used > uint64(4*len(b))+3*maxZstdBytes {
			t.Fatalf("%d bytes of input took %d of memory", len(b), used)
		}
	})
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func firstHeader(b []byte) (blockHeader, bool) {
	if len(b) < blockHeaderBytes {
		return blockHeader{}, false
	}
	return parseBlockHeader(b)
}

// repaired puts the checksum of every block right.
func repaired(b []byte) []byte {
	b = bytes.Clone(b)
	for rest := b; ; {
		h, ok := firstHeader(rest)
		if !ok || h.bytes() > int64(len(rest)) {
			return b
		}
		block := rest[:h.bytes()]
		binary.LittleEndian.PutUint32(block[44:], blockChecksum(block, saltOf(0)))
		rest = rest[h.bytes():]
	}
}

// walk goes over the records and times of a block: times must stay between the
// first and the last and reach it, whatever the bytes are.
func walk(r *blockReader, h *blockHeader, stored []byte) error {
	ts, records, err := r.decode(h, stored)
	if err != nil {
		return err
	}
	if err := checkRecords(records, h.count); err != nil {
		return corrupt("fuzz", 0, "%v", err)
	}
	again, last := ts, h.firstTime
	for i := range min(h.count, 1<<16) {
		now := ts.next()
		if now < last || now > h.lastTime || i == 0 && now != h.firstTime || i == h.count-1 && now != h.lastTime {
			panic("times of a block that was accepted")
		}
		last = now
	}
	if again.before(h.lastTime+1) != h.count && h.lastTime+1 > 0 || again.before(h.firstTime) != 0 {
		panic("times by search")
	}
	return nil
}

func mustBeDamage(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
		t.Fatalf("%v is neither ErrCorrupt nor ErrVersion", err)
	}
}

// FuzzFooter gives bytes as a file whose footer is asked for.
func FuzzFooter(f *testing.F) {
	sample := packedSample(f)
	f.Add(sample, false)
	f.Add(sample[len(sample)-trailerBytes-entryBytes:], true)
	f.Fuzz(func(t *testing.T, b []byte, repair bool) {
		if s, _, ok := parseTrailer(b[max(0, len(b)-trailerBytes):], int64(len(b))); ok && repair {
			b = bytes.Clone(b)
			binary.LittleEndian.PutUint32(b[len(b)-4:], crc32.Update(saltOf(0), castagnoli, b[s.blocksEnd:len(b)-4]))
		}
		h := newHandle(vfs.NewMemFile(b), "fuzz")
		s, ok, err := loadFooter(h, 0, 50, saltOf(0))
		if err != nil {
			mustBeDamage(t, err)
		}
		if ok {
			again := appendFooter(nil, &s, saltOf(0))
			if !bytes.Equal(again, b[s.blocksEnd:]) {
				t.Fatalf("footer %x is read and written as %x", b[s.blocksEnd:], again)
			}
		}
	})
}

// FuzzPosition decodes bytes as a position; what is accepted comes back.
func FuzzPosition(f *testing.F) {
	f.Add(AppendPosition(nil, Position{Segment: 3, Bytes: 136, Offset: 4, Time: 3000}))
	f.Add(AppendPosition(nil, Position{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePosition(b)
		if err != nil {
			if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrVersion) {
				t.Fatal(err)
			}
			return
		}
		if again, err := DecodePosition(AppendPosition(nil, p)); err != nil || again != p {
			t.Fatalf("%v comes back as %v, %v", p, again, err)
		}
	})
}

// FuzzDirectory opens a log whose files are any bytes: the file called seg is
// both a raw segment and a packed one, before and at the position.
func FuzzDirectory(f *testing.F) {
	start := appendStart(nil, 0, saltOf(0))
	f.Add(packedSample(f), start, AppendPosition(nil, Position{Segment: 50, Bytes: 87, Offset: 51, Time: 8}))
	f.Add([]byte(fileMagic), start, AppendPosition(nil, Position{Bytes: 87, Offset: 51, Time: 8}))
	f.Fuzz(func(t *testing.T, seg, start, position []byte) {
		pos, err := DecodePosition(position)
		if err != nil || len(seg) > 1<<16 {
			return
		}
		fs := vfs.NewMem()
		must(t, fs.MkdirAll(dir, 0o755))
		for _, name := range []string{rawName(0), packedName(0, 50), rawName(50), rawName(pos.Segment)} {
			writeFile(t, fs, dir+"/"+name, seg)
		}
		writeFile(t, fs, dir+"/"+startName, start)
		_, checked := Check(fs, dir, Options{}, pos)
		l, err := Open(fs, dir, Options{}, pos)
		if err != nil {
			mustBeDamage(t, err)
			return
		}
		defer l.Close()
		from, to := l.Bounds()
		_, err = l.Read(from, to, 0, func(uint64, int64, []byte) error { return nil })
		if err != nil {
			mustBeDamage(t, err)
		}
		if checked == nil && err != nil {
			t.Fatalf("Check found nothing, reading %v", err)
		}
	})
}
