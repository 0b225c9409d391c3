package engine

import (
	"encoding/binary"
	"fmt"
	"math"
)

// An entry, drawn: what the tasks of a group write in one step of their log.
// Numbers have fixed widths and are little endian, so that a short entry cannot
// ask a reader for much memory.
//
//	01 kind1 instance4 sections4 section*
//
//	section  task4 records4 bytes4 appends4 body append*    in the order of tasks
//	append   object4 count4 offset8 millis8 bytes4 records
//
// The body of a section has bytes bytes and records records; body.go draws it.
// An append puts count records behind each other into a depot partition of the
// task, the first one at offset. Its records are, count times, a length (uvarint,
// shortest form) and that many bytes: a depot's block as it lies on disk, so that
// nobody encodes them again.
//
// An entry holds effects, never operations: every replica and every replay does
// the same, whatever code it runs.
const entryVersion = 1

const (
	entryHeader   = 1 + 1 + 4 + 4
	sectionHeader = 4 + 4 + 4 + 4
	appendHeader  = 4 + 4 + 8 + 8 + 4
)

// EntryKind says what an entry is for. The store applies all kinds alike.
type EntryKind uint8

// EntryEffects is the kind of the entries that carry a batch's effects.
const EntryEffects EntryKind = 1

// Entry is what the tasks of a group write in one step of their log.
type Entry struct {
	Kind     EntryKind
	Instance uint32 // of the module whose code wrote it
	Sections []Section
}

// Section is what one task writes in one entry.
type Section struct {
	Task    TaskID
	KV      []byte // a body, as Overlay.Cut returns it
	KVCount uint32 // the records in it
	Appends []Append
}

// Append is a run of records for one depot partition.
type Append struct {
	Object     ObjectID
	Offset     uint64 // of the first record
	TimeMillis int64  // since 1970
	Records    []byte // Count times: a length (uvarint) and that many bytes
	Count      uint32
}

func (s *Section) empty() bool { return len(s.KV) == 0 && len(s.Appends) == 0 }

func (s *Section) size() int {
	n := sectionHeader + len(s.KV)
	for i := range s.Appends {
		n += appendHeader + len(s.Appends[i].Records)
	}
	return n
}

// AppendEntry appends the bytes of e to dst. Sections that write nothing are left
// out. Sections that are not in the order of their tasks, or too large for their
// lengths, are a bug of the caller.
func AppendEntry(dst []byte, e *Entry) []byte {
	size, n, last := entryHeader, uint32(0), int64(-1)
	for i := range e.Sections {
		s := &e.Sections[i]
		if s.empty() {
			continue
		}
		if int64(s.Task) <= last || len(s.KV) > math.MaxUint32 {
			panic(fmt.Sprintf("engine: section of task %d behind that of task %d, or too large", s.Task, last))
		}
		last = int64(s.Task)
		size += s.size()
		n++
	}
	if cap(dst)-len(dst) < size {
		dst = append(make([]byte, 0, len(dst)+size), dst...)
	}
	dst = append(dst, entryVersion, byte(e.Kind))
	dst = binary.LittleEndian.AppendUint32(dst, e.Instance)
	dst = binary.LittleEndian.AppendUint32(dst, n)
	for i := range e.Sections {
		if s := &e.Sections[i]; !s.empty() {
			dst = appendSection(dst, s)
		}
	}
	return dst
}

func appendSection(dst []byte, s *Section) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, uint32(s.Task))
	dst = le.AppendUint32(dst, s.KVCount)
	dst = le.AppendUint32(dst, uint32(len(s.KV)))
	dst = le.AppendUint32(dst, uint32(len(s.Appends)))
	dst = append(dst, s.KV...)
	for i := range s.Appends {
		a := &s.Appends[i]
		dst = le.AppendUint32(dst, uint32(a.Object))
		dst = le.AppendUint32(dst, a.Count)
		dst = le.AppendUint64(dst, a.Offset)
		dst = le.AppendUint64(dst, uint64(a.TimeMillis))
		dst = le.AppendUint32(dst, uint32(len(a.Records)))
		dst = append(dst, a.Records...)
	}
	return dst
}

// DecodeEntry takes b, which may hold anything, apart. The bytes of e are those of
// b; its slices are used again. Everything is verified: that every length fits,
// that bodies hold nothing but their task's writes, as many as they say, and that
// records add up. It meets ErrInvalidEntry and ErrNewerFormat, and e is empty
// then.
func DecodeEntry(b []byte, e *Entry) error {
	err := decodeEntry(b, e)
	if err != nil {
		*e = Entry{Sections: e.Sections[:0]}
	}
	return err
}

func decodeEntry(b []byte, e *Entry) error {
	if len(b) > 0 && b[0] > entryVersion {
		return fmt.Errorf("%w: entry of version %d, this program knows %d", ErrNewerFormat, b[0], entryVersion)
	}
	d := fieldReader{b}
	head, ok := d.take(entryHeader)
	if !ok {
		return badEntry("ends early")
	}
	if head[0] != entryVersion || head[1] == 0 {
		return badEntry("begins with %x", head[:2])
	}
	e.Kind = EntryKind(head[1])
	e.Instance = binary.LittleEndian.Uint32(head[2:])
	n := uint64(binary.LittleEndian.Uint32(head[6:]))
	if n*sectionHeader > uint64(len(d.rest)) {
		return badEntry("%d sections in %d bytes", n, len(d.rest))
	}
	e.Sections = resize(e.Sections, int(n))
	last := int64(-1)
	for i := range e.Sections {
		s := &e.Sections[i]
		if err := d.section(s); err != nil {
			return err
		}
		if int64(s.Task) <= last || s.empty() {
			return badEntry("section of task %d is empty or behind that of task %d", s.Task, last)
		}
		last = int64(s.Task)
	}
	if len(d.rest) > 0 {
		return badEntry("%d bytes behind it", len(d.rest))
	}
	return nil
}

func badEntry(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalidEntry, fmt.Sprintf(format, args...))
}

// resize returns a slice of n, of old elements where there are enough: what they
// hold is used again.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// fieldReader takes fields off bytes that may hold anything.
type fieldReader struct{ rest []byte }

func (d *fieldReader) take(n uint64) ([]byte, bool) {
	if n > uint64(len(d.rest)) {
		return nil, false
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b, true
}

func (d *fieldReader) section(s *Section) error {
	le := binary.LittleEndian
	head, ok := d.take(sectionHeader)
	if !ok {
		return badEntry("section ends early")
	}
	s.Task, s.KVCount = TaskID(le.Uint32(head)), le.Uint32(head[4:])
	if s.KV, ok = d.take(uint64(le.Uint32(head[8:]))); !ok {
		return badEntry("body of task %d ends early", s.Task)
	}
	if err := checkBody(s.Task, s.KV, s.KVCount); err != nil {
		return fmt.Errorf("section of task %d: %w", s.Task, err)
	}
	n := uint64(le.Uint32(head[12:]))
	if n*appendHeader > uint64(len(d.rest)) {
		return badEntry("%d appends in %d bytes", n, len(d.rest))
	}
	s.Appends = resize(s.Appends, int(n))
	for i := range s.Appends {
		if err := d.append(&s.Appends[i]); err != nil {
			return fmt.Errorf("section of task %d: %w", s.Task, err)
		}
	}
	return nil
}

func (d *fieldReader) append(a *Append) error {
	le := binary.LittleEndian
	head, ok := d.take(appendHeader)
	if !ok {
		return badEntry("append ends early")
	}
	a.Object, a.Count = ObjectID(le.Uint32(head)), le.Uint32(head[4:])
	a.Offset, a.TimeMillis = le.Uint64(head[8:]), int64(le.Uint64(head[16:]))
	if a.Records, ok = d.take(uint64(le.Uint32(head[24:]))); !ok {
		return badEntry("records of object %d end early", a.Object)
	}
	if a.Count == 0 || a.Offset+uint64(a.Count) < a.Offset {
		return badEntry("%d records of object %d from offset %d", a.Count, a.Object, a.Offset)
	}
	rest := a.Records
	for n := a.Count; n > 0; n-- {
		if _, rest, ok = cutString(rest); !ok {
			return badEntry("record of object %d ends early", a.Object)
		}
	}
	if len(rest) > 0 {
		return badEntry("%d bytes behind the records of object %d", len(rest), a.Object)
	}
	return nil
}
