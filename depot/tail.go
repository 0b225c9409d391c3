package depot

import (
	"sort"
	"sync"
	"sync/atomic"
)

// tail holds the newest blocks of a partition, as they were applied. Offsets in
// it are dense and reach up to the end, except while Apply is between log and
// tail.
type tail struct {
	limit int
	base  atomic.Uint64 // offset of the first block, or the end; a hint for readers

	mu     sync.RWMutex
	blocks []block
	bytes  int
	arena  []byte // where small blocks are copied to, one behind the other
}

// block is records that were applied together. Its bytes do not change.
type block struct {
	base    uint64
	count   uint32
	time    int64
	records []byte
}

const (
	blockBytes = 56 // of a block beside its records, about
	arenaBytes = 32 << 10
)

func (b *block) end() uint64 { return b.base + uint64(b.count) }
func (b *block) bytes() int  { return len(b.records) + blockBytes }

// add copies a block to the end and drops old ones beyond the limit. What is
// larger than the limit is not kept, and nothing before it either.
func (t *tail) add(base uint64, time int64, records []byte, count uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := block{base: base, count: count, time: time, records: records}
	drop := 0
	for t.bytes += b.bytes(); t.bytes > t.limit && drop < len(t.blocks); drop++ {
		t.bytes -= t.blocks[drop].bytes()
		t.blocks[drop] = block{}
	}
	t.blocks = t.blocks[drop:]
	if t.bytes > t.limit {
		t.bytes = 0
		t.base.Store(b.end())
		return
	}
	b.records = t.copy(records)
	t.blocks = append(t.blocks, b)
	t.base.Store(t.blocks[0].base)
}

func (t *tail) copy(records []byte) []byte {
	if len(records) > arenaBytes/4 {
		return append([]byte(nil), records...)
	}
	if cap(t.arena)-len(t.arena) < len(records) {
		t.arena = make([]byte, 0, arenaBytes) // the old one lives as long as its blocks
	}
	at := len(t.arena)
	t.arena = append(t.arena, records...)
	return t.arena[at:len(t.arena):len(t.arena)]
}

// at returns the block that holds offset.
func (t *tail) at(offset uint64) (block, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	i := sort.Search(len(t.blocks), func(i int) bool { return t.blocks[i].end() > offset })
	if i == len(t.blocks) || t.blocks[i].base > offset {
		return block{}, false
	}
	return t.blocks[i], true
}
