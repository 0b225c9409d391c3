package value_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"

	"rama/engine/value"
	"rama/engine/value/valuetest"
)

// golden is the frozen spelling of both encodings. A line that has to change is
// a new format version, not a new line.
var golden = []struct {
	json, key, cbor string
}{
	{`null`, "02", "f6"},
	{`false`, "03", "f4"},
	{`true`, "04", "f5"},
	{`{"$float":"NaN"}`, "10", "fb7ff8000000000001"},
	{`{"$float":"-Inf"}`, "11800fffffffffffff", "fbfff0000000000000"},
	{`-9223372036854775808`, "13feffffffffffffffff", "3b7fffffffffffffff"},
	{`-1.5`, "1bfcc01fffffffffffff", "fbbff8000000000000"},
	{`-1`, "1bfd", "20"},
	{`-0.5`, "1bfec01fffffffffffff", "fbbfe0000000000000"},
	{`0`, "1c", "00"},
	{`1`, "1d02", "01"},
	{`1.5`, "1d033fe0000000000000", "fb3ff8000000000000"},
	{`127`, "1dfe", "187f"},
	{`128`, "1e0100", "1880"},
	{`9223372036854775807`, "24fffffffffffffffe", "1b7fffffffffffffff"},
	{`1e19`, "2643e158e460913d00", "fb43e158e460913d00"},
	{`""`, "3000", "60"},
	{`"a"`, "306100", "6161"},
	{`"a\u0000"`, "3061010100", "626100"},
	{`"a\u0001"`, "3061010200", "626101"},
	{`"ab"`, "30616200", "626162"},
	{`{"$bytes":"AAEC"}`, "31010101020200", "43000102"},
	{
		`{"$time":"1970-01-01T00:00:01.5Z"}`, "4080000000000000011dcd6500",
		"c076313937302d30312d30315430303a30303a30312e355a",
	},
	{`{"$uuid":"00112233-4455-6677-8899-aabbccddeeff"}`, "4100112233445566778899aabbccddeeff", "d82550" + "00112233445566778899aabbccddeeff"},
	{`[]`, "5000", "80"},
	{`[1,"a"]`, "501d0230610000", "82016161"},
	{`{"$set":[]}`, "5100", "d9010280"},
	{`{"$sortedSet":[1]}`, "511d0200", "d97a73d901028101"},
	{`{"$set":[1,2]}`, "511d021d0400", "d90102820102"},
	{`{}`, "5200", "a0"},
	{`{"$map":[[1,2]]}`, "521d021d0400", "a10102"},
	{`{"a":1}`, "523061001d0200", "a1616101"},
	{`{"$sortedMap":[["a",1]]}`, "523061001d0200", "d97a73a1616101"},
}

func TestGolden(t *testing.T) {
	var prev value.Value
	var prevKey []byte
	for i, g := range golden {
		v, err := value.ParseJSON([]byte(g.json), value.Tagged)
		if err != nil {
			t.Fatalf("%s: %v", g.json, err)
		}
		if got := string(value.AppendJSON(nil, v, value.Tagged)); got != g.json && g.json != "1e19" {
			t.Errorf("%s: JSON comes back as %s", g.json, got)
		}
		key := value.AppendKey(nil, v)
		if got := hex.EncodeToString(key); got != g.key {
			t.Errorf("%s: key is %s, frozen as %s", g.json, got, g.key)
		}
		if got := hex.EncodeToString(value.Encode(v)); got != g.cbor {
			t.Errorf("%s: encoding is %s, frozen as %s", g.json, got, g.cbor)
		}
		if i > 0 && (value.Compare(prev, v) > 0 || bytes.Compare(prevKey, key) > 0) {
			t.Errorf("%s does not lie above %s", v, prev)
		}
		prev, prevKey = v, key
	}
}

func TestHashIsFrozen(t *testing.T) {
	for _, g := range []struct {
		v    any
		hash uint64
	}{{"alice", 0x36fe848c7da02cb3}, {int64(7), 0xf8bd93e3413d5374}, {7.0, 0xf8bd93e3413d5374}} {
		if h := value.Hash(value.MustOf(g.v)); h != g.hash {
			t.Errorf("hash of %v is %#x, frozen as %#x", g.v, h, g.hash)
		}
	}
}

func sign(i int) int {
	switch {
	case i < 0:
		return -1
	case i > 0:
		return 1
	}
	return 0
}

// The keys of values are ordered as the values are, no key is a prefix of
// another, equal values have one key, and a key gives its value back.
func TestKeys(t *testing.T) {
	gen := valuetest.Any(3)
	rapid.Check(t, func(t *rapid.T) {
		a, b := gen.Draw(t, "a"), gen.Draw(t, "b")
		if rapid.Bool().Draw(t, "canonical") {
			b = value.Canonical(a)
		}
		ka, kb := value.AppendKey(nil, a), value.AppendKey(nil, b)
		c := value.Compare(a, b)
		if sign(bytes.Compare(ka, kb)) != c {
			t.Fatalf("Compare(%s, %s) = %d, keys %x and %x", a, b, c, ka, kb)
		}
		if c != -value.Compare(b, a) {
			t.Fatalf("Compare(%s, %s) is not antisymmetric", a, b)
		}
		if c != 0 && bytes.HasPrefix(kb, ka) {
			t.Fatalf("key %x of %s begins key %x of %s", ka, a, kb, b)
		}
		got, rest, err := value.DecodeKey(append(ka, 0x30))
		if err != nil || len(rest) != 1 || !value.Same(got, value.Canonical(a)) {
			t.Fatalf("key of %s decodes to %s, %v", a, got, err)
		}
	})
}

func TestOrderIsTransitive(t *testing.T) {
	gen := valuetest.Any(2)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := gen.Draw(t, "a"), gen.Draw(t, "b"), gen.Draw(t, "c")
		if value.Compare(a, b) <= 0 && value.Compare(b, c) <= 0 && value.Compare(a, c) > 0 {
			t.Fatalf("%s <= %s <= %s", a, b, c)
		}
	})
}

// An encoded value is the value: decoded, navigated in place, compared, and
// written again to the same bytes.
func TestEncoding(t *testing.T) {
	gen := valuetest.Any(3)
	rapid.Check(t, func(t *rapid.T) {
		v := gen.Draw(t, "v")
		b := value.Encode(v)
		d, err := value.Decode(b)
		if err != nil {
			t.Fatalf("%s does not decode: %v", v, err)
		}
		if !value.Same(v, d) || d.Sorted() != v.Sorted() {
			t.Fatalf("%s decodes to %s", v, d)
		}
		if !bytes.Equal(value.Append(nil, d), b) {
			t.Fatalf("%s is written otherwise the second time", v)
		}
		sameNavigation(t, v, d)
	})
}

// sameNavigation checks that every operation on a collection answers alike on
// its decoded and its encoded form.
func sameNavigation(t *rapid.T, v, d value.Value) {
	if !v.IsCollection() {
		return
	}
	if v.Len() != d.Len() {
		t.Fatalf("length of %s is %d, encoded %d", v, v.Len(), d.Len())
	}
	probe := valuetest.Any(1).Draw(t, "probe")
	if v.Kind() == value.KindMap {
		i := 0
		for k, e := range v.Pairs() {
			dk, de := d.Pair(i)
			got, ok := d.Get(k)
			if !ok || !value.Same(k, dk) || !value.Same(e, de) || !value.Same(e, got) {
				t.Fatalf("pair %d of %s differs", i, v)
			}
			if !value.Same(v.Without(k), d.Without(k)) {
				t.Fatalf("%s without %s differs", v, k)
			}
			sameNavigation(t, e, de)
			i++
		}
		if _, in := v.Get(probe); in != d.Has(probe) {
			t.Fatalf("%s has %s: %t, encoded not", v, probe, in)
		}
		w := d.With(probe, value.Int(1))
		if got, ok := w.Get(probe); !ok || !value.Equal(got, value.Int(1)) || !value.Same(w, v.With(probe, value.Int(1))) {
			t.Fatalf("%s with %s is %s", v, probe, w)
		}
		return
	}
	i := 0
	for e := range d.All() {
		if !value.Same(v.Index(i), e) || !value.Same(d.Index(i), e) {
			t.Fatalf("element %d of %s differs", i, v)
		}
		sameNavigation(t, v.Index(i), e)
		i++
	}
	if v.Kind() == value.KindSet {
		if v.Has(probe) != d.Has(probe) || !value.Same(v.WithElem(probe), d.WithElem(probe)) || !d.WithElem(probe).Has(probe) {
			t.Fatalf("%s and %s differ", v, probe)
		}
	}
}

// JSON in the tagged form keeps every value; the plain form is JSON that any
// parser reads.
func TestJSON(t *testing.T) {
	gen := valuetest.Any(3)
	rapid.Check(t, func(t *rapid.T) {
		v := gen.Draw(t, "v")
		text := value.AppendJSON(nil, v, value.Tagged)
		got, err := value.ParseJSON(text, value.Tagged|value.Typed)
		if err != nil || !value.Same(got, v) || !bytes.Equal(value.AppendJSON(nil, got, value.Tagged), text) {
			t.Fatalf("%s comes back as %s, %v", text, got, err)
		}
		plain := value.AppendJSON(nil, v, value.Plain)
		if _, err := value.ParseJSON(plain, value.Plain); err != nil {
			t.Fatalf("%s: %v", plain, err)
		}
	})
}

// Any spelling of CBOR that a common library produces is the same value.
func TestForeignSpelling(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"unsorted map", "a2616201616102", "a2616102616201"},
		{"floats of 2 and 4 bytes", "82f93e00fa3fc00000", "82fb3ff8000000000000fb3ff8000000000000"},
		{"float16 subnormal", "f90001", "fb3e70000000000000"},
		{"float16 infinity", "f9fc00", "fbfff0000000000000"},
		{"indefinite list", "9f0102ff", "820102"},
		{"indefinite map", "bf616101ff", "a1616101"},
		{"indefinite string", "7f61616162ff", "626162"},
		{"long heads", "1b0000000000000001", "01"},
		{"undefined", "f7", "f6"},
		{"epoch time", "c101", "c074313937302d30312d30315430303a30303a30315a"},
		{"time with zone", "c07819313937302d30312d30315430313a30303a30312b30313a3030", "c074313937302d30312d30315430303a30303a30315a"},
		{"set unsorted, twice", "d9010283020102", "d90102820102"},
		{"whole float in a set", "d9010281fb3ff0000000000000", "d901028101"},
		{"whole float as a key, deep", "a18181fb3ff000000000000001", "a181810101"},
	} {
		in, _ := hex.DecodeString(c.in)
		v, err := value.Decode(in)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := hex.EncodeToString(value.Encode(v)); got != c.want {
			t.Errorf("%s: %s is read as %s, want %s", c.name, c.in, got, c.want)
		}
	}
}

func TestBadBytes(t *testing.T) {
	for name, in := range map[string]string{
		"empty": "", "cut head": "19", "cut string": "6261", "cut list": "8201", "huge list": "9b00ffffffffffffff",
		"huge string": "7b00ffffffffffffff", "integer beyond 64 bits": "1bffffffffffffffff", "bignum": "c249010000000000000000",
		"bad utf-8": "61ff", "unknown tag": "d8ff01", "unknown simple": "f8ff", "two values": "0102", "key twice": "a2616101616102",
		"bad time": "c06161", "short uuid": "d8254100", "set of no list": "d9010201", "sorted of list": "d97a7380",
		"reserved head": "1c", "lone break": "ff", "stored mark": "d97a74f6", "year 10000": "c11b0000003afff44180",
		"sorted twice": "d97a73d97a73a0", "endless": "9f01", "deep": strings.Repeat("81", 200) + "01",
	} {
		b, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(name, err)
		}
		if v, err := value.Decode(b); !errors.Is(err, value.ErrInvalid) && !errors.Is(err, value.ErrTooLarge) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}

func TestBadJSON(t *testing.T) {
	for _, in := range []string{
		"", " ", "{", "[", "[1,]", `{"a":1,}`, `{"a"}`, `{a:1}`, "tru", "01", "1.", "-", "1e", "9223372036854775808", "1e999",
		`"`, `"\x"`, `"\ud800"`, "\"\xff\"", "\"\n\"", "1 2", `{"$set":1}`, `{"$map":[1]}`, `{"$map":[[1]]}`, `{"$bytes":"?"}`,
		`{"$time":"yesterday"}`, `{"$uuid":"1"}`, `{"$float":"1"}`, `{"$what":[]}`, `"#__"`, `"#__L"`, `"#__B300"`, `"#__Cab"`, `"#__q1"`,
		`"#__f"`, strings.Repeat("[", 200) + strings.Repeat("]", 200),
	} {
		if v, err := value.ParseJSON([]byte(in), value.Tagged|value.Typed); !errors.Is(err, value.ErrInvalid) && !errors.Is(err, value.ErrTooLarge) {
			t.Errorf("%s: %v, %v", in, v, err)
		}
	}
}

func TestTypedJSON(t *testing.T) {
	v, err := value.ParseJSON([]byte(`["#__B-5","#__S300","#__L9","#__F2","#__Cé","#__Kname","#__fOps.INC"]`), value.Typed)
	if err != nil {
		t.Fatal(err)
	}
	if got := v.String(); got != `[-5,300,9,2.0,"é","name",{"$str":"#__fOps.INC"}]` {
		t.Error(got)
	}
	if v, _ := value.ParseJSON([]byte(`{"$set":[1]}`), value.Plain); v.Kind() != value.KindMap {
		t.Errorf("plain JSON read a tag: %s", v)
	}
	if got := string(value.AppendJSON(nil, value.MustOf(map[any]any{1: 2, "a": []byte("x")}), value.Plain)); got != `{"1":2,"a":"eA=="}` {
		t.Error(got)
	}
}

type point struct {
	Y, X  int
	Label string              `json:"label,omitempty"`
	When  time.Time           `cbor:"when"`
	ID    value.UUID          `cbor:"id"`
	Tags  value.GoSet[string] `cbor:"tags"`
}

func TestGoTypes(t *testing.T) {
	p := point{1, 2, "x", time.Unix(5, 6).UTC(), value.UUID{7}, value.GoSet[string]{"b": {}, "a": {}}}
	v, err := value.Of(p)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"X":2,"Y":1,"id":{"$uuid":"07000000-0000-0000-0000-000000000000"},"label":"x",` +
		`"tags":{"$set":["a","b"]},"when":{"$time":"1970-01-01T00:00:05.000000006Z"}}`
	if v.String() != want {
		t.Errorf("got  %s\nwant %s", v, want)
	}
	var back point
	if err := value.Into(v, &back); err != nil || !reflect.DeepEqual(p, back) {
		t.Errorf("%+v, %v", back, err)
	}
	if err := value.Into(value.Int(300), new(int8)); !errors.Is(err, value.ErrInvalid) {
		t.Errorf("300 into an int8: %v", err)
	}
	for _, bad := range []any{"\xff", uint64(math.MaxUint64), make(chan int), time.Unix(1<<60, 0)} {
		if _, err := value.Of(bad); !errors.Is(err, value.ErrInvalid) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestNativeRoundTrip(t *testing.T) {
	gen := valuetest.Any(2)
	rapid.Check(t, func(t *rapid.T) {
		v := gen.Draw(t, "v")
		native := value.Native(v)
		if _, odd := native.([][2]any); odd {
			return
		}
		back, err := value.Of(native)
		if err != nil {
			t.Fatalf("%s: %v", v, err)
		}
		if !hasOddSet(v) && !value.Equal(v, back) {
			t.Fatalf("%s comes back as %s", v, back)
		}
	})
}

func hasOddSet(v value.Value) bool {
	switch v.Kind() {
	case value.KindSet:
		for e := range v.All() {
			if e.IsCollection() || e.Kind() == value.KindBytes || (e.Kind() == value.KindFloat && math.IsNaN(e.AsFloat())) {
				return true
			}
		}
	case value.KindList:
		for e := range v.All() {
			if hasOddSet(e) {
				return true
			}
		}
	case value.KindMap:
		for k, e := range v.Pairs() {
			if hasOddSet(e) || k.IsCollection() || k.Kind() == value.KindBytes {
				return true
			}
		}
	}
	return false
}

func TestViewOfDamage(t *testing.T) {
	for _, in := range []string{"", "19", "6261", "8201", "d8ff01", "c06161", "f8"} {
		b, _ := hex.DecodeString(in)
		err := func() (err error) {
			defer value.Recover(&err)
			v, _ := value.View(b)
			for e := range v.All() {
				_ = e
			}
			return nil
		}()
		if !errors.Is(err, value.ErrCorrupt) {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// Canonical costs one visit per value, however deep a float lies.
func TestCanonicalOfDeepValue(t *testing.T) {
	v := value.Float(1)
	for range value.MaxDepth {
		v = value.List(v)
	}
	if c := value.Canonical(v); !value.Equal(c, v) || value.Same(c, v) {
		t.Errorf("%s", c)
	}
}

// A read of one field of an encoded record allocates nothing.
func TestReadInPlaceAllocatesNothing(t *testing.T) {
	v, _ := value.Decode(value.Encode(value.MustOf(map[string]any{"a": 1, "name": "x", "z": []any{1, 2, "long"}})))
	key := value.String("z")
	if n := testing.AllocsPerRun(100, func() {
		l, ok := v.Get(key)
		if !ok || l.Index(2).AsString() != "long" {
			t.Fatal("not found")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDecode(f *testing.F) {
	for _, g := range golden {
		b, _ := hex.DecodeString(g.cbor)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := value.Decode(b)
		if err != nil {
			return
		}
		one := value.Append(nil, v)
		again, err := value.Decode(one)
		if err != nil || !value.Same(v, again) || !bytes.Equal(value.Append(nil, again), one) {
			t.Fatalf("%x is read as %s, then as %s, %v", b, v, again, err)
		}
		var foreign any
		if err := cbor.Unmarshal(one, &foreign); err != nil && !strings.Contains(err.Error(), "unhashable") &&
			!strings.Contains(err.Error(), "invalid map key") && !strings.Contains(err.Error(), "exceeded max nested") {
			t.Fatalf("%x is CBOR to us but not to a library: %v", one, err)
		}
		_ = value.AppendJSON(nil, v, value.Tagged)
	})
}

func FuzzDecodeKey(f *testing.F) {
	for _, g := range golden {
		b, _ := hex.DecodeString(g.key)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, rest, err := value.DecodeKey(b)
		if err != nil {
			return
		}
		used := b[:len(b)-len(rest)]
		if again := value.AppendKey(nil, v); !bytes.Equal(again, used) {
			t.Fatalf("key %x is %s, whose key is %x", used, v, again)
		}
	})
}

func FuzzParseJSON(f *testing.F) {
	for _, g := range golden {
		f.Add([]byte(g.json))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := value.ParseJSON(b, value.Tagged|value.Typed)
		if err != nil {
			return
		}
		text := value.AppendJSON(nil, v, value.Tagged)
		again, err := value.ParseJSON(text, value.Tagged)
		if err != nil || !value.Same(v, again) {
			t.Fatalf("%s is read as %s, then as %s, %v", b, v, again, err)
		}
		if _, err := value.Decode(value.Encode(v)); err != nil {
			t.Fatalf("%s was written outside the one spelling: %v", b, err)
		}
	})
}
