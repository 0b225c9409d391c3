package stream

import "sync/atomic"

// Stats count what a topology did on all tasks of a worker. They may be read from
// anywhere.
type Stats struct {
	Records    atomic.Int64 // whose whole trees are done
	Events     atomic.Int64 // run
	Failed     atomic.Int64 // of those
	Hops       atomic.Int64
	Retries    atomic.Int64 // attempts that failed or ran out of time
	Throttled  atomic.Int64 // records met while too many were pending
	DepotReads atomic.Int64 // records read from a depot, to catch up
}

// Add adds what o counted.
func (s *Stats) Add(o *Stats) {
	s.Records.Add(o.Records.Load())
	s.Events.Add(o.Events.Load())
	s.Failed.Add(o.Failed.Load())
	s.Hops.Add(o.Hops.Load())
	s.Retries.Add(o.Retries.Load())
	s.Throttled.Add(o.Throttled.Load())
	s.DepotReads.Add(o.DepotReads.Load())
}
