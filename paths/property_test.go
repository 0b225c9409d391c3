package paths

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"rama/engine/value"
)

// selectOn selects or fails the test.
func selectOn(t *rapid.T, p Path, v value.Value, args []value.Value) []value.Value {
	e := NewEval()
	e.Args = args
	prog, err := Compile(p, CompileOptions{})
	if err != nil {
		t.Skip(err)
	}
	all, err := prog.SelectAll(e, v)
	if err != nil {
		t.Skip(err)
	}
	return all
}

func apply(t *rapid.T, p Path, v value.Value) value.Value {
	prog, err := Compile(p, CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	now, err := prog.Transform(NewEval(), v)
	if err != nil {
		t.Skip(err)
	}
	return now
}

// steady generates a path whose locations do not depend on what lies at them.
func steady(t *rapid.T, s *tSchema) (p Path, to *tSchema) {
	for to = s; rapid.IntRange(0, 3).Draw(t, "more") > 0; {
		switch to.kind {
		case value.KindMap:
			p = append(p, rapid.SampledFrom([]Nav{Must(genKey(t, to.key)), MapVals(), Key(genKey(t, to.key))}).Draw(t, "nav"))
		case value.KindList:
			p = append(p, rapid.SampledFrom([]Nav{All(), First(), Last(), Must(genInt(t))}).Draw(t, "nav"))
		default:
			return p, to
		}
		to = to.elem
	}
	return p, to
}

// What a transform puts at the locations of a path a select finds there.
func TestSelectAfterTransform(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genSchema(t, 3)
		v := genValue(t, s)
		p, _ := steady(t, s)
		before := selectOn(t, p, v, nil)
		mark := value.String("mark")
		after := selectOn(t, p, apply(t, append(p[:len(p):len(p)], TermVal(mark)), v), nil)
		if len(after) != len(before) {
			t.Fatalf("%s on %s: %d locations, then %d", p, v, len(before), len(after))
		}
		for _, x := range after {
			if !value.Equal(x, mark) {
				t.Fatalf("%s on %s: found %s", p, v, x)
			}
		}
	})
}

// A multiPath selects what its paths do, one behind the other.
func TestMultiPathOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genSchema(t, 3)
		v := genValue(t, s)
		g := &pathGen{t: t, left: 5, coll: true}
		a := g.path(s, false)
		g.left = 5
		b := g.path(s, false)
		want := append(selectOn(t, a, v, g.args), selectOn(t, b, v, g.args)...)
		got := selectOn(t, New(MultiPath(a, b)), v, g.args)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s and %s on %s: %v, want %v", a, b, v, got, want)
		}
	})
}

// Elements for which a condition holds are removed, and others stay as they were.
func TestRemoval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genSchema(t, 3)
		v := genValue(t, s)
		p, to := steady(t, s)
		switch to.kind {
		case value.KindMap:
			p = append(p, MapVals())
		case value.KindList, value.KindSet:
			p = append(p, All())
		default:
			t.Skip("a leaf")
		}
		drop := rapid.SampledFrom([]Nav{FilterGreaterThan(2), FilterPred("IS_NULL"), FilterSelected(FilterLessThan("b"))}).Draw(t, "drop")
		keep := Nav{}
		switch drop.op.Name {
		case "filterGreaterThan":
			keep = FilterLessThanOrEqual(2)
		case "filterPred":
			keep = FilterPred("IS_NOT_NULL")
		default:
			keep = FilterNotSelected(FilterLessThan("b"))
		}
		with := func(n ...Nav) Path { return append(p[:len(p):len(p)], n...) }
		stay := selectOn(t, with(keep), v, nil)
		now := apply(t, with(drop, TermVoid()), v)
		if left := selectOn(t, with(drop), now, nil); len(left) > 0 {
			t.Fatalf("%s on %s: %v left", with(drop), v, left)
		}
		if after := selectOn(t, with(keep), now, nil); fmt.Sprint(after) != fmt.Sprint(stay) {
			t.Fatalf("%s on %s: kept %v, had %v", with(drop), v, after, stay)
		}
	})
}

// Compiled for a schema that the value fits, a path does what it does without.
func TestSchemaChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t, false)
		prog, err := Compile(c.path, CompileOptions{Shape: schemaShape{c.schema}})
		if err != nil || c.err != nil {
			return
		}
		got, err := prog.SelectAll(c.eval(), c.v)
		if err != nil {
			t.Fatalf("%s on %s: %v", c.path, c.v, err)
		}
		checkSameValue(t, "with a schema", c, value.List(got...), fromTwin(tList(c.want.([]any))))
	})
}

// schemaShape is a tSchema as a Shape.
type schemaShape struct{ s *tSchema }

func (h schemaShape) Kind() value.Kind {
	if h.s.kind == value.KindInt || h.s.kind == value.KindString {
		return value.KindVoid
	}
	return h.s.kind
}
func (h schemaShape) Elem(*value.Value) (Shape, bool) { return schemaShape{h.s.elem}, h.s.elem != nil }
func (h schemaShape) Key() Shape                      { return schemaShape{h.s.key} }
func (h schemaShape) Apart() bool                     { return h.s.apart }
func (h schemaShape) String() string                  { return fmt.Sprintf("%p", h.s) }
