package stream

import (
	"container/heap"
	"slices"
	"time"

	"rama"
	"rama/engine/value"
)

// source is the pure state of one source of a topology on one depot partition.
// Time and offsets come in; what to start comes out. Offsets below low are done;
// above, done holds those that are; executing those that run; failed those that
// wait to be tried again. Offsets from next on were never started.
type source struct {
	retry     rama.RetryMode
	low, next uint64
	done      map[uint64]struct{}
	executing map[uint64]*tree
	trees     map[uint64]*tree // by id
	failed    retries
	tries     map[uint64]int // of offsets that failed, while they are not done
	deadlines []*tree        // by deadline: every tree has the same time
	nextTree  uint64
	sinceSave int // offsets done since the progress was saved
}

// tree is one attempt at one record.
type tree struct {
	id       uint64
	offset   uint64
	sum      uint64 // xor of the ids of events made and done
	try      int    // 0 for the first
	deadline time.Time
	over     bool // it completed, failed or was given up
	returned value.Value
	returns  bool // there was an ack return
}

// newSource returns the state of a source that is to go on at an offset.
// firstTree makes the ids of trees differ from those of earlier lives.
func newSource(retry rama.RetryMode, at progress, firstTree uint64) *source {
	s := &source{
		retry: retry, low: at.low, next: at.low, nextTree: firstTree,
		done: map[uint64]struct{}{}, executing: map[uint64]*tree{}, trees: map[uint64]*tree{}, tries: map[uint64]int{},
	}
	if retry != rama.RetryAllAfter { // there the order counts: what came after low runs again
		for _, o := range at.done {
			s.done[o] = struct{}{}
		}
	}
	s.skipDone()
	return s
}

// skipDone moves next over offsets that an earlier life did.
func (s *source) skipDone() {
	for {
		if _, ok := s.done[s.next]; !ok {
			return
		}
		s.next++
	}
}

// choose returns the offset to start next, below end: one whose retry is due
// before one that is new. ok is false where there is none.
func (s *source) choose(end uint64, now time.Time) (offset uint64, ok bool) {
	if len(s.failed) > 0 && !s.failed[0].due.After(now) {
		return s.failed[0].offset, true
	}
	return s.next, s.next < end && !s.waiting()
}

// start begins an attempt at an offset that choose returned.
func (s *source) start(offset uint64, deadline time.Time) *tree {
	if len(s.failed) > 0 && s.failed[0].offset == offset {
		heap.Pop(&s.failed)
	} else {
		s.next = offset + 1
		s.skipDone()
	}
	t := &tree{id: s.nextTree, offset: offset, try: s.tries[offset], deadline: deadline}
	s.nextTree++
	s.executing[offset] = t
	s.trees[t.id] = t
	s.deadlines = append(s.deadlines, t)
	return t
}

// skip counts the next offset as done without running it.
func (s *source) skip() {
	o := s.next
	s.next++
	s.skipDone()
	s.complete(o)
}

// trimmed says that the records below start are gone: those that were never
// started count as done.
func (s *source) trimmed(start uint64) {
	if s.low == s.next {
		s.low = start
	}
	for o := s.next; o < start && s.low < start; o++ {
		s.complete(o)
	}
	s.next = start
	s.skipDone()
}

// ack takes a report of an event. It returns the tree if that completes it.
func (s *source) ack(id, xor uint64) *tree {
	t := s.trees[id]
	if t == nil {
		return nil
	}
	if t.sum ^= xor; t.sum != 0 {
		return nil
	}
	s.end(t)
	s.complete(t.offset)
	return t
}

// end forgets an attempt.
func (s *source) end(t *tree) {
	t.over = true
	delete(s.trees, t.id)
	delete(s.executing, t.offset)
}

func (s *source) complete(offset uint64) {
	delete(s.tries, offset)
	s.done[offset] = struct{}{}
	s.sinceSave++
	for {
		if _, ok := s.done[s.low]; !ok {
			return
		}
		delete(s.done, s.low)
		s.low++
	}
}

// fail takes the failure of an attempt. Which offsets it gives back depends on
// the mode. given says that the record is given up.
func (s *source) fail(id uint64, now time.Time) (t *tree, given bool) {
	if t = s.trees[id]; t == nil {
		return nil, false
	}
	s.end(t)
	switch s.retry {
	case rama.RetryNone:
		s.complete(t.offset)
		return t, true
	case rama.RetryAllAfter:
		s.rewind(t.offset, now)
	default:
		s.tries[t.offset]++
		heap.Push(&s.failed, retry{t.offset, now.Add(backoff(s.tries[t.offset]))})
	}
	return t, false
}

// rewind starts everything from the offset on again, in order.
func (s *source) rewind(offset uint64, now time.Time) {
	for o, t := range s.executing {
		if o >= offset {
			s.end(t)
		}
	}
	for o := range s.done {
		if o >= offset {
			delete(s.done, o)
		}
	}
	s.tries[offset]++
	s.next = offset + 1
	s.failed = append(s.failed[:0], retry{offset, now.Add(backoff(s.tries[offset]))})
}

// waiting reports whether new records have to wait for the retry of an older one.
func (s *source) waiting() bool { return s.retry == rama.RetryAllAfter && len(s.failed) > 0 }

// expired returns the ids of attempts whose time is over.
func (s *source) expired(now time.Time) []uint64 {
	var ids []uint64
	for len(s.deadlines) > 0 && (s.deadlines[0].over || !s.deadlines[0].deadline.After(now)) {
		if t := s.deadlines[0]; !t.over {
			ids = append(ids, t.id)
		}
		s.deadlines[0] = nil
		s.deadlines = s.deadlines[1:]
	}
	return ids
}

// nextDue is when expired or choose has to be asked again, if nothing else
// happens.
func (s *source) nextDue() (at time.Time, ok bool) {
	for len(s.deadlines) > 0 && s.deadlines[0].over {
		s.deadlines = s.deadlines[1:]
	}
	if len(s.deadlines) > 0 {
		at, ok = s.deadlines[0].deadline, true
	}
	if len(s.failed) > 0 && (!ok || s.failed[0].due.Before(at)) {
		at, ok = s.failed[0].due, true
	}
	return at, ok
}

// The first tries follow at once: most failures are of the moment. A record that
// goes on failing must not keep the task busy.
const (
	promptTries = 3
	firstDelay  = 10 * time.Millisecond
	lastDelay   = 5 * time.Second
)

func backoff(tries int) time.Duration {
	if tries <= promptTries {
		return 0
	}
	return min(lastDelay, firstDelay<<min(tries-promptTries-1, 20))
}

// retry is an offset that waits to be tried again.
type retry struct {
	offset uint64
	due    time.Time
}

// retries is a heap by time, then by offset.
type retries []retry

func (r retries) Len() int { return len(r) }
func (r retries) Less(i, j int) bool {
	if !r[i].due.Equal(r[j].due) {
		return r[i].due.Before(r[j].due)
	}
	return r[i].offset < r[j].offset
}
func (r retries) Swap(i, j int) { r[i], r[j] = r[j], r[i] }
func (r *retries) Push(x any)   { *r = append(*r, x.(retry)) }
func (r *retries) Pop() any {
	x := (*r)[len(*r)-1]
	*r = (*r)[:len(*r)-1]
	return x
}

// progress is what is saved of a source: everything below low is done, and the
// offsets of done.
type progress struct {
	low  uint64
	done []uint64
}

// progress returns what to save now, and counts it as saved.
func (s *source) progress() progress {
	s.sinceSave = 0
	p := progress{low: s.low}
	for o := range s.done {
		p.done = append(p.done, o)
	}
	slices.Sort(p.done)
	return p
}
