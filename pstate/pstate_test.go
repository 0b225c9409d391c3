package pstate

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"rama/engine"
	"rama/engine/value"
	"rama/paths"
)

func TestBadSchemas(t *testing.T) {
	for text, s := range map[string]Schema{
		"top level is set":   Set(Int64),
		"top level is list":  List(Int64),
		"cannot be subindex": Map(String, FixedKeys(Field("a", Int64)).Subindexed()),
		"top level cannot":   Map(String, Int64).Subindexed(),
		"not subindexed":     Map(String, Set(Int64).WithoutSizeTracking()),
		"needs its size":     Map(String, List(Int64).Subindexed().WithoutSizeTracking()),
		"key must be a leaf": Map(Map(String, String), Int64),
		"element must be":    Map(String, Set(List(Int64))),
		"twice":              FixedKeys(Field("a", Int64), Field("a", Int64)),
		"is empty":           Map(String, Schema{}),
	} {
		if err := s.Validate(); !errors.Is(err, ErrBadSchema) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", s, err)
		}
	}
	if _, err := NewDef("$$p", Map(String, Int64), 16, nil, Options{}); !errors.Is(err, ErrBadSchema) {
		t.Errorf("a schema without ids: %v", err)
	}
	if _, err := NewDef("$$p", Int64, 16, map[string]engine.NodeID{"": 1}, Options{Initial: value.String("x")}); !errors.Is(err, ErrSchema) {
		t.Errorf("an initial value of another type: %v", err)
	}
}

func TestSchemaJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genSchema(t, 4, true)
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back Schema
		if err := json.Unmarshal(b, &back); err != nil || back.String() != s.String() || !reflect.DeepEqual(back.NodePaths(), s.NodePaths()) {
			t.Fatalf("%s comes back as %s, %v", s, back, err)
		}
	})
	for _, bad := range []string{`{"kind":"what"}`, `{"kind":"map"}`, `[]`, `{"kind":"set","key":{"kind":"any"}}`} {
		if err := new(Schema).UnmarshalJSON([]byte(bad)); !errors.Is(err, ErrBadSchema) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestNodePaths(t *testing.T) {
	s := Map(String, FixedKeys(
		Field("a/b", Set(Int64).Subindexed()),
		Field("*", List(Map(String, Set(String).Subindexed()))),
		Field("c", Map(String, Int64)),
	))
	want := []string{"", "/*/a%2Fb", "/*/%2A/*/*"}
	if got := s.NodePaths(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Every write that does not fit is refused with the PState, the path and the Go
// type, and changes nothing.
func TestSchemaViolations(t *testing.T) {
	s := Map(String, FixedKeys(
		Field("n", Int64),
		Field("tags", Set(String).Subindexed()),
		Field("list", List(Map(Int64, Bool))),
	))
	b, err := newBed(s)
	if err != nil {
		t.Fatal(err)
	}
	defer b.store.Close()
	of := value.MustOf
	good := of(map[string]any{"n": 1, "tags": []any{}, "list": nil}).With(value.String("tags"), value.Set(of("x")))
	if err := b.transform(paths.New(paths.Key("k"), paths.TermVal(good))); err != nil {
		t.Fatal(err)
	}
	before, _ := b.whole()
	for _, c := range []struct {
		p    paths.Path
		want string
	}{
		{paths.New(paths.Key("k", "n"), paths.TermVal("x")), `$$p at .k.n: want int64, got string "x"`},
		{paths.New(paths.Key("k"), paths.TermVal(7)), "at .k: want fixedKeys(n: int64, tags: set(string).subindexed, list: list(map(int64, bool))), got int64 7"},
		{paths.New(paths.Key("k"), paths.TermVal(of(map[string]any{"m": 1}))), ".m: want a key of fixedKeys"},
		{paths.New(paths.Key("k", "tags"), paths.VoidSetElem(), paths.TermVal(5)), "at .k.tags: want string, got int64 5"},
		{paths.New(paths.Key("k", "list"), paths.TermVal(value.List(value.Map(of(1), of("no"))))), `.k.list[0][1]: want bool, got string "no"`},
		{paths.New(paths.TermVal(of(map[string]any{"z": 3}))), "at .z: want fixedKeys"},
	} {
		prog, err := paths.Compile(c.p, paths.CompileOptions{}) // as if the path's own check saw nothing
		if err != nil {
			t.Fatal(err)
		}
		err = b.part.Transform(paths.NewEval(), prog)
		if !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n got  %v\n want %s", c.p, err, c.want)
		}
		if after, _ := b.whole(); !value.Same(before, after) {
			t.Fatalf("%s changed something: %s", c.p, after)
		}
	}
}

// A transform that fails half way leaves everything as it was.
func TestFailedTransformChangesNothing(t *testing.T) {
	b, err := newBed(Map(String, Map(String, Int64).Subindexed()))
	if err != nil {
		t.Fatal(err)
	}
	defer b.store.Close()
	put := func(k, f string, v any) {
		if err := b.transform(paths.New(paths.Key(k, f), paths.TermVal(v))); err != nil {
			t.Fatal(err)
		}
	}
	put("a", "x", 1)
	put("b", "y", nil)
	before, _ := b.whole()
	err = b.transform(paths.New(paths.MapVals(), paths.MapVals(), paths.Term(paths.Named("INC"))))
	if err == nil || !strings.Contains(err.Error(), "$$p") {
		t.Errorf("got %v", err)
	}
	if after, _ := b.whole(); !value.Same(before, after) {
		t.Errorf("%s became %s", before, after)
	}
}

// The layout is frozen: the keys and records that some writes leave.
func TestGoldenLayout(t *testing.T) {
	b, err := newBed(Map(String, FixedKeys(
		Field("n", Int64), Field("s", Set(Int64).Subindexed()), Field("m", Map(Int64, List(Bool).Subindexed()).Subindexed().WithoutSizeTracking()),
	)))
	if err != nil {
		t.Fatal(err)
	}
	defer b.store.Close()
	v := value.MustOf(map[string]any{"n": 7}).With(value.String("s"), value.Set(value.Int(1), value.Int(2))).
		With(value.String("m"), value.Map(value.Int(5), value.List(value.Bool(true))))
	if err := b.transform(paths.New(paths.Key("k"), paths.TermVal(v))); err != nil {
		t.Fatal(err)
	}
	want := []string{
		// task 3, object 16; node 1 the top level, 2 the set, 3 the map, 4 the lists
		"041001306b00 = a3616dd97a74f6616e076173d97a74f6", // the record of "k" with its marks
		"041002306b00 = 02", // the size of the set
		"041002306b001d02 = ",
		"041002306b001d04 = ",
		"041003306b001d0a = d97a74f6",     // the mark of the list at 5
		"041004306b001d0a = 850102020100", // the list's header
		"041004306b001d0a031d02 = 0102",   // its root page
		"041004306b001d0a1d02 = f5",       // its element
	}
	var got []string
	lo := engine.AppendPrefix(nil, 3, 16, 0)
	it := b.over.NewIter(lo, engine.PrefixEnd(nil, engine.AppendTask(nil, 3)))
	for ok := it.First(); ok; ok = it.Next() {
		got = append(got, hex.EncodeToString(it.Key())+" = "+hex.EncodeToString(it.Value()))
	}
	it.Close()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The writes that need not read do not.
func TestNoReadWrites(t *testing.T) {
	b, err := newBed(Map(String, Set(Int64).Subindexed().WithoutSizeTracking()))
	if err != nil {
		t.Fatal(err)
	}
	defer b.store.Close()
	flat, err := newBed(Map(String, String))
	if err != nil {
		t.Fatal(err)
	}
	defer flat.store.Close()
	add := paths.New(paths.Key("k"), paths.VoidSetElem(), paths.TermVal(1))
	if err := b.transform(add); err != nil { // the mark is set now, and known
		t.Fatal(err)
	}
	for _, c := range []struct {
		b *bed
		p paths.Path
	}{
		{flat, paths.New(paths.Key("k"), paths.TermVal("v"))},
		{flat, paths.New(paths.Key("k"), paths.TermVoid())},
		{b, paths.New(paths.Key("k"), paths.VoidSetElem(), paths.TermVal(2))},
		{b, paths.New(paths.Key("k"), paths.SetElem(2), paths.TermVoid())},
	} {
		before := c.b.part.Stats()
		if err := c.b.transform(c.p); err != nil {
			t.Fatal(err)
		}
		if n := c.b.part.Stats(); n != before {
			t.Errorf("%s read: %+v, before %+v", c.p, n, before)
		}
	}
}

// Deleting a location deletes what lies below it with at most one range delete
// for each schema node, and with point deletes where there is little.
func TestDeletesAreCheap(t *testing.T) {
	b, err := newBed(Map(String, Map(Int64, Set(Int64).Subindexed()).Subindexed()))
	if err != nil {
		t.Fatal(err)
	}
	defer b.store.Close()
	fill := func(n int) {
		outer := value.NewBuilder(value.KindMap, n)
		for i := range n {
			outer.Put(value.Int(int64(i)), value.Set(value.Int(1), value.Int(2), value.Int(3)))
		}
		if err := b.transform(paths.New(paths.Key("k"), paths.TermVal(outer.Done()))); err != nil {
			t.Fatal(err)
		}
		if err := b.commit(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ n, most int }{{5, 5*5 + 2}, {1000, 3}} {
		fill(c.n)
		if err := b.transform(paths.New(paths.Key("k"), paths.TermVoid())); err != nil {
			t.Fatal(err)
		}
		_, n, _ := b.over.Cut()
		if int(n) > c.most {
			t.Errorf("deleting %d structures took %d deletes, at most %d wanted", c.n, n, c.most)
		}
		b.over.Reset()
		b.part.Forget()
	}
}

func TestLeafTopLevel(t *testing.T) {
	def, err := NewDef("$$n", Int64, 16, map[string]engine.NodeID{"": 1}, Options{Initial: value.Int(5)})
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{fs: vfs.NewMem(), def: def}
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	defer func() { b.store.Close() }()
	for range 3 {
		if err := b.transform(paths.New(paths.Term(paths.Named("INC")))); err != nil {
			t.Fatal(err)
		}
	}
	if v, _ := b.whole(); v.AsInt() != 8 {
		t.Errorf("%s", v)
	}
	if err := b.reopen(); err != nil {
		t.Fatal(err)
	}
	if err := b.transform(paths.New(paths.TermVoid())); err == nil {
		t.Error("the top level was removed")
	}
	if err := b.part.Clear(); err != nil {
		t.Fatal(err)
	}
	if v, _ := b.whole(); v.AsInt() != 5 {
		t.Errorf("cleared to %s", v)
	}
}

func TestStandalone(t *testing.T) {
	fs := vfs.NewMem()
	s := Map(String, Set(Int64).Subindexed())
	p, err := OpenStandalone(fs, "p", "$$p", s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	prog, err := paths.Compile(paths.New(paths.Key("a"), paths.VoidSetElem(), paths.TermVal(paths.Arg(0))), paths.CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	e := paths.NewEval()
	for i := range 3 {
		e.Args = []value.Value{value.Int(int64(i))}
		if err := p.Transform(e, prog); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if p, err = OpenStandalone(fs, "p", "$$p", s, Options{}); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	size, err := paths.Compile(paths.New(paths.Key("a"), paths.View(paths.Named("SIZE"))), paths.CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n := value.Nil
	if err := p.Select(paths.NewEval(), size, func(v value.Value) error { n = v; return nil }); err != nil || n.AsInt() != 3 {
		t.Errorf("%s, %v", n, err)
	}
	if k, err := p.Keys(); k != 5 || err != nil { // mark, header, three elements
		t.Errorf("%d keys, %v", k, err)
	}
}
