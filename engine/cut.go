package engine

import "slices"

// openLayer opens a new layer.
func (o *Overlay) openLayer() {
	l := layer{first: o.next(), bytes: o.spare}
	o.spare = nil
	if l.bytes == nil {
		// As large as the last ones were, and a bit: a body that is handed over as it is
		// takes its spare room with it.
		l.bytes = make([]byte, 0, max(minLayerBytes, o.cutBytes+o.cutBytes/8))
	}
	o.layers = append(o.layers, l)
}

// Cut closes the open layer and returns its writes as a body of count records;
// ok is false, and nothing is closed, where there are none. The body is the
// receiver's: the overlay reads it until Drop and never changes it, so the
// receiver must not change it before either.
//
// The body holds no write that a later one of the same layer hides, and begins
// with the range deletes.
func (o *Overlay) Cut() (body []byte, count uint32, ok bool) {
	if !o.Dirty() {
		return nil, 0, false
	}
	o.writes++
	l := o.open()
	if l.superseded > 0 || len(l.covers) > 0 {
		o.rewrite(l)
	}
	count = o.next() - l.first + uint32(len(l.covers))
	body = l.bytes[:len(l.bytes):len(l.bytes)]
	// A falling mean: one large batch must not make large buffers for ever.
	o.cutBytes = max(len(body), o.cutBytes-o.cutBytes/8)
	o.openLayer()
	return body, count, true
}

// rewrite makes the open layer what its body is to be: its covers, then the
// newest version of each key, save where a cover says the same already.
func (o *Overlay) rewrite(l *layer) {
	// What does not survive must leave before the bytes move, for the table and the
	// index read its key.
	size := o.dropHidden(l)
	body := make([]byte, 0, size)
	covers := slices.Clone(l.covers)
	for i, c := range l.covers {
		body = appendRecord(body, kindRangeDelete, l.lo(c), l.hi(c))
		covers[i].hi = uint32(len(body)) - uint32(c.hiLen)
		covers[i].lo = covers[i].hi - uint32(uvarintLen(uint64(c.hiLen))) - uint32(c.loLen)
	}
	body = o.moveInto(body, l)
	if cap(l.bytes) <= 4*max(minLayerBytes, o.cutBytes) {
		o.spare = l.bytes[:0] // nobody else has seen these bytes
	}
	l.bytes, l.covers, l.superseded = body, covers, 0
}

// dropHidden gives up the cells whose newest version does not go into the body,
// and returns the size of the body.
func (o *Overlay) dropHidden(l *layer) (size int) {
	for n := o.next() - 1; n >= l.first; n-- { // the newest first, as the index likes it
		v := o.version(n)
		switch {
		case o.survives(l, n, v):
			size += recordLen(v.kind, o.key(v), o.val(v))
		case v.kind != kindRangeDelete && o.cells[v.cell].newest == n:
			o.dropCell(v.cell)
		}
	}
	for _, c := range l.covers {
		size += recordLen(kindRangeDelete, l.lo(c), l.hi(c))
	}
	return size
}

// moveInto appends the surviving versions of the open layer to body and leaves no
// others in it.
func (o *Overlay) moveInto(body []byte, l *layer) []byte {
	kept := o.head + int(l.first-o.base)
	for n := l.first; n < o.next(); n++ {
		v := *o.version(n)
		if !o.survives(l, n, &v) {
			continue
		}
		body = appendRecord(body, v.kind, o.key(&v), o.val(&v))
		end := uint32(len(body))
		if v.kind == kindSet {
			v.val = end - v.vlen
			end = v.val - uint32(uvarintLen(uint64(v.vlen)))
		}
		v.key = end - uint32(v.klen)
		o.vers[kept] = v
		o.cells[v.cell].newest = o.base + uint32(kept-o.head)
		kept++
	}
	o.vers = o.vers[:kept]
	return body
}

// survives reports whether version n of the open layer goes into its body.
func (o *Overlay) survives(l *layer, n uint32, v *version) bool {
	if v.kind == kindRangeDelete || v.kind == kindCovered || o.cells[v.cell].newest != n {
		return false
	}
	if v.kind == kindDelete && len(l.covers) > 0 {
		_, covered := l.covering(o.key(v))
		return !covered
	}
	return true
}

// Drop forgets the oldest cut layer, which has been applied to the store. Without
// a cut layer it is a bug of the caller.
func (o *Overlay) Drop() {
	if len(o.layers) < 2 {
		panic("engine: drop without a cut layer")
	}
	o.writes++
	l, limit := &o.layers[0], o.layers[1].first
	if limit == o.next() {
		o.clear() // no younger layer holds a write
	} else {
		o.index.drop(limit)
		for n := l.first; n < limit; n++ {
			if v := o.version(n); o.cells[v.cell].newest == n {
				o.freeCell(v.cell)
			}
		}
		o.head += int(limit - o.base)
		o.base = limit
		if o.head > len(o.vers)/2 {
			o.moveDown()
		}
	}
	o.spans -= len(l.covers)
	o.layers = slices.Delete(o.layers, 0, 1)
	o.firstLayer++
	if o.base > o.limit {
		o.renumber()
	}
}

// moveDown moves the versions to the beginning of their array, or of a smaller one
// where they once were many more.
func (o *Overlay) moveDown() {
	live := o.vers[o.head:]
	if tooRoomy(cap(o.vers), len(live)) {
		o.vers = slices.Clone(live)
	} else {
		o.vers = o.vers[:copy(o.vers, live)]
	}
	o.head = 0
}

// tooRoomy reports whether n elements do not deserve an array of that capacity: one
// large batch must not cost its memory for ever.
func tooRoomy(capacity, n int) bool { return capacity > 4096 && capacity/8 > n }

// clear forgets all versions.
func (o *Overlay) clear() {
	o.index.forget()
	o.hash.clear()
	if tooRoomy(cap(o.vers), len(o.vers)) {
		o.vers, o.cells, o.free = nil, nil, nil
	}
	o.vers, o.head = o.vers[:0], 0
	o.cells, o.free = o.cells[:0], o.free[:0]
	o.base = 1
	for i := range o.layers {
		o.layers[i].first = o.base
	}
}

// maxBase is where the numbers of versions begin anew. It leaves room for every
// version that a stack of layers can hold.
const maxBase = 1 << 30

// renumber gives the oldest version the number 1.
func (o *Overlay) renumber() {
	by := o.base - 1
	for i := range o.vers[o.head:] {
		v := &o.vers[o.head+i]
		v.prev -= min(v.prev, by)
	}
	for i := range o.cells {
		c := &o.cells[i]
		c.newest -= min(c.newest, by)
	}
	for i := range o.layers {
		o.layers[i].first -= by
	}
	o.base = 1
}

// Reset forgets all layers: what was not committed never was.
func (o *Overlay) Reset() {
	o.writes++
	o.firstLayer += uint32(len(o.layers))
	o.layers = o.layers[:0]
	o.spans = 0
	o.clear()
	o.spare = nil
	o.openLayer()
}
