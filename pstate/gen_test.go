package pstate

import (
	"fmt"

	"pgregory.net/rapid"

	"rama/engine/value"
	"rama/paths"
)

// Random schemas, values that fit them, and paths that mostly do something.

func draw[T any](t *rapid.T, label string, from ...T) T {
	return rapid.SampledFrom(from).Draw(t, label)
}

func genLeaf(t *rapid.T) Schema { return draw(t, "leaf", Int64, String, Any) }
func genKey(t *rapid.T) Schema  { return draw(t, "key type", Int64, String) }

func genSchema(t *rapid.T, depth int, top bool) Schema {
	kinds := []kind{kindLeaf, kindMap, kindMap, kindSet, kindList, kindFixed}
	if top {
		kinds = []kind{kindMap, kindMap, kindMap, kindFixed, kindLeaf}
	}
	if depth == 0 {
		kinds = kinds[:1]
		if top {
			kinds = []kind{kindLeaf}
		}
	}
	var s Schema
	switch draw(t, "kind", kinds...) {
	case kindLeaf:
		return genLeaf(t)
	case kindMap:
		s = Map(genKey(t), genSchema(t, depth-1, false))
	case kindSet:
		s = Set(genKey(t))
	case kindList:
		s = List(genSchema(t, depth-1, false))
	case kindFixed:
		s = FixedKeys(Field("a", genSchema(t, depth-1, false)), Field("b", genSchema(t, depth-1, false)))
		return s
	}
	if !top && draw(t, "subindexed", true, true, false) {
		s = s.Subindexed()
		if s.kind != kindList && draw(t, "untracked", true, false) {
			s = s.WithoutSizeTracking()
		}
	}
	return s
}

func genScalar(t *rapid.T, s Schema) value.Value {
	switch {
	case s.leaf == Int64.leaf || s.leaf == Any.leaf && draw(t, "int", true, false):
		return value.Int(int64(rapid.IntRange(0, 6).Draw(t, "n")))
	}
	return value.String(draw(t, "s", "p", "q", "r", ""))
}

func genValue(t *rapid.T, s Schema) value.Value {
	if draw(t, "null", false, false, false, false, true) {
		return value.Nil
	}
	n := 0
	if s.kind != kindLeaf && s.kind != kindFixed {
		n = draw(t, "size", 0, 1, 2, 3, 5)
		if s.sub && draw(t, "many", false, false, false, false, false, true) {
			n = 80
		}
	}
	switch s.kind {
	case kindMap:
		b := value.NewBuilder(value.KindMap, n)
		for i := range n {
			k := genScalar(t, *s.key)
			if n > 6 && s.key.leaf == Int64.leaf {
				k = value.Int(int64(i))
			}
			b.Put(k, genValue(t, *s.elem))
		}
		return b.Done()
	case kindSet:
		b := value.NewBuilder(value.KindSet, n)
		for i := range n {
			k := genScalar(t, *s.elem)
			if n > 6 && s.elem.leaf == Int64.leaf {
				k = value.Int(int64(i))
			}
			b.Add(k)
		}
		return b.Done()
	case kindList:
		b := value.NewBuilder(value.KindList, n)
		for range n {
			b.Add(genValue(t, *s.elem))
		}
		return b.Done()
	case kindFixed:
		b := value.NewBuilder(value.KindMap, 2)
		for _, f := range s.fields {
			if rapid.Bool().Draw(t, "there") {
				b.Put(value.String(f.Name), genValue(t, f.Schema))
			}
		}
		return b.Done()
	}
	return genScalar(t, s)
}

// genPath returns a path into a location of schema s, and the schema there. in
// says that the location lies in a collection, so that it can be removed.
func genPath(t *rapid.T, s Schema, in bool) (paths.Path, Schema, bool) {
	var p paths.Path
	for s.kind != kindLeaf && draw(t, "deeper", true, true, false) {
		switch draw(t, "filter", 0, 0, 0, 0, 1, 2) {
		case 1:
			p = append(p, paths.FilterSelected(paths.View(paths.Named("SIZE")), paths.FilterGreaterThan(rapid.IntRange(0, 2).Draw(t, "size"))))
		case 2:
			p = append(p, paths.FilterPred(paths.Named("IS_NOT_NULL")))
		}
		nav, next := genStep(t, s)
		p, s, in = append(p, nav), next, true
	}
	return p, s, in
}

func genStep(t *rapid.T, s Schema) (paths.Nav, Schema) {
	switch s.kind {
	case kindMap:
		k := genScalar(t, *s.key)
		return draw(t, "nav", paths.Key(k), paths.Key(k), paths.Must(k), paths.MapVals()), *s.elem
	case kindFixed:
		f := draw(t, "field", s.fields...)
		return draw(t, "nav", paths.Key(f.Name), paths.Key(f.Name), paths.Must(f.Name)), f.Schema
	case kindList:
		i := rapid.IntRange(0, 3).Draw(t, "i")
		return draw(t, "nav", paths.Nth(i), paths.First(), paths.Last(), paths.All(), paths.All()), *s.elem
	}
	return draw(t, "nav", paths.SetElem(genScalar(t, *s.elem)), paths.All()), *s.elem
}

// genTransform ends a path with something that changes the location.
func genTransform(t *rapid.T, s Schema, in bool) paths.Path {
	ends := []paths.Path{paths.New(paths.TermVal(genValue(t, s)))}
	add := func(navs ...any) { ends = append(ends, paths.New(navs...)) }
	if in {
		add(paths.TermVoid())
	}
	switch s.kind {
	case kindMap:
		lo, hi := genScalar(t, *s.key), genScalar(t, *s.key)
		if value.Compare(lo, hi) > 0 {
			lo, hi = hi, lo
		}
		add(paths.Key(lo), paths.TermVoid())
		add(paths.MapVals(), paths.TermVoid())
		add(paths.SortedMapRange(lo, hi), paths.TermVal(nil))
		add(paths.SortedMapRangeFrom(lo, 2), paths.MapVals(), paths.TermVoid())
		add(paths.SortedMapRangeTo(hi, 2), paths.TermVal(nil))
		add(paths.MapKey(lo), paths.TermVal(hi))
		add(paths.SubMap(lo, hi), paths.TermVal(nil))
		add(paths.MapKeys(), paths.FilterEqual(lo), paths.TermVoid())
		if s.elem.leaf == Int64.leaf && s.elem.kind == kindLeaf {
			add(paths.MapVals(), paths.FilterPred(paths.Named("IS_NOT_NULL")), paths.Term(paths.Named("INC")))
		}
	case kindSet:
		lo, hi := genScalar(t, *s.elem), genScalar(t, *s.elem)
		if value.Compare(lo, hi) > 0 {
			lo, hi = hi, lo
		}
		add(paths.VoidSetElem(), paths.TermVal(lo))
		add(paths.VoidSetElem(), paths.TermVal(lo))
		add(paths.SetElem(lo), paths.TermVoid())
		add(paths.SetElem(lo), paths.TermVal(hi))
		add(paths.SortedSetRange(lo, hi), paths.TermVal(nil))
		add(paths.SortedSetRangeFromStart(1), paths.TermVal(nil))
		add(paths.Subset(lo, hi), paths.TermVal(value.Set(hi)))
	case kindList:
		i := rapid.IntRange(0, 3).Draw(t, "i")
		add(paths.AfterElem(), paths.TermVal(genValue(t, *s.elem)))
		add(paths.AfterElem(), paths.TermVal(genValue(t, *s.elem)))
		add(paths.BeforeElem(), paths.TermVal(genValue(t, *s.elem)))
		add(paths.BeforeIndex(i), paths.TermVal(genValue(t, *s.elem)))
		add(paths.First(), paths.TermVoid())
		add(paths.Nth(i), paths.TermVoid())
		add(paths.Index(i), paths.TermVal(i/2))
		add(paths.End(), paths.TermVal(value.List(genValue(t, *s.elem), genValue(t, *s.elem))))
		add(paths.Sublist(i/2, i), paths.TermVal(value.List(genValue(t, *s.elem))))
	case kindLeaf:
		if s.leaf == Int64.leaf {
			add(paths.NullToVal(0), paths.Term(paths.Named("INC")))
		}
	}
	return draw(t, "end", ends...)
}

// fits reports whether v fits the schema: the model has none.
func fits(s Schema, v value.Value) error {
	if err := s.check(v, true); err != nil {
		return fmt.Errorf("%w", err)
	}
	return nil
}
