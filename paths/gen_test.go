package paths

import (
	"pgregory.net/rapid"

	"rama/engine/value"
)

// tSchema is what a generated value looks like, so that generated paths mostly
// fit it.
type tSchema struct {
	kind  value.Kind // KindInt, KindString, KindList, KindSet, KindMap
	elem  *tSchema
	pair  bool // a list of key and value: an entry of a map
	key   *tSchema
	apart bool
	blob  bool
}

var (
	intSchema = &tSchema{kind: value.KindInt}
	strSchema = &tSchema{kind: value.KindString}
	anySchema = &tSchema{kind: value.KindVoid} // nothing is known
)

func genSchema(t *rapid.T, depth int) *tSchema {
	kinds := []value.Kind{value.KindMap, value.KindMap, value.KindList, value.KindSet, value.KindInt}
	if depth == 0 {
		kinds = []value.Kind{value.KindInt, value.KindInt, value.KindString}
	}
	s := &tSchema{kind: rapid.SampledFrom(kinds).Draw(t, "kind")}
	switch s.kind {
	case value.KindMap:
		s.key = rapid.SampledFrom([]*tSchema{intSchema, strSchema}).Draw(t, "key")
		s.elem = genSchema(t, depth-1)
	case value.KindList:
		s.elem = genSchema(t, depth-1)
	case value.KindSet:
		s.elem = rapid.SampledFrom([]*tSchema{intSchema, strSchema}).Draw(t, "elem")
	default:
		return s
	}
	s.apart = rapid.IntRange(0, 2).Draw(t, "apart") > 0
	s.blob = s.apart && rapid.IntRange(0, 3).Draw(t, "blob") == 0
	return s
}

// layout is how a fake keeps values of the schema.
func (s *tSchema) layout() *layout {
	l := &layout{apart: s.apart, blob: s.blob, kind: s.kind}
	if s.elem != nil {
		l.elem = s.elem.layout()
	}
	return l
}

func genInt(t *rapid.T) value.Value {
	return value.Int(rapid.Int64Range(-1, 6).Draw(t, "int"))
}

// genKey generates a value of a scalar schema; some are equal without being the
// same.
func genKey(t *rapid.T, s *tSchema) value.Value {
	if s != nil && s.kind == value.KindString {
		return value.String(rapid.SampledFrom([]string{"a", "b", "c", "d", ""}).Draw(t, "string"))
	}
	if rapid.IntRange(0, 9).Draw(t, "float") == 0 {
		return value.Float(rapid.SampledFrom([]float64{0, 1, 2, 0.5}).Draw(t, "float"))
	}
	return genInt(t)
}

func genValue(t *rapid.T, s *tSchema) value.Value {
	if rapid.IntRange(0, 11).Draw(t, "null") == 0 {
		return value.Nil
	}
	if s.pair {
		return value.List(genKey(t, s.key), genValue(t, s.elem))
	}
	n := 0
	switch s.kind {
	case value.KindList, value.KindSet, value.KindMap:
		n = rapid.IntRange(0, 5).Draw(t, "n")
	default:
		return genKey(t, s)
	}
	b := value.NewBuilder(s.kind, n)
	for range n {
		if s.kind == value.KindMap {
			b.Put(genKey(t, s.key), genValue(t, s.elem))
		} else if s.kind == value.KindSet {
			b.Add(genKey(t, s.elem))
		} else {
			b.Add(genValue(t, s.elem))
		}
	}
	return b.Done()
}

// pathGen generates paths that mostly do something.
type pathGen struct {
	t    *rapid.T
	args []value.Value // of the Args in the path
	left int           // steps that may still be made
	recs int           // recursive paths around
	coll bool          // values may be collected here
}

func (g *pathGen) n(name string, lo, hi int) int { return rapid.IntRange(lo, hi).Draw(g.t, name) }

func (g *pathGen) pick(names ...string) string {
	return rapid.SampledFrom(names).Draw(g.t, "nav")
}

// val makes an argument of a value: a constant, or an Arg.
func (g *pathGen) val(v value.Value) any {
	if g.n("arg", 0, 4) > 0 {
		return v
	}
	g.args = append(g.args, v)
	return Arg(len(g.args) - 1)
}

func (g *pathGen) key(s *tSchema) any { return g.val(genKey(g.t, s)) }
func (g *pathGen) small() any         { return g.val(value.Int(int64(g.n("index", -1, 5)))) }

// path generates a path from a location of a schema. A transform ends in a term,
// almost always.
func (g *pathGen) path(s *tSchema, transform bool) Path {
	p, _ := g.pathTo(s, transform)
	return p
}

// pathTo returns also the schema of what the path reaches.
func (g *pathGen) pathTo(s *tSchema, transform bool) (Path, *tSchema) {
	var p Path
	for g.left > 0 && g.n("more", 0, 5) > 0 {
		g.left--
		var more Path
		var done bool
		more, s, done = g.nav(s, transform)
		if p = append(p, more...); done {
			return p, s
		}
	}
	if transform && g.n("term", 0, 40) > 0 {
		p = append(p, g.term(s))
	}
	return p, s
}

// sub generates a path that is an argument.
func (g *pathGen) sub(s *tSchema, transform bool) Path {
	p, _ := g.subTo(s, transform)
	return p
}

func (g *pathGen) subTo(s *tSchema, transform bool) (Path, *tSchema) {
	coll := g.coll
	g.coll = coll && g.n("collecting", 0, 2) == 0
	left := g.left
	g.left = min(left, 3)
	p, to := g.pathTo(s, transform)
	g.left = left - 1
	g.coll = coll
	return p, to
}

func (g *pathGen) term(s *tSchema) Nav {
	switch g.pick("val", "val", "void", "func", "null") {
	case "val":
		return TermVal(g.val(genValue(g.t, s)))
	case "void":
		return TermVoid()
	case "null":
		return TermVal(nil)
	}
	if s.kind == value.KindInt && !s.pair {
		return rapid.SampledFrom([]Nav{Term("INC"), Term("PLUS", 2), Term("IDENTITY")}).Draw(g.t, "term")
	}
	return Term("IDENTITY")
}

// nav generates a step and the schema of what it reaches; done says that nothing
// can follow.
func (g *pathGen) nav(s *tSchema, transform bool) (Path, *tSchema, bool) {
	if s == anySchema || g.n("any", 0, 2) == 0 {
		return g.anywhere(s, transform)
	}
	one := func(n Nav, to *tSchema) (Path, *tSchema, bool) { return Path{n}, to, false }
	switch {
	case s.pair:
		switch g.pick("first", "last", "nth0", "nth1", "sublist") {
		case "first":
			return one(First(), s.key)
		case "last":
			return one(Last(), s.elem)
		case "nth0":
			return one(Nth(0), s.key)
		case "nth1":
			return one(Nth(g.val(value.Int(1))), s.elem)
		}
		return one(All(), &tSchema{kind: value.KindInt})
	case s.kind == value.KindMap:
		return g.mapNav(s, one)
	case s.kind == value.KindSet:
		return g.setNav(s, one)
	case s.kind == value.KindList:
		return g.listNav(s, one)
	}
	switch g.pick("equal", "less", "greater", "even", "inc", "null", "not", "wrong") {
	case "equal":
		return one(FilterEqual(g.key(s)), s)
	case "less":
		return one(FilterLessThan(g.key(s)), s)
	case "greater":
		return one(FilterGreaterThanOrEqual(g.key(s)), s)
	case "not":
		return one(FilterNotEqual(g.key(s)), s)
	case "null":
		return one(NullToVal(g.key(s)), s)
	case "wrong":
		if g.n("wrong", 0, 3) == 0 {
			return one(MapVals(), s)
		}
	}
	if s.kind == value.KindString {
		return one(rapid.SampledFrom([]Nav{First(), Last(), View("SIZE")}).Draw(g.t, "of string"), s)
	}
	return one(rapid.SampledFrom([]Nav{FilterPred("IS_EVEN"), View("INC"), Parser("INC", "DEC"), FilterLessThanOrEqual(3), FilterGreaterThan(1)}).Draw(g.t, "of int"), s)
}

type oneNav = func(Nav, *tSchema) (Path, *tSchema, bool)

func (g *pathGen) mapNav(s *tSchema, one oneNav) (Path, *tSchema, bool) {
	part := &tSchema{kind: s.kind, key: s.key, elem: s.elem}
	entry := &tSchema{kind: value.KindList, pair: true, key: s.key, elem: s.elem}
	switch g.pick("key", "key", "must", "mapVals", "mapVals", "mapKeys", "mapKey", "all", "first", "last", "subMap", "range", "from", "fromStart", "to", "toEnd", "size") {
	case "key":
		return one(Key(g.key(s.key)), s.elem)
	case "must":
		return one(Must(g.key(s.key)), s.elem)
	case "mapVals":
		return one(MapVals(), s.elem)
	case "mapKeys":
		return one(MapKeys(), s.key)
	case "mapKey":
		return one(MapKey(g.key(s.key)), s.key)
	case "all":
		return one(All(), entry)
	case "first":
		return one(First(), entry)
	case "last":
		return one(Last(), entry)
	case "subMap":
		return one(SubMap(g.key(s.key), g.key(s.key)), part)
	case "range":
		return one(SortedMapRange(g.key(s.key), g.key(s.key), g.opts(false)...), part)
	case "from":
		return one(SortedMapRangeFrom(g.key(s.key), g.opts(true)...), part)
	case "fromStart":
		return one(SortedMapRangeFromStart(g.n("amount", 0, 3)), part)
	case "to":
		return one(SortedMapRangeTo(g.key(s.key), g.toOpts()...), part)
	case "toEnd":
		return one(SortedMapRangeToEnd(g.val(value.Int(int64(g.n("amount", 0, 3))))), part)
	}
	return one(View("SIZE"), intSchema)
}

func (g *pathGen) opts(oneBound bool) []any {
	var out []any
	if g.n("exclude", 0, 1) == 1 {
		out = append(out, ExcludeStart())
	}
	if oneBound && g.n("limit", 0, 1) == 1 {
		out = append(out, MaxAmt(g.n("amount", 0, 3)))
	} else if !oneBound && g.n("include", 0, 1) == 1 {
		out = append(out, IncludeEnd())
	}
	return out
}

func (g *pathGen) toOpts() []any {
	var out []any
	if g.n("include", 0, 1) == 1 {
		out = append(out, IncludeEnd())
	}
	if g.n("limit", 0, 1) == 1 {
		out = append(out, g.n("amount", 0, 3))
	}
	return out
}

func (g *pathGen) setNav(s *tSchema, one oneNav) (Path, *tSchema, bool) {
	part := &tSchema{kind: s.kind, elem: s.elem}
	switch g.pick("setElem", "voidSetElem", "all", "first", "last", "subset", "range", "from", "to", "size") {
	case "setElem":
		return one(SetElem(g.key(s.elem)), s.elem)
	case "voidSetElem":
		return one(VoidSetElem(), s.elem)
	case "all":
		return one(All(), s.elem)
	case "first":
		return one(First(), s.elem)
	case "last":
		return one(Last(), s.elem)
	case "subset":
		return one(Subset(g.key(s.elem), g.key(s.elem)), part)
	case "range":
		return one(SortedSetRange(g.key(s.elem), g.key(s.elem), g.opts(false)...), part)
	case "from":
		return one(SortedSetRangeFrom(g.key(s.elem), g.opts(true)...), part)
	case "to":
		return one(SortedSetRangeTo(g.key(s.elem), g.toOpts()...), part)
	}
	return one(View("SIZE"), intSchema)
}

func (g *pathGen) listNav(s *tSchema, one oneNav) (Path, *tSchema, bool) {
	part := &tSchema{kind: s.kind, elem: s.elem}
	indexed := &tSchema{kind: value.KindList, pair: true, key: intSchema, elem: s.elem}
	switch g.pick("all", "all", "nth", "first", "last", "key", "index", "indexedVals", "afterElem", "beforeElem", "beforeIndex",
		"sublist", "beginning", "end", "filteredList", "runs", "size") {
	case "all":
		return one(All(), s.elem)
	case "nth":
		return one(Nth(g.small()), s.elem)
	case "first":
		return one(First(), s.elem)
	case "last":
		return one(Last(), s.elem)
	case "key":
		if s.apart { // of nothing it would make a map
			return one(Must(g.small()), s.elem)
		}
		return one(Key(g.small()), s.elem)
	case "index":
		return one(Index(g.small()), intSchema)
	case "indexedVals":
		return one(IndexedVals(), indexed)
	case "afterElem":
		return one(AfterElem(), s.elem)
	case "beforeElem":
		return one(BeforeElem(), s.elem)
	case "beforeIndex":
		return one(BeforeIndex(g.small()), s.elem)
	case "sublist":
		return one(Sublist(g.n("from", 0, 2), g.n("to", 1, 3)), part)
	case "beginning":
		return one(Beginning(), part)
	case "end":
		return one(End(), part)
	case "filteredList":
		return one(FilteredList(g.sub(s.elem, false)), part)
	case "runs":
		if s.elem.kind == value.KindInt && !s.elem.pair {
			return one(ContinuousSubseqs(rapid.SampledFrom([]string{"IS_EVEN", "IDENTITY"}).Draw(g.t, "pred")), part)
		}
		return one(ContinuousSubseqs("IDENTITY"), part)
	}
	return one(View("SIZE"), intSchema)
}

// anywhere generates a step that fits any schema.
func (g *pathGen) anywhere(s *tSchema, transform bool) (Path, *tSchema, bool) {
	all := []string{"stay", "filterSelected", "filterNotSelected", "multiPath", "multiPath", "fork", "ifPath", "condPath", "subselect",
		"withPageSize", "nullToVal", "voidToVal", "transformed", "isNull", "stop", "recursive", "equal", "view"}
	if g.coll {
		all = append(all, "collect", "collectOne", "putCollected", "dispense", "isCollected", "fresh")
	}
	one := func(n Nav) (Path, *tSchema, bool) { return Path{n}, s, false }
	switch g.pick(all...) {
	case "filterSelected":
		return one(FilterSelected(g.sub(s, false)))
	case "filterNotSelected":
		return one(FilterNotSelected(g.sub(s, false)))
	case "multiPath":
		n := g.n("paths", 0, 3)
		ends := transform && g.n("open", 0, 2) > 0
		paths, to := make([]any, n), s
		for i := range paths {
			p, end := g.subTo(s, ends)
			if paths[i] = p; end != to {
				to = anySchema
			}
		}
		return Path{MultiPath(paths...)}, to, ends && n > 0
	case "fork":
		p, to := g.subTo(s, false)
		if to != s {
			to = anySchema
		}
		if g.n("order", 0, 1) == 0 {
			return Path{ContinueThenStay(p)}, to, false
		}
		return Path{StayThenContinue(p)}, to, false
	case "ifPath":
		if g.n("else", 0, 1) == 0 {
			return Path{IfPath(g.sub(s, false), g.sub(s, transform))}, anySchema, transform
		}
		return Path{IfPath(g.sub(s, false), g.sub(s, transform), g.sub(s, transform))}, anySchema, transform
	case "condPath":
		return Path{CondPath(g.sub(s, false), g.sub(s, transform), g.sub(s, false), g.sub(s, transform))}, anySchema, transform
	case "subselect":
		var inner Path
		elem := s
		if s.elem != nil && !s.pair && s.kind != value.KindMap {
			inner, elem = Path{All()}, s.elem
		} else if s.kind == value.KindMap {
			inner, elem = Path{MapVals()}, s.elem
		}
		p, to := g.subTo(elem, false)
		return Path{Subselect(append(inner, p...))}, &tSchema{kind: value.KindList, elem: to}, false
	case "withPageSize":
		p, to := g.subTo(s, false)
		return Path{WithPageSize(g.n("page", 1, 3), p)}, to, false
	case "nullToVal":
		return one(NullToVal(g.val(genValue(g.t, s))))
	case "voidToVal":
		return one(VoidToVal(g.val(genValue(g.t, s))))
	case "transformed":
		return one(Transformed(append(g.sub(s, false), g.term(s))))
	case "isNull":
		return one(FilterPred("IS_NULL"))
	case "equal":
		return one(FilterNotEqual(g.val(genValue(g.t, s))))
	case "stop":
		if g.n("stop", 0, 3) == 0 {
			return one(Stop())
		}
	case "view":
		return one(View("IDENTITY"))
	case "recursive":
		if s.kind == value.KindMap && !s.pair && g.recs == 0 {
			return Path{Recursive(IfPath(FilterPred("IS_MAP"), New(MapVals(), Recur()), Stay()))}, anySchema, false
		}
	case "collect":
		return one(Collect(g.sub(s, false)))
	case "collectOne":
		return one(CollectOne(g.sub(s, false)))
	case "putCollected":
		return one(PutCollected(g.key(nil)))
	case "dispense":
		return one(DispenseCollected())
	case "isCollected":
		return one(IsCollected("FIRST"))
	case "fresh":
		p, to := g.subTo(s, false)
		return Path{WithFreshCollected(PutCollected(7), p)}, to, false
	}
	return one(Stay())
}
