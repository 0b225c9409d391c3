package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"

	"rama/engine/value"
)

// scene is what a transcript works on: one overlay of task 1 and its store. Keys
// are letters.
type scene struct {
	t     *testing.T
	s     *Store
	o     *Overlay
	marks map[string]Mark
	cut   []Section
	index uint64
	iters map[string]Iterator
}

func sceneKey(name string) []byte {
	if name == "END" {
		return PrefixEnd(nil, AppendTask(nil, 1))
	}
	return value.AppendKey(AppendPrefix(nil, 1, 20, 1), value.String(name))
}

func sceneName(key []byte) string {
	_, _, _, rest, err := DecodePrefix(key)
	if err == nil && len(rest) > 0 && rest[0] != prefixEnd {
		if v, _, err := value.DecodeKey(rest); err == nil {
			return v.AsString()
		}
	}
	return "END"
}

func printBody(body []byte) string {
	var b strings.Builder
	r := bodyReader{rest: body}
	for rec, ok := r.next(); ok; rec, ok = r.next() {
		switch rec.kind {
		case kindSet:
			fmt.Fprintf(&b, "set %s=%s\n", sceneName(rec.key), rec.val)
		case kindDelete:
			fmt.Fprintf(&b, "del %s\n", sceneName(rec.key))
		case kindRangeDelete:
			fmt.Fprintf(&b, "del %s to %s\n", sceneName(rec.key), sceneName(rec.val))
		}
	}
	return b.String()
}

// run executes one command and says what there is to say.
func (c *scene) run(words []string) string {
	arg := func(i int) string { return words[i] }
	err := error(nil)
	switch arg(0) {
	case "put":
		for _, kv := range words[1:] {
			k, v, _ := strings.Cut(kv, "=")
			err = c.o.Put(sceneKey(k), []byte(v))
		}
	case "del":
		if len(words) > 2 {
			err = c.o.DeleteRange(sceneKey(arg(1)), sceneKey(arg(3))) // del a to b
		} else {
			err = c.o.Delete(sceneKey(arg(1)))
		}
	case "mark":
		c.marks[arg(1)] = c.o.Mark()
	case "rollback":
		c.o.Rollback(c.marks[arg(1)])
	case "cut":
		body, n, ok := c.o.Cut()
		if !ok {
			return "nothing\n"
		}
		c.cut = append(c.cut, Section{Task: 1, KV: body, KVCount: n})
		return printBody(body)
	case "apply":
		c.index++
		err = c.s.Apply(c.index, 1, c.cut[:1])
		c.cut = c.cut[1:]
		if len(words) == 1 { // apply keep: without the drop
			c.o.Drop()
		}
	case "drop":
		c.o.Drop()
	case "stepdown":
		c.o.Reset()
		c.cut = nil
	case "get":
		c.o.ClearReadUncommitted()
		v, ok, gerr := c.o.Get(nil, sceneKey(arg(1)))
		if err = gerr; err == nil {
			if !ok {
				v = []byte("nothing")
			}
			return fmt.Sprintf("%s %s\n", v, c.seen())
		}
	case "scan":
		return c.scan(c.o)
	case "committed":
		return c.scan(c.s)
	case "state":
		return fmt.Sprintf("layers %d, keys %d, covers %d, dirty %v, bytes %d\n", len(c.o.layers), c.o.hash.used, c.o.spans, c.o.Dirty(), c.o.Bytes())
	case "iter":
		c.iters[arg(1)] = c.o.NewIter(nil, nil)
	case "move":
		return c.move(c.iters[arg(1)], words[2:])
	case "close":
		err = c.iters[arg(1)].Close()
		delete(c.iters, arg(1))
	default:
		c.t.Fatalf("unknown command %v", words)
	}
	if err != nil {
		return fmt.Sprintf("%s: %v\n", strings.Join(words, " "), err)
	}
	return ""
}

func (c *scene) seen() string {
	if c.o.ReadUncommitted() {
		return "(uncommitted)"
	}
	return "(committed)"
}

func (c *scene) scan(r Reader) string {
	c.o.ClearReadUncommitted()
	it := r.NewIter(AppendTask(nil, 1), PrefixEnd(nil, AppendTask(nil, 1)))
	defer it.Close()
	var b strings.Builder
	for ok := it.First(); ok; ok = it.Next() {
		fmt.Fprintf(&b, "%s=%s ", sceneName(it.Key()), it.Value())
	}
	return b.String() + c.seen() + "\n"
}

func (c *scene) move(it Iterator, moves []string) string {
	var b strings.Builder
	for _, m := range moves {
		name, key, _ := strings.Cut(m, ":")
		ok := false
		switch name {
		case "first":
			ok = it.First()
		case "last":
			ok = it.Last()
		case "next":
			ok = it.Next()
		case "prev":
			ok = it.Prev()
		case "ge":
			ok = it.SeekGE(sceneKey(key))
		case "lt":
			ok = it.SeekLT(sceneKey(key))
		}
		switch {
		case ok:
			fmt.Fprintf(&b, "%s: %s=%s\n", m, sceneName(it.Key()), it.Value())
		case it.Error() != nil:
			fmt.Fprintf(&b, "%s: %v\n", m, it.Error())
		default:
			fmt.Fprintf(&b, "%s: nowhere\n", m)
		}
	}
	return b.String()
}

// The hard cases of the overlay, told in testdata/overlay; -rewrite records them
// anew.
func TestOverlayTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/overlay", func(t *testing.T, path string) {
		s := mustOpen(t, vfs.NewMem())
		c := &scene{t: t, s: s, o: NewOverlay(s, 1), marks: map[string]Mark{}, iters: map[string]Iterator{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var b strings.Builder
			for _, line := range strings.Split(d.Input, "\n") {
				b.WriteString(c.run(strings.Fields(line)))
				checkOverlay(t, c.o)
			}
			if b.Len() == 0 {
				return "ok\n"
			}
			return b.String()
		})
		for _, it := range c.iters {
			it.Close()
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Module updates as the catalogue sees them, told in testdata/catalogue.
func TestCatalogueTranscripts(t *testing.T) {
	c := &Catalogue{}
	datadriven.RunTest(t, "testdata/catalogue", func(t *testing.T, d *datadriven.TestData) string {
		var defs []ObjectDef
		for _, line := range strings.Split(d.Input, "\n") {
			w := strings.Fields(line)
			if len(w) == 0 {
				continue
			}
			def := ObjectDef{Name: w[1], Kind: map[string]ObjectKind{"depot": ObjectDepot, "pstate": ObjectPState}[w[0]]}
			for _, p := range w[2:] {
				if owner, ok := strings.CutPrefix(p, "of:"); ok {
					def.Owner = owner
				} else {
					def.Nodes = append(def.Nodes, strings.Trim(p, `"`))
				}
			}
			defs = append(defs, def)
		}
		next, changed, err := c.Extend(defs)
		if err != nil {
			return err.Error() + "\n"
		}
		c = next
		var b strings.Builder
		fmt.Fprintf(&b, "changed %v\n", changed)
		for _, o := range c.Objects() {
			fmt.Fprintf(&b, "%d %s %s %q", o.ID, o.Kind, o.Name, o.Owner)
			if o.Removed {
				b.WriteString(" removed")
			}
			for _, n := range o.Nodes() {
				if n.Removed {
					fmt.Fprintf(&b, " (%d %q)", n.ID, n.Path)
				} else {
					fmt.Fprintf(&b, " %d %q", n.ID, n.Path)
				}
			}
			b.WriteString("\n")
		}
		return b.String()
	})
}
