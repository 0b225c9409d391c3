package worp

import (
	"fmt"

	"github.com/klauspost/compress/s2"
)

// compressFrom is the length of payloads from which compression is tried, in
// bytes: below it the header of a block eats what little can be saved.
const compressFrom = 512

// pack makes the item of a frame: its payload compressed where that was agreed
// on and saves an eighth, its charge from the length before. It needs no lock.
func (c *Conn) pack(which int, f frame) item {
	it := item{f: f, charge: chargeOf(len(f.payload), c.lanes[which].window)}
	if !c.s2 || len(f.payload) <= compressFrom {
		return it
	}
	buf := scratch.Get().(*[]byte)
	if need := s2.MaxEncodedLen(len(f.payload)); cap(*buf) < need {
		*buf = make([]byte, need)
	}
	packed := s2.Encode((*buf)[:cap(*buf)], f.payload)
	if len(packed) > len(f.payload)-len(f.payload)/8 {
		putScratch(buf)
		return it
	}
	it.f.payload, it.f.flags, it.pooled = packed, it.f.flags|flagS2, buf
	return it
}

// unpackedLen is the length of the payload of f before compression. It trusts
// the block's own word, as unpack does.
func (c *Conn) unpackedLen(f frame) (int, error) {
	if f.flags&flagS2 == 0 {
		return len(f.payload), nil
	}
	if !c.s2 {
		return 0, errorf(CodeBadFrame, "%s is compressed, which was not agreed on", f.typ)
	}
	n, err := s2.DecodedLen(f.payload)
	switch {
	case err != nil:
		return 0, errorf(CodeBadFrame, "%s: %v", f.typ, err)
	case n > c.maxFrame:
		return 0, errorf(CodeFrameTooLong, "%s of %d bytes uncompressed, the limit is %d", f.typ, n, c.maxFrame)
	}
	return n, nil
}

// unpack returns the payload of f before compression.
func unpack(f frame) ([]byte, error) {
	if f.flags&flagS2 == 0 {
		return f.payload, nil
	}
	b, err := s2.Decode(nil, f.payload)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", CodeBadPayload, f.typ, err)
	}
	return b, nil
}
