package segment

import (
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// maxKeptBuffer bounds the buffers kept between calls.
const maxKeptBuffer = 1 << 20

// Append writes one block of count records, in the form of AppendRecord, with
// one write and no sync. base must be End(). A time that lies before the last
// one, or before 1970, is raised, so that times never decrease; the time that
// was stored is returned. records are not kept.
//
// After an error the log is as it was. Errors: ErrGap, ErrInvalid, ErrTooLarge,
// ErrHalted, and those of writing, after which the same append may be tried
// again.
func (l *Log) Append(base uint64, timeMillis int64, records []byte, count uint32) (int64, error) {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.checkAppend(base, records, count); err != nil {
		return 0, err
	}
	a := &l.active
	h := blockHeader{base: base, count: count, rawLen: uint32(len(records)), storedLen: uint32(len(records))}
	h.firstTime = max(timeMillis, a.lastTime)
	h.lastTime = h.firstTime

	var err error
	if a.handle == nil || a.cut || a.blocksEnd >= l.opts.SegmentBytes {
		err = l.appendSegment(&h, records)
	} else {
		err = l.appendBlock(&h, records)
	}
	if cap(l.write.buf) > maxKeptBuffer {
		l.write.buf = nil
	}
	return h.firstTime, err
}

func (l *Log) checkAppend(base uint64, records []byte, count uint32) error {
	switch err := l.mayWrite(); {
	case err != nil:
		return err
	case l.write.halted != nil:
		return l.write.halted
	case base != l.active.end:
		return fmt.Errorf("%w: %s ends at offset %d, the records begin at %d", ErrGap, l.dir, l.active.end, base)
	case count == 0:
		return fmt.Errorf("%w: append of no records", ErrInvalid)
	case base+uint64(count) < base:
		return fmt.Errorf("%w: %d records from offset %d on", ErrInvalid, count, base)
	case len(records) > MaxBlockBytes:
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(records), MaxBlockBytes)
	}
	return checkRecords(records, count)
}

// block puts prefix and a block together in the write buffer.
func (l *Log) block(prefix []byte, h *blockHeader, payload []byte) []byte {
	buf := append(l.write.buf[:0], prefix...)
	at := len(buf)
	var zero [blockHeaderBytes]byte
	buf = append(append(buf, zero[:]...), payload...)
	putBlockHeader(buf[at:], h, l.salt)
	l.write.buf = buf
	return buf
}

// appendBlock appends a block to the active segment.
func (l *Log) appendBlock(h *blockHeader, records []byte) error {
	a := &l.active
	if err := writeAt(a.handle, l.block(nil, h, records), a.blocksEnd); err != nil {
		return err
	}
	l.write.dirty = true
	l.mu.Lock()
	defer l.mu.Unlock()
	a.extend(h, a.blocksEnd, l.opts.IndexBytes)
	return nil
}

// extend makes a block at pos visible.
func (s *summary) extend(h *blockHeader, pos int64, spacing int) {
	s.index.add(s.base, pos, h, spacing)
	s.end, s.lastTime, s.blocksEnd = h.end(), h.lastTime, pos+h.bytes()
}

// appendSegment seals the active segment, if there is one, and begins another
// with a block. The new file joins the log when it is whole.
func (l *Log) appendSegment(h *blockHeader, records []byte) error {
	if err := l.writeFooter(); err != nil {
		return err
	}
	created, syncer, err := l.createSegment(h.base)
	if err != nil {
		return err
	}
	before := h.base
	if l.active.handle != nil {
		before = l.active.base
	}
	header := appendFileHeader(nil, formRaw, l.opts.ID, h.base, before)
	if err := writeAt(created, l.block(header, h, records), 0); err != nil {
		_, _ = created.release(), syncer.release()
		_ = l.remove(rawName(h.base)) // else the next attempt removes it
		return err
	}
	old := l.active
	next := activeSegment{handle: created, syncer: syncer, summary: summary{base: h.base, before: before, firstTime: h.firstTime}}
	next.extend(h, fileHeaderBytes, l.opts.IndexBytes)
	l.write.dirty, l.write.newFiles = true, true
	if old.handle != nil {
		l.write.unsynced = append(l.write.unsynced, old.syncer)
		l.opts.Cache.put(&sealed{key: cacheKey{log: l, base: old.base, form: formRaw}, handle: old.handle, summary: old.summary})
		defer old.release() // what the log itself held
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if old.handle != nil {
		l.segments = append(l.segments, sealedSegment{base: old.base, end: old.end, form: formRaw})
	}
	l.active = next
	return nil
}

// writeFooter writes the footer of the active segment, unless void bytes lie
// where it belongs. Written twice, after an append that failed, it is the same.
func (l *Log) writeFooter() error {
	a := &l.active
	if a.handle == nil || a.cut {
		return nil
	}
	l.write.buf = appendFooter(l.write.buf[:0], &a.summary, l.salt)
	l.write.dirty = true
	return writeAt(a.handle, l.write.buf, a.blocksEnd)
}

// createSegment creates a file that nobody can have linked: a new one.
func (l *Log) createSegment(base uint64) (created, syncer *handle, err error) {
	name := rawName(base)
	if err := l.remove(name); err != nil {
		return nil, nil, err
	}
	f, err := l.fs.OpenReadWrite(l.path(name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, nil, fmt.Errorf("creating %s: %w", l.path(name), err)
	}
	created = newHandle(f, l.path(name))
	if syncer, err = l.openSyncer(name); err != nil {
		_ = created.release()
	}
	return created, syncer, err
}

func writeAt(h *handle, b []byte, pos int64) error {
	n, err := h.file.WriteAt(b, pos)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("writing %s at byte %d: %w", h.name, pos, err)
	}
	return nil
}
