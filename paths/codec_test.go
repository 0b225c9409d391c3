package paths

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rama/engine/value"
)

var withParams = ParseOptions{Params: true}

// golden is the frozen spelling of both forms, with each navigator there is. A
// line that has to change is a new version of the binary form, not a new line.
var golden = []struct {
	path Path
	json string
	hex  string
}{
	{New(), `[]`, `8101`},
	{New("a", All(), Term("Ops.INC")), `["a",["all"],["term","#__fOps.INC"]]`, `8401820182006161810682186582` + `03674f70732e494e43`},
	{New(Key("a", 1, nil)), `[["key","a",1,null]]`, `8201840182006161820001` + `8200f6`},
	{New(Key(Arg(2)), Key(300)), `[["key",["arg",2]],["key",300]]`, `8301820182010282018200` + `19012c`},
	{New(Key([]any{"arg", 1}), Key([]any{"const", 1})), `[["key",["const",["arg",1]]],["key",["const",["const",1]]]]`, `83018201820082636172670182018200` + `8265636f6e737401`},
	{New("#__fx"), `[["key",{"$str":"#__fx"}]]`, `82018201820065235f5f6678`},
	{New(Must("a", "b")), `[["must","a","b"]]`, `82018302820061618200` + `6162`},
	{New(Nth(0, -1)), `[["nth",0,-1]]`, `820183038200008200` + `20`},
	{New(First(), Last(), All(), MapVals(), MapKeys()), `[["first"],["last"],["all"],["mapVals"],["mapKeys"]]`, `86018104810581068107` + `8108`},
	{New(MapKey("k"), SetElem(1.5), VoidSetElem()), `[["mapKey","k"],["setElem",1.5],["voidSetElem"]]`, `84018209820061` + `6b820a8200fb3ff800000000000081` + `17`},
	{New(Index(1), IndexedVals(), IndexedVals(5)), `[["index",1],["indexedVals"],["indexedVals",5]]`, `8401820b820001810c820c8200` + `05`},
	{New(AfterElem(), BeforeElem(), BeforeIndex(2)), `[["afterElem"],["beforeElem"],["beforeIndex",2]]`, `84018114811582168200` + `02`},
	{New(Sublist(1, 2), SublistDynamic("a", "b")), `[["sublist",1,2],["sublistDynamic","#__fa","#__fb"]]`, `830183181e82000182000283181f82036161` + `82036162`},
	{New(Beginning(), End(), FilteredList("a")), `[["beginning"],["end"],["filteredList","a"]]`, `84018118208118218218228202` + `81820182006161`},
	{New(ContinuousSubseqs("f")), `[["continuousSubseqs","#__ff"]]`, `8201821823820361` + `66`},
	{New(SubMap(), SubMap("a"), Subset(1)), `[["subMap"],["subMap","a"],["subset",1]]`, `84018118248218248200616182` + `1825820001`},
	{
		New(SortedMapRange(1, 2, ExcludeStart(), IncludeEnd()), SortedMapRangeFrom(1, 5), SortedMapRangeFromStart(3)),
		`[["sortedMapRange",1,2,{"inclusive-start?":false,"inclusive-end?":true}],["sortedMapRangeFrom",1,{"max-amt":5}],["sortedMapRangeFromStart",3]]`,
		`84018418268200018200028204038318278200018304008200058218288200` + `03`,
	},
	{
		New(SortedMapRangeTo(1, MaxAmt(Arg(0))), SortedMapRangeToEnd(3)),
		`[["sortedMapRangeTo",1,{"max-amt":["arg",0]}],["sortedMapRangeToEnd",3]]`, `83018318298200018304008201008218` + `2a820003`,
	},
	{
		New(SortedSetRange(1, 2), SortedSetRangeFrom(1, ExcludeStart()), SortedSetRangeFromStart(3), SortedSetRangeTo(1, IncludeEnd()), SortedSetRangeToEnd(3)),
		`[["sortedSetRange",1,2],["sortedSetRangeFrom",1,{"inclusive-start?":false}],["sortedSetRangeFromStart",3],["sortedSetRangeTo",1,{"inclusive-end?":true}],["sortedSetRangeToEnd",3]]`,
		`860183182b82000182000283182c820001820401` + `82182d82000383182e82000182040282182f820003`,
	},
	{
		New(FilterEqual(1), FilterNotEqual(1), FilterLessThan(1), FilterLessThanOrEqual(1), FilterGreaterThan(1), FilterGreaterThanOrEqual(1)),
		`[["filterEqual",1],["filterNotEqual",1],["filterLessThan",1],["filterLessThanOrEqual",1],["filterGreaterThan",1],["filterGreaterThanOrEqual",1]]`,
		`8701821832820001821833820001821834820001821835820001821836820001821837` + `820001`,
	},
	{
		New(FilterPred("f"), FilterSelected("a", All()), FilterNotSelected()),
		`[["filterPred","#__ff"],["filterSelected","a",["all"]],["filterNotSelected"]]`, `8401821838820361668218398202828201820061618106` + `82183a820280`,
	},
	{New(View("f", 1), NullToVal(0), NullToList(), NullToSet(), VoidToVal(0)), `[["view","#__ff",1],["nullToVal",0],["nullToList"],["nullToSet"],["voidToVal",0]]`, `860183183c8203616682000182183d82000081183e81183f8218` + `40820000`},
	{New(Transformed(TermVoid()), Parser("f", "g")), `[["transformed",["termVoid"]],["parser","#__ff","#__fg"]]`, `8301821841820281811866831842` + `8203616682036167`},
	{
		New(Stay(), Stop(), IfPath("a", "b"), IfPath("a", "b", "c"), CondPath("a", "b"), MultiPath("a", New("b", All()))),
		`[["stay"],["stop"],["ifPath",["a"],["b"]],["ifPath",["a"],["b"],["c"]],["condPath",["a"],["b"]],["multiPath",["a"],["b",["all"]]]]`,
		`8701811846811847831848820281820182006161820281820182006162841848820281820182006161820281820182006162820281820182006163831849820281820182006161820281820182006162` +
			`83184a8202818201820061618202828201820061628106`,
	},
	{
		New(Subselect(All()), WithPageSize(5, All()), ContinueThenStay("a"), StayThenContinue("a"), Recursive(Recur(), Recur(1))),
		`[["subselect",["all"]],["withPageSize",5,[["all"]]],["continueThenStay","a"],["stayThenContinue","a"],["recursive",["recur"],["recur",1]]]`,
		`860182184b820281810683184c820005820281810682184d82028182018200616182184e82028182018200616182184f8202828118508218` + `50820001`,
	},
	{
		New(Collect(All()), CollectOne(), PutCollected(1), DispenseCollected(), IsCollected("f"), WithFreshCollected("a")),
		`[["collect",["all"]],["collectOne"],["putCollected",1],["dispenseCollected"],["isCollected","#__ff"],["withFreshCollected","a"]]`,
		`870182185a820281810682185b82028082185c82000181185d82185e8203616682185f820281820182` + `006161`,
	},
	{New(TermVal(map[string]any{"a": 1}), Term("f", Arg(0))), `[["termVal",{"a":1}],["term","#__ff",["arg",0]]]`, `8301821864` + `8200a161610183186582036166820100`},
	{New(CustomNamed("n", 1)), `[["customNavBuilder","n",1]]`, `820183186e8200616e820001`},
}

func TestGolden(t *testing.T) {
	seen := map[*Op]bool{}
	var see func(p Path)
	see = func(p Path) {
		for _, n := range p {
			seen[n.op] = true
			for _, a := range n.args {
				see(a.path)
			}
		}
	}
	for _, g := range golden {
		see(g.path)
		j, err := AppendJSON(nil, g.path)
		if err != nil || string(j) != g.json {
			t.Errorf("%s: JSON is\n%s (%v), frozen as\n%s", g.path, j, err, g.json)
		}
		b, err := AppendBinary(nil, g.path)
		if err != nil || hex.EncodeToString(b) != g.hex {
			t.Errorf("%s: binary form is\n%x (%v), frozen as\n%s", g.path, b, err, g.hex)
		}
		roundTrip(t, g.path)
	}
	for _, op := range Ops() {
		if !seen[op] {
			t.Errorf("%s has no golden bytes", op.Name)
		}
	}
}

// A path means the same after either form, and so has the same spelling in both.
func roundTrip(t interface{ Fatalf(string, ...any) }, p Path) {
	j, err := AppendJSON(nil, p)
	if err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	b, err := AppendBinary(nil, p)
	if err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	fromJSON, err := ParseJSON(j, withParams)
	if err != nil {
		t.Fatalf("%s: %v", j, err)
	}
	fromBinary, err := DecodeBinary(b, ParseOptions{})
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	for _, q := range []Path{fromJSON, fromBinary} {
		if j2, err := AppendJSON(nil, q); err != nil || !bytes.Equal(j, j2) {
			t.Fatalf("%s comes back as %s (%v)", j, j2, err)
		}
		if b2, err := AppendBinary(nil, q); err != nil || !sameBytes(b, b2) {
			t.Fatalf("%x comes back as %x (%v)", b, b2, err)
		}
		if q.String() != p.String() {
			t.Fatalf("%s comes back as %s", p, q)
		}
	}
}

// sameBytes reports whether two binary forms are the same, save for the bits of a
// NaN, of which JSON knows only one.
func sameBytes(a, b []byte) bool {
	v, err := value.Decode(a)
	if err != nil {
		return false
	}
	w, err := value.Decode(b)
	return err == nil && value.Same(v, w) && (bytes.Equal(a, b) || bytes.Contains(a, []byte{0xFB, 0x7F}) || bytes.Contains(a, []byte{0xFB, 0xFF}))
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &pathGen{t: t, left: 12, coll: true}
		roundTrip(t, g.path(genSchema(t, 3), rapid.Bool().Draw(t, "transform")))
	})
}

// Numbers and names stay what they are, in any case.
func TestRegister(t *testing.T) {
	for _, op := range Ops() {
		for _, name := range append([]string{op.Name}, op.Aliases...) {
			if got, ok := LookupOp(name); !ok || got != op {
				t.Errorf("%s is not found as %s", op.Name, name)
			}
		}
		if op.Doc == "" || op.Link == nil {
			t.Errorf("%s lacks a description or a Link", op.Name)
		}
		for i, p := range op.Params {
			if (p.Optional || p.Repeated || p.Kind == ParamNavs) && i != len(op.Params)-1 {
				t.Errorf("%s: parameter %s is not the last", op.Name, p.Name)
			}
		}
	}
	for _, names := range strings.Fields(`key/keypath nth/nthpath first/FIRST last/LAST all/ALL mapVals/MAP-VALS mapKeys/MAP-KEYS
		mapKey/map-key setElem/set-elem index/index-nav afterElem/AFTER-ELEM beforeElem/BEFORE-ELEM beforeIndex/before-index
		voidSetElem/NONE-ELEM sublist/srange sublistDynamic/srange-dynamic beginning/BEGINNING end/END filteredList/filterer
		subMap/submap filterEqual/pred= filterNotEqual/prednot= filterLessThan/pred< filterPred/pred filterSelected/selected?
		nullToVal/nullToValue nullToList/NIL->VECTOR voidToVal/NONE->val stay/STAY stop/STOP ifPath/if-path multiPath/multi-path
		collectOne/collect-one collectOne/VAL putCollected/putval termVal/termval termVoid/NONE>`) {
		java, other, _ := strings.Cut(names, "/")
		a, _ := LookupOp(java)
		b, _ := LookupOp(other)
		if a == nil || a != b {
			t.Errorf("%s is not %s", java, other)
		}
	}
}

func TestParseErrors(t *testing.T) {
	deep := strings.Repeat(`[["filterSelected",`, 60) + `"a"` + strings.Repeat(`]]`, 60)
	long := "[" + strings.Repeat(`"a",`, 1000) + `"a"]`
	for _, c := range []struct {
		json string
		o    ParseOptions
		kind error
	}{
		{`{`, withParams, ErrSyntax},
		{`"a"`, withParams, ErrSyntax},
		{strings.Repeat("[", 500), withParams, ErrLimit},
		{deep, withParams, ErrSyntax}, // a filterSelected that is a path is two lists
		{nested(60), withParams, ErrLimit},
		{long, withParams, ErrLimit},
		{`["a"]`, ParseOptions{MaxBytes: 3}, ErrLimit},
		{`["a","b"]`, ParseOptions{MaxSteps: 1}, ErrLimit},
		{`[["nope"]]`, withParams, ErrUnknownNavigator},
		{`[["key",["arg",-1]]]`, withParams, ErrArgument},
		{`[["key",["arg",1000]]]`, withParams, ErrArgument},
		{`[["key"]]`, withParams, ErrArgument},
		{`[["sublist",1]]`, withParams, ErrArgument},
		{`[["sublist",1,2,3]]`, withParams, ErrArgument},
		{`[["filterPred",5]]`, withParams, ErrArgument},
		{`[["sortedMapRangeFrom",1,{"max-amt":-1}]]`, withParams, ErrArgument},
		{`[["sortedMapRangeFrom",1,{"max-amt":"x"}]]`, withParams, ErrArgument},
		{`[["sortedMapRangeFrom",1,{"inclusive?":1}]]`, withParams, ErrArgument},
		{`[{"$set":[]}]`, withParams, ErrSyntax},
	} {
		if _, err := ParseJSON([]byte(c.json), c.o); !errors.Is(err, c.kind) {
			t.Errorf("%.60s: error %v, want %v", c.json, err, c.kind)
		}
	}
	// Without Params the pattern of an argument is a constant.
	p, err := ParseJSON([]byte(`[["key",["arg",0]]]`), ParseOptions{})
	if err != nil || len(p) != 1 {
		t.Fatal(err)
	}
	if v, ok := p[0].Args()[0].Value(); !ok || v.Len() != 2 {
		t.Errorf("argument is %s", p)
	}
}

// nested is n filters in each other.
func nested(n int) string {
	return "[" + strings.Repeat(`["filterSelected",`, n) + `"a"` + strings.Repeat("]", n) + "]"
}

func TestDecodeErrors(t *testing.T) {
	list := func(vs ...any) value.Value {
		out := make([]value.Value, len(vs))
		for i, v := range vs {
			out[i] = value.MustOf(v)
		}
		return value.List(out...)
	}
	path := func(navs ...any) value.Value { return list(append([]any{1}, navs...)...) }
	deep := list(6)
	for range 60 {
		deep = list(57, list(2, list(deep)))
	}
	many := make([]any, 1001)
	for i := range many {
		many[i] = list(6)
	}
	for name, c := range map[string]struct {
		v    value.Value
		kind error
	}{
		"no list":            {value.Int(1), ErrSyntax},
		"empty":              {list(), ErrSyntax},
		"version":            {list(2), ErrSyntax},
		"no navigator":       {path(5), ErrSyntax},
		"empty navigator":    {path(list()), ErrSyntax},
		"unknown":            {path(list(9999)), ErrUnknownNavigator},
		"unknown, wrapped":   {path(list(65536 + 6)), ErrUnknownNavigator},
		"negative":           {path(list(-1)), ErrUnknownNavigator},
		"no argument":        {path(list(1)), ErrArgument},
		"too many arguments": {path(list(6, list(0, 1))), ErrArgument},
		"bare argument":      {path(list(1, "a")), ErrSyntax},
		"long argument":      {path(list(1, list(0, 1, 2))), ErrSyntax},
		"unknown argument":   {path(list(1, list(9, 1))), ErrSyntax},
		"wrong argument":     {path(list(1, list(3, "f"))), ErrArgument},
		"wrong param":        {path(list(1, list(1, "f"))), ErrSyntax},
		"param":              {path(list(1, list(1, -1))), ErrArgument},
		"path":               {path(list(57, list(2, 5))), ErrSyntax},
		"no function name":   {path(list(56, list(3, ""))), ErrSyntax},
		"options":            {path(list(39, list(0, 1), list(4, 8))), ErrSyntax},
		"amount":             {path(list(39, list(0, 1), list(4, 0, list(0, -1)))), ErrArgument},
		"amount path":        {path(list(39, list(0, 1), list(4, 0, list(2, list())))), ErrSyntax},
		"deep":               {path(deep), ErrLimit},
		"long":               {path(many...), ErrLimit},
	} {
		if _, err := DecodeBinary(value.Encode(c.v), ParseOptions{}); !errors.Is(err, c.kind) {
			t.Errorf("%s: error %v, want %v", name, err, c.kind)
		}
	}
	if _, err := DecodeBinary([]byte{0x81}, ParseOptions{}); !errors.Is(err, ErrSyntax) {
		t.Errorf("torn bytes: %v", err)
	}
	if _, err := DecodeBinary(make([]byte, 9), ParseOptions{MaxBytes: 8}); !errors.Is(err, ErrLimit) {
		t.Errorf("long bytes: %v", err)
	}
}

func TestNotSendable(t *testing.T) {
	goFunc := func(v value.Value) value.Value { return v }
	handle := newFake(value.EmptyMap, &layout{apart: true}, &fakeStats{})
	for name, p := range map[string]Path{
		"function":      New(goFunc),
		"in a path":     New(FilterSelected(All(), goFunc)),
		"navigator":     New(Custom(stopNav{})),
		"handle":        New(Key([]value.Value{handle})),
		"zero Nav":      {Nav{}},
		"wrong builder": New(Nth()),
	} {
		if _, err := AppendJSON(nil, p); err == nil {
			t.Errorf("%s has a JSON form", name)
		}
		if _, err := AppendBinary(nil, p); err == nil {
			t.Errorf("%s has a binary form", name)
		}
	}
	if _, err := AppendJSON(nil, New("a", goFunc)); !errors.Is(err, ErrArgument) || !strings.Contains(err.Error(), "step 2") {
		t.Errorf("error %v", err)
	}
}

func TestSplitPKey(t *testing.T) {
	for _, c := range []struct{ in, pkey, rest, err string }{
		{`["a"]`, "", `["a"]`, ""},
		{`[]`, "", `[]`, ""},
		{`[["pkey","k"],["mapKeys"]]`, `"k"`, `[["mapKeys"]]`, ""},
		{`[["pkey",null]]`, `null`, `[]`, ""},
		{`[["pkey"],"a"]`, "", "", "path step 1 (pkey): takes 1 argument, not 0: bad argument"},
		{`[["key","pkey"]]`, "", `[["key","pkey"]]`, ""},
	} {
		v, err := value.ParseJSON([]byte(c.in), value.Tagged|value.Typed)
		if err != nil {
			t.Fatal(err)
		}
		pkey, has, rest, err := SplitPKey(v)
		if err != nil || c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("%s: error %v, want %s", c.in, err, c.err)
			}
			continue
		}
		if has != (c.pkey != "") || (has && pkey.String() != c.pkey) || rest.String() != c.rest {
			t.Errorf("%s: %s, %v, %s", c.in, pkey, has, rest)
		}
		if _, err := FromValue(rest, ParseOptions{}); err != nil {
			t.Errorf("%s: %v", c.in, err)
		}
	}
}

// What comes from outside is a path or an error, and a path that comes out of one
// form survives the other.
func FuzzParseJSON(f *testing.F) {
	for _, g := range golden {
		f.Add([]byte(g.json))
	}
	f.Add([]byte(`[["sortedMapRangeTo",{"$float":"NaN"},{"inclusive?":true,"max-amt":2.0}],"#__L5",true,null]`))
	f.Add([]byte(nested(52)))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseJSON(b, withParams)
		if err == nil {
			roundTrip(t, p)
		} else if kindOfError(err) == err {
			t.Fatalf("%q: untyped error %v", b, err)
		}
	})
}

func FuzzDecodeBinary(f *testing.F) {
	for _, g := range golden {
		b, err := hex.DecodeString(g.hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodeBinary(b, ParseOptions{})
		if err == nil {
			roundTrip(t, p)
		} else if kindOfError(err) == err {
			t.Fatalf("%x: untyped error %v", b, err)
		}
	})
}

// Any path whatever runs on a value to its end: results, a typed error, or a
// limit.
func FuzzEval(f *testing.F) {
	for _, g := range golden {
		b, err := hex.DecodeString(g.hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	root, err := value.ParseJSON([]byte(`{"a":[1,2,[3]],"b":{"a":{"$set":[1,"x"]},"c":null},"$s":{"$map":[[1,2.5],[2,"b"]]}}`), value.Tagged)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodeBinary(b, ParseOptions{MaxSteps: 100})
		if err != nil {
			return
		}
		prog, err := Compile(p, CompileOptions{})
		if err != nil {
			if kindOfError(err) == err {
				t.Fatalf("%s: untyped error %v", p, err)
			}
			return
		}
		e := NewEval()
		e.Handles = HandlePlain
		e.Limits = Limits{Depth: 50, Visits: 2000, Results: 100, ResultBytes: 10000, Collected: 20, Gathered: 2000}
		for range min(prog.NumArgs(), 4) {
			e.Args = append(e.Args, value.Int(1))
		}
		var want [2]string
		for i, form := range forms {
			all, err := prog.SelectAll(e, form.make(root))
			got := [2]string{outcome(t, p, value.List(all...), err)}
			v, err := prog.Transform(e, form.make(root))
			got[1] = outcome(t, p, plainOf(v), err)
			if i == 0 {
				want = got
			}
			for j := range got {
				if got[j] != want[j] && got[j] != ErrLimit.Error() && want[j] != ErrLimit.Error() {
					t.Fatalf("%s: %s: got %s, want %s", form.name, p, got[j], want[j])
				}
			}
		}
	})
}

// outcome is a result, or the kind of error, which must be one of this package.
func outcome(t *testing.T, p Path, v value.Value, err error) string {
	if err == nil {
		return string(value.Encode(unmarked(v)))
	}
	if kindOfError(err) == err {
		t.Fatalf("%s: untyped error %v", p, err)
	}
	return kindOfError(err).Error()
}

// unmarked is v without the marks of sorted collections, which a structure kept
// apart does not have.
func unmarked(v value.Value) value.Value {
	if !v.IsCollection() {
		return v
	}
	b := value.NewBuilder(v.Kind(), v.Len())
	for _, en := range entries(v) {
		if v.Kind() == value.KindMap {
			b.Put(unmarked(en.k), unmarked(en.v))
		} else {
			b.Add(unmarked(en.v))
		}
	}
	return b.Done()
}
