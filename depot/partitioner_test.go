package depot

import (
	"encoding/json"
	"errors"
	"testing"

	"rama/engine/value"
)

func TestPartitioners(t *testing.T) {
	self := func(r value.Value) (value.Value, error) { return r, nil }
	broken := errors.New("no such field")
	choose := func(i int) func(value.Value, int) int { return func(value.Value, int) int { return i } }
	third := func(n int) int { return n / 3 }
	rec := value.Int(42)
	for _, c := range []struct {
		what string
		p    Partitioner
		n    int
		want int
		err  error
	}{
		{"random", Partitioner{}, 9, 3, nil},
		{"hash", Partitioner{Kind: Hash, Key: self}, 8, value.Partition(rec, 8), nil},
		{"hash of a bad record", Partitioner{Kind: Hash, Key: func(value.Value) (value.Value, error) { return value.Nil, broken }}, 8, 0, broken},
		{"hash of nothing", Partitioner{Kind: Hash, Key: func(value.Value) (value.Value, error) { return value.Void, nil }}, 8, 0, ErrInvalid},
		{"custom", Partitioner{Kind: Custom, Choose: choose(5)}, 8, 5, nil},
		{"custom, last", Partitioner{Kind: Custom, Choose: choose(7)}, 8, 7, nil},
		{"custom, beyond", Partitioner{Kind: Custom, Choose: choose(8)}, 8, 0, ErrPartition},
		{"custom, below", Partitioner{Kind: Custom, Choose: choose(-1)}, 8, 0, ErrPartition},
		{"disallow", Partitioner{Kind: Disallow}, 8, 0, ErrDisallowed},
		{"global", Partitioner{Global: true}, 1, 0, nil},
		{"global, custom", Partitioner{Global: true, Kind: Custom, Choose: choose(3)}, 1, 0, nil},
		{"global, disallow", Partitioner{Global: true, Kind: Disallow}, 1, 0, ErrDisallowed},
		{"no partitions", Partitioner{}, 0, 0, ErrInvalid},
	} {
		if err := c.p.Validate(); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		got, err := c.p.Partition(rec, c.n, third)
		if got != c.want || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: %d, %v, want %d, %v", c.what, got, err, c.want, c.err)
		}
	}
	for _, bad := range []Partitioner{{Kind: Hash}, {Kind: Custom}, {Key: self}, {Kind: Hash, Key: self, Choose: choose(1)}, {Kind: 9}} {
		if err := bad.Validate(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%v is taken: %v", bad.Kind, err)
		}
	}
	global, spread := Partitioner{Global: true}, Partitioner{}
	if global.Partitions(16) != 1 || spread.Partitions(16) != 16 {
		t.Errorf("partitions: %d, %d", global.Partitions(16), spread.Partitions(16))
	}
}

// TestEqualKeysMeet: 1 and 1.0 are equal, so they have one partition.
func TestEqualKeysMeet(t *testing.T) {
	p := Partitioner{Kind: Hash, Key: func(r value.Value) (value.Value, error) { return r, nil }}
	a, _ := p.Partition(value.Int(1), 1<<20, nil)
	b, _ := p.Partition(value.Float(1), 1<<20, nil)
	if a != b {
		t.Errorf("1 lies on %d, 1.0 on %d", a, b)
	}
}

func TestPartitionerNames(t *testing.T) {
	for k := Random; k <= Disallow; k++ {
		b, err := json.Marshal(k)
		var back PartitionerKind
		if err = errors.Join(err, json.Unmarshal(b, &back)); err != nil || back != k {
			t.Errorf("%v is written %s and read as %v: %v", k, b, back, err)
		}
	}
	var k PartitionerKind
	if err := json.Unmarshal([]byte(`"shuffle"`), &k); !errors.Is(err, ErrInvalid) {
		t.Errorf("unknown name: %v", err)
	}
	if _, err := json.Marshal(PartitionerKind(9)); !errors.Is(err, ErrInvalid) {
		t.Errorf("unknown kind: %v", err)
	}
}
