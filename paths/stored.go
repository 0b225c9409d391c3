package paths

import "rama/engine/value"

// Stored is a structure whose elements are kept apart from the value that holds
// it, as navigators see it: a live map, set or list. A PState's subindexed
// structures are ones, its top level is one, and so is a blob that holds marks
// of such structures. A Value of KindHandle carries it.
//
// It is read and written one element at a time and never as a whole. Writes
// happen in place, so a transform of a location inside it returns the same
// handle. An element may itself be a handle.
//
// Keys: of a map its keys, of a set its elements, of a list the positions 0..Len
// as integers. All errors end the evaluation.
type Stored interface {
	value.Handle

	// Exists reports whether the structure is there. One that is not reads as
	// empty, counts as null, and comes into being by its first write.
	Exists() (bool, error)

	// Len is the number of elements or pairs.
	Len() (int64, error)

	// Get returns the value of a key: of a map its value, of a set the element
	// itself, of a list the element at the position. A location that holds a
	// structure kept apart is returned as its handle without a look whether the
	// structure exists; ok is true then, and Exists of the handle decides.
	Get(key value.Value) (v value.Value, ok bool, err error)

	// Has reports whether a key is there, be it with null.
	Has(key value.Value) (bool, error)

	// Scan calls fn for the elements in r, in order, or in reverse where r says so,
	// until fn returns false. fn must not write to the structure.
	Scan(r Range, fn func(key, v value.Value) (more bool, err error)) error

	// Put sets the value of a key; of a set it adds the element key, whatever v.
	// It does not read the old value where the schema allows that. Putting the
	// handle that Get returned for this key keeps what was written through it;
	// putting a plain value where a structure is kept apart replaces the whole
	// structure. Of a list the position must exist.
	Put(key, v value.Value) error

	// Remove removes a key with all that lies below it; of a list it shifts what
	// follows. A key that is not there is no error, save in a list.
	Remove(key value.Value) error

	// RemoveRange removes what Scan(r) would visit.
	RemoveRange(r Range) error

	// Insert puts v into a list before position i, 0 <= i <= Len.
	Insert(i int64, v value.Value) error
}

// Range is a part of a sorted structure: from Lo to Hi, both as they say, at
// most Limit elements, from the low end or, reversed, from the high end.
type Range struct {
	Lo, Hi       value.Value
	HasLo, HasHi bool // a bound that is not there is open
	LoExclusive  bool // Lo itself is left out
	HiInclusive  bool // Hi itself is part
	Reverse      bool
	Limit        int64 // 0: no limit
}

// Shape is what a schema says about a location, for the check of a path before
// it runs. A nil Shape knows nothing and allows everything.
type Shape interface {
	// Kind is KindMap, KindSet, KindList, or KindVoid for a leaf, of which
	// nothing is known but its name.
	Kind() value.Kind
	// Elem is the shape of the value of a key of a map, of an element of a set or
	// list. A nil key stands for any key. ok is false where no such key can be.
	Elem(key *value.Value) (s Shape, ok bool)
	// Key is the shape of the keys of a map.
	Key() Shape
	// Apart reports whether the structure's elements are kept apart.
	Apart() bool
	// String names the shape as its declaration does.
	String() string
}
