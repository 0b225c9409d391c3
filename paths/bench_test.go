package paths

import (
	"fmt"
	"testing"

	"rama/engine/value"
)

// A prepared path on an encoded record, and on structures in memory.
func BenchmarkSelect(b *testing.B) {
	rec, _ := value.View(value.Encode(mustParse(b, `{"address":{"city":"c","street":"s","zip":12345},"name":"x","tags":["a","b"]}`)))
	many := value.NewBuilder(value.KindMap, 1000)
	for i := range int64(1000) {
		many.Put(value.String(fmt.Sprintf("user-%04d", i)), rec)
	}
	users, _ := value.View(value.Encode(many.Done()))
	for _, c := range []struct {
		name string
		path Path
		root value.Value
	}{
		{"key,key", New(Key(Arg(0), Arg(1))), rec},
		{"mapVals,key 1000", New(MapVals(), Key("name")), users},
		{"range 10 of 1000", New(SortedMapRangeFrom("user-0500", 10), MapVals(), "name"), users},
		{"subselect,SIZE 1000", New(Subselect(MapVals(), "tags", All()), View("SIZE")), users},
	} {
		b.Run(c.name, func(b *testing.B) {
			prog := mustCompile(b, c.path)
			e := NewEval()
			e.Args = []value.Value{value.String("address"), value.String("zip")}
			emit := func(value.Value) error { return nil }
			b.ReportAllocs()
			for b.Loop() {
				if err := prog.Select(e, c.root, emit); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkTransform(b *testing.B) {
	rec, _ := value.View(value.Encode(mustParse(b, `{"address":{"city":"c","street":"s","zip":12345},"name":"x","tags":["a","b"]}`)))
	for _, c := range []struct {
		name string
		path Path
	}{
		{"one field", New("address", "zip", Term("INC"))},
		{"two fields", New(MultiPath(New("name", TermVal("y")), New("address", "zip", TermVal(1))))},
	} {
		b.Run(c.name, func(b *testing.B) {
			prog := mustCompile(b, c.path)
			e := NewEval()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := prog.Transform(e, rec); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
