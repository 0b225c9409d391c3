package engine

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"math"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"pgregory.net/rapid"

	"rama/engine/value"
	"rama/engine/value/valuetest"
)

// The frozen spelling of keys. A line that has to change is a new format version,
// not a new line.
func TestKeysGolden(t *testing.T) {
	for _, g := range []struct {
		x   uint64
		hex string
	}{
		{0, "00"}, {1, "01"}, {239, "ef"}, {240, "f1f0"}, {255, "f1ff"}, {256, "f20100"}, {65535, "f2ffff"},
		{65536, "f3010000"}, {math.MaxUint32, "f4ffffffff"}, {1 << 32, "f50100000000"}, {math.MaxUint64, "f8ffffffffffffffff"},
	} {
		if got := hex.EncodeToString(AppendOrdered(nil, g.x)); got != g.hex {
			t.Errorf("%d is %s, frozen as %s", g.x, got, g.hex)
		}
	}
	for _, g := range []struct {
		t   TaskID
		o   ObjectID
		n   NodeID
		v   any
		hex string
	}{
		{0, 0, 1, nil, "010001" + "02"},
		{3, 16, 2, int64(1), "041002" + "1d02"},
		{238, 239, 240, "a", "ef" + "ef" + "f1f0" + "306100"},
		{math.MaxUint32, math.MaxUint32, math.MaxUint32, true, "f50100000000" + "f4ffffffff" + "f4ffffffff" + "04"},
	} {
		key := value.AppendKey(AppendPrefix(nil, g.t, g.o, g.n), value.MustOf(g.v))
		if got := hex.EncodeToString(key); got != g.hex {
			t.Errorf("%d/%d/%d %v is %s, frozen as %s", g.t, g.o, g.n, g.v, got, g.hex)
		}
	}
	for name, g := range map[string]struct{ got, want []byte }{
		"applied":    {appliedKey, []byte{0, 1}},
		"format":     {formatKey, []byte{0, 2}},
		"local":      {localKey(nil, "ab"), []byte{0, 0x10, 'a', 'b'}},
		"applied is": {appendApplied(nil, 300, 7), []byte{0xf2, 1, 44, 7}},
		"catalogue":  {CatalogueKey(2), []byte{3, 0, 1}},
		"end":        {PrefixEnd(nil, []byte{1, 2}), []byte{1, 2, 0xff}},
	} {
		if !bytes.Equal(g.got, g.want) {
			t.Errorf("%s: %x, frozen as %x", name, g.got, g.want)
		}
	}
	if comparer.Name != "rama.key.v1" || keySchema.Name != "rama.keys.v1" || pebbleFormat != 24 || formatVersion != 1 {
		t.Error("a name or version of the format has changed")
	}
	if kindDelete != byte(pebble.InternalKeyKindDelete) || kindSet != byte(pebble.InternalKeyKindSet) || kindRangeDelete != byte(pebble.InternalKeyKindRangeDelete) {
		t.Error("the kinds of records are not Pebble's")
	}
}

func drawNumber(t *rapid.T, name string, bits int) uint64 {
	return rapid.Uint64().Draw(t, name) >> (64 - rapid.IntRange(1, bits).Draw(t, name+"Bits"))
}

// Ordered numbers order as the numbers do, none is the prefix of another, and each
// has one spelling.
func TestOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawNumber(t, "a", 64), drawNumber(t, "b", 64)
		ka, kb := AppendOrdered(nil, a), AppendOrdered(nil, b)
		if c := bytes.Compare(ka, kb); c != cmp.Compare(a, b) {
			t.Fatalf("%d is %x, %d is %x", a, ka, b, kb)
		}
		if a != b && bytes.HasPrefix(kb, ka) {
			t.Fatalf("%x begins %x", ka, kb)
		}
		x, rest, err := DecodeOrdered(append(ka, kb...))
		if err != nil || x != a || !bytes.Equal(rest, kb) {
			t.Fatalf("%x decodes to %d, %x, %v", ka, x, rest, err)
		}
		if ka[0] >= prefixEnd {
			t.Fatalf("%x begins with the end mark", ka)
		}
	})
}

// The keys that begin with a prefix, and no other, lie from it to its PrefixEnd.
func TestPrefix(t *testing.T) {
	gen := valuetest.Any(2)
	draw := func(t *rapid.T, name string) []byte {
		// Few numbers, so that prefixes of one key begin others.
		num := func(s string) uint64 {
			return rapid.SampledFrom([]uint64{0, 1, 2, 239, 240, 241, math.MaxUint32}).Draw(t, name+s)
		}
		key := AppendPrefix(nil, TaskID(num("t")), ObjectID(num("o")), NodeID(num("n")))
		for i := rapid.IntRange(0, 2).Draw(t, name+"Len"); i > 0; i-- {
			key = value.AppendKey(key, gen.Draw(t, name+"Val"))
		}
		return key
	}
	rapid.Check(t, func(t *rapid.T) {
		p, k := draw(t, "prefix"), draw(t, "key")
		inside := bytes.Compare(k, p) >= 0 && bytes.Compare(k, PrefixEnd(nil, p)) < 0
		if inside != bytes.HasPrefix(k, p) {
			t.Fatalf("key %x, prefix %x: within the bounds is %v", k, p, inside)
		}
		task, object, node, rest, err := DecodePrefix(k)
		if err != nil || !bytes.Equal(append(AppendPrefix(nil, task, object, node), rest...), k) {
			t.Fatalf("%x decodes to %d/%d/%d %x, %v", k, task, object, node, rest, err)
		}
		if err := checkKey(k, nil, nil); err != nil {
			t.Fatal(err)
		}
	})
}

func TestDecodeBadKeys(t *testing.T) {
	for _, h := range []string{
		"", "f0", "f1", "f101", "f1ef", "f200", "f200ff", "f2", "f9", "ff", "f80000000000000001", "01", "0100",
		"000102", "f50100000001" + "0101", "01" + "f50100000000" + "01", "0101" + "f50100000000",
	} {
		b, _ := hex.DecodeString(h)
		if _, _, _, _, err := DecodePrefix(b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%q: %v", h, err)
		}
	}
}

func TestComparer(t *testing.T) {
	var keys [][]byte
	for _, x := range []uint64{0, 1, 200, 300, 1 << 40} {
		keys = append(keys, AppendPrefix(nil, TaskID(x), ObjectID(x), 1), value.AppendKey(AppendPrefix(nil, TaskID(x), 1, 1), value.String("x")))
	}
	if err := pebble.CheckComparer(comparer, keys, [][]byte{nil}); err != nil {
		t.Fatal(err)
	}
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte{1, 16, 1, 0x1d, 2})
	f.Add([]byte{0, 1})
	f.Add([]byte{0xf5, 1, 0, 0, 0, 0, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if x, rest, err := DecodeOrdered(b); err == nil && !bytes.Equal(append(AppendOrdered(nil, x), rest...), b) {
			t.Fatalf("%x has two spellings", b)
		}
		if task, o, n, rest, err := DecodePrefix(b); err == nil && !bytes.Equal(append(AppendPrefix(nil, task, o, n), rest...), b) {
			t.Fatalf("%x has two spellings", b)
		}
		if len(b) > 0 {
			_ = checkKey(b, b, nil)
		}
	})
}
