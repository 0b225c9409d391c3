package value

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"sort"
	"strings"
	"unsafe"
)

// A collection in decoded form. Lists and sets keep their elements in elems;
// maps keep keys and values in turn: key 0, value 0, key 1, value 1, ... Sets
// and the keys of maps are canonical, sorted and without repetition.
type collection struct{ elems []Value }

func (v Value) coll() *collection { return (*collection)(v.ptr) }

func fromElems(k Kind, elems []Value) Value {
	return Value{kind: k, ptr: unsafe.Pointer(&collection{elems})}
}

// Empty collections.
var (
	EmptyList = fromElems(KindList, nil)
	EmptySet  = fromElems(KindSet, nil)
	EmptyMap  = fromElems(KindMap, nil)
)

// List returns the list of elems, without a copy: elems must not change
// afterwards.
func List(elems ...Value) Value { return fromElems(KindList, elems) }

// Set returns the set of elems; repeated ones count once.
func Set(elems ...Value) Value {
	b := Builder{kind: KindSet}
	for _, e := range elems {
		b.Add(e)
	}
	return b.Done()
}

// Map returns the map of the pairs key, value, key, value, ...; of a repeated
// key the last value counts.
func Map(pairs ...Value) Value {
	if len(pairs)%2 != 0 {
		panic("value: Map needs a value for every key")
	}
	b := Builder{kind: KindMap}
	for i := 0; i < len(pairs); i += 2 {
		b.Put(pairs[i], pairs[i+1])
	}
	return b.Done()
}

// Builder collects the elements of one collection. It is the way to make a
// collection of n elements in O(n log n), or O(n) where they come in order.
type Builder struct {
	kind     Kind
	elems    []Value
	unsorted bool
}

// NewBuilder returns a builder of a collection of kind k with room for n
// elements or pairs.
func NewBuilder(k Kind, n int) *Builder {
	b := &Builder{kind: k}
	if k == KindMap {
		n *= 2
	}
	if n > 0 {
		b.elems = make([]Value, 0, n)
	}
	return b
}

// Add adds an element to a list or set.
func (b *Builder) Add(e Value) {
	if b.kind == KindSet {
		e = Canonical(e)
		if n := len(b.elems); n > 0 && !b.unsorted && Compare(b.elems[n-1], e) >= 0 {
			b.unsorted = true
		}
	}
	b.elems = append(b.elems, e)
}

// Put adds a key and its value to a map.
func (b *Builder) Put(k, v Value) {
	k = Canonical(k)
	if n := len(b.elems); n > 0 && !b.unsorted && Compare(b.elems[n-2], k) >= 0 {
		b.unsorted = true
	}
	b.elems = append(b.elems, k, v)
}

// Len is the number of elements or pairs added so far, repeated ones included.
func (b *Builder) Len() int {
	if b.kind == KindMap {
		return len(b.elems) / 2
	}
	return len(b.elems)
}

// Done returns the collection. The builder must not be used afterwards.
func (b *Builder) Done() Value {
	if b.unsorted {
		if b.kind == KindMap {
			b.elems = sortPairs(b.elems)
		} else {
			slices.SortStableFunc(b.elems, Compare)
			b.elems = slices.CompactFunc(b.elems, Equal)
		}
	}
	return fromElems(b.kind, b.elems)
}

type pairs []Value

func (p pairs) Len() int           { return len(p) / 2 }
func (p pairs) Less(i, j int) bool { return Compare(p[2*i], p[2*j]) < 0 }
func (p pairs) Swap(i, j int) {
	p[2*i], p[2*j] = p[2*j], p[2*i]
	p[2*i+1], p[2*j+1] = p[2*j+1], p[2*i+1]
}

// sortPairs sorts by key and keeps the last value of each key.
func sortPairs(p []Value) []Value {
	sort.Stable(pairs(p))
	out := p[:0]
	for i := 0; i < len(p); i += 2 {
		if i+2 < len(p) && Equal(p[i], p[i+2]) {
			continue
		}
		out = append(out, p[i], p[i+1])
	}
	return out
}

// Canonical returns v as it stands as a map key or set element: whole floats
// are integers, at any depth. Equal values have equal canonical forms.
func Canonical(v Value) Value {
	switch v.kind {
	case KindFloat:
		if i, ok := wholeFloat(v.AsFloat()); ok {
			return Int(i)
		}
	case KindList:
		if elems, changed := canonicalEach(v, 0, 1); changed {
			return fromElems(KindList, elems)
		}
	case KindMap: // its keys are canonical by themselves
		if elems, changed := canonicalEach(v, 1, 2); changed {
			return v.like(elems)
		}
	}
	return v
}

// canonicalEach returns the elements of v with every step-th one from first on
// canonical, and whether that changed any.
func canonicalEach(v Value, first, step int) (elems []Value, changed bool) {
	elems = v.decoded().coll().elems
	for i := first; i < len(elems); i += step {
		c := Canonical(elems[i])
		if c.kind == elems[i].kind && c.ptr == elems[i].ptr {
			continue
		}
		if !changed {
			elems, changed = slices.Clone(elems), true
		}
		elems[i] = c
	}
	return elems, changed
}

// wholeFloat returns f as an integer where it is one that fits.
func wholeFloat(f float64) (int64, bool) {
	if f >= -1<<63 && f < 1<<63 {
		if i := int64(f); float64(i) == f {
			return i, true
		}
	}
	return 0, false
}

// Len is the number of elements of a list or set, of pairs of a map, of bytes
// of a string or bytes. Null has none; anything else is a bug of the caller.
func (v Value) Len() int {
	switch v.kind {
	case KindNil:
		return 0
	case KindString, KindBytes:
		return int(v.num)
	case KindList, KindSet:
		if v.enc {
			n, _ := v.body()
			return n
		}
		return len(v.coll().elems)
	case KindMap:
		if v.enc {
			n, _ := v.body()
			return n
		}
		return len(v.coll().elems) / 2
	}
	panic(fmt.Sprintf("value: length of %s", v.kind))
}

// Index returns element i of a list or set, 0 <= i < Len.
func (v Value) Index(i int) Value {
	if !v.enc {
		return v.coll().elems[i]
	}
	n, b := v.body()
	if i < 0 || i >= n {
		panic(fmt.Sprintf("value: index %d of %d elements", i, n))
	}
	for ; i > 0; i-- {
		b = b[skip(b):]
	}
	e, _ := view(b)
	return e
}

// Pair returns key and value of entry i of a map, 0 <= i < Len.
func (v Value) Pair(i int) (key, val Value) {
	if !v.enc {
		p := v.coll().elems
		return p[2*i], p[2*i+1]
	}
	n, b := v.body()
	if i < 0 || i >= n {
		panic(fmt.Sprintf("value: pair %d of %d", i, n))
	}
	for ; i > 0; i-- {
		b = b[skip(b):]
		b = b[skip(b):]
	}
	key, b = view(b)
	val, _ = view(b)
	return key, val
}

// Get returns the value of a key of a map.
func (v Value) Get(key Value) (Value, bool) {
	v.must(KindMap)
	if v.enc {
		return v.getEncoded(key)
	}
	if i, ok := v.find(key); ok {
		return v.coll().elems[2*i+1], true
	}
	return Nil, false
}

// Has reports whether a set has the element, or a map the key.
func (v Value) Has(e Value) bool {
	if v.kind == KindMap {
		_, ok := v.Get(e)
		return ok
	}
	v.must(KindSet)
	_, ok := v.Find(e)
	return ok
}

// Find returns the position of an element of a set or a key of a map, or where
// it would stand.
func (v Value) Find(e Value) (int, bool) {
	if v.enc {
		v = v.decoded()
	}
	return v.find(e)
}

func (v Value) find(e Value) (int, bool) {
	elems, step := v.coll().elems, 1
	if v.kind == KindMap {
		step = 2
	}
	lo, hi := 0, len(elems)/step
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch c := Compare(elems[mid*step], e); {
		case c < 0:
			lo = mid + 1
		case c > 0:
			hi = mid
		default:
			return mid, true
		}
	}
	return lo, false
}

// All goes through the elements of a list or set in order.
func (v Value) All() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.kind == KindNil {
			return
		}
		if !v.enc {
			for _, e := range v.coll().elems {
				if !yield(e) {
					return
				}
			}
			return
		}
		n, b := v.body()
		for ; n > 0; n-- {
			var e Value
			e, b = view(b)
			if !yield(e) {
				return
			}
		}
	}
}

// Pairs goes through the entries of a map in key order.
func (v Value) Pairs() iter.Seq2[Value, Value] {
	return func(yield func(k, e Value) bool) {
		if v.kind == KindNil {
			return
		}
		if !v.enc {
			p := v.coll().elems
			for i := 0; i < len(p); i += 2 {
				if !yield(p[i], p[i+1]) {
					return
				}
			}
			return
		}
		n, b := v.body()
		for ; n > 0; n-- {
			var k, e Value
			k, b = view(b)
			e, b = view(b)
			if !yield(k, e) {
				return
			}
		}
	}
}

// Elems returns the elements of a list or set as a slice that must not be
// changed.
func (v Value) Elems() []Value {
	if v.kind == KindNil {
		return nil
	}
	return v.decoded().coll().elems
}

// With returns the map v with key set to val.
func (v Value) With(key, val Value) Value {
	v = v.decodedOr(KindMap)
	key = Canonical(key)
	i, found := v.find(key)
	old := v.coll().elems
	if found {
		out := slices.Clone(old)
		out[2*i+1] = val
		return v.like(out)
	}
	out := make([]Value, len(old)+2)
	copy(out, old[:2*i])
	out[2*i], out[2*i+1] = key, val
	copy(out[2*i+2:], old[2*i:])
	return v.like(out)
}

// WithElem returns the set v with e in it.
func (v Value) WithElem(e Value) Value {
	v = v.decodedOr(KindSet)
	e = Canonical(e)
	i, found := v.find(e)
	if found {
		return v
	}
	return v.like(slices.Insert(slices.Clone(v.coll().elems), i, e))
}

// Without returns the set v without an element, or the map v without a key.
func (v Value) Without(e Value) Value {
	if v.kind == KindNil {
		return v
	}
	v = v.decoded()
	i, found := v.find(e)
	if !found {
		return v
	}
	step := 1
	if v.kind == KindMap {
		step = 2
	}
	return v.like(slices.Delete(slices.Clone(v.coll().elems), i*step, (i+1)*step))
}

// Splice returns the list v with the elements [from, to) replaced.
func (v Value) Splice(from, to int, elems ...Value) Value {
	v = v.decodedOr(KindList)
	old := v.coll().elems
	out := make([]Value, 0, len(old)-(to-from)+len(elems))
	out = append(out, old[:from]...)
	out = append(out, elems...)
	return v.like(append(out, old[to:]...))
}

// like returns a collection of v's kind and mark with other elements.
func (v Value) like(elems []Value) Value {
	c := fromElems(v.kind, elems)
	c.sorted = v.sorted
	return c
}

// decodedOr is decoded with null taken for the empty collection of kind k.
func (v Value) decodedOr(k Kind) Value {
	if v.kind == KindNil {
		return fromElems(k, nil)
	}
	v.must(k)
	return v.decoded()
}

// decoded returns the collection v with its own level decoded; what lies below
// stays as it is.
func (v Value) decoded() Value {
	if !v.enc {
		return v
	}
	n, b := v.body()
	if v.kind == KindMap {
		n *= 2
	}
	elems := make([]Value, n)
	for i := range elems {
		elems[i], b = view(b)
	}
	d := fromElems(v.kind, elems)
	d.sorted = v.sorted
	return d
}

// Clone returns v with nothing in memory that others own. A handle is returned
// as it is.
func Clone(v Value) Value {
	switch v.kind {
	case KindString:
		return String(strings.Clone(v.AsString()))
	case KindBytes:
		return Bytes(bytes.Clone(v.span()))
	case KindUUID:
		return UUIDOf(v.AsUUID())
	case KindList, KindSet, KindMap:
		c, _ := view(Append(nil, v))
		return c
	}
	return v
}
