package segment

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Open opens the log in dir as it was at pos, the position that the owner
// recorded: everything below is there, or Open says ErrCorrupt, with file and
// byte; what lies above is forgotten for good. The active segment is read whole.
// Of sealed ones it is checked that none is missing; their blocks are verified
// when they are read, and by Check.
//
// A zero pos begins an empty log, whatever the directory holds.
func Open(fs vfs.FS, dir string, o Options, pos Position) (*Log, error) {
	return open(fs, dir, o, pos, false)
}

// OpenReadOnly is Open for a log that is only read. It changes no file.
func OpenReadOnly(fs vfs.FS, dir string, o Options, pos Position) (*Log, error) {
	return open(fs, dir, o, pos, true)
}

func open(fsys vfs.FS, dir string, o Options, pos Position, readOnly bool) (*Log, error) {
	o, err := o.withDefaults()
	if err = errors.Join(err, pos.check()); err != nil {
		return nil, fmt.Errorf("opening %s: %w", dir, err)
	}
	l := &Log{fs: fsys, dir: dir, opts: o, salt: saltOf(o.ID), readOnly: readOnly, synced: pos, recorded: pos}
	if err := l.restore(pos); err != nil {
		_ = l.Close() // nothing was written
		return nil, err
	}
	return l, nil
}

// restore brings directory and memory to the state of pos.
func (l *Log) restore(pos Position) error {
	found, garbage, err := l.list()
	if err != nil {
		return err
	}
	start, err := l.readStart(pos.Bytes > 0)
	if err != nil {
		return err
	}
	l.start = start
	kept, dropped, err := choose(found, start, pos)
	if err != nil {
		return l.inDir(err)
	}
	if pos.Bytes == 0 {
		l.start = max(start, pos.Offset)
		l.active.summary = summary{base: pos.Offset, end: pos.Offset}
	} else if err = l.restoreSegments(kept, pos); err != nil {
		return err
	}
	if l.readOnly {
		return nil
	}
	for _, s := range dropped {
		garbage = append(garbage, s.name())
	}
	if err := l.tidy(garbage, pos.Bytes == 0); err != nil || l.start == start {
		return err
	}
	return l.writeStart(l.start)
}

// choose decides what of the segments found is the log at pos, the last of them
// the active one, and what goes: segments that were trimmed, that lie above pos,
// or of which there is a packed copy. Ends of raw segments are filled in.
func choose(found []sealedSegment, start uint64, pos Position) (kept, dropped []sealedSegment, err error) {
	if pos.Bytes == 0 {
		return nil, found, nil
	}
	for i, s := range found {
		isActive := s.base == pos.Segment && s.form == formRaw
		packedToo := i+1 < len(found) && found[i+1].base == s.base
		if isActive || s.base < pos.Segment && !packedToo {
			kept = append(kept, s)
		} else {
			dropped = append(dropped, s)
		}
	}
	last := len(kept) - 1
	if last < 0 || kept[last].base != pos.Segment {
		return nil, nil, corrupt(rawName(pos.Segment), 0, "file is missing; the log is recorded up to its byte %d", pos.Bytes)
	}
	first := last
	for first > 0 && kept[first].base > start {
		first--
	}
	if kept[first].base > start {
		return nil, nil, corrupt(kept[first].name(), 0, "a file before it is missing: it begins at offset %d, the log at %d", kept[first].base, start)
	}
	dropped, kept = append(dropped, kept[:first]...), kept[first:]
	return kept, dropped, fillEnds(kept, pos)
}

func fillEnds(kept []sealedSegment, pos Position) error {
	last := len(kept) - 1
	kept[last].end = pos.Offset
	for i := range kept[:last] {
		s, next := &kept[i], kept[i+1].base
		if s.form == formPacked && s.end != next {
			return corrupt(s.name(), 0, "a file behind it is missing: it ends at offset %d, the next begins at %d", s.end, next)
		}
		s.end = next
	}
	return nil
}

// inDir completes the file name of an error of choose, which knows no directory.
func (l *Log) inDir(err error) error {
	if c, ok := errors.AsType[*CorruptError](err); ok {
		c.File = l.path(c.File)
	}
	return err
}

// restoreSegments opens the active segment, the last of kept, and makes sure
// that raw segments before it reach up to the next, which must name them.
func (l *Log) restoreSegments(kept []sealedSegment, pos Position) error {
	last := len(kept) - 1
	l.segments = kept[:last:last]
	follows := func(i int, before uint64) error {
		if i == 0 || kept[i-1].form == formPacked || kept[i-1].base == before {
			return nil
		}
		return corrupt(l.path(kept[i].name()), 0, "a file before it is missing: that of offset %d", before)
	}
	for i, s := range l.segments {
		if s.form == formPacked && (i == 0 || kept[i-1].form == formPacked) {
			continue // the names tell
		}
		opened, err := l.openSealed(s)
		if err != nil {
			return err
		}
		_ = opened.release()
		if err := follows(i, opened.before); err != nil {
			return err
		}
	}
	h, err := l.openActive(rawName(kept[last].base))
	if err != nil {
		return err
	}
	l.active.handle = h
	if !l.readOnly {
		if l.active.syncer, err = l.openSyncer(rawName(kept[last].base)); err != nil {
			return err
		}
	}
	if err := l.restoreActive(pos); err != nil {
		return err
	}
	return follows(last, l.active.before)
}

func (l *Log) openActive(name string) (*handle, error) {
	path := l.path(name)
	var f vfs.File
	var err error
	if l.readOnly {
		f, err = l.fs.Open(path)
	} else {
		f, err = l.fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return newHandle(f, path), nil
}

// restoreActive verifies the active segment up to pos and builds its index.
func (l *Log) restoreActive(pos Position) error {
	h := l.active.handle
	size, err := h.size()
	if err != nil {
		return err
	}
	if size < pos.Bytes {
		return corrupt(h.name, size, "file ends here; the log is recorded up to byte %d", pos.Bytes)
	}
	before, err := l.checkHeader(h, formRaw, pos.Segment)
	if err != nil {
		return err
	}
	r := l.newReader()
	s, err := scan(&r, h, pos.Segment, pos.Offset, pos.Bytes, l.opts.IndexBytes, nil)
	if err != nil {
		return err
	}
	if s.blocksEnd != pos.Bytes || s.lastTime != pos.Time {
		return corrupt(h.name, s.blocksEnd, "offset %d is reached here at time %d; recorded are byte %d, time %d", pos.Offset, s.lastTime, pos.Bytes, pos.Time)
	}
	s.before = before
	l.active.summary, l.active.cut = s, size > pos.Bytes
	return nil
}

func (l *Log) checkHeader(h *handle, f form, base uint64) (before uint64, err error) {
	b, err := h.readAt(0, fileHeaderBytes)
	if err != nil {
		return 0, err
	}
	return checkFileHeader(b, h.name, f, l.opts.ID, base)
}

// tidy removes files that are no part of the log, and makes the directory of one
// that is new. No sync is needed here: Sync syncs the directory before it returns
// a position above, and below one nothing that comes back is believed.
func (l *Log) tidy(garbage []string, isNew bool) (err error) {
	if isNew {
		if l.base.dirs, err = l.makeDir(); err != nil {
			return err
		}
	}
	for _, name := range garbage {
		if err := l.remove(name); err != nil {
			return err
		}
	}
	l.write.newFiles = isNew || len(garbage) > 0
	return nil
}

// openSealed returns s ready for reading, retained for the caller.
func (l *Log) openSealed(s sealedSegment) (*sealed, error) {
	key := cacheKey{log: l, base: s.base, form: s.form}
	if found := l.opts.Cache.get(key); found != nil {
		return found, nil
	}
	name := l.path(s.name())
	f, err := l.fs.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	opened := &sealed{key: key, handle: newHandle(f, name)}
	if opened.summary, err = l.summarize(opened.handle, s); err != nil {
		_ = opened.release()
		return nil, err
	}
	l.opts.Cache.put(opened)
	if l.isClosed() { // Close may have emptied the cache just before
		l.opts.Cache.drop(l, func(uint64, form) bool { return true })
	}
	return opened, nil
}

// summarize reads the footer of s, or the blocks if it is of no use.
func (l *Log) summarize(h *handle, s sealedSegment) (summary, error) {
	before, err := l.checkHeader(h, s.form, s.base)
	if err != nil {
		return summary{}, err
	}
	sum, ok, err := loadFooter(h, s.base, s.end, l.salt)
	if sum.before = before; ok || err != nil {
		return sum, err
	}
	l.rebuilds.Add(1)
	size, err := h.size()
	if err != nil {
		return summary{}, err
	}
	r := l.newReader()
	sum, err = scan(&r, h, s.base, s.end, size, l.opts.IndexBytes, nil)
	sum.before = before
	return sum, err
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
