package engine

import (
	"bytes"
	"slices"
	"sort"
)

// keyIndex holds the cells in the order of their keys. It exists only while scans
// ask for it, and takes in what was written since when the next one asks.
//
// It is a list of sorted chunks. One sorted array would cost, beyond some ten
// thousand keys, a move of all of them for each key that comes in between two
// scans; a chunk costs a move of at most its own.
type keyIndex struct {
	o      *Overlay
	built  bool
	asked  bool // since the last Drop
	chunks [][]uint32
	size   int
	fresh  []uint32   // in use, but not in a chunk yet; empty where !built
	spare  [][]uint32 // chunks that were given up
}

const (
	chunkCells = 512
	maxSpare   = 64
)

func (x *keyIndex) newChunk() []uint32 {
	if n := len(x.spare); n > 0 {
		c := x.spare[n-1]
		x.spare = x.spare[:n-1]
		return c
	}
	return make([]uint32, 0, chunkCells)
}

func (x *keyIndex) giveUp(chunks [][]uint32) {
	for _, c := range chunks {
		if len(x.spare) < maxSpare {
			x.spare = append(x.spare, c[:0])
		}
	}
}

// spot is a place in the index: before the cell at pos of a chunk. The place
// behind the last cell is chunk len(chunks), pos 0.
type spot struct{ chunk, pos int }

// add tells of a new cell.
func (x *keyIndex) add(id uint32) {
	if x.built {
		x.fresh = append(x.fresh, id)
	}
}

// remove takes out a cell whose key can still be read.
func (x *keyIndex) remove(id uint32) {
	if !x.built {
		return
	}
	if !x.o.cells[id].indexed {
		// Cells are taken back in the opposite order of their making, so it is the last
		// one, but where a cut takes out what a range delete covers.
		i := len(x.fresh) - 1
		for x.fresh[i] != id {
			i--
		}
		x.fresh = slices.Delete(x.fresh, i, i+1)
		return
	}
	at := x.seek(x.o.cellKey(id))
	x.chunks[at.chunk] = slices.Delete(x.chunks[at.chunk], at.pos, at.pos+1)
	if len(x.chunks[at.chunk]) == 0 {
		x.chunks = slices.Delete(x.chunks, at.chunk, at.chunk+1)
	}
	x.size--
}

// ready brings the index up to date.
func (x *keyIndex) ready() {
	x.asked = true
	switch {
	case !x.built:
		x.built = true
		for id := range x.o.cells {
			if x.o.cells[id].newest != 0 {
				x.fresh = append(x.fresh, uint32(id))
			}
		}
		x.merge()
	case len(x.fresh)*32 > x.size:
		x.merge()
	default:
		for _, id := range x.fresh {
			x.insert(id)
		}
	}
	x.fresh = x.fresh[:0]
}

func (x *keyIndex) insert(id uint32) {
	key := x.o.cellKey(id)
	at := x.seek(key)
	if at.chunk == len(x.chunks) { // behind everything: into the last chunk
		if len(x.chunks) == 0 {
			x.chunks = append(x.chunks, x.newChunk())
		}
		at.chunk = len(x.chunks) - 1
		at.pos = len(x.chunks[at.chunk])
	}
	if c := x.chunks[at.chunk]; len(c) == chunkCells {
		half := append(x.newChunk(), c[chunkCells/2:]...)
		x.chunks[at.chunk] = c[:chunkCells/2]
		x.chunks = slices.Insert(x.chunks, at.chunk+1, half)
		if at.pos > chunkCells/2 {
			at.chunk, at.pos = at.chunk+1, at.pos-chunkCells/2
		}
	}
	x.chunks[at.chunk] = slices.Insert(x.chunks[at.chunk], at.pos, id)
	x.o.cells[id].indexed = true
	x.size++
}

// merge sorts the fresh cells and makes all chunks anew, three quarters full.
func (x *keyIndex) merge() {
	o := x.o
	slices.SortFunc(x.fresh, func(a, b uint32) int { return bytes.Compare(o.cellKey(a), o.cellKey(b)) })
	old := x.chunks
	x.chunks = make([][]uint32, 0, (x.size+len(x.fresh))/(chunkCells*3/4)+1)
	x.size = 0
	fresh := x.fresh
	for _, c := range old {
		for _, id := range c {
			for len(fresh) > 0 && bytes.Compare(o.cellKey(fresh[0]), o.cellKey(id)) < 0 {
				x.push(fresh[0])
				fresh = fresh[1:]
			}
			x.push(id)
		}
	}
	for _, id := range fresh {
		x.push(id)
	}
	x.giveUp(old)
}

// push appends a cell whose key lies above all others.
func (x *keyIndex) push(id uint32) {
	n := len(x.chunks)
	if n == 0 || len(x.chunks[n-1]) >= chunkCells*3/4 {
		x.chunks = append(x.chunks, x.newChunk())
		n++
	}
	x.chunks[n-1] = append(x.chunks[n-1], id)
	x.o.cells[id].indexed = true
	x.size++
}

// drop takes out the cells whose newest version has a number below limit, which
// are gone, and forgets the index where no scan has asked for it lately.
func (x *keyIndex) drop(limit uint32) {
	if !x.built {
		return
	}
	if !x.asked {
		x.forget()
		return
	}
	x.asked = false
	gone := func(id uint32) bool { return x.o.cells[id].newest < limit }
	x.fresh = slices.DeleteFunc(x.fresh, gone)
	x.size = 0
	for i, c := range x.chunks {
		x.chunks[i] = slices.DeleteFunc(c, gone)
		x.size += len(x.chunks[i])
	}
	x.chunks = slices.DeleteFunc(x.chunks, func(c []uint32) bool { return len(c) == 0 })
}

func (x *keyIndex) forget() {
	x.giveUp(x.chunks)
	x.built, x.asked, x.size = false, false, 0
	x.chunks, x.fresh = x.chunks[:0], x.fresh[:0]
}

// seek returns the place of the lowest key at or above key.
func (x *keyIndex) seek(key []byte) spot {
	chunk := sort.Search(len(x.chunks), func(i int) bool {
		c := x.chunks[i]
		return bytes.Compare(x.o.cellKey(c[len(c)-1]), key) >= 0
	})
	if chunk == len(x.chunks) {
		return spot{chunk, 0}
	}
	pos, _ := slices.BinarySearchFunc(x.chunks[chunk], key, func(id uint32, key []byte) int {
		return bytes.Compare(x.o.cellKey(id), key)
	})
	return spot{chunk, pos}
}

func (x *keyIndex) next(at spot) spot {
	if at.pos++; at.pos == len(x.chunks[at.chunk]) {
		return spot{at.chunk + 1, 0}
	}
	return at
}

// prev reports whether there is a place before at, and returns it.
func (x *keyIndex) prev(at spot) (spot, bool) {
	if at.pos > 0 {
		return spot{at.chunk, at.pos - 1}, true
	}
	if at.chunk > 0 {
		return spot{at.chunk - 1, len(x.chunks[at.chunk-1]) - 1}, true
	}
	return at, false
}

func (x *keyIndex) atEnd(at spot) bool { return at.chunk == len(x.chunks) }

func (x *keyIndex) cell(at spot) uint32 { return x.chunks[at.chunk][at.pos] }
