package segment

import (
	"encoding/binary"
	"fmt"
)

// Position says up to where a log is durable. The zero Position is the beginning
// of an empty log; one with only an Offset, the beginning of an empty log whose
// first record gets that offset.
type Position struct {
	Segment uint64 // base of the segment in which the log ends
	Bytes   int64  // of that segment; 0 if there is none yet
	Offset  uint64 // that the next record gets
	Time    int64  // of the last record, milliseconds since 1970
}

// The encoding: one byte version, 1; then Segment, Bytes, Offset and Time, each a
// uvarint. It has no checksum: the store that keeps it has one.
const positionVersion = 1

// AppendPosition appends the encoding of p to dst.
func AppendPosition(dst []byte, p Position) []byte {
	dst = append(dst, positionVersion)
	dst = binary.AppendUvarint(dst, p.Segment)
	dst = binary.AppendUvarint(dst, uint64(p.Bytes))
	dst = binary.AppendUvarint(dst, p.Offset)
	return binary.AppendUvarint(dst, uint64(p.Time))
}

// DecodePosition reads what AppendPosition wrote: all of b. Errors are
// ErrInvalid and ErrVersion.
func DecodePosition(b []byte) (Position, error) {
	if len(b) == 0 {
		return Position{}, fmt.Errorf("%w: empty position", ErrInvalid)
	}
	if b[0] != positionVersion {
		return Position{}, fmt.Errorf("%w: position of version %d, known is %d", ErrVersion, b[0], positionVersion)
	}
	var n [4]uint64
	rest := b[1:]
	for i := range n {
		v, w := binary.Uvarint(rest)
		if w <= 0 {
			return Position{}, fmt.Errorf("%w: position %x", ErrInvalid, b)
		}
		n[i], rest = v, rest[w:]
	}
	p := Position{Segment: n[0], Bytes: int64(n[1]), Offset: n[2], Time: int64(n[3])}
	if len(rest) > 0 {
		return Position{}, fmt.Errorf("%w: %d bytes behind a position", ErrInvalid, len(rest))
	}
	return p, p.check()
}

func (p Position) check() error {
	empty := p.Bytes == 0 && p.Segment == p.Offset && p.Time == 0
	some := p.Bytes > fileHeaderBytes+blockHeaderBytes && p.Segment < p.Offset && p.Time >= 0
	if !empty && !some {
		return fmt.Errorf("%w: position %v", ErrInvalid, p)
	}
	return nil
}

func (p Position) String() string {
	return fmt.Sprintf("segment %d byte %d offset %d time %d", p.Segment, p.Bytes, p.Offset, p.Time)
}
