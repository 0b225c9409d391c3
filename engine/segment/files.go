package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"sort"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The directory of a log:
//
//	<base>.seg         a raw segment: active or sealed
//	<base>-<end>.pack  a packed segment
//	start              the first offset that can be read. It is there before
//	                   anything is durable, so a lost one is noticed
//	*.tmp              a file being written; removed by Open
//
// Base and end are decimal offsets of 20 digits. A packed segment names its end,
// so that Open sees gaps without reading it. If a segment is there in both
// forms, a crash came between renaming the packed one and removing the raw one,
// and the packed one is whole.
const (
	rawSuffix    = ".seg"
	packedSuffix = ".pack"
	tmpSuffix    = ".tmp"
	startName    = "start"
)

func (l *Log) path(name string) string { return l.fs.PathJoin(l.dir, name) }

func rawName(base uint64) string { return fmt.Sprintf("%020d%s", base, rawSuffix) }

func packedName(base, end uint64) string {
	return fmt.Sprintf("%020d-%020d%s", base, end, packedSuffix)
}

func (s *sealedSegment) name() string {
	if s.form == formPacked {
		return packedName(s.base, s.end)
	}
	return rawName(s.base)
}

// parseName reads the name of a segment file. A raw one has end 0: its name does
// not tell.
func parseName(name string) (s sealedSegment, ok bool) {
	if digits, is := strings.CutSuffix(name, rawSuffix); is {
		s.base, ok = parseOffset(digits)
		return s, ok
	}
	digits, is := strings.CutSuffix(name, packedSuffix)
	base, end, both := strings.Cut(digits, "-")
	if !is || !both {
		return s, false
	}
	s.form = formPacked
	var okEnd bool
	s.base, ok = parseOffset(base)
	s.end, okEnd = parseOffset(end)
	return s, ok && okEnd && s.base < s.end
}

func parseOffset(digits string) (uint64, bool) {
	if len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil
}

// list returns the segments and temporary files of the directory, the segments
// in order. A directory that is not there is empty.
func (l *Log) list() (segments []sealedSegment, temporary []string, err error) {
	names, err := l.fs.List(l.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("listing %s: %w", l.dir, err)
	}
	for _, name := range names {
		if s, ok := parseName(name); ok {
			segments = append(segments, s)
		} else if strings.HasSuffix(name, tmpSuffix) {
			temporary = append(temporary, name)
		}
	}
	sort.Slice(segments, func(i, j int) bool {
		a, b := segments[i], segments[j]
		return a.base < b.base || a.base == b.base && a.form < b.form
	})
	sort.Strings(temporary)
	return segments, temporary, nil
}

// The start file, drawn, 20 bytes:
//
//	 0  4  "RMST"
//	 4  1  version, 1
//	 5  3  0
//	 8  8  start
//	16  4  CRC32C of the log's id and bytes 0 to 16
const (
	startMagic = "RMST"
	startBytes = 20
)

func appendStart(dst []byte, start uint64, salt uint32) []byte {
	at := len(dst)
	dst = append(dst, startMagic...)
	dst = append(dst, version, 0, 0, 0)
	dst = binary.LittleEndian.AppendUint64(dst, start)
	return binary.LittleEndian.AppendUint32(dst, crc32.Update(salt, castagnoli, dst[at:]))
}

func parseStart(b []byte, name string, salt uint32) (uint64, error) {
	switch {
	case len(b) != startBytes || string(b[:4]) != startMagic:
		return 0, corrupt(name, 0, "no start file")
	case crc32.Update(salt, castagnoli, b[:16]) != binary.LittleEndian.Uint32(b[16:]):
		return 0, corrupt(name, 0, "checksum of the start file")
	case b[4] != version:
		return 0, fmt.Errorf("%w: %s: byte 4: version %d, known is %d", ErrVersion, name, b[4], version)
	}
	if b[5]|b[6]|b[7] != 0 {
		return 0, corrupt(name, 5, "reserved bytes of the start file")
	}
	return binary.LittleEndian.Uint64(b[8:]), nil
}

// readStart returns what the start file says: 0 if there is none and none is
// needed.
func (l *Log) readStart(needed bool) (uint64, error) {
	name := l.path(startName)
	f, err := l.fs.Open(name)
	switch {
	case isMissing(err) && needed:
		return 0, corrupt(name, 0, "file is missing")
	case isMissing(err):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("opening %s: %w", name, err)
	}
	l.base.hasStart = true
	h := newHandle(f, name)
	defer h.release()
	size, err := h.size()
	if err != nil {
		return 0, err
	}
	b, err := h.readAt(0, int(min(size, startBytes+1)))
	if err != nil {
		return 0, err
	}
	return parseStart(b, name, l.salt)
}

// ensureStart makes directory and start file of a new log durable.
func (l *Log) ensureStart() error {
	l.base.Lock()
	defer l.base.Unlock()
	if l.base.hasStart {
		return l.syncMade()
	}
	return l.putStart(l.trimmed())
}

// writeStart makes start durable: after a crash there is the old or the new one.
func (l *Log) writeStart(start uint64) error {
	l.base.Lock()
	defer l.base.Unlock()
	return l.putStart(start)
}

// putStart is writeStart with base held.
func (l *Log) putStart(start uint64) error {
	tmp, name := l.path(startName+tmpSuffix), l.path(startName)
	f, err := l.fs.Create(tmp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("creating %s: %w", tmp, err)
	}
	_, err = f.Write(appendStart(nil, start, l.salt))
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = l.fs.Rename(tmp, name)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := syncDir(l.fs, l.dir); err != nil {
		return err
	}
	l.base.hasStart = true
	return l.syncMade()
}

// syncMade syncs the directories that were made, with base held.
func (l *Log) syncMade() error {
	for _, dir := range l.base.dirs {
		if err := syncDir(l.fs, dir); err != nil {
			return err
		}
	}
	l.base.dirs = nil
	return nil
}

func syncDir(f vfs.FS, dir string) error {
	d, err := f.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("opening directory %s: %w", dir, err)
	}
	err = d.Sync()
	if e := d.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("syncing directory %s: %w", dir, err)
	}
	return nil
}

// makeDir makes the directory of the log. It returns those to be synced before
// anything in them is durable: the parent of each that was missing, and the
// directory's own parent in any case, since a process may have been killed
// between making and syncing it.
func (l *Log) makeDir() ([]string, error) {
	toSync := []string{l.fs.PathDir(l.dir)}
	for dir := toSync[0]; ; {
		_, err := l.fs.Stat(dir)
		up := l.fs.PathDir(dir)
		if err == nil || up == dir {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("looking for %s: %w", dir, err)
		}
		dir = up
		toSync = append(toSync, dir)
	}
	if err := l.fs.MkdirAll(l.dir, 0o755); err != nil {
		return nil, fmt.Errorf("making %s: %w", l.dir, err)
	}
	return toSync, nil
}

// remove removes a file of the log; that there is none is no error.
func (l *Log) remove(name string) error {
	err := l.fs.Remove(l.path(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing %s: %w", l.path(name), err)
	}
	return nil
}
