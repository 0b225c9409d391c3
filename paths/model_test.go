package paths

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"

	"pgregory.net/rapid"

	"rama/engine/value"
)

func TestMain(m *testing.M) {
	chunk = 3 // so that small structures kept apart take several
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("10000"); err != nil { // a case takes 30 us
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// A modelCase is a value, a path, and what the twin says.
type modelCase struct {
	schema *tSchema
	v      value.Value
	path   Path
	args   []value.Value
	want   any   // []any of a select
	err    error // or the kind of error
}

func drawCase(t *rapid.T, transform bool) *modelCase {
	c := &modelCase{schema: genSchema(t, 3)}
	c.v = genValue(t, c.schema)
	g := &pathGen{t: t, left: 7, coll: !transform || rapid.Bool().Draw(t, "collecting")}
	c.path = g.path(c.schema, transform)
	c.args = g.args
	w := &twin{}
	for _, a := range g.args {
		w.args = append(w.args, toTwin(a))
	}
	c.err = tRun(func() {
		if transform {
			c.want = fromTwin(w.transform(c.path, toTwin(c.v)))
		} else {
			c.want = w.selectAll(c.path, toTwin(c.v))
		}
	})
	return c
}

// forms are the value decoded, encoded, and kept apart as the schema says.
func (c *modelCase) forms() map[string]value.Value {
	enc, _ := value.View(value.Encode(c.v))
	return map[string]value.Value{
		"decoded": decodedForm(c.v), "encoded": enc, "stored": newFake(c.v, c.schema.layout(), &fakeStats{}),
	}
}

// compile compiles the path; false means that the compiler refuses it, as it may
// where the twin would find out later, if at all.
func (c *modelCase) compile(t *rapid.T) (*Program, bool) {
	prog, err := Compile(c.path, CompileOptions{})
	if err != nil {
		if !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrNoTerm) && !errors.Is(err, ErrTerm) {
			t.Fatalf("%s: %v", c.path, err)
		}
		return nil, false
	}
	return prog, true
}

func (c *modelCase) eval() *Eval {
	e := NewEval()
	e.Args, e.Handles = c.args, HandlePlain
	return e
}

// Everything means the same on a decoded value, an encoded one and a structure
// kept apart, and that is what the twin says it means.
func TestSelectModel(t *testing.T) {
	hits := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t, false)
		prog, ok := c.compile(t)
		if !ok {
			hits["refused"]++
			return
		}
		for name, root := range c.forms() {
			before := plainOf(root)
			got, err := prog.SelectAll(c.eval(), root)
			if kindOfError(err) != c.err {
				t.Fatalf("%s: %s on %s: error %v, want %v", name, c.path, c.v, err, c.err)
			}
			if !value.Same(plainOf(root), before) {
				t.Fatalf("%s: %s changed %s to %s", name, c.path, before, plainOf(root))
			}
			if err == nil {
				checkSameValue(t, name, c, value.List(got...), fromTwin(tList(c.want.([]any))))
			}
		}
		count(hits, c.err, c.want)
	})
	t.Logf("cases: %v", hits)
}

func count(hits map[string]int, err error, want any) {
	l, selected := want.([]any)
	switch {
	case err != nil:
		hits["error: "+err.Error()]++
	case !selected:
		hits["transformed"]++
	case len(l) == 0:
		hits["nothing"]++
	default:
		hits["results"]++
	}
}

func checkSameValue(t *rapid.T, name string, c *modelCase, got, want value.Value) {
	if !value.Same(got, want) {
		t.Fatalf("%s: %s with %s\non   %s\ngot  %s\nwant %s", name, c.path, value.List(c.args...), c.v, got, want)
	}
}

func TestTransformModel(t *testing.T) {
	hits := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t, true)
		prog, ok := c.compile(t)
		if !ok {
			hits["refused"]++
			return
		}
		for name, root := range c.forms() {
			before := fmt.Sprint(root)
			got, err := prog.Transform(c.eval(), root)
			if kindOfError(err) != c.err {
				t.Fatalf("%s: %s on %s: error %v, want %v", name, c.path, c.v, err, c.err)
			}
			if fmt.Sprint(root) != before {
				t.Fatalf("%s: %s changed %s", name, c.path, before)
			}
			if err == nil {
				checkSameValue(t, name, c, plainOf(got), c.want.(value.Value))
			}
		}
		if c.err == nil && value.Same(c.v, c.want.(value.Value)) {
			hits["unchanged"]++
			return
		}
		count(hits, c.err, c.want)
	})
	t.Logf("cases: %v", hits)
}
