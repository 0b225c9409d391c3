package paths

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"rama/engine/value"
)

// jsonShape is a Shape for tests, read from JSON: "int" and other names are
// leaves, ["map", key, elem], ["set", elem], ["list", elem], and an object is
// fixed keys. A mark of exclamation behind the kind keeps the elements apart.
type jsonShape struct{ v value.Value }

func (s jsonShape) Kind() value.Kind {
	switch {
	case s.v.Kind() == value.KindMap:
		return value.KindMap
	case s.v.Kind() != value.KindList:
		return value.KindVoid
	}
	return map[string]value.Kind{"map": value.KindMap, "set": value.KindSet, "list": value.KindList}[strings.TrimSuffix(s.v.Index(0).AsString(), "!")]
}

func (s jsonShape) shape(v value.Value) Shape {
	if isText(v, "any") {
		return nil
	}
	return jsonShape{v}
}

func (s jsonShape) Elem(key *value.Value) (Shape, bool) {
	if s.v.Kind() == value.KindMap {
		if key == nil {
			return nil, true
		}
		v, ok := s.v.Get(*key)
		if !ok {
			return nil, false
		}
		return s.shape(v), true
	}
	if s.Kind() == value.KindMap && key != nil && isText(s.v.Index(1), "int") && key.Kind() != value.KindInt {
		return nil, false
	}
	return s.shape(s.v.Index(s.v.Len() - 1)), true
}

func (s jsonShape) Key() Shape {
	if s.v.Kind() == value.KindMap {
		return nil
	}
	return s.shape(s.v.Index(1))
}

func (s jsonShape) Apart() bool {
	return s.v.Kind() == value.KindList && strings.HasSuffix(s.v.Index(0).AsString(), "!")
}

func (s jsonShape) String() string { return string(value.AppendJSON(nil, s.v, value.Plain)) }

// The transcript of schema checks and of what is known of a path before it runs.
func TestCompileTranscript(t *testing.T) {
	datadriven.RunTest(t, "testdata/compile", func(t *testing.T, d *datadriven.TestData) string {
		lines := strings.Split(strings.TrimSpace(d.Input), "\n")
		v, err := value.ParseJSON([]byte(lines[0]), value.Plain)
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParseJSON([]byte(lines[1]), ParseOptions{Params: true})
		if err != nil {
			return fmt.Sprintf("error: %v\n", err)
		}
		prog, err := Compile(p, CompileOptions{Shape: jsonShape{}.shape(v)})
		if err != nil {
			return fmt.Sprintf("error: %v\n", err)
		}
		out := fmt.Sprintf("args=%d select=%t transform=%t bounded=%t", prog.NumArgs(), prog.IsSelect(), prog.IsTransform(), prog.Bounded())
		if k, ok := prog.LeadingKey([]value.Value{value.String("first")}); ok {
			out += fmt.Sprintf(" key=%s", k)
		}
		return out + "\n"
	})
}
