package engine

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// storeIter is an iterator over a view.
type storeIter struct {
	v     *view
	it    *pebble.Iterator // nil: closed, or could not be opened
	era   uint64
	err   error
	begun bool // positioned since the bounds were set
	void  bool // the bounds leave nothing
}

func (v *view) iter(lo, hi []byte) *storeIter {
	i := new(storeIter)
	v.openIter(i, lo, hi)
	return i
}

func (v *view) openIter(i *storeIter, lo, hi []byte) {
	i.v = v
	it, era, err := v.take(&v.scans, &scanOptions)
	if err != nil {
		i.err = v.readError(err)
		return
	}
	i.it, i.era = it, era
	v.s.open.Add(1)
	i.SetBounds(lo, hi)
}

// found ends a move.
func (i *storeIter) found(ok bool) bool {
	i.begun = true
	if !ok && i.err == nil {
		if err := i.it.Error(); err != nil {
			i.err = i.v.readError(err)
		}
	}
	return ok
}

// dead reports whether no move is possible.
func (i *storeIter) dead() bool { return i.err != nil || i.void || i.it == nil }

func (i *storeIter) First() bool { return !i.dead() && i.found(i.it.First()) }
func (i *storeIter) Last() bool  { return !i.dead() && i.found(i.it.Last()) }

func (i *storeIter) SeekGE(key []byte) bool { return !i.dead() && i.found(i.it.SeekGE(key)) }
func (i *storeIter) SeekLT(key []byte) bool { return !i.dead() && i.found(i.it.SeekLT(key)) }

func (i *storeIter) Next() bool {
	if !i.begun {
		return i.First()
	}
	return !i.dead() && i.found(i.it.Next())
}

func (i *storeIter) Prev() bool {
	if !i.begun {
		return i.Last()
	}
	return !i.dead() && i.found(i.it.Prev())
}

func (i *storeIter) Valid() bool { return !i.dead() && i.it.Valid() }

func (i *storeIter) Key() []byte {
	if i.it == nil {
		return nil
	}
	return i.it.Key()
}

func (i *storeIter) Value() []byte {
	if i.it == nil {
		return nil
	}
	v, err := i.it.ValueAndErr()
	if err != nil && i.err == nil {
		i.err = i.v.readError(err)
	}
	return v
}

func (i *storeIter) SetBounds(lo, hi []byte) {
	if i.it == nil {
		return
	}
	i.begun = false
	if i.void = hi != nil && bytes.Compare(lo, hi) >= 0; !i.void {
		i.it.SetBounds(lo, hi)
	}
}

func (i *storeIter) Error() error { return i.err }

func (i *storeIter) Close() error {
	if i.it != nil {
		if err := i.v.keep(&i.v.scans, i.it, i.era); err != nil && i.err == nil {
			i.err = i.v.readError(err)
		}
		i.it = nil
		i.v.s.open.Add(-1)
	}
	switch {
	case i.err == ErrClosed:
		return nil
	case i.err != nil:
		return i.err
	}
	i.err = ErrClosed // to every later move
	return nil
}
