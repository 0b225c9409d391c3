package segment

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// The codecs are kept for the life of the process; they hold no goroutine. One
// encoder works at a time, since packing is to disturb nobody. Decoders are as
// many as processors, since each reader of packed segments needs one.
var (
	encoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true))
		if err != nil {
			panic(err) // the options are constants
		}
		return e
	})
	decoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxZstdBytes),
			zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			panic(err)
		}
		return d
	})
)

// compress appends raw to dst, compressed, if that saves at least an eighth;
// else it says no, for then the time that reading costs buys nothing.
func compress(dst, raw []byte) ([]byte, bool) {
	if len(raw) > maxZstdBytes {
		return dst, false
	}
	out := encoder().EncodeAll(raw, dst)
	return out, len(out)-len(dst) <= len(raw)-len(raw)/8-1
}

// decompress decompresses stored into scratch, grown to rawLen bytes if need be.
// It gives false unless exactly rawLen bytes come out. The frame names its own
// length, and only if it is the header's are that many bytes allocated.
func decompress(scratch, stored []byte, rawLen int) ([]byte, bool) {
	var frame zstd.Header
	if frame.Decode(stored) != nil || !frame.HasFCS || frame.FrameContentSize != uint64(rawLen) {
		return scratch, false
	}
	if cap(scratch) < rawLen {
		scratch = make([]byte, 0, rawLen+rawLen/8)
	}
	raw, err := decoder().DecodeAll(stored, scratch[:0])
	if err != nil || len(raw) != rawLen {
		return scratch, false
	}
	return raw, true
}
