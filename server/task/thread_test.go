package task

import (
	"io"
	"log/slog"
	"math"
	"math/rand"
	"testing"

	"rama/engine/value"
	"rama/server/option"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func weights(pairs ...any) value.Value {
	b := value.NewBuilder(value.KindMap, 0)
	for i := 0; i < len(pairs); i += 2 {
		b.Put(value.MustOf(pairs[i]), value.MustOf(pairs[i+1]))
	}
	return b.Done()
}

// Under contention every category gets its share of the time, whatever its
// events cost, and a category that was idle is not owed what it did not use.
func TestShares(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	var s shares
	s.configure(weights("client", 1.0, "low.latency", 3.0, "flex.latency", 6.0))
	run := func(n int) (used [Categories]float64) {
		for range n {
			c, ok := s.next()
			if !ok {
				t.Fatal("nothing to do")
			}
			ns := 100 + rng.Int63n(1000)*int64(c)
			s.spent(c, ns)
			used[c] += float64(ns)
		}
		return used
	}
	check := func(used [Categories]float64, want map[Category]float64) {
		t.Helper()
		total, sum := 0.0, 0.0
		for _, u := range used {
			total += u
		}
		for _, w := range want {
			sum += w
		}
		for c, w := range want {
			if got := used[c] / total; math.Abs(got-w/sum) > 0.01 {
				t.Errorf("%s got %.3f of the time, want %.3f", c, got, w/sum)
			}
		}
	}
	s.wake(Client)
	s.wake(LowLatency)
	run(5000)
	s.wake(FlexLatency)
	check(run(50000), map[Category]float64{Client: 1, LowLatency: 3, FlexLatency: 6})
	s.configure(weights("client", 2.0, "low.latency", 1.0, "flex.latency", 1.0))
	for c := range s.used {
		s.used[c] = 0
	}
	check(run(50000), map[Category]float64{Client: 2, LowLatency: 1, FlexLatency: 1})
	s.rest(Client)
	s.rest(LowLatency)
	check(run(1000), map[Category]float64{FlexLatency: 1})
}

// A thread keeps the configured shares, also when they change while it runs.
func TestThreadShares(t *testing.T) {
	reg := option.NewRegistry(nil)
	set := func(v value.Value) {
		if err := reg.Set(option.Setting{Name: Proportions.Name, Source: option.Operator, Value: v}); err != nil {
			t.Fatal(err)
		}
	}
	set(weights("client", 1.0, "low.latency", 3.0))
	var nanos int64 // the events' own time: they run on the thread alone
	th := NewThread(ThreadOptions{Name: "test", Options: reg, Log: quiet(), Nanos: func() int64 { return nanos }})
	defer th.Stop()

	// Each event posts its successor, so both categories always have work.
	measure := func() float64 {
		var used [Categories]int64
		done := make(chan struct{})
		left := 20_000
		var post func(c Category, cost int64)
		post = func(c Category, cost int64) {
			th.Post(c, Func(func() {
				nanos += cost
				used[c] += cost
				if left--; left == 0 {
					close(done)
				}
				if left > 0 {
					post(c, cost)
				}
			}))
		}
		th.Do(Client, func() {
			for range 300 { // more than a turn takes
				post(Client, 4000)
				post(LowLatency, 1500)
			}
		})
		<-done
		share := 0.0
		th.Do(FlexLatency, func() { share = float64(used[Client]) / float64(used[Client]+used[LowLatency]) })
		return share
	}
	if got := measure(); math.Abs(got-0.25) > 0.025 {
		t.Errorf("clients got %.3f of the time, want 0.25", got)
	}
	set(weights("client", 3.0, "low.latency", 1.0))
	if got := measure(); math.Abs(got-0.75) > 0.075 {
		t.Errorf("after the change clients got %.3f of the time, want 0.75", got)
	}
}

// Events of one category run in the order in which they were posted, also when
// they are posted from events, and none is lost.
func TestThreadOrder(t *testing.T) {
	th := NewThread(ThreadOptions{Name: "test", Options: option.NewRegistry(nil), Log: quiet()})
	defer th.Stop()
	next := map[Category]int{}
	const n = 5000
	for i := range n {
		c := Category(i % 3)
		th.Post(c, Func(func() {
			if next[c] != i/3 {
				t.Errorf("%s: event %d came as number %d", c, i/3, next[c])
			}
			next[c]++
		}))
	}
	ran := false
	th.Do(Client, func() { ran = true })
	th.Do(LowLatency, func() {})
	th.Do(Replication, func() {})
	if !ran || next[0]+next[1]+next[2] != n {
		t.Errorf("ran %v", next)
	}
}

func TestThreadPanicAndStop(t *testing.T) {
	var met any
	th := NewThread(ThreadOptions{Name: "test", Options: option.NewRegistry(nil), Log: quiet(), OnPanic: func(p any) { met = p }})
	th.Post(Client, Func(func() { panic("bad") }))
	if !th.Do(Client, func() {}) {
		t.Error("the thread is gone after a panic")
	}
	if met != "bad" || th.Stats().Panics.Load() != 1 {
		t.Errorf("met %v", met)
	}
	th.Stop()
	if th.Post(Client, Func(func() {})) || th.Do(Client, func() {}) {
		t.Error("a stopped thread takes events")
	}
}
