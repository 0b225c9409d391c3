package rama

import (
	"fmt"
	"strings"

	"rama/depot"
	"rama/engine/value"
)

// DepotDef is a declared depot.
type DepotDef struct {
	Name string
	// Partitioner says how client appends are spread.
	Partitioner depot.Partitioner
	// Field names the field, or the field of a field, that a hash partitioner
	// hashes, so that clients of any kind can compute it; empty where the module's
	// code does.
	Field []string
	// Check refuses a record that is not of the depot's type.
	Check func(rec value.Value) error
}

// Partitions is the number of partitions of the depot in a module of n tasks.
func (d *DepotDef) Partitions(n int) int { return d.Partitioner.Partitions(n) }

// Depot is a declared depot whose records are of the Go type T.
type Depot[T any] struct{ def *DepotDef }

// Def is the declaration as data.
func (d *Depot[T]) Def() *DepotDef { return d.def }

// Partitioner says on which partition a client's record is stored.
type Partitioner[T any] struct {
	p     depot.Partitioner
	field []string
}

// HashBy stores records with equal keys on one partition: hash(key) modulo the
// number of partitions (value.Partition).
func HashBy[T, K any](key func(T) K) Partitioner[T] {
	return Partitioner[T]{p: depot.Partitioner{Kind: depot.Hash, Key: func(rec value.Value) (value.Value, error) {
		var t T
		if err := value.Into(rec, &t); err != nil {
			return value.Nil, err
		}
		return value.Of(key(t))
	}}}
}

// HashByField is HashBy of a field, or of a field of a field. Clients that do not
// have the module's code can compute it too, and none has to decode the record.
func HashByField[T any](field ...string) Partitioner[T] {
	return Partitioner[T]{field: field, p: depot.Partitioner{Kind: depot.Hash, Key: func(rec value.Value) (value.Value, error) {
		return FieldOf(rec, field)
	}}}
}

// FieldOf is the field, or the field of a field, of a record: null where it is
// missing.
func FieldOf(rec value.Value, field []string) (value.Value, error) {
	for i, f := range field {
		if rec.Kind() != value.KindMap {
			return value.Nil, fmt.Errorf("%w: the record has no field %s", ErrBadInput, strings.Join(field[:i+1], "."))
		}
		rec, _ = rec.Get(value.String(f))
	}
	return rec, nil
}

// RandomPartition stores every record on a partition chosen at random.
func RandomPartition[T any]() Partitioner[T] {
	return Partitioner[T]{p: depot.Partitioner{Kind: depot.Random}}
}

// Disallow refuses appends of clients: only topologies append.
func Disallow[T any]() Partitioner[T] {
	return Partitioner[T]{p: depot.Partitioner{Kind: depot.Disallow}}
}

// PartitionBy lets the function choose, from 0 to partitions-1; another answer
// refuses the append.
func PartitionBy[T any](choose func(rec T, partitions int) int) Partitioner[T] {
	return Partitioner[T]{p: depot.Partitioner{Kind: depot.Custom, Choose: func(rec value.Value, n int) int {
		var t T
		if value.Into(rec, &t) != nil {
			return -1
		}
		return choose(t, n)
	}}}
}

// DepotOption is an option of DeclareDepot.
type DepotOption func(*DepotDef)

// GlobalDepot keeps one partition, on task 0, whatever the partitioner.
func GlobalDepot() DepotOption { return func(d *DepotDef) { d.Partitioner.Global = true } }

// DeclareDepot declares a depot; its name begins with "*".
func DeclareDepot[T any](m *Setup, name string, p Partitioner[T], opts ...DepotOption) *Depot[T] {
	d := &Depot[T]{&DepotDef{Name: name, Partitioner: p.p, Field: p.field, Check: checkRecord[T]}}
	for _, o := range opts {
		o(d.def)
	}
	if m.name("depot", "*", name) {
		if err := d.def.Partitioner.Validate(); err != nil {
			m.fail("depot "+name, "%v", err)
		}
		m.def.Depots = append(m.def.Depots, d.def)
	}
	return d
}

// checkRecord decodes the record as a T, which every topology that sources the
// depot will do.
func checkRecord[T any](rec value.Value) error {
	var t T
	if err := value.Into(rec, &t); err != nil {
		return fmt.Errorf("%w: record: %w", ErrBadInput, err)
	}
	return nil
}
