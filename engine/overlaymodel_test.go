package engine

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// modelOp is a write as the model keeps it.
type modelOp struct {
	kind     byte
	key, val string
}

// model is the dumb twin of an overlay and its store: maps and lists of writes,
// and every question is answered by doing all writes again.
type model struct {
	committed map[string]string
	layers    [][]modelOp // the last one is open
}

func play(m map[string]string, ops []modelOp) map[string]string {
	m = maps.Clone(m)
	for _, op := range ops {
		switch op.kind {
		case kindSet:
			m[op.key] = op.val
		case kindDelete:
			delete(m, op.key)
		case kindRangeDelete:
			maps.DeleteFunc(m, func(k, _ string) bool { return k >= op.key && k < op.val })
		}
	}
	return m
}

func (m *model) view() map[string]string {
	v := m.committed
	for _, l := range m.layers {
		v = play(v, l)
	}
	return v
}

// touched reports whether a layer decides about key.
func (m *model) touched(key string) bool {
	for _, l := range m.layers {
		for _, op := range l {
			if op.key == key && op.kind != kindRangeDelete || op.kind == kindRangeDelete && key >= op.key && key < op.val {
				return true
			}
		}
	}
	return false
}

// bodyOps are the writes of a body.
func bodyOps(t failer, task TaskID, body []byte, count uint32) []modelOp {
	if err := checkBody(task, body, count); err != nil {
		t.Fatalf("cut a body that is none: %v", err)
	}
	var ops []modelOp
	r := bodyReader{rest: body}
	for rec, ok := r.next(); ok; rec, ok = r.next() {
		ops = append(ops, modelOp{rec.kind, string(rec.key), string(rec.val)})
	}
	return ops
}

// overlayMachine runs one overlay beside its model.
type overlayMachine struct {
	s      **Store
	task   TaskID
	o      *Overlay
	m      model
	bodies []Section // of the cut layers
	copies [][]byte  // of the bodies as they were cut
	marks  []Mark
	sizes  []int // of the open layer of the model at the marks
}

func newMachine(s **Store, task TaskID) *overlayMachine {
	w := &overlayMachine{s: s, task: task}
	w.m.committed = map[string]string{}
	w.renew()
	return w
}

func (w *overlayMachine) renew() {
	w.o = NewOverlay(*w.s, w.task)
	w.m.layers = [][]modelOp{nil}
	w.bodies, w.copies, w.marks, w.sizes = nil, nil, nil, nil
}

func (w *overlayMachine) drawKey(t *rapid.T, name string) []byte {
	return testKey(w.task, rapid.Int64Range(-3, 40).Draw(t, name))
}

func (w *overlayMachine) write(op modelOp) {
	l := &w.m.layers[len(w.m.layers)-1]
	*l = append(*l, op)
}

func (w *overlayMachine) put(t *rapid.T) {
	key := w.drawKey(t, "key")
	val := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "val")
	if err := w.o.Put(key, val); err != nil {
		t.Fatal(err)
	}
	w.write(modelOp{kindSet, string(key), string(val)})
}

func (w *overlayMachine) delete(t *rapid.T) {
	key := w.drawKey(t, "key")
	if err := w.o.Delete(key); err != nil {
		t.Fatal(err)
	}
	w.write(modelOp{kindDelete, string(key), ""})
}

func (w *overlayMachine) deleteRange(t *rapid.T) {
	lo, hi := w.drawKey(t, "lo"), w.drawKey(t, "hi")
	if rapid.IntRange(0, 9).Draw(t, "toEnd") == 0 {
		hi = PrefixEnd(nil, AppendTask(nil, w.task))
	}
	if err := w.o.DeleteRange(lo, hi); err != nil {
		t.Fatal(err)
	}
	w.write(modelOp{kindRangeDelete, string(lo), string(hi)})
}

func (w *overlayMachine) mark() {
	w.marks = append(w.marks, w.o.Mark())
	w.sizes = append(w.sizes, len(w.m.layers[len(w.m.layers)-1]))
}

func (w *overlayMachine) rollback(t *rapid.T) {
	if len(w.marks) == 0 {
		t.Skip()
	}
	i := rapid.IntRange(0, len(w.marks)-1).Draw(t, "mark")
	w.o.Rollback(w.marks[i])
	l := &w.m.layers[len(w.m.layers)-1]
	*l = (*l)[:w.sizes[i]]
	w.marks, w.sizes = w.marks[:i+1], w.sizes[:i+1]
}

func (w *overlayMachine) cut(t *rapid.T) {
	ops := w.m.layers[len(w.m.layers)-1]
	effective := slices.ContainsFunc(ops, func(op modelOp) bool { return op.kind != kindRangeDelete || op.key < op.val })
	if w.o.Dirty() != effective {
		t.Fatalf("dirty is %v after %d writes", w.o.Dirty(), len(ops))
	}
	body, count, ok := w.o.Cut()
	if ok != effective {
		t.Fatalf("cut says %v after %d writes", ok, len(ops))
	}
	w.marks, w.sizes = nil, nil
	if !ok {
		w.m.layers[len(w.m.layers)-1] = nil
		return
	}
	cut := bodyOps(t, w.task, body, count)
	all := w.m.committed
	for _, l := range w.m.layers[:len(w.m.layers)-1] {
		all = play(all, l)
	}
	if got, want := play(all, cut), play(all, ops); !maps.Equal(got, want) {
		t.Fatalf("body does %v, the writes did %v", got, want)
	}
	seen := map[string]bool{}
	for _, op := range cut {
		if op.kind != kindRangeDelete && seen[op.key] {
			t.Fatalf("key %x twice in a body", op.key)
		}
		seen[op.key] = op.kind != kindRangeDelete
	}
	w.bodies = append(w.bodies, Section{Task: w.task, KV: body, KVCount: count})
	w.copies = append(w.copies, bytes.Clone(body))
	w.m.layers = append(w.m.layers, nil)
}

// next is the section to apply next, if there is one.
func (w *overlayMachine) next(t *rapid.T) []Section {
	if len(w.bodies) == 0 {
		return nil
	}
	if !bytes.Equal(w.bodies[0].KV, w.copies[0]) {
		t.Fatalf("the overlay changed a body it had handed over")
	}
	return w.bodies[:1]
}

func (w *overlayMachine) drop() {
	w.o.Drop()
	w.m.committed = play(w.m.committed, w.m.layers[0])
	w.m.layers = w.m.layers[1:]
	w.bodies, w.copies = w.bodies[1:], w.copies[1:]
}

func (w *overlayMachine) get(t *rapid.T) {
	key := w.drawKey(t, "key")
	w.o.ClearReadUncommitted()
	got, ok, err := w.o.Get([]byte("dst"), key)
	want, wantOK := w.m.view()[string(key)]
	if err != nil || ok != wantOK || string(got) != "dst"+want {
		t.Fatalf("get %x: %q %v %v, want %q %v", key, got, ok, err, want, wantOK)
	}
	// Where a layer decided what was read, the flag must be up; a key that no layer
	// names must not raise it.
	if touched := w.m.touched(string(key)); w.o.ReadUncommitted() != touched {
		t.Fatalf("get %x: ReadUncommitted is %v", key, !touched)
	}
}

// scan moves an iterator about and compares each move.
func (w *overlayMachine) scan(t *rapid.T) {
	view := w.m.view()
	var lo, hi []byte
	if rapid.Bool().Draw(t, "hasLo") {
		lo = w.drawKey(t, "lo")
	}
	if rapid.Bool().Draw(t, "hasHi") {
		hi = w.drawKey(t, "hi")
	}
	it := w.o.NewIter(lo, hi)
	walk(t, it, view, lo, hi, func(name string) []byte { return w.drawKey(t, name) })
	if rapid.Bool().Draw(t, "rebound") {
		lo, hi = nil, w.drawKey(t, "hi")
		it.SetBounds(lo, hi)
		walk(t, it, view, lo, hi, func(name string) []byte { return w.drawKey(t, name) })
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
}

// walk makes random moves on an iterator over view and judges each.
func walk(t *rapid.T, it Iterator, view map[string]string, lo, hi []byte, drawKey func(string) []byte) {
	keys := slices.Sorted(maps.Keys(view))
	keys = slices.DeleteFunc(keys, func(k string) bool {
		return lo != nil && k < string(lo) || hi != nil && k >= string(hi)
	})
	at := -2 // index in keys; -1: before all, len: behind all, -2: nowhere yet
	for n := rapid.IntRange(1, 12).Draw(t, "moves"); n > 0; n-- {
		move := rapid.SampledFrom([]string{"First", "Last", "SeekGE", "SeekLT", "Next", "Next", "Next", "Prev", "Prev", "Prev"}).Draw(t, "move")
		var ok bool
		switch move {
		case "First":
			ok, at = it.First(), 0
		case "Last":
			ok, at = it.Last(), len(keys)-1
		case "SeekGE":
			key := drawKey("seek")
			ok = it.SeekGE(key)
			at, _ = slices.BinarySearch(keys, string(key))
		case "SeekLT":
			key := drawKey("seek")
			ok = it.SeekLT(key)
			at, _ = slices.BinarySearch(keys, string(key))
			at--
		case "Next":
			ok = it.Next()
			at = min(max(at, -1)+1, len(keys))
		case "Prev":
			if at == -2 {
				at = len(keys)
			}
			ok = it.Prev()
			at = max(at-1, -1)
		}
		want := at >= 0 && at < len(keys)
		if ok != want || it.Valid() != want {
			t.Fatalf("%s: %v, valid %v, want %v (%d of %d); %v", move, ok, it.Valid(), want, at, len(keys), it.Error())
		}
		if ok && (string(it.Key()) != keys[at] || string(it.Value()) != view[keys[at]]) {
			t.Fatalf("%s: at %x=%q, want %x=%q", move, it.Key(), it.Value(), keys[at], view[keys[at]])
		}
	}
}

// Two overlays on one store do what their models do, through cuts, applies, drops,
// rollbacks, step downs and reopening.
func TestOverlayModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewMem()
		s := mustOpen(t, fs)
		defer func() { s.Close() }()
		ws := []*overlayMachine{newMachine(&s, 0), newMachine(&s, 300)}
		// Equal hashes, numbers of versions and layers about to wrap: none must matter.
		if rapid.Bool().Draw(t, "collide") {
			ws[0].o.hash.keep = 3
		}
		ws[1].o.firstLayer = ^uint32(0) - 2
		ws[1].o.limit = 2
		any := func(f func(*overlayMachine, *rapid.T)) func(*rapid.T) {
			return func(t *rapid.T) { f(ws[rapid.IntRange(0, 1).Draw(t, "task")], t) }
		}
		index := uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"put":         any((*overlayMachine).put),
			"put2":        any((*overlayMachine).put),
			"delete":      any((*overlayMachine).delete),
			"deleteRange": any((*overlayMachine).deleteRange),
			"mark":        any(func(w *overlayMachine, t *rapid.T) { w.mark() }),
			"rollback":    any((*overlayMachine).rollback),
			"cut":         any((*overlayMachine).cut),
			"get":         any((*overlayMachine).get),
			"scan":        any((*overlayMachine).scan),
			"apply": func(t *rapid.T) {
				var sections []Section
				for _, w := range ws {
					sections = append(sections, w.next(t)...)
				}
				index += rapid.Uint64Range(1, 3).Draw(t, "step")
				if err := s.Apply(index, 1, sections); err != nil {
					t.Fatal(err)
				}
				for _, sec := range sections {
					ws[min(sec.Task, 1)].drop()
				}
			},
			"stepDown": any(func(w *overlayMachine, t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "really") > 0 {
					t.Skip()
				}
				w.o.Reset()
				o := w.o
				w.renew()
				w.o = o
			}),
			"reopen": func(t *rapid.T) {
				if rapid.IntRange(0, 5).Draw(t, "really") > 0 {
					t.Skip()
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = mustOpen(t, fs)
				for _, w := range ws {
					w.renew()
				}
			},
			"": func(t *rapid.T) {
				for _, w := range ws {
					checkOverlay(t, w.o)
				}
			},
		})
		for _, w := range ws {
			if got := contents(t, w.o); !maps.Equal(got, w.m.view()) {
				t.Fatalf("task %d holds %v, want %v", w.task, got, w.m.view())
			}
		}
		if err := s.Check(0, 300); err != nil {
			t.Fatal(err)
		}
	})
}

// contents reads everything through an iterator.
func contents(t failer, r Reader) map[string]string {
	m := map[string]string{}
	it := r.NewIter(nil, nil)
	for ok := it.First(); ok; ok = it.Next() {
		if it.Key()[0] != groupPrefix {
			m[string(it.Key())] = string(it.Value())
		}
	}
	if err := it.Close(); err != nil {
		t.Fatalf("%v", err)
	}
	return m
}

// checkOverlay verifies what must hold between the parts of an overlay.
func checkOverlay(t failer, o *Overlay) {
	used, spans := 0, 0
	for id := range o.cells {
		if o.cells[id].newest == 0 {
			continue
		}
		used++
		if n := o.cells[id].newest; n < o.base || n >= o.next() || o.version(n).cell != uint32(id) {
			t.Fatalf("cell %d names version %d of another cell", id, n)
		}
		key := o.cellKey(uint32(id))
		if got, ok := o.find(key, o.hash.of(key)); !ok || got != uint32(id) {
			t.Fatalf("cell %d is not found by its key", id)
		}
	}
	if used != o.hash.used || used+len(o.free) != len(o.cells) {
		t.Fatalf("%d cells, %d in use, %d in the table, %d free", len(o.cells), used, o.hash.used, len(o.free))
	}
	hidden := 0
	for n := o.open().first; n < o.next(); n++ {
		if v := o.version(n); v.kind != kindRangeDelete && v.prev >= o.open().first {
			hidden++
		}
	}
	if hidden != o.open().superseded {
		t.Fatalf("%d versions are hidden by newer ones, %d counted", hidden, o.open().superseded)
	}
	for i := range o.layers {
		l := &o.layers[i]
		spans += len(l.covers)
		for j := 1; j < len(l.covers); j++ {
			if bytes.Compare(l.hi(l.covers[j-1]), l.lo(l.covers[j])) >= 0 {
				t.Fatalf("covers of layer %d touch", i)
			}
		}
	}
	if spans != o.spans {
		t.Fatalf("%d covers, %d counted", spans, o.spans)
	}
	x := &o.index
	if !x.built {
		return
	}
	var last []byte
	n := 0
	for at := x.seek(nil); !x.atEnd(at); at = x.next(at) {
		id := x.cell(at)
		if o.cells[id].newest == 0 || !o.cells[id].indexed {
			t.Fatalf("cell %d is in the index and not in use", id)
		}
		if key := o.cellKey(id); last != nil && bytes.Compare(last, key) >= 0 {
			t.Fatalf("index out of order")
		} else {
			last = key
		}
		n++
	}
	if n != x.size || n+len(x.fresh) != used {
		t.Fatalf("index holds %d of %d, %d fresh, %d in use", n, x.size, len(x.fresh), used)
	}
}
