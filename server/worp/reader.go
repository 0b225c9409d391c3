package worp

import "io"

const (
	// minSlab and maxSlab bound the buffers that are read into, in bytes: small
	// for the many connections that say little, large enough for hundreds of
	// frames a system call on those that say much.
	minSlab = 8 << 10
	maxSlab = 64 << 10
	// minRead is the least room that is worth a read. It is also the size of the
	// buffer in front of a hijacked connection: a read of that much bypasses it.
	minRead = 4 << 10
	// maxSeen bounds the room that is made for a frame at once, in bytes.
	maxSeen = 1 << 20
)

// A frameReader cuts a stream into frames, many frames a read.
//
// A payload is a part of the slab that was read into, not a copy. Slabs are
// never written twice: what has been consumed is left to the garbage collector
// and a new slab is taken. So a payload, and every value that lies in it, stays
// good for as long as anyone holds it, and no one needs to give it back; a slab
// costs one allocation for hundreds of frames. The price is that a small payload
// which is kept keeps its slab: who keeps a value for long copies it.
//
// A length that is only claimed costs nothing: a slab grows as bytes arrive, or is
// as large as the largest frame that has come before.
type frameReader struct {
	src  io.Reader
	buf  []byte // buf[r:w] has been read and not consumed
	r, w int
	need int // bytes wanted from r on
	slab int // size of the next slab
	seen int // length of the largest frame so far, up to maxSeen

	maxFrame int
	sum      bool
}

func newFrameReader(src io.Reader, maxFrame int) *frameReader {
	return &frameReader{src: src, slab: minSlab, need: headerLen, maxFrame: maxFrame, sum: true}
}

// next returns the next frame if the buffer holds all of it.
func (fr *frameReader) next() (frame, bool, error) {
	f, n, ok, err := parseFrame(fr.buf[fr.r:fr.w], fr.maxFrame, fr.sum)
	if !ok {
		fr.need = n
		return f, false, err
	}
	fr.r += n
	if n > fr.seen {
		fr.seen = min(n, maxSeen)
	}
	return f, true, nil
}

// fill reads once.
func (fr *frameReader) fill() error {
	fr.makeRoom()
	n, err := fr.src.Read(fr.buf[fr.w:])
	fr.w += n
	if fr.w == len(fr.buf) && fr.slab < maxSlab {
		fr.slab *= 2
	}
	if n > 0 {
		return nil // an error that came with bytes comes again
	}
	if err == io.EOF && fr.w > fr.r {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (fr *frameReader) makeRoom() {
	have, room := fr.w-fr.r, len(fr.buf)-fr.w
	fits := fr.r+fr.need <= len(fr.buf)
	if room > 0 && (fits || room >= minRead) {
		return
	}
	size := fr.slab
	if fr.need > size {
		size = min(fr.need, max(size, 2*have, fr.seen))
	}
	next := make([]byte, size)
	copy(next, fr.buf[fr.r:fr.w])
	fr.buf, fr.r, fr.w = next, 0, have
}

// await returns the next frame, however many reads it takes. It serves the
// handshake.
func (fr *frameReader) await() (frame, error) {
	for {
		f, ok, err := fr.next()
		if ok || err != nil {
			return f, err
		}
		if err := fr.fill(); err != nil {
			return f, err
		}
	}
}
