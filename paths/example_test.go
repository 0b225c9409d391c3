package paths_test

import (
	"fmt"

	"rama/engine/value"
	"rama/paths"
)

func Example() {
	users := value.MustOf(map[string]any{
		"alice": map[string]any{"age": 31, "tags": []any{"a", "b"}},
		"bob":   map[string]any{"age": 17, "tags": []any{}},
	})

	// The names of the adults, with their ages.
	adults := paths.New(paths.All(), paths.FilterSelected(paths.Last(), "age", paths.FilterGreaterThanOrEqual(paths.Arg(0))),
		paths.CollectOne(paths.Last(), "age"), paths.First())
	prog, err := paths.Compile(adults, paths.CompileOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	e := paths.NewEval()
	e.Args = []value.Value{value.Int(18)}
	found, err := prog.SelectAll(e, users)
	fmt.Println(found, err)

	// A tag for everybody who has none.
	tag := paths.New(paths.MapVals(), "tags", paths.FilterPred(func(v value.Value) bool { return v.Len() == 0 }),
		paths.AfterElem(), paths.TermVal("new"))
	if prog, err = paths.Compile(tag, paths.CompileOptions{}); err != nil {
		fmt.Println(err)
		return
	}
	after, err := prog.Transform(e, users)
	fmt.Println(after, err)

	// Output:
	// [[31,"alice"]] <nil>
	// {"alice":{"age":31,"tags":["a","b"]},"bob":{"age":17,"tags":["new"]}} <nil>
}

// Paths can be sent: as JSON, which is the form of the REST interface, or in a
// binary form.
func ExampleAppendJSON() {
	p := paths.New("counts", paths.SortedMapRangeFrom(paths.Arg(0), 10), paths.Subselect(paths.MapVals()), paths.View("SUM"))
	b, err := paths.AppendJSON(nil, p)
	fmt.Println(string(b), err)
	q, err := paths.ParseJSON(b, paths.ParseOptions{Params: true})
	fmt.Println(q, err)
	// Output:
	// ["counts",["sortedMapRangeFrom",["arg",0],{"max-amt":10}],["subselect",["mapVals"]],["view","#__fSUM"]] <nil>
	// key("counts") . sortedMapRangeFrom($0, {max 10}) . subselect([mapVals]) . view(SUM) <nil>
}
