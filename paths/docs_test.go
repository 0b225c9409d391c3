package paths

import (
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"
)

// The table of navigators in the documentation is made of the register; the flag
// -rewrite writes it anew.
func TestDocumentedNavigators(t *testing.T) {
	const from, to = "<!-- navigators: made by TestDocumentedNavigators -->\n", "<!-- end -->\n"
	name := "docs-notes.md"
	text, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		name = "../docs/PATHS.md"
		text, err = os.ReadFile(name)
	}
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), from)
	if !ok {
		t.Fatalf("%s has no table", name)
	}
	_, tail, ok := strings.Cut(rest, to)
	if !ok {
		t.Fatalf("the table of %s has no end", name)
	}
	want := head + from + navigatorTable() + to + tail
	if want == string(text) {
		return
	}
	if f := flag.Lookup("rewrite"); f != nil && f.Value.String() == "true" {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("the table of %s is not that of the register; run with -rewrite", name)
}

func navigatorTable() string {
	all := Ops()
	sort.Slice(all, func(i, j int) bool { return all[i].Code < all[j].Code })
	var b strings.Builder
	b.WriteString("| no. | name | other names | arguments | reaches |\n| --- | --- | --- | --- | --- |\n")
	for _, op := range all {
		var args []string
		for _, p := range op.Params {
			text := p.Name
			switch {
			case p.Kind == ParamNavs:
				text += "..."
			case p.Repeated && p.AtLeast > 0:
				text += "+"
			case p.Repeated:
				text += "*"
			case p.Optional:
				text += "?"
			}
			args = append(args, text)
		}
		fmt.Fprintf(&b, "| %d | `%s` | %s | %s | %s |\n", op.Code, op.Name, strings.Join(op.Aliases, " "), strings.Join(args, ", "), op.Doc)
	}
	return b.String()
}
