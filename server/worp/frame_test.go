package worp

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// chunks is a reader that returns what it has in pieces of given sizes.
type chunks struct {
	b     []byte
	sizes []int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := len(c.b)
	if len(c.sizes) > 0 {
		n, c.sizes = min(n, c.sizes[0]), c.sizes[1:]
	}
	n = copy(p, c.b[:n])
	c.b = c.b[n:]
	return n, nil
}

func anyFrame(t *rapid.T) frame {
	size := rapid.OneOf(rapid.IntRange(0, 200), rapid.IntRange(0, 3*maxSlab)).Draw(t, "size")
	payload := bytes.Repeat([]byte{rapid.Byte().Draw(t, "fill")}, size)
	return frame{
		typ:     Type(rapid.SampledFrom([]byte{1, 5, 0x10, 0x11, 0x20, 0x7F, 0x80, 0xBF}).Draw(t, "type")),
		flags:   flags(rapid.ByteRange(0, 3).Draw(t, "flags")),
		call:    callID(rapid.Uint64().Draw(t, "call")),
		payload: payload,
	}
}

func sameFrame(a, b frame) bool {
	return a.typ == b.typ && a.flags == b.flags && a.call == b.call && bytes.Equal(a.payload, b.payload)
}

// Frames come out of a reader as they went in, however the stream is cut, and
// what was read before stays as it was.
func TestFrameReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sum := rapid.Bool().Draw(t, "sum")
		var stream []byte
		var want []frame
		for range rapid.IntRange(0, 20).Draw(t, "frames") {
			f := anyFrame(t)
			want = append(want, f)
			stream = appendFrame(stream, f, sum)
		}
		rd := newFrameReader(&chunks{stream, rapid.SliceOfN(rapid.OneOf(rapid.IntRange(1, 30), rapid.IntRange(1, 100_000)), 0, 50).Draw(t, "cuts")}, 1<<20)
		rd.sum = sum
		var got []frame
		for range want {
			f, err := rd.await()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, f)
		}
		for i := range want {
			if !sameFrame(got[i], want[i]) {
				t.Fatalf("frame %d of %d bytes came as %s of %d bytes", i, len(want[i].payload), got[i].typ, len(got[i].payload))
			}
		}
		if _, err := rd.await(); err != io.EOF {
			t.Fatalf("after the last frame: %v", err)
		}
	})
}

// One flipped bit is never read as a frame.
func TestFrameDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := appendFrame(nil, anyFrame(t), true)
		at := rapid.OneOf(rapid.IntRange(0, headerLen-1), rapid.IntRange(0, len(b)-1)).Draw(t, "byte")
		b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if f, _, ok, err := parseFrame(b, 1<<20, true); ok {
			t.Fatalf("read as %+v", f)
		} else if err != nil && !errors.Is(err, CodeBadFrame) && !errors.Is(err, CodeFrameTooLong) {
			t.Fatalf("error %v", err)
		}
	})
}

// A stream that breaks off within a frame is told from one that ends.
func TestFrameReaderCut(t *testing.T) {
	b := appendFrame(nil, frame{typ: TypeStatus, call: 1, payload: make([]byte, 100)}, true)
	for cut := range len(b) {
		_, err := newFrameReader(bytes.NewReader(b[:cut]), 1<<20).await()
		want := io.ErrUnexpectedEOF
		if cut == 0 {
			want = io.EOF
		}
		if err != want {
			t.Fatalf("after %d bytes: %v, want %v", cut, err, want)
		}
	}
}

// A length that is claimed costs nothing until bytes arrive.
func TestFrameReaderClaims(t *testing.T) {
	const claimed = 64 << 20
	head := appendFrame(nil, frame{typ: TypeAppend, call: 1}, true)
	head[0] = claimed >> 24
	rd := newFrameReader(&chunks{b: append(head, make([]byte, 100_000)...)}, claimed)
	if _, err := rd.await(); err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	if len(rd.buf) > 3*100_000 {
		t.Fatalf("%d bytes of buffer for 100,000 that came", len(rd.buf))
	}
}

func FuzzFrameReader(f *testing.F) {
	for _, g := range goldens {
		f.Add(appendFrame(nil, frame{g.typ, g.flags, g.call, g.msg.Append(nil)}, true), true)
		f.Add(appendFrame(nil, frame{g.typ, g.flags, g.call, g.msg.Append(nil)}, false), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, sum bool) {
		rd := newFrameReader(bytes.NewReader(b), 1<<16)
		rd.sum = sum
		consumed := 0
		for {
			fr, err := rd.await()
			if err != nil {
				break
			}
			again := appendFrame(nil, fr, sum)
			if !bytes.HasPrefix(b[consumed:], again) {
				t.Fatalf("at %d: read %x, which writes as %x", consumed, b[consumed:], again)
			}
			consumed += len(again)
		}
	})
}
