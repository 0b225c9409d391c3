package stream

import (
	"errors"
	"fmt"
	"time"

	"rama"
	"rama/depot"
	"rama/engine/value"
	"rama/paths"
	"rama/server/clock"
	"rama/server/task"
)

// running is a source of a topology at work on one depot partition: it feeds
// records to the pure state of source.go and carries out what that says.
type running struct {
	top    *Topology
	def    *rama.SourceDef
	index  int
	depot  *task.Depot
	src    *source
	cursor *depot.Cursor

	cursorAt uint64 // the record that the cursor reads next

	// fresh are records that were appended just now, in order, so that a topology
	// that keeps up never reads the depot. freshAt is the offset of the first.
	fresh   []value.Value
	freshAt uint64
	skipped map[uint64]struct{} // throttled records of a source that does not retry
	waiters map[uint64][]Waiter
	waiting int
	posted  bool // an event that pumps is on its way
	timer   clock.Timer
	timerAt time.Time
	saving  clock.Timer
}

// Source is a running source as appends see it.
type Source running

// pumpEvents bounds the records that one event starts, so that other categories
// get their turn.
const pumpEvents = 64

var (
	progressPath = rama.NewPath(paths.Key(paths.Arg(0)))
	savePath     = rama.NewPath(paths.Key(paths.Arg(0)), paths.TermVal(paths.Arg(1)))
)

// name is the key of the source's progress.
func (s *running) name() value.Value {
	if s.def.ID == "" {
		return value.String(s.def.Depot.Name)
	}
	return value.String(s.def.Depot.Name + " " + s.def.ID)
}

// resume goes on where the source was, or begins where its options say.
func (s *running) resume(firstTree uint64) error {
	p, found, err := s.saved()
	if err != nil {
		return err
	}
	if !found {
		p.low, err = s.depot.Part.OffsetAt(s.def.StartFrom, s.top.host.Clock().Now().UnixMilli())
		if err != nil {
			return err
		}
	}
	s.src = newSource(s.def.Retry, p, firstTree)
	if !found {
		s.save()
	}
	s.depot.OnCommit = append(s.depot.OnCommit, s.wake)
	s.wake()
	return nil
}

func (s *running) saved() (p progress, found bool, err error) {
	prog, err := progressPath.Program(nil)
	if err != nil {
		return p, false, err
	}
	s.top.eval.Args = []value.Value{s.name()}
	err = s.top.state.Select(s.top.task.Overlay, s.top.eval, prog, func(v value.Value) error {
		if v.IsNil() {
			return nil
		}
		found = true
		p, err = readProgress(v)
		return err
	})
	return p, found, err
}

// save writes the progress, as an event of its own.
func (s *running) save() {
	if s.saving != nil {
		s.saving.Stop()
		s.saving = nil
	}
	prog, err := savePath.Program(nil)
	if err == nil {
		p := s.src.progress()
		err = s.top.task.Run(func() error {
			s.top.eval.Args = []value.Value{s.name(), p.value()}
			return s.top.state.Transform(s.top.eval, prog)
		})
	}
	if err != nil && !errors.Is(err, task.ErrHalted) {
		s.top.log.Error("progress not saved", "topology", s.top.def.Name, "task", s.top.task.ID, "error", err)
	}
}

// Offer tells the source of a record that was appended just now; w may be nil.
// The record is not run in this call.
func (s *Source) Offer(offset uint64, rec value.Value, w Waiter) {
	r := (*running)(s)
	full := len(r.src.executing)+len(r.fresh) >= int(r.top.opts.maxExecuting.Int())
	if full {
		r.top.stats.Throttled.Add(1)
		if w != nil {
			w.Failed(r.top.def.Name, fmt.Errorf("%w: topology %s has %d records pending on task %d; the record is stored",
				rama.ErrThrottled, r.top.def.Name, len(r.src.executing)+len(r.fresh), r.top.task.ID))
		}
		if r.def.Retry == rama.RetryNone {
			if r.skipped == nil {
				r.skipped = map[uint64]struct{}{}
			}
			r.skipped[offset] = struct{}{}
		}
		r.wake()
		return
	}
	switch {
	case len(r.fresh) == 0 && r.src.next <= offset:
		r.fresh, r.freshAt = append(r.fresh, rec), offset
	case len(r.fresh) > 0 && r.freshAt+uint64(len(r.fresh)) == offset:
		r.fresh = append(r.fresh, rec)
	}
	if w != nil {
		if offset < r.src.next { // the source began beyond it
			w.Done(r.top.def.Name, value.Nil, false)
		} else {
			r.waiters[offset] = append(r.waiters[offset], w)
			r.waiting++
		}
	}
	r.wake()
}

// Waiting is the number of appends that wait for the source.
func (s *Source) Waiting() int { return s.waiting }

// wake arranges that the source looks what it can start.
func (s *running) wake() {
	if !s.posted {
		s.posted = true
		s.top.thread.Post(task.LowLatency, (*pumping)(s))
	}
}

// pumping is the event in which a source looks what it can start.
type pumping running

func (p *pumping) Run() { (*running)(p).pump() }

func (s *running) pump() {
	s.posted = false
	now := s.top.host.Clock().Now()
	for n := 0; ; n++ {
		if s.top.task.Group.Err() != nil || len(s.src.executing) >= int(s.top.opts.maxExecuting.Int()) {
			return
		}
		if start, _ := s.depot.Part.Info(); s.src.next < start {
			s.src.trimmed(start)
		}
		offset, ok := s.src.choose(s.depot.End(), now)
		if !ok {
			break
		}
		if _, skip := s.skipped[offset]; skip {
			delete(s.skipped, offset)
			s.src.skip()
			s.saveSoon()
			continue
		}
		if n == pumpEvents {
			s.wake()
			return
		}
		rec, ok := s.record(offset)
		if !ok {
			break
		}
		s.top.root(s, s.src.start(offset, now.Add(seconds(s.top.opts.timeout))), rec)
	}
	s.arm(now)
}

// record is the record at the offset, from memory or from the depot. There is
// none yet where it was neither kept nor committed: its commit wakes the source.
func (s *running) record(offset uint64) (value.Value, bool) {
	if n := len(s.fresh); n > 0 && offset >= s.freshAt {
		i := offset - s.freshAt
		if i < uint64(n) {
			rec := s.fresh[i]
			clear(s.fresh[:i+1])
			s.fresh, s.freshAt = s.fresh[i+1:], offset+1
			if len(s.fresh) == 0 {
				s.fresh = nil
			}
			return rec, true
		}
	}
	if _, end := s.depot.Part.Info(); offset >= end {
		return value.Nil, false
	}
	rec, err := s.read(offset)
	if err != nil {
		s.top.log.Error("a depot cannot be read", "topology", s.top.def.Name, "task", s.top.task.ID,
			"depot", s.def.Depot.Name, "offset", offset, "error", err)
		s.top.task.Group.Halt(err)
		return value.Nil, false
	}
	return rec, true
}

func (s *running) read(offset uint64) (value.Value, error) {
	if s.cursor == nil {
		s.cursor = s.depot.Part.NewCursor(offset)
	} else if s.cursorAt != offset {
		s.cursor.Seek(offset)
	}
	s.cursorAt = offset + 1
	if !s.cursor.Next() {
		return value.Nil, fmt.Errorf("record %d: %w", offset, errors.Join(s.cursor.Err(), depot.ErrOutOfRange))
	}
	s.top.stats.DepotReads.Add(1)
	return value.Decode(append([]byte(nil), s.cursor.Record().Data...))
}

// take takes a report about one of the source's trees.
func (s *running) take(r Report) {
	now := s.top.host.Clock().Now()
	if r.Err != "" {
		s.failed(r.Tree, errors.New(r.Err), now)
		return
	}
	tr := s.src.trees[r.Tree]
	if tr == nil {
		return
	}
	for _, v := range r.Returns {
		if err := s.fold(tr, v); err != nil {
			s.failed(r.Tree, err, now)
			return
		}
	}
	if s.src.ack(r.Tree, r.Xor) == nil {
		return
	}
	s.top.stats.Records.Add(1)
	s.tell(tr.offset, func(w Waiter) { w.Done(s.top.def.Name, tr.returned, tr.returns) })
	s.saveSoon()
	s.wake()
}

func (s *running) fold(tr *tree, v value.Value) (err error) {
	if s.def.AckReturn == nil {
		tr.returned, tr.returns = v, !v.IsNil()
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("ack return: panic: %v", p)
		}
	}()
	tr.returned, err = s.def.AckReturn(tr.returned, v)
	tr.returns = !tr.returned.IsNil()
	return err
}

// failed takes the failure of an attempt.
func (s *running) failed(id uint64, cause error, now time.Time) {
	tr, given := s.src.fail(id, now)
	if tr == nil {
		return
	}
	s.top.stats.Retries.Add(1)
	first := s.top.host.Options().Live(FailFirst, s.def.Depot.Name).Bool()
	if given || first {
		s.tell(tr.offset, func(w Waiter) {
			w.Failed(s.top.def.Name, fmt.Errorf("%w: %s: %w", rama.ErrTopologyFailed, s.top.def.Name, cause))
		})
	}
	if s.def.Retry == rama.RetryAllAfter {
		s.fresh = nil // they come again, from the depot
	}
	if given {
		s.saveSoon()
	}
	s.wake()
}

func (s *running) tell(offset uint64, f func(Waiter)) {
	ws := s.waiters[offset]
	delete(s.waiters, offset)
	s.waiting -= len(ws)
	for _, w := range ws {
		f(w)
	}
}

// saveSoon saves the progress when enough is done, or after a while.
func (s *running) saveSoon() {
	if s.src.sinceSave >= int(s.top.opts.saveRecords.Int()) {
		s.save()
		return
	}
	if s.saving == nil && s.src.sinceSave > 0 {
		s.saving = s.top.host.Clock().AfterFunc(seconds(s.top.opts.saveSeconds), func() {
			s.top.thread.Post(task.LowLatency, task.Func(func() {
				if s.saving = nil; s.src.sinceSave > 0 {
					s.save()
				}
			}))
		})
	}
}

// arm sets the timer for the next deadline or retry.
func (s *running) arm(now time.Time) {
	due, ok := s.src.nextDue()
	if !ok || (s.timer != nil && !s.timerAt.After(due)) {
		return
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timerAt = due
	s.timer = s.top.host.Clock().AfterFunc(due.Sub(now), func() {
		s.top.thread.Post(task.LowLatency, task.Func(s.tick))
	})
}

// tick gives up attempts whose time is over.
func (s *running) tick() {
	s.timer = nil
	now := s.top.host.Clock().Now()
	for _, id := range s.src.expired(now) {
		s.failed(id, fmt.Errorf("%w: not done after %v", rama.ErrTimeout, seconds(s.top.opts.timeout)), now)
	}
	s.arm(now)
	s.wake()
}

// drop gives the waiters back: the group stops.
func (s *running) drop(err error) {
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.saving != nil {
		s.saving.Stop()
	}
	if s.cursor != nil {
		s.cursor.Close()
	}
	for offset := range s.waiters {
		s.tell(offset, func(w Waiter) { w.Failed(s.top.def.Name, err) })
	}
}
