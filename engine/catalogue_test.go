package engine

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func mustExtend(t failer, c *Catalogue, defs ...ObjectDef) *Catalogue {
	t.Helper()
	next, _, err := c.Extend(defs)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return next
}

func TestCatalogueGolden(t *testing.T) {
	c := mustExtend(t, &Catalogue{},
		ObjectDef{Name: "b", Kind: ObjectPState, Owner: "top", Nodes: []string{"x", ""}},
		ObjectDef{Name: "*a", Kind: ObjectDepot})
	c = mustExtend(t, c, ObjectDef{Name: "b", Kind: ObjectPState, Owner: "top", Nodes: []string{"", "y"}})
	want := strings.ReplaceAll("01 12 02"+
		" 10 01 01 02 2a61 00 01 00"+
		" 11 02 00 01 62 03 746f70 04 03 01 00 00 02 01 01 78 03 00 01 79", " ", "")
	if got := hex.EncodeToString(c.Append(nil)); got != want {
		t.Errorf("catalogue is\n%s, frozen as\n%s", got, want)
	}
	if got := hex.EncodeToString((&Catalogue{}).Append(nil)); got != "011000" {
		t.Errorf("the empty catalogue is %s", got)
	}
}

func drawDefs(t *rapid.T) []ObjectDef {
	var defs []ObjectDef
	for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), rapid.ID).Draw(t, "names") {
		d := ObjectDef{Name: name, Kind: ObjectPState, Owner: rapid.SampledFrom([]string{"", "s", "t"}).Draw(t, "owner")}
		d.Nodes = rapid.SliceOfDistinct(rapid.SampledFrom([]string{"", "x", "y", "x.y"}), rapid.ID).Draw(t, "nodes")
		defs = append(defs, d)
	}
	return defs
}

// Over any series of module updates: what stays keeps its id, no id is given out
// twice, the order of the definitions does not matter, and the bytes give the
// catalogue back.
func TestCatalogueModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &Catalogue{}
		type place struct {
			object ObjectID
			node   NodeID
		}
		meaning := map[place]string{} // what each id ever meant
		for round := rapid.IntRange(1, 6).Draw(t, "rounds"); round > 0; round-- {
			defs := drawDefs(t)
			next, changed, err := c.Extend(defs)
			if err != nil {
				t.Fatal(err)
			}
			shuffled := slices.Clone(defs)
			slices.Reverse(shuffled)
			for i := range shuffled {
				shuffled[i].Nodes = slices.Clone(shuffled[i].Nodes)
				slices.Reverse(shuffled[i].Nodes)
			}
			if again := mustExtend(t, c, shuffled...); !bytes.Equal(again.Append(nil), next.Append(nil)) {
				t.Fatal("the order of the definitions matters")
			}
			if changed == bytes.Equal(c.Append(nil), next.Append(nil)) {
				t.Fatalf("changed is %v", changed)
			}
			for _, d := range defs {
				o, ok := next.Object(d.Name)
				if !ok || o.Kind != d.Kind || o.Owner != d.Owner || o.ID < firstObject {
					t.Fatalf("%v is %v", d, o)
				}
				if before, ok := c.Object(d.Name); ok && before.ID != o.ID {
					t.Fatalf("%s changed its id", d.Name)
				}
				if ids := o.NodeIDs(); len(ids) != len(d.Nodes) {
					t.Fatalf("%v has nodes %v", d, ids)
				}
				for _, p := range d.Nodes {
					id, ok := o.Node(p)
					if !ok || id < firstNode {
						t.Fatalf("%v has no node %q", d, p)
					}
					at := place{o.ID, id}
					if was, ok := meaning[at]; ok && was != d.Name+"/"+p {
						t.Fatalf("id %v meant %s, now %s/%s", at, was, d.Name, p)
					}
					meaning[at] = d.Name + "/" + p
				}
			}
			live := 0
			for _, o := range next.Objects() {
				if got, ok := next.ByID(o.ID); !ok || got.Name != o.Name {
					t.Fatalf("object %d is not found", o.ID)
				}
				if !o.Removed {
					live++
				}
			}
			if live != len(defs) {
				t.Fatalf("%d objects are there, %d defined", live, len(defs))
			}
			decoded, err := DecodeCatalogue(next.Append(nil))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(next, decoded, cmp.AllowUnexported(Catalogue{}, Object{})); d != "" {
				t.Fatal(d)
			}
			c = next
		}
		// A name that comes back is another object.
		gone := mustExtend(t, c)
		back := mustExtend(t, gone, ObjectDef{Name: "a", Kind: ObjectDepot})
		o, _ := back.Object("a")
		if _, known := c.ByID(o.ID); known {
			t.Fatalf("id %d was used again", o.ID)
		}
	})
}

func TestCatalogueFaults(t *testing.T) {
	c := mustExtend(t, &Catalogue{}, ObjectDef{Name: "a", Kind: ObjectDepot})
	before := c.Append(nil)
	_, _, err := c.Extend([]ObjectDef{
		{Name: "", Kind: ObjectDepot},
		{Name: "b"},
		{Name: "c", Kind: ObjectDepot}, {Name: "c", Kind: ObjectDepot},
		{Name: "d", Kind: ObjectPState, Nodes: []string{"x", "x"}},
		{Name: "e", Kind: ObjectPState, Nodes: []string{strings.Repeat("x", maxName+1)}},
		{Name: "\xff", Kind: ObjectPState},
		{Name: "a", Kind: ObjectPState},
	})
	if !errors.Is(err, ErrInvalidCatalogue) {
		t.Fatal(err)
	}
	for _, want := range []string{`"" of`, "kind(0)", "defined twice", `two nodes "x"`, "too long", `"\xff"`, "is a depot and cannot become a pstate"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %s: %v", want, err)
		}
	}
	if !bytes.Equal(c.Append(nil), before) {
		t.Error("a refused extension changed the catalogue")
	}
	full := &Catalogue{next: 1<<32 - 2}
	if _, _, err := full.Extend([]ObjectDef{{Name: "a", Kind: ObjectDepot}}); !errors.Is(err, ErrInvalidCatalogue) {
		t.Errorf("no id left: %v", err)
	}
	if _, err := DecodeCatalogue([]byte{2}); !errors.Is(err, ErrNewerFormat) {
		t.Errorf("newer version: %v", err)
	}
	for _, h := range []string{
		"", "00", "01", "0100", "010f00", "01f4ffffffff00", "011001", "011000" + "00",
		"011101" + "0f01000161000100",                      // id below the first
		"011101" + "1101000161000100",                      // id not below next
		"011101" + "1001000000" + "0100",                   // no name
		"011101" + "10010001610000" + "00",                 // no next node id
		"011101" + "1001010161000201010000",                // a live node of a removed object
		"011101" + "1001020161000100",                      // removed is 2
		"011201" + "1004000161000100",                      // unknown kind
		"011101" + "10010001ff000100",                      // no UTF-8
		"011202" + "1001000161000100" + "1101000161000100", // two of one name
	} {
		b, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeCatalogue(b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", h, err)
		}
	}
}

func FuzzCatalogue(f *testing.F) {
	f.Add(mustExtend(f, &Catalogue{}, ObjectDef{Name: "b", Kind: ObjectPState, Nodes: []string{"x", ""}}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeCatalogue(b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNewerFormat) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		if !bytes.Equal(c.Append(nil), b) {
			t.Fatalf("%x has two spellings", b)
		}
		if _, _, err := c.Extend([]ObjectDef{{Name: "new", Kind: ObjectDepot}}); err != nil && !errors.Is(err, ErrInvalidCatalogue) {
			t.Fatal(err)
		}
	})
}
