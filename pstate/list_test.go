package pstate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"rama/engine/value"
	"rama/paths"
)

// checkTree verifies a list's tree: counts add up, no page is empty or too full,
// every leaf lies at the same depth, and no page lies around outside of it.
func (l *list) checkTree() error {
	t, err := l.open()
	if err != nil {
		return err
	}
	pages := map[uint64]bool{}
	var walk func(number uint64, count int64, level int) error
	walk = func(number uint64, count int64, level int) error {
		p, err := t.page(number, count, level)
		if err != nil {
			return err
		}
		pages[number] = true
		if len(p.ids) > pageEntries || len(p.ids) == 0 && number != t.root {
			return fmt.Errorf("page %d has %d entries", number, len(p.ids))
		}
		for i, id := range p.ids {
			if !p.leaf {
				if err := walk(id, p.counts[i], level-1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if t.count > 0 || l.mustExist() {
		if err := walk(t.root, t.count, t.height); err != nil {
			return err
		}
	}
	stored := 0
	it := l.a.r.NewIter(value.AppendKey(concat(l.prefix), value.Bool(false)), value.AppendKey(concat(l.prefix), value.Bool(true)))
	for ok := it.First(); ok; ok = it.Next() {
		stored++
	}
	if err := it.Close(); err != nil {
		return err
	}
	if stored != len(pages) && stored > 0 {
		return fmt.Errorf("%d pages are stored, %d belong to the tree", stored, len(pages))
	}
	return nil
}

func (l *list) mustExist() bool {
	_, ok, _ := l.a.get(l.prefix)
	return ok
}

// A subindexed list is its slice, however it grows and shrinks, over many splits
// and merges.
func TestListIsASlice(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 7))
		b, err := newBed(Map(String, List(Int64).Subindexed()))
		if err != nil {
			t.Fatal(err)
		}
		var model []int64
		at := paths.Key("l")
		grow := 3 + rng.IntN(6)
		for i := range 1500 {
			n := len(model)
			v := int64(i)
			var p paths.Path
			if n > 600 {
				grow = 2
			}
			if n < 10 {
				grow = 7
			}
			switch x := rng.IntN(10); {
			case x < grow && rng.IntN(2) == 0:
				p, model = paths.New(at, paths.AfterElem(), paths.TermVal(v)), append(model, v)
			case x < grow:
				j := rng.IntN(n + 1)
				p, model = paths.New(at, paths.BeforeIndex(j), paths.TermVal(v)), slices.Insert(model, j, v)
			case n == 0:
				continue
			case x == 9:
				j := rng.IntN(n)
				p = paths.New(at, paths.Nth(j), paths.TermVal(v))
				model[j] = v
			default:
				j := rng.IntN(n)
				k := min(n, j+1+rng.IntN(8)*rng.IntN(8))
				p, model = paths.New(at, paths.Sublist(j, k), paths.TermVal(nil)), slices.Delete(model, j, k)
			}
			if err := b.transform(p); err != nil {
				t.Fatalf("seed %d step %d %s: %v", seed, i, p, err)
			}
			if rng.IntN(20) == 0 {
				if err := b.commit(); err != nil {
					t.Fatal(err)
				}
			}
			if i%50 == 0 || i == 1499 {
				b.compareList(t, seed, i, model, rng)
			}
		}
		if err := b.transform(paths.New(at, paths.TermVoid())); err != nil {
			t.Fatal(err)
		}
		if n, _ := b.keys(); n != 0 {
			t.Errorf("seed %d: %d keys are left", seed, n)
		}
		b.store.Close()
	}
}

func (b *bed) compareList(t *testing.T, seed uint64, step int, model []int64, rng *rand.Rand) {
	t.Helper()
	got, err := b.selectAll(paths.New(paths.Key("l"), paths.All()))
	if err != nil {
		t.Fatal(err)
	}
	if !value.Same(value.List(got...), value.MustOf(append([]int64{}, model...))) {
		t.Fatalf("seed %d step %d:\n got  %s\n want %v", seed, step, value.List(got...), model)
	}
	if len(model) > 0 {
		j := rng.IntN(len(model))
		one, err := b.selectAll(paths.New(paths.Key("l"), paths.MultiPath(paths.Nth(j), paths.View(paths.Named("SIZE")), paths.Last())))
		if err != nil || one[0].AsInt() != model[j] || one[1].AsInt() != int64(len(model)) || one[2].AsInt() != model[len(model)-1] {
			t.Fatalf("seed %d step %d: element %d, size, last: %v, %v", seed, step, j, one, err)
		}
	}
	b.part.access.reset(b.over, b.over, true)
	b.part.access.p = b.part
	keys := value.AppendKey(nil, value.String("l"))
	l := (*list)(b.part.access.apart(nil, b.def.root.elem, value.Nil, keys))
	if err := l.checkTree(); err != nil {
		t.Fatalf("seed %d step %d: %v", seed, step, err)
	}
}

// An append to a long list touches the header, one leaf and the element, whatever
// the length.
func TestListAppendTouchesLittle(t *testing.T) {
	b, err := newBed(Map(String, List(Int64).Subindexed()))
	if err != nil {
		t.Fatal(err)
	}
	defer b.store.Close()
	elems := make([]value.Value, 20_000)
	for i := range elems {
		elems[i] = value.Int(int64(i))
	}
	if err := b.transform(paths.New(paths.Key("l"), paths.TermVal(value.List(elems...)))); err != nil {
		t.Fatal(err)
	}
	if err := b.commit(); err != nil {
		t.Fatal(err)
	}
	splits := 0
	for i := range 640 {
		if err := b.transform(paths.New(paths.Key("l"), paths.AfterElem(), paths.TermVal(i))); err != nil {
			t.Fatal(err)
		}
		_, n, _ := b.over.Cut()
		b.over.Reset()
		b.part.Forget()
		if err := b.transform(paths.New(paths.Key("l"), paths.AfterElem(), paths.TermVal(i))); err != nil {
			t.Fatal(err)
		}
		if err := b.commit(); err != nil {
			t.Fatal(err)
		}
		if n > 4 { // header, leaf, element, mark
			splits++
		}
	}
	if splits > 640/pageEntries+1 {
		t.Errorf("%d of 640 appends wrote more than four records", splits)
	}
}

func TestListRemoveRange(t *testing.T) {
	b, err := newBed(Map(String, List(Set(Int64).Subindexed()).Subindexed()))
	if err != nil {
		t.Fatal(err)
	}
	defer b.store.Close()
	for i := range 200 {
		if err := b.transform(paths.New(paths.Key("l"), paths.AfterElem(), paths.TermVal(value.Set(value.Int(int64(i)))))); err != nil {
			t.Fatal(err)
		}
	}
	h := func() *apart {
		b.part.access.reset(b.over, b.over, true)
		b.part.access.p = b.part
		return b.part.access.apart(nil, b.def.root.elem, value.Nil, value.AppendKey(nil, value.String("l")))
	}
	r := paths.Range{Lo: value.Int(10), HasLo: true, Hi: value.Int(20), HasHi: true}
	if err := h().RemoveRange(r); err != nil {
		t.Fatal(err)
	}
	if n, _ := h().Len(); n != 190 {
		t.Errorf("%d elements", n)
	}
	got, err := b.selectAll(paths.New(paths.Key("l"), paths.Nth(10), paths.All()))
	if err != nil || len(got) != 1 || got[0].AsInt() != 20 {
		t.Errorf("element 10 is %v, %v", got, err)
	}
	if err := h().RemoveRange(paths.Range{}); err != nil {
		t.Fatal(err)
	}
	if n, _ := b.keys(); n != 3 { // the mark, the header, the empty root
		t.Errorf("%d keys are left", n)
	}
}
