package segment

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// SealNext packs the oldest sealed segment that is still raw: it is copied into
// large compressed blocks, in a file that then takes its place. It reports
// whether there was one. Only segments below the recorded position are packed.
//
// It takes a fraction of a second for a segment of 64 MiB, holds up neither
// appends nor reads, and may be called from any goroutine. After an error, as
// after a crash, the raw segment is there; if it is damaged, the error is
// ErrCorrupt.
func (l *Log) SealNext() (bool, error) {
	l.seal.Lock()
	defer l.seal.Unlock()
	if err := l.mayWrite(); err != nil {
		return false, err
	}
	seg, ok := l.beginPacking()
	if !ok {
		return false, nil
	}
	packed := sealedSegment{base: seg.base, end: seg.end, form: formPacked}
	tmp := packed.name() + tmpSuffix
	err := l.pack(seg, tmp)
	if err == nil {
		err = l.install(tmp, packed.name())
	} else {
		_ = l.remove(tmp) // else the next attempt writes over it, or Open removes it
	}
	l.endPacking(seg.base, err == nil)
	if err != nil {
		return false, fmt.Errorf("packing: %w", err)
	}
	l.opts.Cache.drop(l, func(base uint64, f form) bool { return base == seg.base && f == formRaw })
	return true, l.remove(seg.name())
}

// beginPacking picks a segment and keeps TrimBefore off it.
func (l *Log) beginPacking() (sealedSegment, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.segments {
		if s := &l.segments[i]; s.form == formRaw && s.base < l.recorded.Segment {
			s.packing = true
			return *s, true
		}
	}
	return sealedSegment{}, false
}

func (l *Log) endPacking(base uint64, packed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.segments {
		if s := &l.segments[i]; s.base == base {
			s.packing = false
			if packed {
				s.form = formPacked
			}
		}
	}
}

// pack writes the packed form of seg to the file called tmp and syncs it.
func (l *Log) pack(seg sealedSegment, tmp string) error {
	source, err := l.openSealed(seg)
	if err != nil {
		return err
	}
	defer source.release()
	name := l.path(tmp)
	f, err := l.fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("creating %s: %w", name, err)
	}
	p := packer{out: f, opts: &l.opts, salt: l.salt, sum: summary{base: seg.base, end: seg.base}}
	p.buf = appendFileHeader(nil, formPacked, l.opts.ID, seg.base, source.before)
	err = l.copyRecords(&p, source)
	if err == nil {
		err = p.finish()
	}
	if e := f.Close(); err == nil && e != nil {
		err = fmt.Errorf("closing %s: %w", name, e)
	}
	return err
}

// copyRecords gives all records of source to p.
func (l *Log) copyRecords(p *packer, source *sealed) error {
	r := l.newReader()
	_, err := scan(&r, source.handle, source.base, source.end, source.blocksEnd, l.opts.IndexBytes, func(h *blockHeader, stored []byte) error {
		if l.isClosed() {
			return fmt.Errorf("%w: %s", ErrClosed, l.dir)
		}
		t, records, err := r.decode(h, stored)
		if err != nil {
			return err
		}
		for range h.count {
			rec, rest, ok := CutRecord(records)
			if !ok {
				return corrupt(source.name, r.pos-h.bytes(), "records of the block")
			}
			if err := p.add(t.next(), rec); err != nil {
				return err
			}
			records = rest
		}
		return nil
	})
	return err
}

// install puts the file called tmp in its place, durably.
func (l *Log) install(tmp, name string) error {
	if err := l.fs.Rename(l.path(tmp), l.path(name)); err != nil {
		return fmt.Errorf("renaming %s: %w", l.path(tmp), err)
	}
	return syncDir(l.fs, l.dir)
}

// packer gathers records into blocks and writes them to a file.
type packer struct {
	out  vfs.File
	opts *Options
	salt uint32
	buf  []byte  // of the file, not yet written
	sum  summary // blocksEnd: where buf ends in the file

	records []byte // of the block being gathered
	runs    []run
	count   uint32
	raw     []byte // scratch
	stored  []byte
}

// run is count records of one time.
type run struct {
	count uint32
	time  int64
}

const (
	packerWriteBytes = 1 << 20
	runBytes         = 8 // of a run in the payload, about; it only decides where a block ends
)

func (p *packer) add(time int64, rec []byte) error {
	if p.count > 0 && len(p.records)+len(rec)+runBytes*len(p.runs) > p.opts.PackBytes {
		if err := p.flushBlock(); err != nil {
			return err
		}
	}
	if n := len(p.runs); n > 0 && p.runs[n-1].time == time {
		p.runs[n-1].count++
	} else {
		p.runs = append(p.runs, run{count: 1, time: time})
	}
	p.records = AppendRecord(p.records, rec)
	p.count++
	return nil
}

// payload is the raw payload of the block gathered.
func (p *packer) payload() []byte {
	if len(p.runs) == 1 {
		return p.records
	}
	p.raw = binary.AppendUvarint(p.raw[:0], uint64(len(p.runs)))
	at := p.runs[0].time
	for _, r := range p.runs {
		p.raw = binary.AppendUvarint(p.raw, uint64(r.count))
		p.raw = binary.AppendUvarint(p.raw, uint64(r.time-at))
		at = r.time
	}
	p.raw = append(p.raw, p.records...)
	return p.raw
}

func (p *packer) flushBlock() error {
	raw := p.payload()
	h := blockHeader{base: p.sum.end, count: p.count, rawLen: uint32(len(raw))}
	h.firstTime, h.lastTime = p.runs[0].time, p.runs[len(p.runs)-1].time
	stored, ok := compress(p.stored[:0], raw)
	p.stored = stored
	if h.codec = codecZstd; !ok {
		h.codec, stored = codecNone, raw
	}
	h.storedLen = uint32(len(stored))
	if len(p.sum.index) == 0 {
		p.sum.firstTime, p.sum.blocksEnd = h.firstTime, int64(len(p.buf))
	}
	at := len(p.buf)
	var zero [blockHeaderBytes]byte
	p.buf = append(append(p.buf, zero[:]...), stored...)
	putBlockHeader(p.buf[at:], &h, p.salt)
	p.sum.extend(&h, p.sum.blocksEnd, p.opts.IndexBytes)
	p.records, p.runs, p.count = p.records[:0], p.runs[:0], 0
	if len(p.buf) < packerWriteBytes {
		return nil
	}
	return p.write()
}

func (p *packer) write() error {
	if _, err := p.out.Write(p.buf); err != nil {
		return fmt.Errorf("writing a packed segment: %w", err)
	}
	p.buf = p.buf[:0]
	return nil
}

// finish writes what is left, and the footer, and syncs.
func (p *packer) finish() error {
	if err := p.flushBlock(); err != nil {
		return err
	}
	p.buf = appendFooter(p.buf, &p.sum, p.salt)
	if err := p.write(); err != nil {
		return err
	}
	if err := p.out.Sync(); err != nil {
		return fmt.Errorf("syncing a packed segment: %w", err)
	}
	return nil
}
