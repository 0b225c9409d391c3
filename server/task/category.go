package task

import (
	"rama/engine/value"
	"rama/server/option"
)

// Category is what an event is for. Categories share a thread's time; within
// one, events run in the order in which they came.
type Category uint8

// The categories, with the reference system's names.
const (
	Replication Category = iota // isr.replication: the log and the group's own upkeep
	Client                      // client: appends and queries
	LowLatency                  // low.latency: stream topologies
	FlexLatency                 // flex.latency: microbatch topologies
	Mirror                      // mirror.client: work for other modules
	Categories // how many there are
)

var categoryNames = [Categories]string{
	"isr.replication", "client", "low.latency", "flex.latency", "mirror.client",
}

func (c Category) String() string { return categoryNames[c] }

// Proportions is the option that says how the categories share a thread's time
// while more than one of them has something to do. Replication weighs most:
// everything waits for it, and it is short. Streams come before clients, since an
// append that nobody processes helps nobody.
var Proportions = option.Weights("worker.event.category.proportions", option.Module, map[string]float64{
	"isr.replication": 4, "client": 2, "low.latency": 3, "flex.latency": 2, "mirror.client": 1,
}, "shares of a task thread's time by event category, under contention")

// shares decides which category runs next: the one that had least of the thread's
// time for its weight (stride scheduling, Waldspurger and Weihl 1995). It is a
// pure state machine; time comes in as numbers.
type shares struct {
	weight [Categories]float64
	used   [Categories]float64 // weighted time, ns
	busy   [Categories]bool
}

// configure takes the weights of the option. A category that it does not name
// keeps the default.
func (s *shares) configure(v value.Value) {
	for c := range s.weight {
		name := value.String(categoryNames[c])
		w, ok := v.Get(name)
		if !ok {
			w, _ = Proportions.Default.Get(name)
		}
		s.weight[c] = w.AsNumber()
	}
}

// wake says that a category has something to do. One that had nothing is not owed
// the time that it did not want: it begins level with the least of the others.
func (s *shares) wake(c Category) {
	if s.busy[c] {
		return
	}
	least, found := 0.0, false
	for o, busy := range s.busy {
		if busy && (!found || s.used[o] < least) {
			least, found = s.used[o], true
		}
	}
	if found && s.used[c] < least {
		s.used[c] = least
	}
	s.busy[c] = true
}

// rest says that a category has nothing to do.
func (s *shares) rest(c Category) { s.busy[c] = false }

// next is the category to run, of those that have something to do.
func (s *shares) next() (Category, bool) {
	best, found := Category(0), false
	for c := Category(0); c < Categories; c++ {
		if s.busy[c] && (!found || s.used[c] < s.used[best]) {
			best, found = c, true
		}
	}
	return best, found
}

// spent charges a category with time.
func (s *shares) spent(c Category, ns int64) { s.used[c] += float64(ns) / s.weight[c] }
