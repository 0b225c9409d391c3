package engine

import (
	"bytes"
	"hash/maphash"
)

// keyTable finds the cell of a key: open addressing over cell ids, linear
// probing, at most two thirds full. Keys are compared by their bytes, for hashes
// can be equal; the seed is random, so that nobody can choose keys whose hashes
// are.
type keyTable struct {
	seed  maphash.Seed
	keep  uint32   // bits of the hash in use; tests take most away
	slots []uint32 // cell id + 1; 0: free
	used  int
}

const minTable = 64

func (t *keyTable) init() {
	t.seed = maphash.MakeSeed()
	t.keep = ^uint32(0)
	t.slots = make([]uint32, minTable)
}

func (t *keyTable) of(key []byte) uint32 { return uint32(maphash.Bytes(t.seed, key)) & t.keep }

// find returns the cell of key, whose hash is h.
func (o *Overlay) find(key []byte, h uint32) (id uint32, ok bool) {
	t := &o.hash
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; t.slots[i] != 0; i = (i + 1) & mask {
		id = t.slots[i] - 1
		if o.cells[id].hash == h && bytes.Equal(o.cellKey(id), key) {
			return id, true
		}
	}
	return 0, false
}

// newCell makes a cell for a key with hash h that has none. The caller gives it
// its first version at once.
func (o *Overlay) newCell(h uint32) uint32 {
	if (o.hash.used+1)*3 > len(o.hash.slots)*2 {
		o.growTable()
	}
	var id uint32
	if n := len(o.free); n > 0 {
		id = o.free[n-1]
		o.free = o.free[:n-1]
	} else {
		id = uint32(len(o.cells))
		o.cells = append(o.cells, cell{})
	}
	o.cells[id] = cell{hash: h}
	o.hash.insert(id, h)
	o.index.add(id)
	return id
}

func (o *Overlay) growTable() {
	old := o.hash.slots
	o.hash.slots = make([]uint32, 2*len(old))
	o.hash.used = 0
	for _, s := range old {
		if s != 0 {
			o.hash.insert(s-1, o.cells[s-1].hash)
		}
	}
}

func (t *keyTable) insert(id, h uint32) {
	mask := uint32(len(t.slots) - 1)
	i := h & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = id + 1
	t.used++
}

// dropCell forgets the key of a cell, whose newest version is still there.
func (o *Overlay) dropCell(id uint32) {
	o.index.remove(id)
	o.freeCell(id)
}

// freeCell is dropCell without the index.
func (o *Overlay) freeCell(id uint32) {
	o.hash.remove(id, o.cells)
	o.cells[id] = cell{}
	o.free = append(o.free, id)
}

// remove takes a cell out and closes the gap: every entry behind it, up to the
// next free slot, that would not be found any more moves into it.
func (t *keyTable) remove(id uint32, cells []cell) {
	mask := uint32(len(t.slots) - 1)
	gap := cells[id].hash & mask
	for t.slots[gap] != id+1 {
		gap = (gap + 1) & mask
	}
	for i := (gap + 1) & mask; t.slots[i] != 0; i = (i + 1) & mask {
		home := cells[t.slots[i]-1].hash & mask
		if (i-home)&mask >= (i-gap)&mask { // its home is not between the gap and it
			t.slots[gap] = t.slots[i]
			gap = i
		}
	}
	t.slots[gap] = 0
	t.used--
}

// clear empties the table; one that was large for long shrinks.
func (t *keyTable) clear() {
	if n := len(t.slots); n > minTable && t.used*8 < n {
		t.slots = make([]uint32, n/2)
	} else {
		clear(t.slots)
	}
	t.used = 0
}
