package segment

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A segment file, drawn. Numbers are little endian; sizes are in bytes.
//
//	segment  = file header, block*, footer?, anything
//
//	file header, 40:
//	   0  4  "RMSG"
//	   4  1  version, 1
//	   5  1  form: 0 raw, 1 packed
//	   6  2  0
//	   8  8  id of the log
//	  16  8  base: the offset of the first record
//	  24  8  base of the segment before; its own, if it is the log's first
//	  32  4  0
//	  36  4  CRC32C of bytes 0 to 36
//
//	block header, 48:
//	   0  4  "RMBK"
//	   4  1  version, 1
//	   5  1  codec of the payload: 0 as it is, 1 zstd
//	   6  2  0
//	   8  8  base: the offset of the first record
//	  16  4  count of records, at least 1
//	  20  4  raw length of the payload
//	  24  8  time of the first record, milliseconds since 1970
//	  32  8  time of the last record
//	  40  4  stored length of the payload
//	  44  4  CRC32C of the log's id, bytes 0 to 44, and the stored payload
//	  48     the stored payload
//
//	payload, raw:
//	         times?   only if first and last time differ: uvarint number of
//	                  runs, then for each uvarint count of records, uvarint
//	                  milliseconds since the run before (the first: 0)
//	         records  count x (uvarint length, bytes)
//
//	footer, the last bytes of the file (footer.go):
//	         entry*   16 each
//	         trailer  56
//
// The id of the log is part of every checksum: a block of another log that comes
// to lie here is damage. A block that comes to lie elsewhere in its own log has
// the wrong base.
//
// Versions to come keep magic, version, lengths and checksum where they are.
// So the checksum is verified first, and a block of a newer version, which is
// refused with ErrVersion, can be told from one with a flipped bit.
//
// A file is believed up to where the next segment begins, and the last file up
// to the recorded position. Behind may lie anything, good old blocks as well. So
// each segment names the one before: were it only known that some segment begins
// at 7, and the file from 5 to 7 were lost, then old blocks behind the end of
// the file from 3 to 5 could pass for the records 5 and 6.
// The footer is a copy of what the blocks say: lost or damaged, it is rebuilt.
//
// The format is frozen: format_test.go holds golden bytes.
const (
	fileMagic  = "RMSG"
	blockMagic = "RMBK"
	version    = 1

	fileHeaderBytes  = 40
	blockHeaderBytes = 48

	codecNone = 0
	codecZstd = 1
)

// MaxBlockBytes bounds the records of one append, and with it what a reader
// must hold in memory at once.
const MaxBlockBytes = 64 << 20

// maxZstdBytes bounds the raw payload of a compressed block, so that a few bytes
// cannot make a reader allocate much. Larger records are stored as they are.
const maxZstdBytes = 4 << 20

// form says how a segment is written.
type form uint8

const (
	formRaw    form = 0
	formPacked form = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// saltOf is where the checksums of a log begin.
func saltOf(id uint64) uint32 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], id)
	return crc32.Checksum(b[:], castagnoli)
}

func appendFileHeader(dst []byte, f form, id, base, before uint64) []byte {
	at := len(dst)
	dst = append(dst, fileMagic...)
	dst = append(dst, version, byte(f), 0, 0)
	dst = binary.LittleEndian.AppendUint64(dst, id)
	dst = binary.LittleEndian.AppendUint64(dst, base)
	dst = binary.LittleEndian.AppendUint64(dst, before)
	dst = append(dst, 0, 0, 0, 0)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[at:], castagnoli))
}

// checkFileHeader checks that b, the first bytes of the file called name, begin
// the segment that is meant. It returns the base of the segment before.
func checkFileHeader(b []byte, name string, f form, id, base uint64) (before uint64, err error) {
	switch {
	case len(b) < fileHeaderBytes:
		return 0, corrupt(name, int64(len(b)), "file ends within its header")
	case string(b[:4]) != fileMagic:
		return 0, corrupt(name, 0, "no segment file: it begins with %x", b[:4])
	case binary.LittleEndian.Uint32(b[36:]) != crc32.Checksum(b[:36], castagnoli):
		return 0, corrupt(name, 0, "checksum of the file header")
	case b[4] != version:
		return 0, fmt.Errorf("%w: %s: byte 4: version %d, known is %d", ErrVersion, name, b[4], version)
	}
	if got := binary.LittleEndian.Uint64(b[8:]); got != id {
		return 0, corrupt(name, 8, "segment of log %#x, not of log %#x", got, id)
	}
	if got := binary.LittleEndian.Uint64(b[16:]); got != base {
		return 0, corrupt(name, 16, "segment begins at offset %d, not at %d", got, base)
	}
	if form(b[5]) != f || b[6]|b[7] != 0 || binary.LittleEndian.Uint32(b[32:]) != 0 {
		return 0, corrupt(name, 5, "form %d and reserved bytes do not fit the file's name", b[5])
	}
	return binary.LittleEndian.Uint64(b[24:]), nil
}

// blockHeader is what stands before the payload of a block.
type blockHeader struct {
	codec     uint8
	base      uint64
	count     uint32
	rawLen    uint32
	firstTime int64
	lastTime  int64
	storedLen uint32
	crc       uint32
	version   uint8
}

func (h *blockHeader) end() uint64  { return h.base + uint64(h.count) }
func (h *blockHeader) bytes() int64 { return blockHeaderBytes + int64(h.storedLen) }

// putBlockHeader writes h into b, the first bytes of a block whose payload is
// already there, with the block's checksum.
func putBlockHeader(b []byte, h *blockHeader, salt uint32) {
	copy(b, blockMagic)
	b[4], b[5], b[6], b[7] = version, h.codec, 0, 0
	binary.LittleEndian.PutUint64(b[8:], h.base)
	binary.LittleEndian.PutUint32(b[16:], h.count)
	binary.LittleEndian.PutUint32(b[20:], h.rawLen)
	binary.LittleEndian.PutUint64(b[24:], uint64(h.firstTime))
	binary.LittleEndian.PutUint64(b[32:], uint64(h.lastTime))
	binary.LittleEndian.PutUint32(b[40:], h.storedLen)
	binary.LittleEndian.PutUint32(b[44:], blockChecksum(b, salt))
}

// blockChecksum is the checksum of the whole block b.
func blockChecksum(b []byte, salt uint32) uint32 {
	return crc32.Update(crc32.Update(salt, castagnoli, b[:44]), castagnoli, b[blockHeaderBytes:])
}

// parseBlockHeader reads a block header. It believes nothing but the magic; the
// lengths bound what must be read before the checksum can be asked.
func parseBlockHeader(b []byte) (h blockHeader, ok bool) {
	if string(b[:4]) != blockMagic {
		return h, false
	}
	h = blockHeader{
		version:   b[4],
		codec:     b[5],
		base:      binary.LittleEndian.Uint64(b[8:]),
		count:     binary.LittleEndian.Uint32(b[16:]),
		rawLen:    binary.LittleEndian.Uint32(b[20:]),
		firstTime: int64(binary.LittleEndian.Uint64(b[24:])),
		lastTime:  int64(binary.LittleEndian.Uint64(b[32:])),
		storedLen: binary.LittleEndian.Uint32(b[40:]),
		crc:       binary.LittleEndian.Uint32(b[44:]),
	}
	maxRaw := uint32(MaxBlockBytes)
	if h.codec == codecZstd {
		maxRaw = maxZstdBytes
	}
	return h, h.storedLen <= MaxBlockBytes && h.rawLen <= maxRaw
}
