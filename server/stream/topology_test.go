package stream

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"rama"
	"rama/depot"
	"rama/engine"
	"rama/engine/segment"
	"rama/engine/value"
	"rama/paths"
	"rama/pstate"
	"rama/server/clock"
	"rama/server/option"
	"rama/server/task"
)

// memLog is a log that commits entries when it is told to, or at once.
type memLog struct {
	b        *rig
	manual   bool
	index    uint64
	waiting  []entry
	ready    []entry
	entries  []entry
	notified bool
}

type entry struct {
	index   uint64
	payload []byte
}

func (l *memLog) Propose(p []byte) (uint64, error) {
	l.index++
	l.waiting = append(l.waiting, entry{l.index, p})
	if !l.manual {
		l.commit(len(l.waiting))
	}
	return l.index, nil
}

func (l *memLog) commit(n int) {
	l.ready = append(l.ready, l.waiting[:n]...)
	l.entries = append(l.entries, l.waiting[:n]...)
	l.waiting = l.waiting[n:]
	if !l.notified {
		l.notified = true
		l.b.thread.Post(task.Replication, task.Func(l.b.group.Poll))
	}
}

func (l *memLog) Idle() bool { return len(l.waiting) == 0 }

func (l *memLog) Poll(apply func(index, epoch uint64, payload []byte) error) error {
	l.notified = false
	ready := l.ready
	l.ready = nil
	for _, e := range ready {
		if err := apply(e.index, 1, e.payload); err != nil {
			return err
		}
	}
	return nil
}

// rig is a module's tasks on one thread, in memory.
type rig struct {
	t        *testing.T
	def      *rama.Definition
	fs       *vfs.MemFS
	store    *engine.Store
	clock    *clock.Virtual
	opts     *option.Registry
	thread   *task.Thread
	group    *task.Group
	log      *memLog
	tops     map[int]*Topology
	encode   bool
	loseHops int
	epoch    uint64
}

const rigTasks = 4

func newRig(t *testing.T, define func(m *rama.Setup)) *rig {
	t.Helper()
	def, err := rama.NewModule("test", define).Define()
	if err != nil {
		t.Fatal(err)
	}
	b := &rig{t: t, def: def, fs: vfs.NewMem(), clock: clock.NewVirtual(time.Unix(1000, 0)), log: &memLog{}}
	b.log.b = b
	levels := map[string]option.Level{}
	for _, s := range def.Streams {
		levels[s.Name] = option.Topology
	}
	for _, d := range def.Depots {
		levels[d.Name] = option.Depot
	}
	b.opts = option.NewRegistry(levels)
	b.start()
	t.Cleanup(b.stop)
	return b
}

func (b *rig) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *rig) start() {
	b.t.Helper()
	var err error
	b.epoch++
	b.store, err = engine.Open("store", engine.Options{FS: b.fs})
	b.must(err)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	b.group = task.NewGroup(task.GroupOptions{Store: b.store, Log: log})
	b.thread = task.NewThread(task.ThreadOptions{Name: "t", Options: b.opts, Log: log, Turn: b.group.Turn, OnPanic: func(p any) {
		b.t.Errorf("panic: %v", p)
	}})
	b.group.SetLog(b.log)
	b.do(func() {
		b.tops = map[int]*Topology{}
		state := StateDef(b.def.Streams[0].Name)
		for i := range rigTasks {
			k := b.group.AddTask(engine.TaskID(i))
			for j, d := range b.def.Depots {
				part, err := depot.Open(b.fs, fmt.Sprintf("depot-%d-%d", i, j), depot.Options{Segment: segment.Options{ID: uint64(i*100 + j)}}, b.position(i, j))
				b.must(err)
				k.AddDepot(d, engine.ObjectID(16+j), part)
			}
			for j, p := range append([]*rama.PStateDef{state}, b.def.PStates...) {
				ids := map[string]engine.NodeID{}
				for n, path := range p.Schema.NodePaths() {
					ids[path] = engine.NodeID(n + 1)
				}
				d, err := pstate.NewDef(p.Name, p.Schema, engine.ObjectID(32+j), ids, p.Options)
				b.must(err)
				k.AddPState(p, d, engine.ObjectID(32+j))
			}
		}
		for _, e := range b.log.entries {
			b.must(b.group.Replay(e.index, 1, e.payload))
		}
		for _, k := range b.group.Tasks {
			top, err := New(Config{
				Def: b.def.Streams[0], State: state, Task: k, Thread: b.thread, Host: b, Log: log, Stats: &Stats{}, Epoch: b.epoch,
			})
			b.must(err)
			b.tops[int(k.ID)] = top
		}
	})
}

func (b *rig) position(int, int) (p segment.Position) { return p }

func (b *rig) do(f func()) {
	b.t.Helper()
	if !b.thread.Do(task.Client, f) {
		b.t.Fatal("the thread is gone")
	}
}

func (b *rig) stop() {
	b.do(func() {
		for _, top := range b.tops {
			top.Drop(task.ErrHalted)
		}
	})
	b.thread.Stop()
	for _, k := range b.group.Tasks {
		for _, d := range k.Depots {
			d.Part.Close()
		}
	}
	b.must(b.store.Close())
}

// restart loses everything in memory, and what was not committed. Depots come
// back from the log.
func (b *rig) restart() {
	b.t.Helper()
	b.stop()
	names, _ := b.fs.List("")
	for _, n := range names {
		if strings.HasPrefix(n, "depot-") {
			b.must(b.fs.RemoveAll(n))
		}
	}
	b.log.waiting, b.log.ready, b.log.notified = nil, nil, false
	b.start()
}

func (b *rig) Tasks() int                { return rigTasks }
func (b *rig) Clock() clock.Clock        { return b.clock }
func (b *rig) Options() *option.Registry { return b.opts }
func (b *rig) Random() uint64            { return rand.Uint64() }

func (b *rig) Carry(stage *rama.StageDef, _ int, state any) (any, error) {
	if !b.encode {
		return state, nil
	}
	v, err := stage.Encode(state)
	return Encoded{value.Encode(v)}, err
}

func (b *rig) Hop(to int, h Hop) {
	if b.loseHops > 0 {
		b.loseHops--
		return
	}
	b.thread.Post(task.LowLatency, task.Func(func() { b.tops[to].Arrive(h) }))
}

func (b *rig) Report(to int, r Report) {
	b.thread.Post(task.LowLatency, task.Func(func() { b.tops[to].Take(r) }))
}

// waiter records what became of an append.
type waiter struct {
	done chan struct{}
	ret  value.Value
	err  error
}

func (w *waiter) Done(_ string, ret value.Value, _ bool) { w.ret = ret; close(w.done) }
func (w *waiter) Failed(_ string, err error)             { w.err = err; close(w.done) }

// append appends a record to the first depot on a task and tells its sources.
func (b *rig) append(on int, rec any) *waiter {
	b.t.Helper()
	w := &waiter{done: make(chan struct{})}
	v := value.MustOf(rec)
	b.do(func() {
		k := b.group.Tasks[on]
		d := k.Depots[b.def.Depots[0]]
		off, err := d.AppendOne(b.clock.Now().UnixMilli(), v)
		b.must(err)
		for _, s := range b.tops[on].Sources(d) {
			s.Offer(off, v, w)
		}
	})
	return w
}

func (w *waiter) wait(t *testing.T) (value.Value, error) {
	t.Helper()
	select {
	case <-w.done:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody answers")
	}
	return w.ret, w.err
}

// read selects from the committed state of a task.
func (b *rig) read(on int, p *rama.PStateDef, navs ...any) (out []value.Value) {
	b.t.Helper()
	b.do(func() {
		prog, err := rama.NewPath(navs...).Program(p)
		b.must(err)
		e := paths.NewEval()
		e.Handles = paths.HandlePlain
		b.must(b.group.Tasks[on].PStates[p].Select(b.store, e, prog, func(v value.Value) error {
			out = append(out, value.Clone(v))
			return nil
		}))
	})
	return out
}

// settle lets everything that can run come to its end.
func (b *rig) settle() {
	for range 50 {
		b.do(func() {})
		b.thread.Do(task.LowLatency, func() {})
		b.thread.Do(task.Replication, func() {})
	}
}

type word struct {
	Line, Word string
}

var countPath = rama.NewPath(paths.Key(paths.Arg(0)), paths.NullToVal(0), paths.Term(paths.Named("INC")))

// words counts the words of lines, one hop per word, and returns how many words a
// line had.
func words(fail func(t *rama.Task, w word) error, opts ...rama.SourceOption) func(m *rama.Setup) {
	return func(m *rama.Setup) {
		lines := rama.DeclareDepot(m, "*lines", rama.HashBy(func(s string) string { return s }))
		st := m.Stream("words")
		counts := rama.DeclarePState(st, "$$counts", pstate.Map(pstate.String, pstate.Int64))
		seen := rama.DeclarePState(st, "$$lines", pstate.Map(pstate.String, pstate.Int64))
		f := rama.Source(st, lines, append([]rama.SourceOption{rama.StartFromBeginning()}, opts...)...)
		f = rama.Each(f, func(t *rama.Task, s string) error { return seen.Transform(t, countPath, s) })
		w := rama.FlatMap(f, func(_ *rama.Task, s string, emit func(word) error) error {
			for _, x := range strings.Fields(s) {
				if err := emit(word{s, x}); err != nil {
					return err
				}
			}
			return nil
		})
		w = rama.HashPartition(w, func(w word) string { return w.Word })
		w = rama.Each(w, func(t *rama.Task, w word) error {
			if fail != nil {
				if err := fail(t, w); err != nil {
					return err
				}
			}
			return counts.Transform(t, countPath, w.Word)
		})
		rama.AckReturn(w, func(*rama.Task, word) (any, error) { return 1, nil })
	}
}

func sum(acc, v value.Value) (value.Value, error) {
	n := int64(0)
	if !acc.IsNil() {
		n = acc.AsInt()
	}
	return value.Int(n + v.AsInt()), nil
}

func (b *rig) counts() map[string]int64 {
	out := map[string]int64{}
	p, _ := b.def.PState("$$counts")
	for i := range rigTasks {
		for _, kv := range b.read(i, p, paths.All()) {
			out[kv.Index(0).AsString()] += kv.Index(1).AsInt()
		}
	}
	return out
}

func TestWordsAreCountedAndReturned(t *testing.T) {
	for _, encode := range []bool{false, true} {
		b := newRig(t, words(nil, rama.AckReturnAgg(sum)))
		b.encode = encode
		want := map[string]int64{}
		for i, line := range []string{"a b a", "", "b c d e", "a a a a"} {
			ret, err := b.append(i%rigTasks, line).wait(t)
			if err != nil {
				t.Fatal(err)
			}
			n := int64(len(strings.Fields(line)))
			if n > 0 && (ret.Kind() != value.KindInt || ret.AsInt() != n) || n == 0 && !ret.IsNil() {
				t.Errorf("%q returned %s", line, ret)
			}
			for _, w := range strings.Fields(line) {
				want[w]++
			}
			if got := b.counts(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("after the ack of %q: %v, want %v", line, got, want)
			}
		}
	}
}

// Nothing leaves a task before the writes that it depends on are committed, and
// what leaves keeps its order.
func TestCommitBeforeHop(t *testing.T) {
	b := newRig(t, words(nil))
	b.settle()
	b.do(func() { b.log.manual = true })
	w := b.append(0, "x y")
	b.settle()
	if got := b.counts(); len(got) != 0 {
		t.Errorf("counted before the record was committed: %v", got)
	}
	commits := 0
	for done := false; !done; {
		select {
		case <-w.done:
			done = true
		default:
			if got := b.counts(); commits < 2 && len(got) != 0 {
				t.Fatalf("after %d commits: %v", commits, got)
			}
			b.do(func() {
				if len(b.log.waiting) > 0 {
					commits++
					b.log.commit(1)
				}
			})
			b.settle()
		}
	}
	if commits < 2 { // the record with its line's count; the words
		t.Errorf("done after %d commits", commits)
	}
	if got := b.counts(); fmt.Sprint(got) != "map[x:1 y:1]" {
		t.Errorf("counted %v", got)
	}
}

// An event that fails leaves nothing of its own, fails the append at once, and is
// tried again until it succeeds.
func TestFailureAndRetry(t *testing.T) {
	left := 2
	b := newRig(t, words(func(_ *rama.Task, w word) error {
		if w.Word == "bad" && left > 0 {
			left--
			if left == 0 {
				panic("worse")
			}
			return errors.New("no")
		}
		return nil
	}))
	_, err := b.append(1, "good bad").wait(t)
	if !errors.Is(err, rama.ErrTopologyFailed) || !strings.Contains(err.Error(), "step 5 (Each): no") {
		t.Fatalf("got %v", err)
	}
	b.settle()
	// At least once: "good" was counted by each of three attempts, "bad" by the last.
	if got := b.counts(); fmt.Sprint(got) != "map[bad:1 good:3]" {
		t.Errorf("counted %v", got)
	}
}

func TestFailureIsWaitedForWhereTheOptionSaysSo(t *testing.T) {
	left := 5
	b := newRig(t, words(func(*rama.Task, word) error {
		if left--; left >= 0 {
			return errors.New("no")
		}
		return nil
	}))
	b.must(b.opts.Set(option.Setting{Object: "*lines", Name: FailFirst.Name, Source: option.Operator, Value: value.Bool(false)}))
	w := b.append(2, "word")
	for range 100 {
		b.settle()
		b.clock.Advance(time.Second)
	}
	if _, err := w.wait(t); err != nil {
		t.Error(err)
	}
}

func TestRetryNoneGivesUp(t *testing.T) {
	b := newRig(t, words(func(_ *rama.Task, w word) error {
		if w.Word == "bad" {
			return errors.New("no")
		}
		return nil
	}, rama.Retry(rama.RetryNone)))
	if _, err := b.append(0, "bad").wait(t); !errors.Is(err, rama.ErrTopologyFailed) {
		t.Error(err)
	}
	if _, err := b.append(0, "fine").wait(t); err != nil {
		t.Error(err)
	}
	b.settle()
	b.clock.Advance(time.Hour)
	b.settle()
	if got := b.counts(); fmt.Sprint(got) != "map[fine:1]" {
		t.Errorf("counted %v", got)
	}
}

// In the mode allAfter records take effect in order, whatever fails.
func TestRetryAllAfterKeepsOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	b := newRig(t, func(m *rama.Setup) {
		d := rama.DeclareDepot(m, "*lines", rama.RandomPartition[int64]())
		st := m.Stream("order")
		last := rama.DeclarePState(st, "$$last", pstate.Int64)
		set := rama.NewPath(paths.TermVal(paths.Arg(0)))
		get := rama.NewPath(paths.Stay())
		f := rama.Source(st, d, rama.StartFromBeginning(), rama.Retry(rama.RetryAllAfter))
		rama.Each(f, func(t *rama.Task, n int64) error {
			if rng.IntN(4) == 0 {
				return errors.New("dice")
			}
			was, err := last.SelectOne(t, get)
			if err != nil {
				return err
			}
			if !was.IsNil() && was.AsInt() != n-1 && was.AsInt() < n-1 {
				return fmt.Errorf("%d after %d", n, was.AsInt())
			}
			return last.Transform(t, set, n)
		})
	})
	b.must(b.opts.Set(option.Setting{Object: "*lines", Name: FailFirst.Name, Source: option.Operator, Value: value.Bool(false)}))
	var ws []*waiter
	for i := range int64(60) {
		ws = append(ws, b.append(0, i))
	}
	for range 400 {
		b.settle()
		b.clock.Advance(10 * time.Second)
	}
	for i, w := range ws {
		select {
		case <-w.done:
			if w.err != nil {
				t.Errorf("record %d: %v", i, w.err)
			}
		default:
			t.Fatalf("record %d is not done", i)
		}
	}
	p, _ := b.def.PState("$$last")
	if got := b.read(0, p, paths.Stay()); got[0].AsInt() != 59 {
		t.Errorf("last is %s", got[0])
	}
}

// A record whose event got lost is tried again when its time is over.
func TestTimeout(t *testing.T) {
	b := newRig(t, words(nil))
	b.do(func() { b.loseHops = 1 })
	w := b.append(3, "lost")
	b.settle()
	b.clock.Advance(29 * time.Second)
	b.settle()
	select {
	case <-w.done:
		t.Fatal("answered before its time was over")
	default:
	}
	b.clock.Advance(2 * time.Second)
	if _, err := w.wait(t); !errors.Is(err, rama.ErrTopologyFailed) || !strings.Contains(err.Error(), "30s") {
		t.Error(err)
	}
	b.settle()
	if got := b.counts(); got["lost"] != 1 {
		t.Errorf("counted %v", got)
	}
}

// After a restart everything that was appended is counted at least once, and what
// was saved as done is not counted again.
func TestRestart(t *testing.T) {
	b := newRig(t, words(nil))
	for i := range 30 {
		if _, err := b.append(i%rigTasks, fmt.Sprintf("w%d", i)).wait(t); err != nil {
			t.Fatal(err)
		}
	}
	b.clock.Advance(time.Minute) // progress is saved
	b.settle()
	b.restart()
	b.settle()
	for w, n := range b.counts() {
		if n != 1 {
			t.Errorf("%s counted %d times", w, n)
		}
	}
	b.do(func() { b.log.manual = true })
	b.append(0, "uncommitted")
	b.settle()
	b.do(func() { b.log.manual = false })
	b.restart()
	b.settle()
	got := b.counts()
	if len(got) != 30 {
		t.Errorf("%d words after the restart", len(got))
	}
	if _, err := b.append(2, "again").wait(t); err != nil {
		t.Fatal(err)
	}
	if b.counts()["again"] != 1 {
		t.Error("not counted after the restart")
	}
}

// Beyond its limit a topology is throttled: the record is stored, the append is
// told so, and a source that retries runs it later.
func TestThrottle(t *testing.T) {
	b := newRig(t, words(nil))
	b.must(b.opts.Set(option.Setting{Object: "words", Name: MaxExecuting.Name, Source: option.Operator, Value: value.Int(2)}))
	b.settle()
	b.do(func() { b.log.manual = true })
	var ws []*waiter
	for i := range 5 {
		ws = append(ws, b.append(0, fmt.Sprintf("t%d", i)))
	}
	b.settle()
	b.do(func() { b.log.manual = false; b.log.commit(len(b.log.waiting)) })
	throttled := 0
	for _, w := range ws {
		if _, err := w.wait(t); errors.Is(err, rama.ErrThrottled) {
			throttled++
		} else if err != nil {
			t.Error(err)
		}
	}
	if throttled != 3 {
		t.Errorf("%d throttled", throttled)
	}
	b.settle()
	var got []string
	for w, n := range b.counts() {
		got = append(got, fmt.Sprint(w, n))
	}
	sort.Strings(got)
	if fmt.Sprint(got) != "[t01 t11 t21 t31 t41]" {
		t.Errorf("counted %v", got)
	}
}

// A topology begins where its source says, once; later starts go on where it was.
func TestStartFrom(t *testing.T) {
	for _, c := range []struct {
		opt  rama.SourceOption
		want int
	}{
		{rama.StartFromBeginning(), 4}, {rama.StartFromEnd(), 0},
		{rama.StartAgo(2, depot.Records), 2}, {rama.StartAfter(time.Unix(1002, 0)), 2},
	} {
		var runs []string
		define := func(m *rama.Setup) {
			d := rama.DeclareDepot(m, "*lines", rama.RandomPartition[string]())
			st := m.Stream("s")
			rama.Each(rama.Source(st, d, c.opt), func(_ *rama.Task, s string) error { runs = append(runs, s); return nil })
		}
		b := newRig(t, define)
		b.settle()
		// Records that came before the topology: its own progress is thrown away.
		var stateDef *rama.PStateDef
		for i := range 4 {
			b.append(1, fmt.Sprintf("r%d", i))
			b.clock.Advance(time.Second)
		}
		b.settle()
		b.do(func() {
			stateDef = b.tops[1].sources[0].top.stateDefForTest()
			prog, err := rama.NewPath(paths.TermVal(paths.Arg(0))).Program(nil)
			b.must(err)
			e := paths.NewEval()
			e.Args = []value.Value{value.EmptyMap}
			b.must(b.group.Tasks[1].Run(func() error { return b.group.Tasks[1].PStates[stateDef].Transform(e, prog) }))
		})
		b.settle()
		b.do(func() { runs = nil })
		b.restart()
		b.settle()
		b.do(func() {
			if len(runs) != c.want {
				t.Errorf("%d records, want %d: %v", len(runs), c.want, runs)
			}
			runs = nil
		})
		b.restart()
		b.settle()
		b.append(1, "new")
		b.settle()
		b.do(func() {
			if len(runs) == 0 || runs[len(runs)-1] != "new" {
				t.Errorf("after the second start: %v", runs)
			}
		})
	}
}

func (t *Topology) stateDefForTest() *rama.PStateDef {
	for d, p := range t.task.PStates {
		if p == t.state {
			return d
		}
	}
	return nil
}
