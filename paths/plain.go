package paths

import (
	"rama/engine/value"
)

// stored returns the structure that a handle stands for.
func stored(v value.Value) (Stored, error) {
	s, ok := v.AsHandle().(Stored)
	if !ok {
		return nil, fail(ErrHandle, "handle of Go type %T", v.AsHandle())
	}
	return s, nil
}

// kindName is what v is, in words; of a handle, what it is a handle of.
func kindName(v value.Value) string {
	if v.Kind() == value.KindHandle {
		return v.AsHandle().HandleKind().String()
	}
	return v.Kind().String()
}

// isNull reports whether v counts as null: null itself, void, or a structure
// kept apart that is not there.
func isNull(v value.Value) (bool, error) {
	switch v.Kind() {
	case value.KindNil, value.KindVoid:
		return true, nil
	case value.KindHandle:
		s, err := stored(v)
		if err != nil {
			return false, err
		}
		ok, err := s.Exists()
		return !ok, err
	}
	return false, nil
}

// Plain returns v with all that is kept apart read into it: a value that stays
// what it is, and can be compared, stored or sent. What is not there is null.
func (e *Eval) Plain(v value.Value) (value.Value, error) {
	switch {
	case v.IsVoid():
		return value.Nil, nil
	case v.Kind() == value.KindHandle:
		s, err := stored(v)
		if err != nil {
			return value.Nil, err
		}
		return e.read(s)
	case e.holdsHandle(v):
		return e.unmix(v)
	}
	return v, nil
}

// read reads the whole structure.
func (e *Eval) read(s Stored) (value.Value, error) {
	if ok, err := s.Exists(); err != nil || !ok {
		return value.Nil, err
	}
	b := value.NewBuilder(s.HandleKind(), 0)
	err := s.Scan(Range{}, func(k, v value.Value) (bool, error) {
		if err := e.spend(1); err != nil {
			return false, err
		}
		v, err := e.Plain(v)
		if s.HandleKind() == value.KindMap {
			b.Put(k, v)
		} else {
			b.Add(v)
		}
		return true, err
	})
	return b.Done(), err
}

// unmix makes a plain collection that holds handles one that holds none.
func (e *Eval) unmix(v value.Value) (value.Value, error) {
	b := value.NewBuilder(v.Kind(), v.Len())
	if v.Kind() == value.KindMap {
		for k, c := range v.Pairs() {
			c, err := e.Plain(c)
			if err != nil {
				return value.Nil, err
			}
			b.Put(k, c)
		}
		return b.Done().AsSorted(v.Sorted()), nil
	}
	for c := range v.All() {
		c, err := e.Plain(c)
		if err != nil {
			return value.Nil, err
		}
		b.Add(c)
	}
	return b.Done().AsSorted(v.Sorted()), nil
}

// holdsHandle reports whether a plain collection holds a handle. Collections
// that come from outside never do; so as long as the evaluation has put none
// into one, there is no need to look.
func (e *Eval) holdsHandle(v value.Value) bool {
	return e.mixed && v.IsCollection() && hasHandle(v)
}

func hasHandle(v value.Value) bool {
	switch v.Kind() {
	case value.KindHandle:
		return true
	case value.KindMap:
		for _, c := range v.Pairs() {
			if hasHandle(c) {
				return true
			}
		}
	case value.KindList:
		for c := range v.All() {
			if hasHandle(c) {
				return true
			}
		}
	}
	return false
}

// stow is v as it is put into a structure kept apart: a handle as it is, for it
// may be the one that is there, anything else plain.
func (e *Eval) stow(v value.Value) (value.Value, error) {
	if v.Kind() == value.KindHandle {
		return v, nil
	}
	return e.Plain(v)
}

// sizeOf estimates the size of a plain value in bytes: 9 for a scalar, and the
// length of texts. Beyond enough it does not count.
func sizeOf(v value.Value, enough int64) int64 {
	n := int64(9)
	switch v.Kind() {
	case value.KindString, value.KindBytes:
		n += int64(v.Len())
	case value.KindList, value.KindSet:
		for c := range v.All() {
			if n > enough {
				break
			}
			n += sizeOf(c, enough-n)
		}
	case value.KindMap:
		for k, c := range v.Pairs() {
			if n > enough {
				break
			}
			n += sizeOf(k, enough-n)
			n += sizeOf(c, enough-n)
		}
	}
	return n
}

type extent uint8

const (
	fits extent = iota
	tooDeep
	tooMany
)

// within reports whether a value has so few levels and elements, which it takes
// off left.
func within(v value.Value, levels int, left *int64) extent {
	if !v.IsCollection() {
		return fits
	}
	if levels == 0 {
		return tooDeep
	}
	if *left -= int64(v.Len()); *left < 0 {
		return tooMany
	}
	if v.Kind() == value.KindMap {
		for k, c := range v.Pairs() {
			if x := max(within(k, levels-1, left), within(c, levels-1, left)); x != fits {
				return x
			}
		}
		return fits
	}
	for c := range v.All() {
		if x := within(c, levels-1, left); x != fits {
			return x
		}
	}
	return fits
}
