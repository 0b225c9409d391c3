package paths

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"rama/engine/value"
)

func mustParse(t testing.TB, json string) value.Value {
	t.Helper()
	v, err := value.ParseJSON([]byte(json), value.Tagged)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mustCompile(t testing.TB, navs ...any) *Program {
	t.Helper()
	prog, err := Compile(New(navs...), CompileOptions{})
	if err != nil {
		t.Fatalf("%s: %v", New(navs...), err)
	}
	return prog
}

func TestLimits(t *testing.T) {
	numbers := value.List(make([]value.Value, 50)...)
	apart := func() value.Value {
		return newFake(mustParse(t, `{"a":[1,2,3],"b":{"$set":[1,2,3]}}`), autoLayout(func(int) (bool, bool) { return true, false }), &fakeStats{})
	}
	for name, c := range map[string]struct {
		root  value.Value
		path  Path
		l     Limits
		what  string
		enter bool // the limit is one more than enough
	}{
		"visits":              {numbers, New(All()), Limits{Visits: 50}, "visited locations", false},
		"enough visits":       {numbers, New(All()), Limits{Visits: 51}, "", true},
		"exponential":         {value.Nil, New(MultiPath(Stay(), Stay()), MultiPath(Stay(), Stay())), Limits{Visits: 6}, "visited locations", false},
		"results":             {numbers, New(All()), Limits{Results: 49}, "results", false},
		"enough":              {numbers, New(All()), Limits{Results: 50}, "", true},
		"bytes":               {value.String(strings.Repeat("x", 100)), New(), Limits{ResultBytes: 100}, "bytes of results", false},
		"enough bytes":        {value.String(strings.Repeat("x", 91)), New(), Limits{ResultBytes: 100}, "", true},
		"depth":               {value.Nil, New(Recursive(Recur())), Limits{Depth: 7}, "levels of recursion", false},
		"collected":           {value.Nil, New(PutCollected(1), PutCollected(2)), Limits{Collected: 1}, "collected values", false},
		"fresh collected":     {value.Nil, New(PutCollected(1), WithFreshCollected(PutCollected(2))), Limits{Collected: 1}, "", true},
		"gathered list":       {numbers, New(Subselect(All())), Limits{Gathered: 49}, "gathered elements", false},
		"read whole":          {apart(), New(Key("a"), View("IDENTITY")), Limits{Gathered: 2}, "gathered elements", false},
		"range":               {apart(), New(Key("b"), SortedSetRangeFrom(0)), Limits{Gathered: 2}, "gathered elements", false},
		"sublist":             {apart(), New(Key("a"), Sublist(0, 3)), Limits{Gathered: 2}, "gathered elements", false},
		"part of it":          {apart(), New(Key("a"), Sublist(0, 2)), Limits{Gathered: 2}, "", true},
		"one after the other": {numbers, New(All(), Subselect(Stay()), Subselect(Stay())), Limits{Gathered: 2}, "", true},
		"in each other":       {numbers, New(Subselect(Subselect(All()))), Limits{Gathered: 51}, "", true},
		"at once":             {numbers, New(Collect(All()), Collect(All())), Limits{Gathered: 99}, "gathered elements", false},
		"none":                {numbers, New(All()), Limits{Visits: -1, Results: -1, Depth: -1, Collected: -1, Gathered: -1}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			e := NewEval()
			e.Limits = c.l
			_, err := mustCompile(t, c.path).SelectAll(e, c.root)
			if c.enter {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var limit *LimitError
			if !errors.Is(err, ErrLimit) || !errors.As(err, &limit) || limit.What != c.what {
				t.Fatalf("error %v, want the limit of %s", err, c.what)
			}
		})
	}
}

// A path that puts a value into itself again and again meets a limit before it
// has made a value that nobody can hold, or nest deeper than a stack is.
func TestGrowth(t *testing.T) {
	times := func(n int, navs ...any) Nav {
		paths := make([]any, n)
		for i := range paths {
			paths[i] = New(navs...)
		}
		return MultiPath(paths...)
	}
	two := MultiPath(Stay(), Stay())
	deep := New()
	for range 12 {
		deep = append(deep, two)
	}
	for name, c := range map[string]struct {
		path Path
		what string
	}{
		"doubled":  {New(Transformed(times(60, CollectOne(), Term("TUPLE")))), "elements of a value"},
		"appended": {New(Transformed(times(60, CollectOne(), AfterElem(), Term("MAX")))), "elements of a value"},
		"viewed":   {New(Recursive(View("TUPLE"), Recur())), "levels of nesting of a value"},
		"wrapped":  {New(Transformed(append(deep, Term("TUPLE")))), "levels of nesting of a value"},
		"moved":    {New(Transformed(append(deep, Subselect(MultiPath(Stay(), "x")), Index(0), TermVal(1)))), "levels of nesting of a value"},
		"text":     {New(View("TO_STRING", "0123456789"), Transformed(times(60, CollectOne(), Term("TO_STRING")))), "bytes of a TO_STRING"},
		"stack":    {New(Recursive(times(1, append(New(MultiPath()), chain900()...)), Recur())), "levels of recursion"},
	} {
		e := NewEval()
		e.Limits.Depth = -1
		root := value.EmptyList
		if name == "moved" {
			root = value.EmptyMap
		}
		_, err := mustCompile(t, c.path).SelectAll(e, root)
		var limit *LimitError
		if !errors.As(err, &limit) || limit.What != c.what {
			t.Errorf("%s: error %v, want the limit of %s", name, err, c.what)
		}
	}
}

func chain900() Path {
	p := New()
	for range 900 {
		p = append(p, NullToVal(1))
	}
	return p
}

func TestCompileLimits(t *testing.T) {
	long := New()
	for range 1001 {
		long = append(long, Stay())
	}
	deep := New("a")
	for range 60 {
		deep = New(FilterSelected(deep))
	}
	nested := New(Recur())
	for range maxRecursive + 1 {
		nested = New(Recursive(nested))
	}
	for name, p := range map[string]Path{"long": long, "deep": deep, "recursive": nested} {
		if _, err := Compile(p, CompileOptions{}); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := Compile(long, CompileOptions{MaxSteps: 1001}); err != nil {
		t.Error(err)
	}
}

// Tick is called in a fixed rhythm of visits, which withPageSize changes for its
// path only; its error comes back as it is.
func TestTick(t *testing.T) {
	l := value.List(make([]value.Value, 100)...)
	ticks := func(every int, navs ...any) int {
		n := 0
		e := NewEval()
		e.TickEvery = every
		e.Tick = func() error { n++; return nil }
		if _, err := mustCompile(t, navs...).SelectAll(e, value.List(l, l)); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := ticks(10, All(), All()); n != 20 {
		t.Errorf("%d ticks in 203 visits, one every 10", n)
	}
	if n := ticks(0, All(), All()); n != 0 {
		t.Errorf("%d ticks in 203 visits, one every 256", n)
	}
	if n := ticks(1000, All(), WithPageSize(5, All())); n < 36 || n > 41 {
		t.Errorf("%d ticks in 200 visits with pages of 5", n)
	}
	if n := ticks(1000, WithPageSize(1, First()), All()); n > 3 {
		t.Errorf("%d ticks behind a page", n)
	}
	stop := errors.New("stop")
	e := NewEval()
	e.TickEvery, e.Tick = 1, func() error { return stop }
	if _, err := mustCompile(t, All()).SelectAll(e, l); err != stop {
		t.Errorf("error %v", err)
	}
	if _, err := mustCompile(t, All(), TermVal(1)).Transform(e, l); err != stop {
		t.Errorf("error %v", err)
	}
}

// An error of emit comes back as it is, and an Eval works on after any error.
func TestEmitErrorAndReuse(t *testing.T) {
	stop := errors.New("stop")
	prog := mustCompile(t, PutCollected(1), Recursive(IfPath(FilterPred("IS_LIST"), New(All(), Recur()), Stay())),
		WithFreshCollected(Stay()), Subselect(Stay()), All())
	e := NewEval()
	root := mustParse(t, `[1,[2,3]]`)
	for range 3 {
		n := 0
		err := prog.Select(e, root, func(value.Value) error {
			if n++; n == 2 {
				return stop
			}
			return nil
		})
		if err != stop {
			t.Fatalf("error %v", err)
		}
		all, err := prog.SelectAll(e, root)
		if err != nil || fmt.Sprint(all) != "[[1,1] [1,2] [1,3]]" {
			t.Fatalf("%v, %v", all, err)
		}
		if _, err := prog.Transform(e, root); !errors.Is(err, ErrNoTerm) {
			t.Fatalf("error %v", err)
		}
	}
	ReleaseEval(e)
}

func TestSelectOne(t *testing.T) {
	e := AcquireEval()
	defer ReleaseEval(e)
	l := mustParse(t, `[1,2]`)
	if v, err := mustCompile(t, First()).SelectOne(e, l); err != nil || v.AsInt() != 1 {
		t.Errorf("%s, %v", v, err)
	}
	if _, err := mustCompile(t, All()).SelectOne(e, l); !errors.Is(err, ErrNotOne) {
		t.Errorf("error %v", err)
	}
	if _, err := mustCompile(t, Stop()).SelectOne(e, l); !errors.Is(err, ErrNotOne) {
		t.Errorf("error %v", err)
	}
	if _, err := mustCompile(t, MapVals()).SelectOne(e, l); !errors.Is(err, ErrType) {
		t.Errorf("error %v", err)
	}
}

func TestArguments(t *testing.T) {
	prog := mustCompile(t, Key(Arg(0)), NullToVal(Arg(1)))
	e := NewEval()
	handle := newFake(value.EmptyMap, &layout{apart: true}, &fakeStats{})
	for _, args := range [][]value.Value{nil, {value.Int(1)}, {value.Int(1), value.Void}, {value.Int(1), handle}} {
		e.Args = args
		if _, err := prog.SelectAll(e, value.Nil); !errors.Is(err, ErrArgument) {
			t.Errorf("%v: error %v", args, err)
		}
	}
	e.Args = []value.Value{value.Int(1), value.Int(2), value.Int(3)} // more do no harm
	if v, err := prog.SelectOne(e, value.Nil); err != nil || v.AsInt() != 2 {
		t.Errorf("%s, %v", v, err)
	}
	for _, n := range []Nav{Key(Arg(-1)), Key(Arg(1000)), Key(All()), Key(New()), Key(func() {}), Key(make(chan int)), Sublist(1, nil), Term(5), View(nil), Nth("x"), CustomNamed("x", Arg(-1)), Recur(Arg(0)), SortedMapRangeFrom(1, "x"), SortedMapRange(1, 2, 3), CondPath(All())} {
		_, err := Compile(Path{n}, CompileOptions{})
		if !errors.Is(err, ErrArgument) {
			t.Errorf("%s: error %v", n, err)
		}
	}
}

func TestDamage(t *testing.T) {
	b := value.Encode(mustParse(t, `{"a":{"b":1}}`))
	v, _ := value.View(b)
	b[len(b)-1] = 0xFF
	if _, err := mustCompile(t, "a", "b").SelectAll(NewEval(), v); !errors.Is(err, value.ErrCorrupt) {
		t.Errorf("error %v", err)
	}
	if _, err := mustCompile(t, "a", "b", Term("INC")).Transform(NewEval(), v); !errors.Is(err, value.ErrCorrupt) {
		t.Errorf("error %v", err)
	}
}

// failing is a Stored of which every call fails.
type failing struct {
	value.HandleBox
	err error
}

func (f *failing) HandleKind() value.Kind                                 { return value.KindMap }
func (f *failing) Exists() (bool, error)                                  { return true, f.err }
func (f *failing) Has(value.Value) (bool, error)                          { return true, f.err }
func (f *failing) Len() (int64, error)                                    { return 0, f.err }
func (f *failing) Get(value.Value) (value.Value, bool, error)             { return value.Nil, false, f.err }
func (f *failing) Scan(Range, func(k, v value.Value) (bool, error)) error { return f.err }
func (f *failing) Put(k, v value.Value) error                             { return f.err }
func (f *failing) Remove(value.Value) error                               { return f.err }
func (f *failing) RemoveRange(Range) error                                { return f.err }
func (f *failing) Insert(int64, value.Value) error                        { return f.err }

// An error of a Stored ends the evaluation and names the step.
func TestStoredErrors(t *testing.T) {
	f := &failing{err: errors.New("disk on fire")}
	h := f.Value(f)
	for _, p := range []Path{
		New("a", TermVal(1)), New("a", Term("INC")), New("a", TermVoid()), New(Must("a"), TermVal(1)), New(MapVals(), TermVal(1)),
		New(All(), TermVoid()), New(MapKey("a"), TermVal(1)), New(First(), TermVoid()), New(SubMap("a"), TermVoid()),
		New(SortedMapRangeFrom("a"), TermVoid()), New(FilterEqual(1), TermVal(1)), New(View("SIZE"), TermVal(1)), New(NullToVal(1), Term("INC")),
		New(Subselect(MapVals()), TermVoid()), New(CollectOne(), TermVoid()), New(Transformed(TermVal(1)), TermVal(1)), New(Term("INC")),
		New(FilterSelected("a"), TermVal(1)),
	} {
		_, err := mustCompile(t, p).Transform(NewEval(), h)
		var step *StepError
		if !errors.Is(err, f.err) || !errors.As(err, &step) {
			t.Errorf("%s: error %v", p, err)
		}
	}
	for _, p := range []Path{New("a"), New(All()), New(Stay()), New(View("SIZE")), New(FilterNotSelected(All())), New(Collect(MapVals()))} {
		if _, err := mustCompile(t, p).SelectAll(NewEval(), h); !errors.Is(err, f.err) {
			t.Errorf("%s: error %v", p, err)
		}
	}
	foreign := (&value.HandleBox{}).Value(otherHandle{})
	if _, err := mustCompile(t, "a").SelectAll(NewEval(), foreign); !errors.Is(err, ErrHandle) {
		t.Errorf("error %v", err)
	}
}

type otherHandle struct{}

func (otherHandle) HandleKind() value.Kind { return value.KindMap }
