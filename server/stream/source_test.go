package stream

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rama"
)

var t0 = time.Unix(1000, 0)

// Whatever fails, gets lost or is restarted, every offset is done in the end, and
// low never falls. In the mode allAfter, each offset's last start comes after the
// last start of the one before.
func TestSourceFinishes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mode := rapid.SampledFrom([]rama.RetryMode{rama.RetryIndividual, rama.RetryAllAfter, rama.RetryNone}).Draw(t, "mode")
		end := rapid.Uint64Range(1, 12).Draw(t, "end")
		start := rapid.Uint64Range(0, end).Draw(t, "start")
		s := newSource(mode, progress{low: start}, 1)
		now := t0
		lastStart := map[uint64]int{}
		tries := map[uint64]int{}
		steps, low := 0, start
		var running []*tree
		step := func(calm bool) {
			steps++
			now = now.Add(time.Second)
			switch action := rapid.IntRange(0, 5).Draw(t, "action"); {
			case action <= 1 || calm && action == 5:
				if o, ok := s.choose(end, now); ok {
					tr := s.start(o, now.Add(time.Minute))
					tr.sum = 7
					running = append(running, tr)
					lastStart[o] = steps
					tries[o]++
				}
			case len(running) == 0:
			case action == 2 && !calm:
				i := rapid.IntRange(0, len(running)-1).Draw(t, "failing")
				s.fail(running[i].id, now)
				running = slices.Delete(running, i, i+1)
			case action == 3 && !calm: // its events are lost
				i := rapid.IntRange(0, len(running)-1).Draw(t, "lost")
				running = slices.Delete(running, i, i+1)
				for _, id := range s.expired(now.Add(2 * time.Minute)) {
					s.fail(id, now)
				}
			case action == 5: // a restart from what was saved
				s = newSource(mode, s.progress(), s.nextTree+100)
				running = nil
			default:
				i := rapid.IntRange(0, len(running)-1).Draw(t, "done")
				if tr := s.ack(running[i].id, 7); tr != nil && tr != running[i] {
					t.Fatalf("tree %d completed for %d", tr.id, running[i].id)
				}
				running = slices.Delete(running, i, i+1)
			}
			if s.low < low {
				t.Fatalf("low fell from %d to %d", low, s.low)
			}
			low = s.low
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			step(false)
		}
		for range 100_000 {
			if s.low == end && len(s.executing) == 0 {
				break
			}
			now = now.Add(time.Hour)
			for _, id := range s.expired(now) {
				s.fail(id, now)
			}
			if o, ok := s.choose(end, now); ok {
				steps++
				s.start(o, now.Add(time.Minute)).sum = 7
				lastStart[o] = steps
				tries[o]++
			}
			for _, tr := range s.executing {
				s.ack(tr.id, 7)
			}
		}
		if s.low != end || len(s.done) != 0 || len(s.trees) != 0 || len(s.failed) != 0 || len(s.tries) != 0 {
			t.Fatalf("not finished: %+v", s)
		}
		for o := start; o < end; o++ {
			if tries[o] == 0 && mode != rama.RetryNone {
				t.Fatalf("offset %d never ran", o)
			}
			if mode == rama.RetryAllAfter && o > start && lastStart[o] < lastStart[o-1] {
				t.Fatalf("offset %d ran last before its predecessor did", o)
			}
		}
	})
}

func TestTreeCompletesWhenAllIsReported(t *testing.T) {
	s := newSource(rama.RetryIndividual, progress{}, 1)
	tr := s.start(0, t0)
	tr.sum ^= 11                 // the root event is made
	s.ack(tr.id, 22^33)          // reports may overtake each other: a grandchild's parent
	s.ack(tr.id, 33)             // the grandchild
	if s.ack(tr.id, 44) != nil { // a leaf child of the root
		t.Fatal("complete without the root's report")
	}
	if s.ack(tr.id, 11^22^44) != tr || s.low != 1 {
		t.Fatal("not complete")
	}
	if s.ack(tr.id, 5) != nil {
		t.Fatal("a late report completed it again")
	}
}

func TestBackoff(t *testing.T) {
	s := newSource(rama.RetryIndividual, progress{}, 1)
	now := t0
	var waits []time.Duration
	for range 16 {
		o, ok := s.choose(1, now)
		if !ok {
			due, _ := s.nextDue()
			waits = append(waits, due.Sub(now))
			now = due
			o, _ = s.choose(1, now)
		}
		s.fail(s.start(o, now.Add(time.Hour)).id, now)
	}
	if !slices.IsSorted(waits) || waits[0] != firstDelay || waits[len(waits)-1] != lastDelay {
		t.Errorf("waits %v", waits)
	}
}

func TestProgressRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := progress{low: rapid.Uint64Range(0, 1<<62).Draw(t, "low")}
		for _, d := range rapid.SliceOfDistinct(rapid.Uint64Range(1, 1<<32-1), rapid.ID[uint64]).Draw(t, "done") {
			p.done = append(p.done, p.low+d)
		}
		slices.Sort(p.done)
		got, err := readProgress(p.value())
		if err != nil || got.low != p.low || !slices.Equal(got.done, p.done) {
			t.Fatalf("%+v comes back as %+v, %v", p, got, err)
		}
	})
}
