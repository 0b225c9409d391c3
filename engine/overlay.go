package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Overlay is one task's view of a store together with its writes that are not
// committed yet. It has one goroutine, or a lock of its owner.
//
// The writes lie in layers. The last layer is open and takes writes; Cut closes
// it, hands its writes over as a body, and opens the next. When a body has been
// applied to the store, Drop forgets its layer, the oldest.
//
// # Structure
//
//	layers  the bytes of each layer, records of a body one behind the other
//	vers    one version per write, in order: where its key and value lie in the
//	        bytes of its layer, and which version of the key was there before
//	cells   one cell per key that has a version: the newest one
//	table   a hash table from keys to cells
//	index   the cells in the order of their keys, made when a scan asks for it
//	covers  per layer, the ranges that its range deletes remove
//
// A read of an own write is one look into the table. Where there is none, a few
// nanoseconds later the store is asked. A savepoint is two numbers and a rollback
// takes the versions behind it back, newest first: the price is that of the writes
// taken back, whatever else the overlay holds. Nothing but the bytes has to be
// kept for Cut, and where no key was written twice they are the body as they are.
//
// A range delete also gives every key below it that the overlay holds a new
// version, which says that the key is covered. So the newest version of a key
// always decides alone, and a key without a version is deleted if it lies in one
// of the covers.
//
// This is the structure that won the trial of seven for exactly this use; indexed
// batches of Pebble, for one, cannot take writes back without starting anew.
type Overlay struct {
	s      *Store
	task   TaskID
	prefix []byte // of the task's keys

	layers     []layer // the last one is open
	firstLayer uint32  // the number of layers[0]; numbers wrap around
	spare      []byte  // bytes of a former layer that nobody else has
	cutBytes   int     // what the last layers came to

	vers  []version // those before head are gone
	head  int
	base  uint32 // the number of vers[head]; no version has number 0
	limit uint32 // of base: then numbers begin anew
	cells []cell
	free  []uint32 // cells that are not in use
	hash  keyTable
	index keyIndex
	spans int // in the covers of all layers

	writes uint64 // iterators of an earlier count are stale
	met    bool   // a read has met a write that is not committed
}

// layer is the writes between two cuts.
type layer struct {
	bytes      []byte
	first      uint32 // the number of its first version
	superseded int    // versions that a newer one of the same layer hides
	covers     []cover
}

// version is one write of a key, or a range delete. It holds no pointer, so that
// the garbage collector need not look at a hundred thousand of them.
type version struct {
	cell  uint32 // of a range delete: none
	prev  uint32 // the number of the version of this key before; gone where below base
	layer uint32
	key   uint32 // where the key, or the lower bound, begins in the bytes of the layer
	val   uint32 // where the value, or the upper bound, begins
	vlen  uint32
	klen  uint16
	kind  byte
}

// cell is one key that has a version.
type cell struct {
	newest  uint32 // the number of its newest version; 0: the cell is not in use
	hash    uint32
	indexed bool // where the index is built: it stands in a chunk
}

// MaxLayerBytes bounds what is written between two cuts.
const MaxLayerBytes = 1 << 30

const minLayerBytes = 4 << 10

// NewOverlay returns an empty overlay of task t on s.
func NewOverlay(s *Store, t TaskID) *Overlay {
	o := &Overlay{s: s, task: t, prefix: AppendTask(nil, t), base: 1, limit: maxBase}
	o.hash.init()
	o.index.o = o
	o.openLayer()
	return o
}

// Task is the task that the overlay belongs to.
func (o *Overlay) Task() TaskID { return o.task }

func (o *Overlay) checkKey(key []byte) error {
	if len(key) > MaxKeyLen {
		return fmt.Errorf("%w: %d bytes, limit %d", ErrKeyTooLong, len(key), MaxKeyLen)
	}
	if !bytes.HasPrefix(key, o.prefix) {
		return fmt.Errorf("%w %d: %x", ErrForeignKey, o.task, clip(key))
	}
	return nil
}

// Get reads the overlay's view of its task; see Reader.
func (o *Overlay) Get(dst, key []byte) ([]byte, bool, error) {
	if err := o.checkKey(key); err != nil {
		return dst, false, err
	}
	if o.hash.used > 0 {
		if id, ok := o.find(key, o.hash.of(key)); ok {
			o.met = true
			v := o.version(o.cells[id].newest)
			if v.kind == kindSet {
				return append(dst, o.val(v)...), true, nil
			}
			return dst, false, nil
		}
	}
	if o.spans > 0 {
		if _, _, ok := o.covered(key); ok {
			o.met = true
			return dst, false, nil
		}
	}
	return o.s.Get(dst, key)
}

// Put sets the value of key.
func (o *Overlay) Put(key, val []byte) error {
	if len(val) > o.s.o.MaxValueBytes {
		return fmt.Errorf("%w: %d bytes, limit %d", ErrValueTooLong, len(val), o.s.o.MaxValueBytes)
	}
	return o.write(kindSet, key, val)
}

// Delete removes key, whether it is there or not.
func (o *Overlay) Delete(key []byte) error { return o.write(kindDelete, key, nil) }

func (o *Overlay) write(kind byte, key, val []byte) error {
	if err := o.checkKey(key); err != nil {
		return err
	}
	if err := o.checkRoom(kind, key, val); err != nil {
		return err
	}
	o.writes++
	h := o.hash.of(key)
	id, ok := o.find(key, h)
	if !ok {
		id = o.newCell(h)
	}
	o.push(id, kind, key, val)
	return nil
}

func (o *Overlay) checkRoom(kind byte, key, val []byte) error {
	if have := len(o.open().bytes); have+recordLen(kind, key, val) > MaxLayerBytes {
		return fmt.Errorf("%w: %d bytes, limit %d", ErrLayerFull, have, MaxLayerBytes)
	}
	return nil
}

// push appends a version of the cell's key to the open layer.
func (o *Overlay) push(id uint32, kind byte, key, val []byte) {
	c := &o.cells[id]
	if c.newest >= o.open().first {
		o.open().superseded++
	}
	v := o.appendRecord(kind, key, val)
	v.cell, v.prev = id, c.newest
	c.newest = o.next()
	o.vers = append(o.vers, v)
}

// appendRecord writes the bytes of a version.
func (o *Overlay) appendRecord(kind byte, key, val []byte) version {
	l := o.open()
	v := version{layer: o.openNumber(), klen: uint16(len(key)), vlen: uint32(len(val)), kind: kind}
	b := append(l.bytes, kind)
	b = binary.AppendUvarint(b, uint64(len(key)))
	v.key = uint32(len(b))
	b = append(b, key...)
	if kind == kindSet || kind == kindRangeDelete {
		b = binary.AppendUvarint(b, uint64(len(val)))
		v.val = uint32(len(b))
		b = append(b, val...)
	}
	l.bytes = b
	return v
}

// next is the number of the version to come.
func (o *Overlay) next() uint32 { return o.base + uint32(len(o.vers)-o.head) }

func (o *Overlay) version(n uint32) *version { return &o.vers[o.head+int(n-o.base)] }

func (o *Overlay) open() *layer { return &o.layers[len(o.layers)-1] }

func (o *Overlay) openNumber() uint32 { return o.firstLayer + uint32(len(o.layers)-1) }

func (o *Overlay) bytesOf(v *version) []byte { return o.layers[v.layer-o.firstLayer].bytes }

func (o *Overlay) key(v *version) []byte { return o.bytesOf(v)[v.key : v.key+uint32(v.klen)] }

func (o *Overlay) val(v *version) []byte { return o.bytesOf(v)[v.val : v.val+v.vlen] }

// cellKey is the key of a cell in use.
func (o *Overlay) cellKey(id uint32) []byte { return o.key(o.version(o.cells[id].newest)) }

// Mark is a savepoint in the open layer of an overlay.
type Mark struct {
	layer    uint32
	versions uint32 // in the open layer
	bytes    uint32 // in the open layer
}

// Mark makes a savepoint. It is good until the next Cut or Reset.
func (o *Overlay) Mark() Mark {
	l := o.open()
	return Mark{o.openNumber(), o.next() - l.first, uint32(len(l.bytes))}
}

// Rollback takes back every write since m. A mark that was made before a Cut, or
// behind a mark rolled back to, is a bug of the caller.
func (o *Overlay) Rollback(m Mark) {
	l := o.open()
	if m.layer != o.openNumber() || l.first+m.versions > o.next() || m.bytes > uint32(len(l.bytes)) {
		panic("engine: rollback to a mark outside of the open layer")
	}
	if l.first+m.versions == o.next() {
		return
	}
	o.writes++
	ranges := false
	for n := o.next() - 1; n >= l.first+m.versions; n-- {
		v := o.version(n)
		if v.kind == kindRangeDelete {
			ranges = true
			continue
		}
		if v.prev >= l.first {
			l.superseded--
		}
		if v.prev >= o.base {
			o.cells[v.cell].newest = v.prev
		} else {
			o.dropCell(v.cell)
		}
	}
	o.vers = o.vers[:o.head+int(l.first+m.versions-o.base)]
	l.bytes = l.bytes[:m.bytes]
	if ranges {
		o.coverAgain(l)
	}
}

// Dirty reports whether the open layer holds writes.
func (o *Overlay) Dirty() bool { return o.next() > o.open().first }

// Bytes is the size of the writes in the open layer.
func (o *Overlay) Bytes() int { return len(o.open().bytes) }

// ReadUncommitted reports whether a read since ClearReadUncommitted has met a
// write, of this task, that was not dropped yet: it saw what may never be
// committed.
func (o *Overlay) ReadUncommitted() bool { return o.met }

// ClearReadUncommitted makes ReadUncommitted false.
func (o *Overlay) ClearReadUncommitted() { o.met = false }
