package paths

import (
	"testing"

	"rama/engine/value"
)

// Writes that need no read do none: a key or element that is set or removed
// whatever it is, at any depth.
func TestNoRead(t *testing.T) {
	all := autoLayout(func(int) (bool, bool) { return true, false })
	for _, c := range []struct {
		root string
		path Path
		gets int // of handles on the way
		want string
	}{
		{`{"a":1}`, New("a", TermVal(2)), 0, `{"a":2}`},
		{`{"a":1}`, New("b", TermVal(2)), 0, `{"a":1,"b":2}`},
		{`{"a":1}`, New("a", TermVoid()), 0, `{}`},
		{`{"a":1}`, New("a", Stay(), NullToVal(7), PutCollected(1), TermVal(2)), 0, `{"a":2}`},
		{`{"a":1}`, New("a", MultiPath(TermVal(2), TermVoid())), 0, `{}`},
		{`{"a":1}`, New("a", DispenseCollected(), MultiPath(TermVoid(), TermVal(2))), 0, `{"a":2}`},
		{`{"a":1}`, New(Must("a"), TermVoid()), 0, `{}`},
		{`{"a":1}`, New(MapKey("a"), TermVoid()), 0, `{}`},
		{`{"a":1}`, New(Must("a"), MultiPath(TermVal(2), TermVoid())), 0, `{}`},
		{`{"a":1}`, New(Must("a"), MultiPath(TermVoid(), TermVal(2))), 1, `{"a":2}`},
		{`{"$set":[1,2]}`, New(SetElem(5), MultiPath(TermVoid(), TermVal(9))), 1, `{"$set":[1,2]}`},
		{`{"$set":[1,2]}`, New(SetElem(1), TermVoid()), 0, `{"$set":[2]}`},
		{`{"$set":[1,2]}`, New(VoidSetElem(), TermVal(3)), 0, `{"$set":[1,2,3]}`},
		{`{"a":{"$set":[1,2]}}`, New("a", SetElem(1), TermVoid()), 1, `{"a":{"$set":[2]}}`},
		{`{"a":{"b":{"c":1}}}`, New("a", "b", "c", TermVal(2)), 2, `{"a":{"b":{"c":2}}}`},
		// These must look.
		{`{"a":1}`, New(Must("a"), TermVal(2)), 1, `{"a":2}`},
		{`{"$set":[1,2]}`, New(SetElem(1), TermVal(3)), 1, `{"$set":[2,3]}`},
		{`{"a":1}`, New("a", Term("INC")), 1, `{"a":2}`},
		{`{"a":1}`, New("a", FilterEqual(1), TermVal(2)), 1, `{"a":2}`},
		{`{"a":1}`, New("a", MultiPath(TermVal(2), Term("INC"))), 1, `{"a":3}`},
		{`{"a":1}`, New("a", View("INC"), TermVal(2)), 1, `{"a":2}`},
		{`{"a":1}`, New("a", Stop(), TermVal(2)), 1, `{"a":1}`},
	} {
		stats := &fakeStats{}
		root := newFake(mustParse(t, c.root), all, stats)
		got, err := mustCompile(t, c.path).Transform(NewEval(), root)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		if plainOf(got).String() != c.want || stats.gets != c.gets {
			t.Errorf("%s: %s with %+v, want %s with %d reads", c.path, plainOf(got), *stats, c.want, c.gets)
		}
		if c.gets == 0 && stats.scans+stats.exists > 0 {
			t.Errorf("%s: %+v", c.path, *stats)
		}
	}
}

// The size, one element, and the ends of a structure kept apart cost no scan of
// it.
func TestNoScan(t *testing.T) {
	for _, c := range []struct {
		path  Path
		scans int
	}{
		{New("m", View("SIZE")), 0}, {New("m", View("GET", 1)), 0}, {New("m", View("CONTAINS", 1)), 0}, {New("m", Key(1)), 0},
		{New("m", FilterPred("IS_NOT_NULL"), Key(1)), 0}, {New("m", View("IS_MAP")), 0}, {New("s", SetElem(2)), 0}, {New("l", Nth(1)), 0},
		{New("m", View("FIRST")), 1}, {New("l", Last()), 1}, {New("m", SortedMapRangeFromStart(1)), 1}, {New("m", FilterSelected(All()), Key(1)), 1},
		{New("m", NullToVal(1), Key(1)), 0}, {New("m", Must(1)), 0}, {New("m", SubMap(1)), 0},
	} {
		stats := &fakeStats{}
		root := newFake(mustParse(t, `{"m":{"$map":[[1,2],[3,4]]},"s":{"$set":[1,2]},"l":[1,2,3]}`), autoLayout(func(int) (bool, bool) { return true, false }), stats)
		if _, err := mustCompile(t, c.path).SelectAll(NewEval(), root); err != nil {
			t.Errorf("%s: %v", c.path, err)
		}
		if stats.scans != c.scans {
			t.Errorf("%s: %d scans, want %d", c.path, stats.scans, c.scans)
		}
	}
}

// A large structure kept apart goes through a transform in chunks.
func TestChunks(t *testing.T) {
	b := value.NewBuilder(value.KindMap, 1000)
	for i := range int64(1000) {
		b.Put(value.Int(i), value.Int(i))
	}
	stats := &fakeStats{}
	root := newFake(b.Done(), &layout{apart: true}, stats)
	got, err := mustCompile(t, MapVals(), FilterPred("IS_EVEN"), TermVoid()).Transform(NewEval(), root)
	if err != nil {
		t.Fatal(err)
	}
	if n := plainOf(got).Len(); n != 500 || stats.scans != 1000/chunk+1 || stats.puts != 0 || stats.removes != 500 {
		t.Errorf("%d left, %+v", n, *stats)
	}
}

// A select that is prepared allocates nothing, whatever the number of its steps
// and arguments.
func TestAllocations(t *testing.T) {
	rec, _ := value.View(value.Encode(mustParse(t, `{"name":"x","address":{"street":"s","city":"c","zip":12345},"tags":["a","b"]}`)))
	e := NewEval()
	e.Args = []value.Value{value.String("address"), value.String("zip"), value.Float(1)}
	sum := int64(0)
	emit := func(v value.Value) error {
		sum += v.AsInt()
		return nil
	}
	for name, p := range map[string]*Program{
		"key, key":     mustCompile(t, Key(Arg(0), Arg(1))),
		"must, filter": mustCompile(t, Must(Arg(0)), Key(Arg(1)), FilterGreaterThan(Arg(2)), NullToVal(0)),
		"if, multi":    mustCompile(t, Key(Arg(0)), IfPath(Must(Arg(1)), MultiPath(Key(Arg(1)), "zip"), Stop())),
		"nth":          mustCompile(t, "tags", Nth(Arg(2)), FilterEqual("nothing")),
	} {
		if n := testing.AllocsPerRun(100, func() {
			if err := p.Select(e, rec, emit); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if sum == 0 {
		t.Error("nothing was selected")
	}
	one := mustCompile(t, Key(Arg(0), Arg(1)))
	if n := testing.AllocsPerRun(100, func() {
		if _, err := one.SelectOne(e, rec); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("SelectOne: %v allocations", n)
	}
}
