package engine

import (
	"bytes"
	"errors"
	"maps"
	"testing"
)

// An index of many chunks takes in keys and gives them up in any order.
func TestOverlayManyKeys(t *testing.T) {
	s := openTest(t)
	o := NewOverlay(s, 7)
	want := map[string]string{}
	put := func(from, n, step int64) {
		for i := from; n > 0; i, n = i+step, n-1 {
			key := testKey(7, i*7919%100_003)
			if err := o.Put(key, key[2:]); err != nil {
				t.Fatal(err)
			}
			want[string(key)] = string(key[2:])
		}
	}
	same := func(when string) {
		t.Helper()
		if got := contents(t, o); !maps.Equal(got, want) {
			t.Fatalf("%s: %d keys, want %d", when, len(got), len(want))
		}
		checkOverlay(t, o)
	}
	put(0, 20_000, 1)
	same("sorted at once")
	for i := int64(0); i < 3000; i++ { // a scan after each put
		put(20_000+i, 1, 1)
		it := o.NewIter(nil, nil)
		it.Last()
		it.Close()
	}
	same("one by one")
	for i := range int64(3000) { // neighbours, so that chunks split
		key := testKey(7, 1_000_000+i*1709%3001)
		if err := o.Put(key, nil); err != nil {
			t.Fatal(err)
		}
		want[string(key)] = ""
		it := o.NewIter(key, nil)
		if !it.First() || !bytes.Equal(it.Key(), key) {
			t.Fatalf("scan does not begin at the key just put")
		}
		it.Close()
	}
	same("neighbours")
	mark, before := o.Mark(), maps.Clone(want)
	put(30_000, 3000, 3)
	same("merged")
	o.Rollback(mark)
	want = before
	same("rolled back")
	body, count, _ := o.Cut()
	put(50_000, 2000, 1)
	same("two layers")
	if err := s.Apply(1, 1, []Section{{Task: 7, KV: body, KVCount: count}}); err != nil {
		t.Fatal(err)
	}
	o.Drop()
	same("dropped")
	if o.hash.used != 2000 {
		t.Fatalf("%d keys left in the overlay, want 2000", o.hash.used)
	}
	if err := o.DeleteRange(testKey(7, 100), PrefixEnd(nil, AppendTask(nil, 7))); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(want, func(k, _ string) bool { return k >= string(testKey(7, 100)) })
	same("range deleted")
}

func TestOverlayLimits(t *testing.T) {
	o := NewOverlay(openTest(t), 1)
	long := append(AppendTask(nil, 1), make([]byte, MaxKeyLen)...)
	end := PrefixEnd(nil, AppendTask(nil, 1))
	for name, c := range map[string]struct{ got, want error }{
		"long key":          {o.Put(long, nil), ErrKeyTooLong},
		"long deleted key":  {o.Delete(long), ErrKeyTooLong},
		"long lower bound":  {o.DeleteRange(long, end), ErrKeyTooLong},
		"long upper bound":  {o.DeleteRange(testKey(1, 1), append(long, 0, 0)), ErrKeyTooLong},
		"foreign key":       {o.Put(testKey(2, 1), nil), ErrForeignKey},
		"foreign deletion":  {o.Delete(testKey(0, 1)), ErrForeignKey},
		"foreign lower end": {o.DeleteRange(testKey(0, 1), end), ErrForeignKey},
		"foreign upper end": {o.DeleteRange(testKey(1, 1), testKey(2, 1)), ErrForeignKey},
		"group's key":       {o.Put(appliedKey, nil), ErrForeignKey},
		"empty key":         {o.Put(nil, nil), ErrForeignKey},
		"long value":        {o.Put(testKey(1, 1), make([]byte, 16<<20+1)), ErrValueTooLong},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	if _, _, err := o.Get(nil, testKey(2, 1)); !errors.Is(err, ErrForeignKey) {
		t.Errorf("get of a foreign key: %v", err)
	}
	if o.Dirty() || o.Bytes() != 0 {
		t.Errorf("refused writes left %d bytes", o.Bytes())
	}
	if err := o.Put(long[:MaxKeyLen], make([]byte, 16<<20)); err != nil {
		t.Errorf("the longest key and value: %v", err)
	}
	if err := o.DeleteRange(testKey(1, 5), testKey(1, 2)); err != nil {
		t.Errorf("range from high to low: %v", err)
	}
}

// A write ends every iterator of its overlay, loudly.
func TestOverlayStaleIterator(t *testing.T) {
	s := openTest(t)
	o := NewOverlay(s, 1)
	for i := range int64(4) {
		if err := o.Put(testKey(1, i), []byte("v")); err != nil {
			t.Fatal(err)
		}
	}
	mark := o.Mark()
	for name, write := range map[string]func(){
		"put":          func() { o.Put(testKey(1, 9), nil) },
		"delete":       func() { o.Delete(testKey(1, 9)) },
		"delete range": func() { o.DeleteRange(testKey(1, 8), testKey(1, 9)) },
		"rollback":     func() { o.Put(testKey(1, 10), nil); o.Rollback(mark) },
		"cut":          func() { o.Cut(); mark = o.Mark(); o.Put(testKey(1, 11), nil) },
	} {
		it := o.NewIter(nil, nil)
		if !it.First() {
			t.Fatal("no first key")
		}
		write()
		if it.Valid() || it.Key() != nil || it.Value() != nil || it.Next() || it.First() || it.SeekLT(testKey(1, 9)) {
			t.Errorf("%s: the iterator goes on", name)
		}
		if err := it.Close(); !errors.Is(err, ErrStaleIterator) {
			t.Errorf("%s: %v", name, err)
		}
	}
	it := o.NewIter(nil, nil)
	if errors.Join(it.Close(), it.Close()) != nil || it.First() || it.Error() == nil {
		t.Error("a closed iterator goes on")
	}
}

func TestOverlayMisuse(t *testing.T) {
	o := NewOverlay(openTest(t), 1)
	panics := func(name string, f func()) {
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", name)
			}
		}()
		f()
	}
	panics("drop of nothing", o.Drop)
	m := o.Mark()
	o.Put(testKey(1, 1), nil)
	o.Cut()
	panics("mark of a cut layer", func() { o.Rollback(m) })
	o.Put(testKey(1, 1), nil)
	later := o.Mark()
	m = o.Mark()
	o.Put(testKey(1, 2), nil)
	later = o.Mark()
	o.Rollback(m)
	panics("mark that was rolled back", func() { o.Rollback(later) })
}

// What reads met is told exactly where it matters: a read that no write of the
// overlay decides says committed.
func TestReadUncommitted(t *testing.T) {
	s := openTest(t)
	o := NewOverlay(s, 1)
	for i := range int64(10) {
		o.Put(testKey(1, i), []byte("v"))
	}
	body, n, _ := o.Cut()
	if err := s.Apply(1, 1, []Section{{Task: 1, KV: body, KVCount: n}}); err != nil {
		t.Fatal(err)
	}
	met := func() bool { m := o.ReadUncommitted(); o.ClearReadUncommitted(); return m }
	scan := func(lo, hi int64) bool {
		it := o.NewIter(testKey(1, lo), testKey(1, hi))
		for ok := it.First(); ok; ok = it.Next() {
		}
		it.Close()
		return met()
	}
	if !scan(0, 10) {
		t.Error("a scan of what was applied but not dropped says committed")
	}
	o.Drop()
	if scan(0, 10) {
		t.Error("a scan after the drop says uncommitted")
	}
	o.Delete(testKey(1, 4))
	o.DeleteRange(testKey(1, 6), testKey(1, 8))
	for _, c := range []struct {
		lo, hi int64
		want   bool
	}{{0, 4, false}, {0, 5, true}, {5, 6, false}, {5, 7, true}, {8, 10, false}} {
		if got := scan(c.lo, c.hi); got != c.want {
			t.Errorf("scan %d to %d says %v", c.lo, c.hi, got)
		}
	}
	for i := range int64(10) {
		o.Get(nil, testKey(1, i))
		if got, want := met(), i == 4 || i == 6 || i == 7; got != want {
			t.Errorf("get %d says %v", i, got)
		}
	}
}
