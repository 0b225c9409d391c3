package depot

import (
	"errors"
	"fmt"

	"rama/engine/value"
)

// Errors of partitioners.
var (
	// ErrDisallowed is met when a client appends to a depot that takes records
	// from topologies only.
	ErrDisallowed = errors.New("the depot takes no appends from clients")
	// ErrPartition is met when a function chooses a partition that there is not.
	ErrPartition = errors.New("no such partition")
)

// PartitionerKind is a way to choose the partition of a record.
type PartitionerKind uint8

// The kinds.
const (
	Random   PartitionerKind = iota // any; no order between appends
	Hash                            // by the hash of a key: equal keys, one partition, in order
	Custom                          // by a function
	Disallow                        // none: clients may not append
)

var partitionerNames = [...]string{"random", "hash", "custom", "disallow"}

func (k PartitionerKind) String() string {
	if int(k) < len(partitionerNames) {
		return partitionerNames[k]
	}
	return fmt.Sprintf("partitioner(%d)", uint8(k))
}

// MarshalText gives the name of k, for definitions of modules.
func (k PartitionerKind) MarshalText() ([]byte, error) {
	if int(k) >= len(partitionerNames) {
		return nil, fmt.Errorf("%w: %v", ErrInvalid, k)
	}
	return []byte(k.String()), nil
}

// UnmarshalText reads what MarshalText gave.
func (k *PartitionerKind) UnmarshalText(name []byte) error {
	for i, known := range partitionerNames {
		if known == string(name) {
			*k = PartitionerKind(i)
			return nil
		}
	}
	return fmt.Errorf("%w: no partitioner %q", ErrInvalid, name)
}

// Partitioner chooses the partition of a client's record. The zero value is a
// random one.
type Partitioner struct {
	Kind PartitionerKind
	// Global: the depot has one partition, on task 0, so there is nothing to
	// choose. It stands beside the kind, for a global depot can be closed to
	// clients too.
	Global bool
	// Key is the key of a record, for Hash.
	Key func(record value.Value) (value.Value, error)
	// Choose is the partition of a record, of n, for Custom.
	Choose func(record value.Value, n int) int
}

// Validate gives ErrInvalid if kind and functions do not fit.
func (p *Partitioner) Validate() error {
	switch {
	case int(p.Kind) >= len(partitionerNames):
		return fmt.Errorf("%w: %v", ErrInvalid, p.Kind)
	case (p.Kind == Hash) != (p.Key != nil):
		return fmt.Errorf("%w: partitioner %v: a key function belongs to hash, and only there", ErrInvalid, p.Kind)
	case (p.Kind == Custom) != (p.Choose != nil):
		return fmt.Errorf("%w: partitioner %v: a choosing function belongs to custom, and only there", ErrInvalid, p.Kind)
	}
	return nil
}

// Partitions is how many partitions the depot has in a module of so many tasks.
func (p *Partitioner) Partitions(tasks int) int {
	if p.Global {
		return 1
	}
	return tasks
}

// Partition is the partition, of n, of a record. random returns a number from 0
// to its argument, exclusive; only a random partitioner calls it. Hashing is part
// of the wire protocol: see value.Partition.
func (p *Partitioner) Partition(record value.Value, n int, random func(n int) int) (int, error) {
	switch {
	case n < 1:
		return 0, fmt.Errorf("%w: %d partitions", ErrInvalid, n)
	case p.Kind == Disallow:
		return 0, ErrDisallowed
	case p.Global:
		return 0, nil
	}
	switch p.Kind {
	case Random:
		return random(n), nil
	case Hash:
		key, err := p.Key(record)
		if err != nil {
			return 0, fmt.Errorf("key of the record: %w", err)
		}
		if k := key.Kind(); k == value.KindVoid || k == value.KindHandle || k == value.KindRef {
			return 0, fmt.Errorf("%w: a %v is no key", ErrInvalid, k)
		}
		return value.Partition(key, n), nil
	case Custom:
		i := p.Choose(record, n)
		if i < 0 || i >= n {
			return 0, fmt.Errorf("%w: the function chose %d of %d", ErrPartition, i, n)
		}
		return i, nil
	}
	return 0, fmt.Errorf("%w: %v", ErrInvalid, p.Kind)
}
