package task

import "sync/atomic"

// GroupStats count what a group did. They may be read from anywhere.
type GroupStats struct {
	Batches atomic.Int64 // entries proposed
	Bytes   atomic.Int64 // in them
	Applied atomic.Uint64
	Events  atomic.Int64 // events of tasks that succeeded
	Failed  atomic.Int64 // and that failed
}

func (s *GroupStats) cut(bytes int) {
	s.Batches.Add(1)
	s.Bytes.Add(int64(bytes))
}
