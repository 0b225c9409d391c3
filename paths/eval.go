package paths

import (
	"sync"

	"rama/engine/value"
)

// Limits bound what the evaluation of a path may take. A zero field takes the
// default, a negative one is no limit.
type Limits struct {
	Depth       int   // nesting of recursive navigation; default 1,000
	Visits      int64 // locations visited by all steps together; default none
	Results     int64 // results of a select; default none
	ResultBytes int64 // their estimated size in bytes; default none
	Collected   int   // collected values that a branch carries; default 1,000
	Gathered    int64 // elements held in memory beside the data: read out of structures kept apart, or gathered in lists; and those of one value that a term makes; default 1,000,000
}

// maxNested bounds the steps that are entered and not left, and so the
// goroutine's stack: some 100 MB at worst. Only recursion gets there.
const maxNested = 100_000

func (l Limits) filled() Limits {
	fill := func(n *int64, def int64) {
		if *n == 0 {
			*n = def
		}
		if *n < 0 {
			*n = 1<<63 - 2
		}
	}
	depth, collected := int64(l.Depth), int64(l.Collected)
	fill(&depth, 1000)
	fill(&collected, 1000)
	l.Depth, l.Collected = int(min(depth, 1<<20)), int(min(collected, 1<<30))
	fill(&l.Visits, -1)
	fill(&l.Results, -1)
	fill(&l.ResultBytes, -1)
	fill(&l.Gathered, 1_000_000)
	return l
}

// HandleMode says what a select does that ends on a structure kept apart.
type HandleMode uint8

const (
	// HandleError refuses it with ErrHandle: such structures can be large, and are
	// read by navigating into them.
	HandleError HandleMode = iota
	// HandlePlain reads it into a plain value.
	HandlePlain
)

// Eval is the state of a running path, and what bounds it. It is used by one
// goroutine at a time and can be used again. The exported fields belong to the
// caller.
type Eval struct {
	Args    []value.Value // the values of Arg(0), Arg(1), ...
	Limits  Limits
	Handles HandleMode
	// Tick, if it is there, is called every TickEvery visited locations (0: 256), or
	// as often as withPageSize says. An error of it ends the evaluation and is
	// returned as it is. It may wait: so a long select lets others run.
	Tick      func() error
	TickEvery int

	lim  Limits
	emit func(value.Value) error

	visits, due int64 // locations visited; when to pause next
	last        int64 // when the last pause was
	page        int64 // set by withPageSize; 0: not
	results     int64
	bytes       int64
	live        int64 // gathered elements that the running steps hold
	depth       int
	mixed       bool // some plain collection may hold handles

	// What follows are stacks: a navigator leaves them as it found them, and mark
	// brings them back after an evaluation that was cut short.
	collected []value.Value // the collected values of this branch are those from base on
	base      int
	gathered  []value.Value // of all running subselects and collects, the innermost on top
	returns   []*Step       // where the running recursive paths go on
	frames    []frame       // what scoped navigators have to restore
	refills   []*refill     // of the running transforms of subselects

	scratch []value.Value // arguments of a built-in function
	kept    value.Value   // of SelectOne
	keptN   int
	keep    func(value.Value) error
}

// frame is what holds outside of a scope and comes back after it.
type frame struct {
	base, end int // of the collected values
	page      int64
}

// NewEval returns an Eval.
func NewEval() *Eval {
	e := &Eval{}
	e.keep = func(v value.Value) error {
		if e.keptN++; e.keptN > 1 {
			return errFound
		}
		e.kept = v
		return nil
	}
	return e
}

var evals = sync.Pool{New: func() any { return NewEval() }}

// AcquireEval returns an Eval out of a pool.
func AcquireEval() *Eval { return evals.Get().(*Eval) }

// ReleaseEval gives an Eval back. It must not be used afterwards.
func ReleaseEval(e *Eval) {
	e.forget()
	e.Args, e.Limits, e.Handles, e.Tick, e.TickEvery = nil, Limits{}, HandleError, nil, 0
	evals.Put(e)
}

// begin prepares for a run of a path.
func (e *Eval) begin(p *Program) error {
	if len(e.Args) < p.numArgs {
		return fail(ErrArgument, "the path wants %d arguments, not %d", p.numArgs, len(e.Args))
	}
	for i, a := range e.Args[:p.numArgs] {
		if a.Kind() >= value.KindVoid {
			return fail(ErrArgument, "argument %d is a %s", i, a.Kind())
		}
	}
	e.lim = e.Limits.filled()
	e.lim.Depth = min(e.lim.Depth, maxNested/(p.steps+1))
	e.visits, e.last, e.results, e.bytes, e.live = 0, 0, 0, 0, 0
	e.depth, e.page, e.base, e.mixed = 0, 0, 0, false
	e.collected, e.gathered = e.collected[:0], e.gathered[:0]
	e.returns, e.frames, e.refills = e.returns[:0], e.frames[:0], e.refills[:0]
	e.schedule()
	return nil
}

// forget lets go of what runs left in memory.
func (e *Eval) forget() {
	e.collected, e.gathered, e.scratch = emptied(e.collected), emptied(e.gathered), emptied(e.scratch)
	e.refills = emptied(e.refills)
	e.emit, e.kept = nil, value.Nil
}

// emptied is s for reuse, if that is worth it.
func emptied[T any](s []T) []T {
	if cap(s) > 1024 {
		return nil
	}
	clear(s[:cap(s)])
	return s[:0]
}

// schedule sets when to pause next, counted from the last pause.
func (e *Eval) schedule() {
	every := e.page
	if every == 0 {
		every = int64(e.TickEvery)
	}
	if every <= 0 {
		every = 256
	}
	e.due = min(e.last+every, e.lim.Visits+1)
	if e.Tick == nil {
		e.due = e.lim.Visits + 1
	}
}

// pause is what Step does when a pause is due.
func (e *Eval) pause() error {
	if e.visits > e.lim.Visits {
		return &LimitError{"visited locations", e.lim.Visits}
	}
	if e.Tick != nil {
		if err := e.Tick(); err != nil {
			return abort{err}
		}
	}
	e.last = e.visits
	e.schedule()
	return nil
}

// result takes a location at which the whole path ends.
func (e *Eval) result(at value.Value) error {
	if at.IsVoid() { // nothing is there
		return nil
	}
	v, err := e.resultOf(at)
	if err != nil {
		return err
	}
	if v, err = e.withCollected(v); err != nil {
		return err
	}
	if e.results++; e.results > e.lim.Results {
		return &LimitError{"results", e.lim.Results}
	}
	if e.Limits.ResultBytes > 0 {
		if e.bytes += sizeOf(v, e.lim.ResultBytes); e.bytes > e.lim.ResultBytes {
			return &LimitError{"bytes of results", e.lim.ResultBytes}
		}
	}
	if err := e.emit(v); err != nil {
		return abort{err}
	}
	return nil
}

func (e *Eval) resultOf(at value.Value) (value.Value, error) {
	if e.Handles == HandlePlain || (at.Kind() != value.KindHandle && !e.holdsHandle(at)) {
		return e.Plain(at)
	}
	null, err := isNull(at)
	if null || err != nil {
		return value.Nil, err
	}
	return value.Nil, fail(ErrHandle, "the path ends on a %s; go on into it with all, mapVals, a range or a key", kindName(at))
}

// withCollected is v behind the collected values, where there are any.
func (e *Eval) withCollected(v value.Value) (value.Value, error) {
	c := e.collected[e.base:]
	if len(c) == 0 {
		return v, nil
	}
	return value.List(append(append(make([]value.Value, 0, len(c)+1), c...), v)...), nil
}

// push collects a value. Whoever collects drops it again.
func (e *Eval) push(v value.Value) error {
	if len(e.collected)-e.base >= e.lim.Collected {
		return &LimitError{"collected values", int64(e.lim.Collected)}
	}
	e.collected = append(e.collected, v)
	return nil
}

func (e *Eval) pop() { e.collected = e.collected[:len(e.collected)-1] }

// gather adds a location to the list that is being gathered.
func (e *Eval) gather(at value.Value) error {
	if at.IsVoid() {
		return nil
	}
	if e.live+int64(len(e.gathered)) >= e.lim.Gathered {
		return e.tooMuch()
	}
	e.note(at)
	v, err := e.withCollected(at)
	e.gathered = append(e.gathered, v)
	return err
}

func (e *Eval) tooMuch() error { return &LimitError{"gathered elements", e.lim.Gathered} }

// spend accounts for n gathered elements. The step that gathers them holds them
// until it is left; see Step.
func (e *Eval) spend(n int64) error {
	if e.live += n; e.live > e.lim.Gathered {
		return e.tooMuch()
	}
	return nil
}

// maxNesting bounds the nesting of a value that a term makes.
const maxNesting = 1000

// made checks a value that a term made, or put into another place: a path that
// puts a value into itself again and again must not get far. Two steps make
// [v, v] of v, which is one more list in memory, and forty of them a value of
// 2^40 elements.
func (e *Eval) made(v value.Value) (value.Value, error) {
	left := e.lim.Gathered
	switch within(v, maxNesting, &left) {
	case tooDeep:
		return value.Nil, &LimitError{"levels of nesting of a value", maxNesting}
	case tooMany:
		return value.Nil, &LimitError{"elements of a value", e.lim.Gathered}
	}
	return v, nil
}

// enter and leave bound recursion.
func (e *Eval) enter() error {
	if e.depth++; e.depth > e.lim.Depth {
		return &LimitError{"levels of recursion", int64(e.lim.Depth)}
	}
	return nil
}

func (e *Eval) leave() { e.depth-- }

// mark is the state of all stacks.
type mark struct {
	collected, base, gathered, returns, frames, refills, depth int
	page                                                       int64
}

func (e *Eval) mark() mark {
	return mark{len(e.collected), e.base, len(e.gathered), len(e.returns), len(e.frames), len(e.refills), e.depth, e.page}
}

func (e *Eval) reset(m mark) {
	e.collected, e.base, e.gathered = e.collected[:m.collected], m.base, e.gathered[:m.gathered]
	e.returns, e.frames, e.refills = e.returns[:m.returns], e.frames[:m.frames], e.refills[:m.refills]
	e.depth, e.page = m.depth, m.page
}

// found reports whether the closed path from head reaches anything.
func (e *Eval) found(head *Step, at value.Value) (bool, error) {
	m := e.mark()
	err := head.Select(e, at)
	if err == errFound {
		e.reset(m)
		return true, nil
	}
	return false, err
}

// selected returns all that the closed path from head reaches, which ends in
// gatherEnd. Values collected before are out of sight there.
func (e *Eval) selected(head *Step, at value.Value) ([]value.Value, error) {
	base, from := e.base, len(e.gathered)
	e.base = len(e.collected)
	err := head.Select(e, at)
	e.base = base
	if err != nil {
		return nil, err
	}
	out := append(make([]value.Value, 0, len(e.gathered)-from), e.gathered[from:]...)
	e.gathered = e.gathered[:from]
	return out, e.spend(int64(len(out)))
}
