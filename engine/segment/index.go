package segment

import (
	"encoding/binary"
	"hash/crc32"
	"sort"
)

// entry says where a block lies.
type entry struct {
	offset uint32 // of its first record, from the base of the segment
	pos    uint32 // in the file
	time   int64  // of its first record
}

// index is a sparse list of the blocks of a segment, in order. The first block
// is always there.
type index []entry

// add notes a block, unless it lies close behind the last one noted.
func (ix *index) add(base uint64, pos int64, h *blockHeader, spacing int) {
	if n := len(*ix); n > 0 && pos-int64((*ix)[n-1].pos) < int64(spacing) {
		return
	}
	*ix = append(*ix, entry{offset: uint32(h.base - base), pos: uint32(pos), time: h.firstTime})
}

// atOffset is the last block noted that begins at or before offset, relative to
// the base.
func (ix index) atOffset(offset uint32) entry {
	return ix[max(0, sort.Search(len(ix), func(i int) bool { return ix[i].offset > offset })-1)]
}

// beforeTime is the last block noted that begins before millis, or the first.
func (ix index) beforeTime(millis int64) entry {
	return ix[max(0, sort.Search(len(ix), func(i int) bool { return ix[i].time >= millis })-1)]
}

// summary is what is known of a sealed segment without reading its blocks.
type summary struct {
	base, end           uint64
	before              uint64 // base of the segment before, by the file header
	firstTime, lastTime int64
	blocksEnd           int64 // where the footer begins, or would
	index               index
}

// The footer, drawn:
//
//	entry, 16:
//	   0  4  offset of the block's first record, from the segment's base
//	   4  4  position of the block
//	   8  8  time of its first record
//
//	trailer, 56, the last bytes of the file:
//	   0  4  "RMFT"
//	   4  1  version, 1
//	   5  3  0
//	   8  8  base
//	  16  8  end: the offset behind the last record
//	  24  8  time of the first record
//	  32  8  time of the last record
//	  40  8  position of the first entry: where the blocks end
//	  48  4  number of entries
//	  52  4  CRC32C of the log's id, the entries and bytes 0 to 52
//
// A footer is believed if the checksum holds and it ends where the next segment
// begins. It need not: a segment that Open cut may carry the footer of its
// former, longer self.
const (
	footerMagic  = "RMFT"
	trailerBytes = 56
	entryBytes   = 16
)

func appendFooter(dst []byte, s *summary, salt uint32) []byte {
	from := len(dst)
	for _, e := range s.index {
		dst = binary.LittleEndian.AppendUint32(dst, e.offset)
		dst = binary.LittleEndian.AppendUint32(dst, e.pos)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(e.time))
	}
	dst = append(dst, footerMagic...)
	dst = append(dst, version, 0, 0, 0)
	dst = binary.LittleEndian.AppendUint64(dst, s.base)
	dst = binary.LittleEndian.AppendUint64(dst, s.end)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(s.firstTime))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(s.lastTime))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(s.blocksEnd))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(s.index)))
	return binary.LittleEndian.AppendUint32(dst, crc32.Update(salt, castagnoli, dst[from:]))
}

// parseTrailer reads a trailer that ends a file of size bytes. Its checksum is
// not verified yet: it covers the entries too.
func parseTrailer(b []byte, size int64) (s summary, entries int, ok bool) {
	if len(b) != trailerBytes || string(b[:4]) != footerMagic || b[4] != version || b[5]|b[6]|b[7] != 0 {
		return s, 0, false
	}
	s = summary{
		base:      binary.LittleEndian.Uint64(b[8:]),
		end:       binary.LittleEndian.Uint64(b[16:]),
		firstTime: int64(binary.LittleEndian.Uint64(b[24:])),
		lastTime:  int64(binary.LittleEndian.Uint64(b[32:])),
		blocksEnd: int64(binary.LittleEndian.Uint64(b[40:])),
	}
	n := int64(binary.LittleEndian.Uint32(b[48:]))
	ok = n > 0 && s.blocksEnd >= fileHeaderBytes && s.blocksEnd == size-trailerBytes-n*entryBytes
	return s, int(n), ok
}

// parseFooter reads a whole footer of n entries, verified.
func parseFooter(b []byte, s summary, n int, salt uint32) (summary, bool) {
	crcAt := len(b) - 4
	if crc32.Update(salt, castagnoli, b[:crcAt]) != binary.LittleEndian.Uint32(b[crcAt:]) {
		return s, false
	}
	s.index = make(index, n)
	for i := range s.index {
		e := b[i*entryBytes:]
		s.index[i] = entry{
			offset: binary.LittleEndian.Uint32(e),
			pos:    binary.LittleEndian.Uint32(e[4:]),
			time:   int64(binary.LittleEndian.Uint64(e[8:])),
		}
	}
	return s, s.index[0].offset == 0 && s.index[0].pos == fileHeaderBytes
}

// loadFooter reads the footer of the segment h. It is false if there is none
// that describes the segment from base to end; an error is one of reading.
func loadFooter(h *handle, base, end uint64, salt uint32) (s summary, ok bool, err error) {
	size, err := h.size()
	if err != nil || size < fileHeaderBytes+trailerBytes {
		return s, false, err
	}
	b, err := h.readAt(size-trailerBytes, trailerBytes)
	if err != nil {
		return s, false, err
	}
	s, n, ok := parseTrailer(b, size)
	if !ok || s.base != base || s.end != end {
		return s, false, nil
	}
	if b, err = h.readAt(s.blocksEnd, int(size-s.blocksEnd)); err != nil {
		return s, false, err
	}
	s, ok = parseFooter(b, s, n, salt)
	return s, ok, nil
}

// scan reads and verifies the blocks of a segment from base to end, within the
// first limit bytes, and calls visit, if any, with each. So it rebuilds what a
// footer says.
func scan(r *blockReader, h *handle, base, end uint64, limit int64, spacing int, visit func(*blockHeader, []byte) error) (summary, error) {
	s := summary{base: base, end: end}
	r.seek(h.file, h.name, fileHeaderBytes, limit, base)
	for r.next < end {
		pos := r.pos
		head, stored, err := r.read()
		if err != nil {
			return s, err
		}
		if head.end() > end {
			return s, corrupt(h.name, pos, "block of offsets %d to %d reaches beyond offset %d, where the segment ends", head.base, head.end(), end)
		}
		if head.firstTime < s.lastTime {
			return s, corrupt(h.name, pos, "time goes back from %d to %d", s.lastTime, head.firstTime)
		}
		if len(s.index) == 0 {
			s.firstTime = head.firstTime
		}
		s.index.add(base, pos, &head, spacing)
		s.lastTime = head.lastTime
		if visit != nil {
			if err := visit(&head, stored); err != nil {
				return s, err
			}
		}
	}
	s.blocksEnd = r.pos
	return s, nil
}
