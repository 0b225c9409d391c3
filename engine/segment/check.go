package segment

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Report is what Check saw.
type Report struct {
	Start, End uint64
	Segments   int   // with the active one
	Packed     int   // of them
	Blocks     int64 //
	Records    int64 // some may lie before Start
	Bytes      int64 // of the files, up to their last block
	NoFooter   int   // sealed segments whose index must be rebuilt; no damage
}

// Check verifies the log in dir up to pos: every checksum, that offsets are dense
// and times do not go back, over segments too, and that footers say what the
// blocks say. It changes no file. The error names each damaged segment, as
// ErrCorrupt; the report is of what is sound.
func Check(fs vfs.FS, dir string, o Options, pos Position) (Report, error) {
	l, err := OpenReadOnly(fs, dir, o, pos)
	if err != nil {
		return Report{}, err
	}
	defer l.Close()
	var rep Report
	rep.Start, rep.End = l.Bounds()
	var damage []error
	time := int64(0)
	for _, s := range l.segments {
		sum, err := l.checkSealed(s, &rep)
		if damage = append(damage, err); err != nil {
			continue
		}
		damage = append(damage, checkTime(l.path(s.name()), &time, &sum))
	}
	if l.active.handle != nil {
		sum, err := l.checkBlocks(l.active.handle, l.active.base, l.active.end, l.active.blocksEnd, &rep)
		if damage = append(damage, err); err == nil {
			damage = append(damage, checkTime(l.active.name, &time, &sum))
		}
	}
	return rep, errors.Join(damage...)
}

func checkTime(name string, time *int64, s *summary) error {
	if s.firstTime < *time {
		return corrupt(name, fileHeaderBytes, "time goes back from %d to %d", *time, s.firstTime)
	}
	*time = s.lastTime
	return nil
}

func (l *Log) checkSealed(s sealedSegment, rep *Report) (summary, error) {
	name := l.path(s.name())
	f, err := l.fs.Open(name)
	if err != nil {
		return summary{}, fmt.Errorf("opening %s: %w", name, err)
	}
	h := newHandle(f, name)
	defer h.release()
	if _, err := l.checkHeader(h, s.form, s.base); err != nil {
		return summary{}, err
	}
	size, err := h.size()
	if err != nil {
		return summary{}, err
	}
	sum, err := l.checkBlocks(h, s.base, s.end, size, rep)
	if err != nil {
		return sum, err
	}
	if s.form == formPacked {
		rep.Packed++
	}
	foot, ok, err := loadFooter(h, s.base, s.end, l.salt)
	if err == nil && ok {
		return sum, checkFooter(name, &foot, &sum)
	}
	rep.NoFooter++
	return sum, err
}

// checkBlocks verifies the blocks of a segment. The index of the summary it
// returns knows every block.
func (l *Log) checkBlocks(h *handle, base, end uint64, limit int64, rep *Report) (summary, error) {
	r := l.newReader()
	blocks, records := int64(0), int64(0)
	sum, err := scan(&r, h, base, end, limit, 1, func(head *blockHeader, stored []byte) error {
		_, recs, err := r.decode(head, stored)
		if err != nil {
			return err
		}
		if err := checkRecords(recs, head.count); err != nil {
			return corrupt(h.name, r.pos-head.bytes(), "%v", err)
		}
		blocks++
		records += int64(head.count)
		return nil
	})
	if err == nil {
		rep.Segments++
		rep.Blocks += blocks
		rep.Records += records
		rep.Bytes += sum.blocksEnd
	}
	return sum, err
}

// checkFooter compares a footer with what the blocks say. The checksum of the
// footer holds, so a difference is a fault of whoever wrote it.
func checkFooter(name string, foot, blocks *summary) error {
	known := make(map[entry]bool, len(blocks.index))
	for _, e := range blocks.index {
		known[e] = true
	}
	same := foot.firstTime == blocks.firstTime && foot.lastTime == blocks.lastTime && foot.blocksEnd == blocks.blocksEnd
	for _, e := range foot.index {
		same = same && known[e]
	}
	if !same {
		return corrupt(name, foot.blocksEnd, "the footer does not describe the blocks")
	}
	return nil
}
