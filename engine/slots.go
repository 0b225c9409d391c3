package engine

import (
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// slots bounds the compactions of all stores of a process. Pebble would bound
// each store alone: eight stores on two cores would compact eight files at once
// while the task threads wait.
//
// A store that wants to compact asks TrySchedule and, refused, remembers that it
// waits. When a slot becomes free, the granter asks the stores and gives it to the
// one that needs it most.
//
// Locks: a store calls TrySchedule holding its own mutex, so mu comes after the
// mutexes of stores, and the granter must not hold mu when it calls a store. One
// granter does all the calls; Unregister waits until it is not inside the store
// that leaves.
type slots struct {
	limit int
	poke  chan struct{} // one token: something changed, look again
	quit  chan struct{}
	done  chan struct{}

	mu      sync.Mutex
	idle    sync.Cond // calling became nil
	running int
	members []*slotUser
	calling *slotUser // the store that the granter is inside of
}

// slotUser is one store's side of slots: Pebble's CompactionScheduler, and the
// handle of each of its compactions.
type slotUser struct {
	pool    *slots
	db      pebble.DBForCompaction
	running int
	gone    bool
}

var (
	_ pebble.CompactionScheduler   = (*slotUser)(nil)
	_ pebble.CompactionGrantHandle = (*slotUser)(nil)
)

func newSlots(limit int) *slots {
	s := &slots{limit: limit, poke: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	s.idle.L = &s.mu
	go s.grantLoop()
	return s
}

func (s *slots) close() {
	close(s.quit)
	<-s.done
}

func (s *slots) wake() {
	select {
	case s.poke <- struct{}{}:
	default:
	}
}

func (s *slots) grantLoop() {
	defer close(s.done)
	for {
		select {
		case <-s.poke:
			for s.grantOne() {
			}
		case <-s.quit:
			return
		}
	}
}

// grantOne gives one free slot to the store that needs it most, and reports
// whether it is worth trying again.
func (s *slots) grantOne() bool {
	s.mu.Lock()
	members := append([]*slotUser(nil), s.members...)
	s.mu.Unlock()

	var best *slotUser
	var bestNeed pebble.WaitingCompaction
	for _, u := range members {
		if !s.enter(u) {
			continue
		}
		waits, need := u.db.GetWaitingCompaction()
		s.leave()
		if waits && (best == nil || moreUrgent(need, bestNeed)) {
			best, bestNeed = u, need
		}
	}
	if best == nil || !s.enter(best) {
		return false
	}
	defer s.leave()
	if !best.take() {
		return false
	}
	if !best.db.Schedule(best) {
		best.give()
	}
	return true
}

// enter marks the granter as inside u, unless u has no use for a slot now.
func (s *slots) enter(u *slotUser) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.gone || !u.mayRun() {
		return false
	}
	s.calling = u
	return true
}

func (s *slots) leave() {
	s.mu.Lock()
	s.calling = nil
	s.mu.Unlock()
	s.idle.Broadcast()
}

func moreUrgent(a, b pebble.WaitingCompaction) bool {
	switch {
	case a.Optional != b.Optional:
		return !a.Optional
	case a.Priority != b.Priority:
		return a.Priority > b.Priority
	}
	return a.Score > b.Score
}

// mayRun is called with mu held. The store says how many compactions its backlog
// is worth; the pool says how many there are.
func (u *slotUser) mayRun() bool {
	return u.pool.running < u.pool.limit && u.running < u.db.GetAllowedWithoutPermission()
}

func (u *slotUser) take() bool {
	u.pool.mu.Lock()
	defer u.pool.mu.Unlock()
	if u.gone || !u.mayRun() {
		return false
	}
	u.running++
	u.pool.running++
	return true
}

func (u *slotUser) give() {
	u.pool.mu.Lock()
	u.running--
	u.pool.running--
	u.pool.mu.Unlock()
}

// Register is called by Pebble when the store has opened.
func (u *slotUser) Register(_ int, db pebble.DBForCompaction) {
	u.pool.mu.Lock()
	defer u.pool.mu.Unlock()
	u.db = db
	u.pool.members = append(u.pool.members, u)
}

// Unregister is called by Pebble, once, when the store closes. Compactions of it
// may still run and give their slots back later.
func (u *slotUser) Unregister() {
	s := u.pool
	s.mu.Lock()
	defer s.mu.Unlock()
	u.gone = true
	for i, m := range s.members {
		if m == u {
			s.members = append(s.members[:i], s.members[i+1:]...)
			break
		}
	}
	for s.calling == u {
		s.idle.Wait()
	}
}

// TrySchedule is called by Pebble, with the store's mutex held, when there is
// something to compact.
func (u *slotUser) TrySchedule() (bool, pebble.CompactionGrantHandle) {
	if !u.take() {
		return false, nil
	}
	return true, u
}

// UpdateGetAllowedWithoutPermission is called by Pebble after a flush, with the
// store's mutex held: the backlog has grown, so the store may be worth more slots.
func (u *slotUser) UpdateGetAllowedWithoutPermission() { u.pool.wake() }

// Done is called by Pebble when a compaction has ended.
func (u *slotUser) Done() {
	u.give()
	u.pool.wake()
}

// Started, MeasureCPU and CumulativeStats would pace a compaction while it runs.
func (u *slotUser) Started()                                            {}
func (u *slotUser) MeasureCPU(pebble.CompactionGoroutineKind)           {}
func (u *slotUser) CumulativeStats(_ pebble.CompactionGrantHandleStats) {}
