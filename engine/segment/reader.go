package segment

import (
	"errors"
	"fmt"
	"io"
)

// blockReader reads the blocks of one file in order, through a window that
// grows while reading goes on and is small for a reader that wants one record.
type blockReader struct {
	src  io.ReaderAt
	name string
	salt uint32

	pos   int64  // of the next block
	limit int64  // blocks end here at the latest; never read beyond
	next  uint64 // the base that the next block must have

	ahead    int // bytes to read at once
	maxAhead int

	window []byte // bytes of the file, from start on
	start  int64
	raw    []byte // scratch: a payload decompressed
}

// firstReadBytes is what a reader that has just found its place reads at once.
const firstReadBytes = 16 << 10

// seek makes r read from the block at pos, which must begin with the record
// next, in the blocks below limit of src.
func (r *blockReader) seek(src io.ReaderAt, name string, pos, limit int64, next uint64) {
	r.src, r.name = src, name
	r.pos, r.limit, r.next = pos, limit, next
	r.window, r.start = r.window[:0], pos
	r.ahead = min(firstReadBytes, r.maxAhead)
}

// read returns the next block, verified, with its payload as it is stored: valid
// until the next call. There must be one: the end of a file is where its owner
// says, and to run into limit is corruption.
func (r *blockReader) read() (h blockHeader, stored []byte, err error) {
	if h, err = r.header(); err != nil {
		return h, nil, err
	}
	b, err := r.peek(int(h.bytes()))
	if err != nil {
		return h, nil, err
	}
	if blockChecksum(b, r.salt) != h.crc {
		return h, nil, r.corrupt("checksum of the block")
	}
	if h.version != version {
		return h, nil, fmt.Errorf("%w: %s: byte %d: version %d, known is %d", ErrVersion, r.name, r.pos, h.version, version)
	}
	if b[6]|b[7] != 0 || h.count == 0 || h.end() < h.base || h.firstTime < 0 || h.lastTime < h.firstTime ||
		(h.codec == codecNone && h.rawLen != h.storedLen) {
		return h, nil, r.corrupt("block header contradicts itself")
	}
	r.advance(&h)
	return h, b[blockHeaderBytes:], nil
}

// skipTo passes over blocks that end at or below offset. Only their headers are
// looked at and not believed: a wrong one leads to a block with a wrong base, or
// to none, and what read then returns is verified.
func (r *blockReader) skipTo(offset uint64) error {
	for r.next <= offset {
		h, err := r.header()
		if err != nil {
			return err
		}
		if h.end() > offset {
			return nil
		}
		if h.count == 0 || h.end() < h.base {
			return r.corrupt("block header contradicts itself")
		}
		r.advance(&h)
	}
	return nil
}

// header returns the header of the next block, its place in the log checked.
func (r *blockReader) header() (blockHeader, error) {
	b, err := r.peek(blockHeaderBytes)
	if err != nil {
		return blockHeader{}, err
	}
	h, ok := parseBlockHeader(b)
	switch {
	case !ok:
		return h, r.corrupt("no block header")
	case h.base != r.next:
		return h, r.corrupt("block begins at offset %d, not at %d", h.base, r.next)
	case h.bytes() > r.limit-r.pos:
		return h, r.corrupt("block of %d bytes reaches beyond byte %d", h.bytes(), r.limit)
	}
	return h, nil
}

func (r *blockReader) advance(h *blockHeader) {
	r.pos += h.bytes()
	r.next = h.end()
}

// decode takes a block that read returned apart. What it returns is valid until
// the next call of read or decode. The block lies before r.pos.
func (r *blockReader) decode(h *blockHeader, stored []byte) (times, []byte, error) {
	raw, ok := stored, h.codec == codecNone
	if h.codec == codecZstd {
		raw, ok = decompress(r.raw, stored, int(h.rawLen))
		r.raw = raw[:0]
	}
	if !ok {
		return times{}, nil, corrupt(r.name, r.pos-h.bytes(), "payload of codec %d", h.codec)
	}
	t, records, ok := openTimes(h, raw)
	if !ok {
		return times{}, nil, corrupt(r.name, r.pos-h.bytes(), "times of the records")
	}
	return t, records, nil
}

// peek returns n bytes from r.pos on, reading ahead if they are not there yet.
func (r *blockReader) peek(n int) ([]byte, error) {
	at := int(min(r.pos-r.start, int64(len(r.window)))) // a block skipped may reach behind the window
	if have := r.window[at:]; r.pos-r.start == int64(at) && len(have) >= n {
		return have[:n:n], nil
	}
	if int64(n) > r.limit-r.pos {
		return nil, r.corrupt("no block: %d bytes are left up to byte %d", r.limit-r.pos, r.limit)
	}
	if err := r.fill(at, n); err != nil {
		return nil, err
	}
	return r.window[:n:n], nil
}

// fill slides the window to r.pos, keeping what it holds from index at on, and
// reads at least n bytes.
func (r *blockReader) fill(at, n int) error {
	kept := 0
	if r.pos == r.start+int64(at) {
		kept = copy(r.window, r.window[at:])
	}
	size := int(min(int64(max(n, r.ahead)), r.limit-r.pos))
	r.ahead = min(2*r.ahead, r.maxAhead)
	if cap(r.window) < size {
		grown := make([]byte, size)
		copy(grown, r.window[:kept])
		r.window = grown
	}
	r.window, r.start = r.window[:size], r.pos
	got, err := r.src.ReadAt(r.window[kept:], r.pos+int64(kept))
	r.window = r.window[:kept+got]
	if kept+got == size {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return corrupt(r.name, r.pos+int64(kept+got), "file ends here, not at byte %d", r.limit)
	}
	r.window = r.window[:0] // nothing of a failed read is kept
	return fmt.Errorf("reading %s at byte %d: %w", r.name, r.pos, err)
}

func (r *blockReader) corrupt(format string, args ...any) error {
	return corrupt(r.name, r.pos, format, args...)
}
