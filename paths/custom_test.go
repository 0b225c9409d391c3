package paths

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"rama/engine/value"
)

// multiples navigates to the elements of a list at every n-th position.
type multiples struct{ n int64 }

func (m multiples) Select(e *Eval, at value.Value, next *Step) error {
	for i, v := range at.Elems() {
		if int64(i)%m.n == 0 {
			if err := next.Select(e, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m multiples) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	out := slices.Clone(at.Elems())
	for i, v := range out {
		if int64(i)%m.n == 0 {
			var err error
			if out[i], err = next.Transform(e, v); err != nil {
				return value.Nil, err
			}
		}
	}
	return value.List(out...), nil
}

func buildMultiples(args []value.Value) (Navigator, error) {
	if len(args) != 1 || args[0].Kind() != value.KindInt || args[0].AsInt() < 1 {
		return nil, fail(ErrArgument, "multiples takes a positive integer")
	}
	return multiples{args[0].AsInt()}, nil
}

func TestCustomNavigators(t *testing.T) {
	reg := NewRegistry()
	if err := reg.AddNavigator("multiples", buildMultiples); err != nil {
		t.Fatal(err)
	}
	if err := reg.AddNavigator("multiples", buildMultiples); !errors.Is(err, ErrArgument) {
		t.Errorf("error %v", err)
	}
	root := mustParse(t, `[1,2,3,4,5]`)
	for _, n := range []Nav{Custom(multiples{2}), CustomBuilder(buildMultiples, 2), CustomBuilder(buildMultiples, Arg(0)), CustomNamed("multiples", Arg(0))} {
		e := NewEval()
		e.Args = []value.Value{value.Int(2)}
		sel, err := Compile(New(n, View("INC")), CompileOptions{Funcs: reg})
		if err != nil {
			t.Fatal(err)
		}
		if all, err := sel.SelectAll(e, root); err != nil || fmt.Sprint(all) != "[2 4 6]" {
			t.Errorf("%s: %v, %v", n, all, err)
		}
		tr, err := Compile(New(n, Term("TIMES", 10)), CompileOptions{Funcs: reg})
		if err != nil {
			t.Fatal(err)
		}
		if v, err := tr.Transform(e, root); err != nil || v.String() != "[10,2,30,4,50]" {
			t.Errorf("%s: %s, %v", n, v, err)
		}
	}
	prog, err := Compile(New(CustomNamed("multiples", 0)), CompileOptions{Funcs: reg})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prog.SelectAll(NewEval(), root); !errors.Is(err, ErrArgument) || !strings.HasPrefix(err.Error(), "path step 1 (customNavBuilder)") {
		t.Errorf("error %v", err)
	}
	for _, n := range []Nav{CustomNamed("nope"), CustomNamed("multiples")} {
		if _, err := Compile(New(n), CompileOptions{}); !errors.Is(err, ErrUnknownNavigator) {
			t.Errorf("error %v", err)
		}
	}
	null := mustCompile(t, CustomBuilder(func([]value.Value) (Navigator, error) { return nil, nil }))
	if _, err := null.SelectAll(NewEval(), root); !errors.Is(err, ErrArgument) {
		t.Errorf("error %v", err)
	}
}

// wrap is a careless navigator: what becomes of a location is put into a list
// with the location itself, whatever that is.
type wrap struct{}

func (wrap) Select(e *Eval, at value.Value, next *Step) error { return next.Select(e, at) }

func (wrap) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	return value.List(at), nil
}

// A handle that a navigator puts into a plain collection is read before it is
// stored.
func TestCarelessNavigator(t *testing.T) {
	for _, f := range forms {
		root := f.make(mustParse(t, `{"a":{"x":1},"l":[[1],[2]]}`))
		got, err := mustCompile(t, MultiPath(New("a", Custom(wrap{}), TermVoid()), New("l", All(), Custom(wrap{}), TermVoid()))).Transform(NewEval(), root)
		if err != nil || plainOf(got).String() != `{"a":[{"x":1}],"l":[[[1]],[[2]]]}` {
			t.Errorf("%s: %s, %v", f.name, plainOf(got), err)
		}
	}
}

func TestGoFunctions(t *testing.T) {
	even := func(v value.Value) bool { return v.AsInt()%2 == 0 }
	add := func(a, b value.Value) (value.Value, error) { return value.Int(a.AsInt() + b.AsInt()), nil }
	drop := func(value.Value) value.Value { return value.Void }
	all := func(a []value.Value) (value.Value, error) { return value.List(a...), nil }
	root := mustParse(t, `[1,2,3,4]`)
	for _, c := range []struct {
		path Path
		want string
	}{
		{New(All(), even, Term(add, 100)), "[1,102,3,104]"},
		{New(All(), FilterPred(even), Term(drop)), "[1,3]"},
		{New(All(), Fn(even), Term(all, "x")), `[1,[2,"x"],3,[4,"x"]]`},
		{New(All(), PutCollected(5), Term(all, "x")), `[[5,1,"x"],[5,2,"x"],[5,3,"x"],[5,4,"x"]]`},
		{New(All(), Term(NewFunc("neg", 1, 1, func(a []value.Value) (value.Value, error) { return value.Int(-a[0].AsInt()), nil }))), "[-1,-2,-3,-4]"},
	} {
		if v, err := mustCompile(t, c.path).Transform(NewEval(), root); err != nil || v.String() != c.want {
			t.Errorf("%s: %s, %v, want %s", c.path, v, err, c.want)
		}
	}
	if _, err := Compile(New(View(even, 1)), CompileOptions{}); !errors.Is(err, ErrArgument) {
		t.Errorf("error %v", err)
	}
	for _, bad := range []any{Fn(5), Fn(func() {})} {
		if _, err := Compile(New(FilterPred(bad)), CompileOptions{}); !errors.Is(err, ErrArgument) {
			t.Errorf("error %v", err)
		}
	}
}

func TestRegistry(t *testing.T) {
	double := NewFunc("my/double", 1, 1, func(a []value.Value) (value.Value, error) { return value.Int(2 * a[0].AsInt()), nil })
	reg := NewRegistry()
	if err := reg.Add(double); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*Func{double, NewFunc("INC", 1, 1, double.impl), NewFunc("Ops.INC", 1, 1, double.impl), NewFunc("", 1, 1, double.impl), Named("x")} {
		if err := reg.Add(f); !errors.Is(err, ErrArgument) {
			t.Errorf("%s: error %v", f.Name(), err)
		}
	}
	for _, name := range []string{"my/double", "INC", "Ops.INC", "inc", "clojure.core/inc", "range>", "com.rpl.rama.ops/range>"} {
		if _, err := reg.Func(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "nope", "Ops.", "Ops.nope", "Ops.my/double"} {
		if _, err := reg.Func(name); !errors.Is(err, ErrUnknownFunction) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	p, err := ParseJSON([]byte(`[["all"],["view","#__fmy/double"]]`), ParseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Compile(p, CompileOptions{}); !errors.Is(err, ErrUnknownFunction) {
		t.Errorf("error %v", err)
	}
	prog, err := Compile(p, CompileOptions{Funcs: reg})
	if err != nil {
		t.Fatal(err)
	}
	if all, err := prog.SelectAll(NewEval(), mustParse(t, `[1,2]`)); err != nil || fmt.Sprint(all) != "[2 4]" {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := Named("INC").Call(value.Int(1)); !errors.Is(err, ErrUnknownFunction) {
		t.Errorf("error %v", err)
	}
}

// The built-in functions, each called with a list of arguments; the first one is
// also kept apart.
func TestFunctionTranscript(t *testing.T) {
	called := map[*Func]bool{}
	datadriven.RunTest(t, "testdata/functions", func(t *testing.T, d *datadriven.TestData) string {
		var out strings.Builder
		f, err := (*Registry)(nil).Func(d.CmdArgs[0].Key)
		if err != nil {
			return fmt.Sprintf("error: %v\n", err)
		}
		called[f] = true
		for _, line := range strings.Split(strings.TrimSpace(d.Input), "\n") {
			args := mustParse(t, line).Elems()
			got := callText(f, args)
			fmt.Fprintln(&out, got)
			if len(args) > 0 {
				e := NewEval()
				e.lim = e.Limits.filled()
				for i, a := range args[1:] {
					args[i+1] = a
				}
				at := newFake(args[0], autoLayout(func(int) (bool, bool) { return true, false }), &fakeStats{})
				ops := []operand{}
				for _, a := range args[1:] {
					ops = append(ops, operand{val: a, param: -1})
				}
				v, err := e.call(f, nil, at, ops)
				if err == nil {
					v, err = e.Plain(v)
				}
				if apart := resultText(v, err); apart != got {
					fmt.Fprintf(&out, "-- stored: %s\n", apart)
				}
			}
		}
		return out.String()
	})
	for name := range builtins {
		if !called[builtin(name)] {
			t.Errorf("%s is not in the transcript", name)
		}
	}
}

func callText(f *Func, args []value.Value) string {
	v, err := f.Call(args...)
	return resultText(v, err)
}

func resultText(v value.Value, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	return v.String()
}
