package engine

import (
	"fmt"
	"time"
)

// Apply waits here while the disk is behind: while too many full memtables wait
// for their flush, or while compaction has let the uppermost level grow too high.
//
// Pebble's own stall waits inside of a commit, holding the commit lock, and ends
// only when the backlog does. If flushes fail, that is never, and Close waits for
// the lock. Here a failure ends the wait.
//
// Asking Pebble costs some 50 us, so it is asked once a quarter of a memtable;
// Pebble's limits are out of reach, and what is written between two looks only
// makes the backlog that much longer.
type stall struct {
	sinceLook int           // bytes applied since the backlog was looked at
	relief    chan struct{} // one token: a flush or a compaction has ended
}

// relieved is called when a flush or compaction has ended.
func (s *Store) relieved() {
	select {
	case s.stall.relief <- struct{}{}:
	default:
	}
}

// makeRoom waits until the store can take bytes more.
func (s *Store) makeRoom(bytes int) error {
	s.stall.sinceLook += bytes
	if s.stall.sinceLook < s.o.MemTableSize/4 {
		return nil
	}
	s.stall.sinceLook = 0
	reason := s.backlog()
	if reason == "" {
		return nil
	}
	start := time.Now()
	s.count.stalls.Add(1)
	s.o.Logger.Warn("writes wait for the disk", "dir", s.dir, "reason", reason)
	for reason != "" {
		select {
		case <-s.stall.relief:
		case <-s.failed:
			return s.Err()
		}
		reason = s.backlog()
	}
	waited := time.Since(start)
	s.count.stallNanos.Add(uint64(waited))
	s.o.Logger.Info("writes go on", "dir", s.dir, "waited", waited)
	return nil
}

// backlog names what is behind, or returns "".
func (s *Store) backlog() string {
	m := s.db.Metrics()
	if n := int(m.MemTable.Size) / s.o.MemTableSize; n >= s.o.MemTableStop {
		return fmt.Sprintf("%d memtables wait for their flush", n)
	}
	if n := int(m.Levels[0].Sublevels); n >= s.o.L0Stop {
		return fmt.Sprintf("%d runs wait for compaction", n)
	}
	return ""
}
