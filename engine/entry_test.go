package engine

import (
	"bytes"
	"encoding/hex"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// sampleEntry has everything that an entry can have.
func sampleEntry() *Entry {
	body := appendRecord(nil, kindRangeDelete, testKey(0, 5), testKey(0, 9))
	body = appendRecord(body, kindSet, testKey(0, 1), []byte("v"))
	body = appendRecord(body, kindDelete, testKey(0, 2), nil)
	return &Entry{Kind: EntryEffects, Instance: 3, Sections: []Section{
		{Task: 0, KV: body, KVCount: 3},
		{Task: 300, Appends: []Append{{Object: 17, Offset: 1 << 33, TimeMillis: -2, Records: []byte("\x01a\x00\x02bc"), Count: 3}}},
	}}
}

func TestEntryGolden(t *testing.T) {
	want := strings.ReplaceAll(""+
		"01 01 03000000 02000000"+
		" 00000000 03000000 1d000000 00000000"+
		" 0f 05 0114011d0a 05 0114011d12"+
		" 01 05 0114011d02 01 76"+
		" 00 05 0114011d04"+
		" 2c010000 00000000 00000000 01000000"+
		" 11000000 03000000 0000000002000000 feffffffffffffff 06000000 0161 00 026263", " ", "")
	b := AppendEntry([]byte("x"), sampleEntry())
	if got := hex.EncodeToString(b[1:]); b[0] != 'x' || got != want {
		t.Errorf("entry is\n%s, frozen as\n%s", got, want)
	}
}

func drawEntry(t *rapid.T) *Entry {
	e := &Entry{Kind: EntryKind(rapid.Uint8Range(1, 255).Draw(t, "kind")), Instance: rapid.Uint32().Draw(t, "instance")}
	task := TaskID(0)
	for i := rapid.IntRange(0, 3).Draw(t, "sections"); i > 0; i-- {
		task += TaskID(rapid.Uint32Range(1, 300).Draw(t, "task"))
		s := Section{Task: task}
		for j := rapid.IntRange(0, 2).Draw(t, "ranges"); j > 0; j-- {
			s.KV = appendRecord(s.KV, kindRangeDelete, testKey(task, 1), testKey(task, 2))
			s.KVCount++
		}
		for j := rapid.IntRange(0, 3).Draw(t, "points"); j > 0; j-- {
			kind := rapid.SampledFrom([]byte{kindSet, kindDelete}).Draw(t, "point")
			s.KV = appendRecord(s.KV, kind, testKey(task, rapid.Int64().Draw(t, "key")), rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "val"))
			s.KVCount++
		}
		for j := rapid.IntRange(0, 2).Draw(t, "appends"); j > 0; j-- {
			a := Append{Object: ObjectID(rapid.Uint32().Draw(t, "object")), Offset: rapid.Uint64Range(0, 1<<62).Draw(t, "offset"), TimeMillis: rapid.Int64().Draw(t, "time")}
			for k := rapid.IntRange(1, 3).Draw(t, "records"); k > 0; k-- {
				n := rapid.IntRange(0, 200).Draw(t, "len")
				a.Records = append(a.Records, appendRecord(nil, kindDelete, make([]byte, n), nil)[1:]...)
				a.Count++
			}
			s.Appends = append(s.Appends, a)
		}
		if !s.empty() {
			e.Sections = append(e.Sections, s)
		}
	}
	return e
}

// An entry comes back as it was, also into an Entry that held another; each of its
// beginnings is none.
func TestEntryRoundTrip(t *testing.T) {
	var reused Entry
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t)
		b := AppendEntry(nil, e)
		if err := DecodeEntry(b, &reused); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(e, &reused, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
		if again := AppendEntry(nil, &reused); !bytes.Equal(again, b) {
			t.Fatal("the bytes of a decoded entry differ")
		}
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		var part Entry
		if err := DecodeEntry(b[:cut], &part); !errors.Is(err, ErrInvalidEntry) || len(part.Sections) != 0 {
			t.Fatalf("%d of %d bytes: %v, %d sections", cut, len(b), err, len(part.Sections))
		}
	})
}

func TestEntryLeavesOutEmptySections(t *testing.T) {
	e := sampleEntry()
	e.Sections = append(e.Sections[:1:1], Section{Task: 9}, e.Sections[1])
	if !bytes.Equal(AppendEntry(nil, e), AppendEntry(nil, sampleEntry())) {
		t.Error("an empty section is written")
	}
}

func TestDecodeBadEntries(t *testing.T) {
	var e Entry
	good := AppendEntry(nil, sampleEntry())
	newer := bytes.Clone(good)
	newer[0] = 2
	if err := DecodeEntry(newer, &e); !errors.Is(err, ErrNewerFormat) || !strings.Contains(err.Error(), "version 2, this program knows 1") {
		t.Errorf("newer version: %v", err)
	}
	with := func(change func(*Entry)) []byte {
		e := sampleEntry()
		change(e)
		return AppendEntry(nil, e)
	}
	body := func(b []byte, n uint32) []byte {
		return with(func(e *Entry) { e.Sections[0].KV, e.Sections[0].KVCount = b, n })
	}
	records := func(b string, n uint32) []byte {
		return with(func(e *Entry) {
			e.Sections[1].Appends[0].Records, e.Sections[1].Appends[0].Count = []byte(b), n
		})
	}
	set := appendRecord(nil, kindSet, testKey(0, 1), []byte("v"))
	over := append(AppendTask(nil, 0), make([]byte, MaxKeyLen)...)
	for name, b := range map[string][]byte{
		"nothing":                {},
		"version 0":              append([]byte{0}, good[1:]...),
		"kind 0":                 append([]byte{1, 0}, good[2:]...),
		"bytes behind":           append(bytes.Clone(good), 0),
		"many sections":          append(bytes.Clone(good[:6]), 0xff, 0xff, 0xff, 0xff),
		"sections out of order":  bytes.Replace(good, []byte{0x2c, 1, 0, 0}, []byte{0, 0, 0, 0}, 1),
		"count too high":         body(set, 2),
		"count too low":          body(append(bytes.Clone(set), set...), 1),
		"merge":                  body(append([]byte{2}, set[1:]...), 1),
		"covered":                body(append([]byte{kindCovered}, set[1:]...), 1),
		"key of another task":    body(appendRecord(nil, kindSet, testKey(1, 1), nil), 1),
		"key of the group":       body(appendRecord(nil, kindSet, appliedKey, nil), 1),
		"long key":               body(appendRecord(nil, kindSet, over, nil), 1),
		"length not shortest":    body(append([]byte{kindSet, 0x85, 0x00}, set[2:]...), 1),
		"length of ten bytes":    body(append([]byte{kindSet}, bytes.Repeat([]byte{0xff}, 10)...), 1),
		"length beyond 64 bits":  body(append(append([]byte{kindSet, 5}, testKey(0, 1)...), 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2), 1),
		"length over the end":    body(set[:len(set)-1], 1),
		"kind only":              body([]byte{kindSet}, 1),
		"range behind a set":     body(appendRecord(bytes.Clone(set), kindRangeDelete, testKey(0, 1), testKey(0, 2)), 2),
		"range from high to low": body(appendRecord(nil, kindRangeDelete, testKey(0, 2), testKey(0, 1)), 1),
		"range beyond the task":  body(appendRecord(nil, kindRangeDelete, testKey(0, 2), testKey(1, 1)), 1),
		"record over the end":    records("\x02a", 1),
		"fewer records":          records("\x01a", 2),
		"more records":           records("\x01a\x01b", 1),
		"no records":             records("", 0),
		"offset beyond the last": with(func(e *Entry) { e.Sections[1].Appends[0].Offset = 1<<64 - 2 }),
		"many appends":           with(func(e *Entry) { e.Sections[1].Appends = nil; e.Sections[1].KV = []byte{0} })[:len(good)-40],
	} {
		if err := DecodeEntry(b, &e); !errors.Is(err, ErrInvalidEntry) || e.Kind != 0 || len(e.Sections) != 0 {
			t.Errorf("%s: %v, %d sections", name, err, len(e.Sections))
		}
	}
}

// A decoder must not let a few bytes ask for much memory.
func TestDecodeEntryMemory(t *testing.T) {
	e := &Entry{Kind: EntryEffects}
	for task := range TaskID(20_000) {
		e.Sections = append(e.Sections, Section{Task: task, Appends: []Append{{Records: []byte{0}, Count: 1}}})
	}
	b := AppendEntry(nil, e)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var d Entry
	if err := DecodeEntry(b, &d); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > uint64(4*len(b)+64<<10) {
		t.Errorf("%d bytes took %d bytes to decode", len(b), used)
	}
}

func FuzzEntry(f *testing.F) {
	f.Add(AppendEntry(nil, sampleEntry()))
	f.Add(AppendEntry(nil, &Entry{Kind: 9}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Entry
		err := DecodeEntry(b, &e)
		if err != nil {
			if !errors.Is(err, ErrInvalidEntry) && !errors.Is(err, ErrNewerFormat) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		if again := AppendEntry(nil, &e); !bytes.Equal(again, b) {
			t.Fatalf("%x has two spellings, the other is %x", b, again)
		}
	})
}
