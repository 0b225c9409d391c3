package engine

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
)

// cover is one range that a layer's range deletes remove: where its bounds lie in
// the bytes of the layer. The covers of a layer are sorted and do not touch.
type cover struct {
	lo, hi       uint32
	loLen, hiLen uint16
}

func (l *layer) lo(c cover) []byte { return l.bytes[c.lo : c.lo+uint32(c.loLen)] }
func (l *layer) hi(c cover) []byte { return l.bytes[c.hi : c.hi+uint32(c.hiLen)] }

// DeleteRange removes the keys at or above lo and below hi, in the store and
// among the uncommitted writes; nothing where lo does not lie below hi. Both
// bounds must belong to the task, as PrefixEnd of its prefixes does. A range
// delete costs the store's readers until it is flushed: for a few known keys
// Delete is better.
func (o *Overlay) DeleteRange(lo, hi []byte) error {
	if err := o.checkKey(lo); err != nil {
		return err
	}
	if len(hi) > MaxKeyLen+1 {
		return fmt.Errorf("%w: upper bound of %d bytes", ErrKeyTooLong, len(hi))
	}
	if !bytes.HasPrefix(hi, o.prefix) {
		return fmt.Errorf("%w %d: upper bound %x", ErrForeignKey, o.task, clip(hi))
	}
	if bytes.Compare(lo, hi) >= 0 {
		return nil
	}
	hidden, room := o.hiddenBy(lo, hi)
	if have := len(o.open().bytes) + room; have > MaxLayerBytes-recordLen(kindRangeDelete, lo, hi) {
		return fmt.Errorf("%w: %d bytes, limit %d", ErrLayerFull, have, MaxLayerBytes)
	}
	o.writes++
	v := o.appendRecord(kindRangeDelete, lo, hi)
	o.vers = append(o.vers, v)
	o.addCover(o.open(), v)
	for _, id := range hidden {
		// A record of the key, so that the version has bytes of its own: those of the
		// version before may be dropped first. Cut leaves it out.
		o.push(id, kindCovered, o.cellKey(id), nil)
	}
	return nil
}

// hiddenBy returns the cells in a range that hold a value, and the bytes that
// hiding them takes.
func (o *Overlay) hiddenBy(lo, hi []byte) (ids []uint32, room int) {
	if o.hash.used == 0 {
		return nil, 0
	}
	x := &o.index
	x.ready()
	for at := x.seek(lo); !x.atEnd(at); at = x.next(at) {
		id := x.cell(at)
		key := o.cellKey(id)
		if bytes.Compare(key, hi) >= 0 {
			break
		}
		if o.version(o.cells[id].newest).kind == kindSet {
			ids = append(ids, id)
			room += recordLen(kindDelete, key, nil)
		}
	}
	return ids, room
}

// addCover adds the range of a range delete to the covers of its layer.
func (o *Overlay) addCover(l *layer, v version) {
	c := cover{lo: v.key, loLen: v.klen, hi: v.val, hiLen: uint16(v.vlen)}
	// Those from i up to j touch it and become one with it.
	i := sort.Search(len(l.covers), func(i int) bool { return bytes.Compare(l.hi(l.covers[i]), l.lo(c)) >= 0 })
	j := i
	for ; j < len(l.covers) && bytes.Compare(l.lo(l.covers[j]), l.hi(c)) <= 0; j++ {
		if have := l.covers[j]; bytes.Compare(l.hi(have), l.hi(c)) > 0 {
			c.hi, c.hiLen = have.hi, have.hiLen
		}
		if have := l.covers[j]; bytes.Compare(l.lo(have), l.lo(c)) < 0 {
			c.lo, c.loLen = have.lo, have.loLen
		}
	}
	o.spans += 1 - (j - i)
	l.covers = slices.Replace(l.covers, i, j, c)
}

// coverAgain makes the covers of the open layer out of its versions.
func (o *Overlay) coverAgain(l *layer) {
	o.spans -= len(l.covers)
	l.covers = l.covers[:0]
	for n := l.first; n < o.next(); n++ {
		if v := o.version(n); v.kind == kindRangeDelete {
			o.addCover(l, *v)
		}
	}
}

// covering returns the cover of a layer that key lies in.
func (l *layer) covering(key []byte) (c cover, ok bool) {
	i := sort.Search(len(l.covers), func(i int) bool { return bytes.Compare(l.hi(l.covers[i]), key) > 0 })
	if i == len(l.covers) || bytes.Compare(l.lo(l.covers[i]), key) > 0 {
		return cover{}, false
	}
	return l.covers[i], true
}

// covered returns the bounds of a cover that key lies in.
func (o *Overlay) covered(key []byte) (lo, hi []byte, ok bool) {
	for i := len(o.layers) - 1; i >= 0; i-- {
		l := &o.layers[i]
		if c, ok := l.covering(key); ok {
			return l.lo(c), l.hi(c), true
		}
	}
	return nil, nil, false
}
