package segment

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// golden is the frozen spelling of two segments of log 0x1122334455667788: what
// two appends, one record at time 1000 and two at 2000, make, sealed, raw and
// packed. A change is a new format version.
var golden = struct{ raw, packed, start, position string }{
	raw: `
		524d5347 01 00 0000 8877665544332211 0000000000000000 0000000000000000 00000000 3b490f90
		524d424b 01 00 0000 0000000000000000 01000000 03000000 e803000000000000 e803000000000000 03000000 79df676a 026869
		524d424b 01 00 0000 0100000000000000 02000000 05000000 d007000000000000 d007000000000000 05000000 e686b0ce 0003616263
		00000000 28000000 e803000000000000
		524d4654 01 000000 0000000000000000 0300000000000000 e803000000000000 d007000000000000 9000000000000000 01000000 c53357aa`,
	packed: `
		524d5347 01 01 0000 8877665544332211 0000000000000000 0000000000000000 00000000 b629a8e8
		524d424b 01 00 0000 0000000000000000 03000000 0e000000 e803000000000000 d007000000000000 0e000000 fcaed192
		02 01 00 02 e807 026869 0003616263
		00000000 28000000 e803000000000000
		524d4654 01 000000 0000000000000000 0300000000000000 e803000000000000 d007000000000000 6600000000000000 01000000 8403e08b`,
	start:    `524d5354 01 000000 0200000000000000 a205cd72`,
	position: `01 03 88 01 04 b817`,
}

// zstdBlock is a block of log 0: 100 records of 20 bytes "a" at time 7,
// compressed. What the compressor makes may change; what it once made must stay
// readable.
const zstdBlock = `
	524d424b0101000000000000000000006400000034080000070000000000000007000000000000001600000050edff9e
	28b52ffd60340765000010146102001cc0e903128705`

func TestGoldenCompressedBlock(t *testing.T) {
	b := unhex(t, zstdBlock)
	r := blockReader{salt: saltOf(0), maxAhead: 1 << 10}
	r.seek(bytes.NewReader(b), "golden", 0, int64(len(b)), 0)
	h, stored, err := r.read()
	must(t, err)
	ts, records, err := r.decode(&h, stored)
	must(t, err)
	want := bytes.Repeat(AppendRecord(nil, bytes.Repeat([]byte("a"), 20)), 100)
	if h.codec != codecZstd || h.count != 100 || ts.next() != 7 || !bytes.Equal(records, want) {
		t.Fatalf("%+v: %q", h, records)
	}
}

func TestGoldenFiles(t *testing.T) {
	fs := vfs.NewMem()
	o := Options{ID: 0x1122334455667788, SegmentBytes: 100}
	l := mustOpen(t, fs, o, Position{})
	mustAppend(t, l, 1000, "hi")
	mustAppend(t, l, 2000, "", "abc")
	mustAppend(t, l, 3000, "next segment")
	pos := mustSync(t, l)
	sameHex(t, "raw segment", fileBytes(t, fs, "log/"+rawName(0)), golden.raw)

	must(t, l.Recorded(pos))
	if ok, err := l.SealNext(); !ok || err != nil {
		t.Fatalf("SealNext: %v, %v", ok, err)
	}
	sameHex(t, "packed segment", fileBytes(t, fs, "log/"+packedName(0, 3)), golden.packed)
	must(t, l.TrimBefore(2))
	sameHex(t, "start file", fileBytes(t, fs, "log/"+startName), golden.start)
	sameHex(t, "position", AppendPosition(nil, Position{Segment: 3, Bytes: 136, Offset: 4, Time: 3000}), golden.position)
}

func sameHex(t *testing.T, what string, got []byte, frozen string) {
	t.Helper()
	if want := unhex(t, frozen); string(got) != string(want) {
		t.Errorf("%s is\n%x, frozen as\n%x", what, got, want)
	}
}

func TestNewerVersionIsRefused(t *testing.T) {
	salt := saltOf(0)
	block := func(version byte) []byte {
		b := make([]byte, blockHeaderBytes, 64)
		b = AppendRecord(b, []byte("x"))
		putBlockHeader(b, &blockHeader{count: 1, rawLen: 2, storedLen: 2}, salt)
		b[4] = version
		return b
	}
	newer := block(2)
	h, _ := parseBlockHeader(newer)
	h.crc = blockChecksum(newer, salt)
	newer[44], newer[45], newer[46], newer[47] = byte(h.crc), byte(h.crc>>8), byte(h.crc>>16), byte(h.crc>>24)
	if err := readOne(newer); !errors.Is(err, ErrVersion) {
		t.Errorf("a block of version 2 with a good checksum: %v", err)
	}
	if err := readOne(block(2)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a block whose version byte was flipped: %v", err)
	}
	if err := readOne(block(1)); err != nil {
		t.Errorf("a block of version 1: %v", err)
	}
	header := appendFileHeader(nil, formRaw, 0, 0, 0)
	header[4] = 2
	if _, err := checkFileHeader(header, "f", formRaw, 0, 0); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a file whose version byte was flipped: %v", err)
	}
	binary.LittleEndian.PutUint32(header[36:], crc32.Checksum(header[:36], castagnoli))
	if _, err := checkFileHeader(header, "f", formRaw, 0, 0); !errors.Is(err, ErrVersion) {
		t.Errorf("a file of version 2: %v", err)
	}
	if _, err := DecodePosition([]byte{2, 0, 0, 0, 0}); !errors.Is(err, ErrVersion) {
		t.Errorf("a position of version 2: %v", err)
	}
}
