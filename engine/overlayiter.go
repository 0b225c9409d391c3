package engine

import "bytes"

// overlayIter merges the store's keys with those of the overlay.
//
// Both sides stand at their next key in the direction of the last move: the store
// at the lowest key not below the position, say, that no cover removes, and the
// overlay at the lowest of its own. The lower of the two is the iterator's key; of
// two equal ones the overlay's hides the store's, and one that says deleted is
// stepped over.
type overlayIter struct {
	o      *Overlay
	writes uint64 // what o.writes was
	st     storeIter
	lo, hi []byte
	err    error

	dir    int8 // of the last move: 1 up, -1 down, 0 none yet
	stOK   bool // the store's side stands at a key
	at     spot
	atOK   bool // the overlay's side stands at a key
	valid  bool
	own    bool // the key is the overlay's
	both   bool // and the store stands at it too
	key    []byte
	val    []byte // where own
	ownKey []byte // of the overlay's side

	buf [96]byte // for lo and hi, mostly
}

// NewIter reads the overlay's view of its task; see Reader. Bounds outside of the
// task are moved to its ends. Any write to the overlay makes the iterator stale:
// it then stands nowhere and its error is ErrStaleIterator.
func (o *Overlay) NewIter(lo, hi []byte) Iterator {
	i := &overlayIter{o: o, writes: o.writes}
	if err := o.s.enter(); err != nil {
		i.st.err = err
		return i
	}
	defer o.s.exit()
	i.setBounds(lo, hi)
	o.s.view.openIter(&i.st, i.lo, i.hi)
	if o.hash.used > 0 {
		o.index.ready()
	}
	return i
}

func (i *overlayIter) setBounds(lo, hi []byte) {
	if bytes.Compare(lo, i.o.prefix) < 0 {
		lo = i.o.prefix
	}
	b := append(i.buf[:0], lo...)
	n := len(b)
	if hi == nil || bytes.Compare(hi, i.o.prefix) > 0 && !bytes.HasPrefix(hi, i.o.prefix) {
		b = PrefixEnd(b, i.o.prefix) // open, or above the task
	} else {
		b = append(b, hi...)
	}
	i.lo, i.hi = b[:n:n], b[n:]
}

// SetBounds replaces the bounds.
func (i *overlayIter) SetBounds(lo, hi []byte) {
	i.setBounds(lo, hi)
	i.st.SetBounds(i.lo, i.hi)
	i.valid, i.dir = false, 0
}

// ready says whether a move is possible.
func (i *overlayIter) ready() bool {
	i.valid = false
	if i.err == nil && i.writes != i.o.writes {
		i.err = ErrStaleIterator
	}
	return i.err == nil && i.st.err == nil
}

func (i *overlayIter) First() bool { return i.seekGE(i.lo) }
func (i *overlayIter) Last() bool  { return i.seekLT(i.hi) }

func (i *overlayIter) SeekGE(key []byte) bool {
	if bytes.Compare(key, i.lo) < 0 {
		key = i.lo
	}
	return i.seekGE(key)
}

func (i *overlayIter) SeekLT(key []byte) bool {
	if bytes.Compare(key, i.hi) > 0 {
		key = i.hi
	}
	return i.seekLT(key)
}

func (i *overlayIter) seekGE(key []byte) bool {
	if !i.ready() {
		return false
	}
	i.dir = 1
	i.stOK = i.st.SeekGE(key)
	i.ownSeekGE(key)
	return i.settleUp()
}

func (i *overlayIter) seekLT(key []byte) bool {
	if !i.ready() {
		return false
	}
	i.dir = -1
	i.stOK = i.st.SeekLT(key)
	i.ownSeekLT(key)
	return i.settleDown()
}

func (i *overlayIter) Next() bool {
	switch {
	case i.dir == 0, i.dir < 0 && !i.valid:
		return i.First()
	case !i.valid:
		return i.ready() && false
	case i.dir < 0: // turn around
		return i.seekGE(append(bytes.Clone(i.key), 0))
	}
	if !i.ready() {
		return false
	}
	if !i.own || i.both {
		i.stOK = i.st.Next()
	}
	if i.own {
		i.ownNext()
	}
	return i.settleUp()
}

func (i *overlayIter) Prev() bool {
	switch {
	case i.dir == 0, i.dir > 0 && !i.valid:
		return i.Last()
	case !i.valid:
		return i.ready() && false
	case i.dir > 0: // turn around
		return i.seekLT(bytes.Clone(i.key))
	}
	if !i.ready() {
		return false
	}
	if !i.own || i.both {
		i.stOK = i.st.Prev()
	}
	if i.own {
		i.ownPrev()
	}
	return i.settleDown()
}

// settleUp finds the key to stand at, at or above both sides.
func (i *overlayIter) settleUp() bool {
	for {
		for i.stOK && i.o.spans > 0 {
			_, end, ok := i.o.covered(i.st.Key())
			if !ok {
				break
			}
			i.o.met = true
			i.stOK = i.st.SeekGE(end)
		}
		c := -1
		if i.atOK {
			if c = 1; i.stOK {
				c = bytes.Compare(i.st.Key(), i.ownKey)
			}
		}
		if c < 0 {
			return i.settleStore()
		}
		if i.settleOwn(c == 0) {
			return i.valid
		}
		if i.both {
			i.stOK = i.st.Next()
		}
		i.ownNext()
	}
}

// settleDown finds the key to stand at, at or below both sides.
func (i *overlayIter) settleDown() bool {
	for {
		for i.stOK && i.o.spans > 0 {
			begin, _, ok := i.o.covered(i.st.Key())
			if !ok {
				break
			}
			i.o.met = true
			i.stOK = i.st.SeekLT(begin)
		}
		c := 1
		if i.atOK {
			if c = -1; i.stOK {
				c = bytes.Compare(i.st.Key(), i.ownKey)
			}
		}
		if c > 0 {
			return i.settleStore()
		}
		if i.settleOwn(c == 0) {
			return i.valid
		}
		if i.both {
			i.stOK = i.st.Prev()
		}
		i.ownPrev()
	}
}

// settleStore stands at the store's key, or nowhere.
func (i *overlayIter) settleStore() bool {
	i.own, i.both = false, false
	if !i.stOK || i.st.err != nil {
		return false
	}
	i.key = i.st.Key()
	i.valid = true
	return true
}

// settleOwn stands at the overlay's key, or returns false where it says deleted.
func (i *overlayIter) settleOwn(both bool) bool {
	i.own, i.both = true, both
	i.o.met = true
	if i.st.err != nil {
		return true // no place to go on to
	}
	v := i.o.version(i.o.cells[i.o.index.cell(i.at)].newest)
	if v.kind != kindSet {
		return false
	}
	i.key, i.val = i.ownKey, i.o.val(v)
	i.valid = true
	return true
}

// The overlay's side.

func (i *overlayIter) ownSeekGE(key []byte) {
	if i.atOK = i.o.hash.used > 0; i.atOK {
		i.at = i.o.index.seek(key)
		i.ownStand(!i.o.index.atEnd(i.at))
	}
}

func (i *overlayIter) ownSeekLT(key []byte) {
	if i.atOK = i.o.hash.used > 0; i.atOK {
		at, ok := i.o.index.prev(i.o.index.seek(key))
		i.at = at
		i.ownStand(ok)
	}
}

func (i *overlayIter) ownNext() {
	i.at = i.o.index.next(i.at)
	i.ownStand(!i.o.index.atEnd(i.at))
}

func (i *overlayIter) ownPrev() {
	at, ok := i.o.index.prev(i.at)
	i.at = at
	i.ownStand(ok)
}

// ownStand takes the key at the new place, where there is one within the bounds.
func (i *overlayIter) ownStand(ok bool) {
	if i.atOK = ok; ok {
		i.ownKey = i.o.cellKey(i.o.index.cell(i.at))
		i.atOK = bytes.Compare(i.ownKey, i.lo) >= 0 && bytes.Compare(i.ownKey, i.hi) < 0
	}
}

func (i *overlayIter) Valid() bool { return i.valid && i.fresh() }

// fresh reports whether the overlay was not written to, and says so if it was.
func (i *overlayIter) fresh() bool {
	if i.writes == i.o.writes {
		return true
	}
	i.valid = false
	if i.err == nil {
		i.err = ErrStaleIterator
	}
	return false
}

func (i *overlayIter) Key() []byte {
	if !i.Valid() {
		return nil
	}
	return i.key
}

func (i *overlayIter) Value() []byte {
	switch {
	case !i.Valid():
		return nil
	case i.own:
		return i.val
	}
	return i.st.Value()
}

func (i *overlayIter) Error() error {
	if i.err != nil {
		return i.err
	}
	return i.st.err
}

func (i *overlayIter) Close() error {
	err := i.st.Close()
	i.valid = false
	switch {
	case i.err == ErrClosed:
		return nil
	case i.err != nil:
		return i.err
	}
	i.err = ErrClosed
	return err
}
