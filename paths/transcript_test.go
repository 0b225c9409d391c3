package paths

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"rama/engine/value"
)

// forms are the ways a value can lie: decoded, encoded, every collection kept
// apart, every second one, and every second one in a blob around it.
var forms = []struct {
	name string
	make func(v value.Value) value.Value
}{
	{"decoded", decodedForm},
	{"encoded", func(v value.Value) value.Value { w, _ := value.View(value.Encode(v)); return w }},
	{"stored", func(v value.Value) value.Value {
		return newFake(v, autoLayout(func(int) (bool, bool) { return true, false }), &fakeStats{})
	}},
	{"half stored", func(v value.Value) value.Value {
		return newFake(v, autoLayout(func(d int) (bool, bool) { return d%2 == 0, false }), &fakeStats{})
	}},
	{"blobs", func(v value.Value) value.Value {
		return newFake(v, autoLayout(func(d int) (bool, bool) { return true, d%2 == 1 }), &fakeStats{})
	}},
}

func autoLayout(f func(depth int) (apart, blob bool)) *layout {
	return &layout{auto: func(d int, _ value.Value) (bool, bool) { return f(d) }}
}

// decodedForm is v with every level decoded.
func decodedForm(v value.Value) value.Value {
	if !v.IsCollection() {
		return v
	}
	b := value.NewBuilder(v.Kind(), v.Len())
	for _, en := range entries(v) {
		if v.Kind() == value.KindMap {
			b.Put(decodedForm(en.k), decodedForm(en.v))
		} else {
			b.Add(decodedForm(en.v))
		}
	}
	return b.Done().AsSorted(v.Sorted())
}

// The transcripts in testdata tell what each navigator does. A case is a value, a
// path, and, if it takes any, a list of arguments, each on a line of its own:
//
//	select       every result on a line
//	select-one   the result
//	transform    what the value becomes
//
// Each runs on every form of the value, and what a form has different is shown
// with its name.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/nav", func(t *testing.T, file string) {
		datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
			var first string
			var out strings.Builder
			for i, f := range forms {
				got := runCase(t, d, f.make)
				if i == 0 {
					first = got
					out.WriteString(got)
				} else if got != first {
					fmt.Fprintf(&out, "-- %s:\n%s", f.name, got)
				}
			}
			return out.String()
		})
	})
}

func runCase(t *testing.T, d *datadriven.TestData, form func(value.Value) value.Value) string {
	lines := strings.Split(strings.TrimSpace(d.Input), "\n")
	if len(lines) < 2 {
		t.Fatalf("%s: a case is a value and a path", d.Pos)
	}
	v, err := value.ParseJSON([]byte(lines[0]), value.Tagged)
	if err != nil {
		t.Fatalf("%s: value: %v", d.Pos, err)
	}
	e := NewEval()
	if !d.HasArg("handles") {
		e.Handles = HandlePlain
	}
	if len(lines) > 2 {
		args, err := value.ParseJSON([]byte(lines[2]), value.Tagged)
		if err != nil {
			t.Fatalf("%s: arguments: %v", d.Pos, err)
		}
		e.Args = args.Elems()
	}
	before := v.String()
	out, err := evalCase(d.Cmd, lines[1], e, form(v))
	if v.String() != before {
		t.Errorf("%s: the value has changed from %s to %s", d.Pos, before, v)
	}
	if err != nil {
		return fmt.Sprintf("error: %v\n", err)
	}
	return out
}

func evalCase(cmd, path string, e *Eval, root value.Value) (string, error) {
	p, err := ParseJSON([]byte(path), ParseOptions{Params: true})
	if err != nil {
		return "", err
	}
	prog, err := Compile(p, CompileOptions{})
	if err != nil {
		return "", err
	}
	switch cmd {
	case "select":
		all, err := prog.SelectAll(e, root)
		if len(all) == 0 && err == nil {
			return "nothing\n", nil
		}
		var out strings.Builder
		for _, v := range all {
			fmt.Fprintln(&out, v)
		}
		return out.String(), err
	case "select-one":
		v, err := prog.SelectOne(e, root)
		return v.String() + "\n", err
	case "transform":
		v, err := prog.Transform(e, root)
		return plainOf(v).String() + "\n", err
	}
	return "", fmt.Errorf("unknown command %q", cmd)
}
