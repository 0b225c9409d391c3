package task

import (
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"rama/server/option"
)

// Event is something that a thread does. Run goes to its end without waiting for
// anything.
type Event interface{ Run() }

// Func is a function as an event.
type Func func()

// Run calls f.
func (f Func) Run() { f() }

// Thread runs events, one at a time, on one goroutine. Post may be called from
// anywhere, and never waits.
type Thread struct {
	name    string
	log     *slog.Logger
	opts    *option.Live
	conf    any       // the last setting of opts that was taken
	turn    func()    // called when a turn ends, on the thread
	onPanic func(any) // called when an event or a turn panicked, on the thread
	nanos   func() int64
	stats   Stats

	mu       sync.Mutex
	wake     sync.Cond
	incoming [Categories][]Event
	posted   bool // something is in incoming
	stopping bool
	asleep   bool

	share   shares
	running [Categories]queue
	done    chan struct{}
}

// A queue is the events of one category that the thread has taken over.
type queue struct {
	events []Event
	at     int
}

// Stats count what a thread did. They may be read from anywhere.
type Stats struct {
	Events [Categories]atomic.Int64
	Nanos  [Categories]atomic.Int64
	Waits  atomic.Int64 // how often the thread had nothing to do
	Panics atomic.Int64
}

// turnNanos and turnEvents bound a turn: then the thread looks at its batch and
// for new events of other categories.
const (
	turnNanos  = 200_000
	turnEvents = 256
)

// ThreadOptions are what a thread needs from outside.
type ThreadOptions struct {
	Name    string
	Options *option.Registry
	Log     *slog.Logger
	// Turn is called on the thread after each turn.
	Turn func()
	// OnPanic is called on the thread when an event panicked that did not guard
	// itself: whatever the event was about is in an unknown state.
	OnPanic func(p any)
	// Nanos is the time by which categories share the thread, monotonic, in ns.
	// Default: the machine's.
	Nanos func() int64
}

// NewThread starts a thread.
func NewThread(o ThreadOptions) *Thread {
	t := &Thread{
		name: o.Name, log: o.Log, turn: o.Turn, onPanic: o.OnPanic, done: make(chan struct{}),
		opts: o.Options.Live(Proportions, ""), nanos: o.Nanos,
	}
	if t.nanos == nil {
		t.nanos = now
	}
	t.wake.L = &t.mu
	go t.loop()
	return t
}

// Stats returns the thread's counters.
func (t *Thread) Stats() *Stats { return &t.stats }

// Post gives the thread an event. After Stop the event is dropped, and Post says
// so.
func (t *Thread) Post(c Category, e Event) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopping {
		return false
	}
	t.incoming[c] = append(t.incoming[c], e)
	t.posted = true
	if t.asleep {
		t.asleep = false
		t.wake.Signal()
	}
	return true
}

// PostAll is Post of several events, in order.
func (t *Thread) PostAll(c Category, events []Event) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopping {
		return false
	}
	t.incoming[c] = append(t.incoming[c], events...)
	t.posted = true
	if t.asleep {
		t.asleep = false
		t.wake.Signal()
	}
	return true
}

// Do runs f on the thread and waits for it. It must not be called on the thread.
// It reports whether f ran.
func (t *Thread) Do(c Category, f func()) bool {
	ran := make(chan struct{})
	if !t.Post(c, Func(func() { defer close(ran); f() })) {
		return false
	}
	select {
	case <-ran:
		return true
	case <-t.done:
		select {
		case <-ran:
			return true
		default:
			return false
		}
	}
}

// Queued is the number of events that wait in a category, those not counted that
// the thread has taken over.
func (t *Thread) Queued(c Category) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.incoming[c])
}

// Stop ends the thread after the event that it runs, and waits for that. What
// still waits is dropped.
func (t *Thread) Stop() {
	t.mu.Lock()
	t.stopping = true
	t.asleep = false
	t.wake.Signal()
	t.mu.Unlock()
	<-t.done
}

func (t *Thread) loop() {
	defer close(t.done)
	for t.take() {
		t.runTurn()
		if t.turn != nil {
			t.guard(t.turn)
		}
	}
}

// take takes over the events that were posted, and waits where there is nothing
// to do. It returns false when the thread is to stop.
func (t *Thread) take() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for !t.posted && !t.stopping {
		if _, some := t.share.next(); some {
			return true
		}
		t.asleep = true
		t.stats.Waits.Add(1)
		t.wake.Wait()
	}
	if t.stopping {
		return false
	}
	t.takeOver()
	return true
}

// takeMore is take without waiting.
func (t *Thread) takeMore() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.posted || t.stopping {
		return false
	}
	t.takeOver()
	return true
}

// takeOver moves what was posted to the thread's own queues. The caller holds mu.
func (t *Thread) takeOver() {
	for c := range t.incoming {
		if len(t.incoming[c]) == 0 {
			continue
		}
		q := &t.running[c]
		if q.at == len(q.events) { // swap the slices: no event is copied
			clear(q.events)
			q.events, t.incoming[c] = t.incoming[c], q.events[:0]
			q.at = 0
		} else {
			q.events = append(q.events, t.incoming[c]...)
			clear(t.incoming[c])
			t.incoming[c] = t.incoming[c][:0]
		}
		t.share.wake(Category(c))
	}
	t.posted = false
}

// runTurn runs events until none waits, or a turn is over. What the events post
// belongs to the turn: the record that a client appends and what the topologies
// make of it are to be one entry of the log.
func (t *Thread) runTurn() {
	if v := t.opts.Value(); t.conf != any(v) {
		t.conf = v
		t.share.configure(v)
	}
	start := t.nanos()
	for last, n := start, 0; n < turnEvents && last-start < turnNanos; n++ {
		c, some := t.share.next()
		if !some {
			if !t.takeMore() {
				return
			}
			c, _ = t.share.next()
		}
		q := &t.running[c]
		e := q.events[q.at]
		q.events[q.at] = nil
		if q.at++; q.at == len(q.events) {
			t.share.rest(c)
		}
		t.run(e)
		end := t.nanos()
		t.share.spent(c, end-last)
		t.stats.Events[c].Add(1)
		t.stats.Nanos[c].Add(end - last)
		last = end
	}
}

// run runs an event. A panic must not take the other tasks of the process down.
// Code of modules is guarded where it is called; what arrives here is a fault of
// our own reasoning, and stops what it was about.
func (t *Thread) run(e Event) {
	defer t.recovered()
	e.Run()
}

func (t *Thread) guard(f func()) {
	defer t.recovered()
	f()
}

func (t *Thread) recovered() {
	if p := recover(); p != nil {
		t.stats.Panics.Add(1)
		t.log.Error("an event panicked", "thread", t.name, "panic", p, "stack", string(debug.Stack()))
		if t.onPanic != nil {
			t.onPanic(p)
		}
	}
}

var epoch = time.Now()

// now is monotonic time in ns.
func now() int64 { return int64(time.Since(epoch)) }
