package pstate

import (
	"encoding/binary"
	"fmt"

	"rama/engine/value"
)

// A list whose elements are stored apart is a counted B+tree of element ids, so
// that insertion and removal anywhere cost O(log n) and no element moves. Its
// records, under the prefix of the structure (layout.go):
//
//	prefix                      header: CBOR list [count, next id, next page,
//	                            root page, height]; height 0: the root is a leaf
//	prefix, false, page         a page
//	prefix, id                  an element
//
// A page is bytes: the number of entries n, then of a leaf n ids, each as the
// signed difference from the one before, and of an inner page n children's page
// numbers and n-1 counts of the elements below them, all varints. The count of
// the last child is what is left of the page's own count. So an append touches
// the header and the last leaf and nothing between, however high the tree is:
// counts on the right edge are never stored.
//
// A page holds up to pageEntries entries. One that overflows splits in the
// middle, or, at the right edge of a leaf, leaves the full page behind, so that
// a list that only grows has full pages.
const (
	pageEntries = 64
	pageMerged  = 48 // neighbours that together have no more are merged
)

type list apart

func (l *list) h() *apart { return (*apart)(l) }

// A page in memory. Counts are those of the children, the last one's included.
type page struct {
	number uint64
	leaf   bool
	ids    []uint64 // leaf: elements; inner: pages
	counts []int64
	dirty  bool
}

// tree is the state of the list during one operation.
type tree struct {
	l                *list
	count            int64
	nextID, nextPage uint64
	root             uint64
	height           int
	pages            map[uint64]*page
}

func (l *list) open() (*tree, error) {
	t := &tree{l: l, nextID: 1, nextPage: 2, root: 1, pages: map[uint64]*page{}}
	v, ok, err := l.a.record(l.prefix)
	if err != nil {
		return nil, err
	}
	if !ok {
		t.pages[1] = &page{number: 1, leaf: true, dirty: true}
		return t, nil
	}
	if v.Kind() != value.KindList || v.Len() != 5 {
		return nil, fmt.Errorf("%w: header of a list in %s: %s", value.ErrCorrupt, l.a.p.def.name, v)
	}
	t.count = v.Index(0).AsInt()
	t.nextID = uint64(v.Index(1).AsInt())
	t.nextPage = uint64(v.Index(2).AsInt())
	t.root = uint64(v.Index(3).AsInt())
	t.height = int(v.Index(4).AsInt())
	return t, nil
}

func (l *list) size() (int64, error) {
	t, err := l.open()
	if err != nil {
		return 0, err
	}
	return t.count, nil
}

func (t *tree) pageKey(number uint64) []byte {
	k := value.AppendKey(append(t.l.a.key[:0], t.l.prefix...), value.Bool(false))
	t.l.a.key = value.AppendKey(k, value.Int(int64(number)))
	return t.l.a.key
}

// page reads a page that has count elements below it and stands at the given
// level, 0 being a leaf.
func (t *tree) page(number uint64, count int64, level int) (*page, error) {
	if p := t.pages[number]; p != nil {
		return p, nil
	}
	b, ok, err := t.l.a.get(t.pageKey(number))
	if err == nil && !ok {
		err = fmt.Errorf("%w: page %d of a list is missing", value.ErrCorrupt, number)
	}
	if err != nil {
		return nil, err
	}
	p := &page{number: number, leaf: level == 0}
	if !p.decode(b, count) {
		return nil, fmt.Errorf("%w: page %d of a list: %x", value.ErrCorrupt, number, b)
	}
	t.pages[number] = p
	return p, nil
}

func (p *page) decode(b []byte, count int64) bool {
	n, at := binary.Uvarint(b)
	if at <= 0 || n > pageEntries {
		return false
	}
	b = b[at:]
	prev := uint64(0)
	for range n {
		if p.leaf {
			d, at := binary.Varint(b)
			if at <= 0 {
				return false
			}
			prev += uint64(d)
			b = b[at:]
		} else {
			x, at := binary.Uvarint(b)
			if at <= 0 {
				return false
			}
			prev = x
			b = b[at:]
		}
		p.ids = append(p.ids, prev)
	}
	if p.leaf {
		return len(b) == 0 && int64(n) == count
	}
	for i := range p.ids {
		c := count
		if i < len(p.ids)-1 {
			x, at := binary.Uvarint(b)
			if at <= 0 {
				return false
			}
			c, b = int64(x), b[at:]
		}
		if c <= 0 || c > count {
			return false
		}
		count -= c
		p.counts = append(p.counts, c)
	}
	return len(b) == 0 && count == 0 && n > 0
}

func (p *page) encode() []byte {
	b := binary.AppendUvarint(nil, uint64(len(p.ids)))
	prev := uint64(0)
	for _, id := range p.ids {
		if p.leaf {
			b = binary.AppendVarint(b, int64(id-prev))
			prev = id
		} else {
			b = binary.AppendUvarint(b, id)
		}
	}
	for i := 0; !p.leaf && i < len(p.ids)-1; i++ {
		b = binary.AppendUvarint(b, uint64(p.counts[i]))
	}
	return b
}

// A step of the way from the root to a leaf: the page and the entry taken.
type treeStep struct {
	p  *page
	at int
}

// find goes to the leaf in which position i lies; i == count is behind the last
// element. The last step's entry is the position within the leaf.
func (t *tree) find(i int64) ([]treeStep, error) {
	way := make([]treeStep, 0, t.height+1)
	number, count := t.root, t.count
	for level := t.height; ; level-- {
		p, err := t.page(number, count, level)
		if err != nil {
			return nil, err
		}
		if level == 0 {
			return append(way, treeStep{p, int(i)}), nil
		}
		c := 0
		for c < len(p.counts)-1 && i >= p.counts[c] {
			i -= p.counts[c]
			c++
		}
		way = append(way, treeStep{p, c})
		number, count = p.ids[c], p.counts[c]
	}
}

// insert makes id the element at position i.
func (t *tree) insert(i int64, id uint64) error {
	way, err := t.find(i)
	if err != nil {
		return err
	}
	t.count++
	leaf := way[len(way)-1]
	leaf.p.insert(leaf.at, id, 0)
	for up := len(way) - 2; up >= 0; up-- {
		s := way[up]
		s.p.counts[s.at]++
		s.p.dirty = s.p.dirty || s.at < len(s.p.ids)-1 // the last count is not stored
	}
	for up := len(way) - 1; up >= 0 && len(way[up].p.ids) > pageEntries; up-- {
		t.split(way, up, i == t.count-1)
	}
	return nil
}

func (p *page) insert(at int, id uint64, count int64) {
	p.ids = append(p.ids, 0)
	copy(p.ids[at+1:], p.ids[at:])
	p.ids[at] = id
	if !p.leaf {
		p.counts = append(p.counts, 0)
		copy(p.counts[at+1:], p.counts[at:])
		p.counts[at] = count
	}
	p.dirty = true
}

// total is the number of elements below the page.
func (p *page) total() int64 {
	if p.leaf {
		return int64(len(p.ids))
	}
	n := int64(0)
	for _, c := range p.counts {
		n += c
	}
	return n
}

// split moves a part of the page at way[up] into a new one to its right.
func (t *tree) split(way []treeStep, up int, atEnd bool) {
	p := way[up].p
	cut := len(p.ids) / 2
	if atEnd {
		cut = len(p.ids) - 1
	}
	right := &page{number: t.nextPage, leaf: p.leaf, dirty: true}
	t.nextPage++
	t.pages[right.number] = right
	right.ids = append(right.ids, p.ids[cut:]...)
	p.ids = p.ids[:cut:cut]
	if !p.leaf {
		right.counts = append(right.counts, p.counts[cut:]...)
		p.counts = p.counts[:cut:cut]
	}
	p.dirty = true
	if up == 0 {
		root := &page{number: t.nextPage, dirty: true}
		t.nextPage++
		t.pages[root.number] = root
		root.ids = []uint64{p.number, right.number}
		root.counts = []int64{p.total(), right.total()}
		t.root = root.number
		t.height++
		return
	}
	s := way[up-1]
	s.p.counts[s.at] = p.total()
	s.p.insert(s.at+1, right.number, right.total())
}

// remove takes the element at position i out and returns its id.
func (t *tree) remove(i int64) (uint64, error) {
	way, err := t.find(i)
	if err != nil {
		return 0, err
	}
	t.count--
	leaf := way[len(way)-1]
	id := leaf.p.ids[leaf.at]
	leaf.p.removeAt(leaf.at)
	for up := len(way) - 2; up >= 0; up-- {
		s := way[up]
		s.p.counts[s.at]--
		s.p.dirty = s.p.dirty || s.at < len(s.p.ids)-1
		if err := t.mend(s, len(way)-2-up); err != nil {
			return 0, err
		}
	}
	for t.height > 0 {
		root, err := t.page(t.root, t.count, t.height)
		if err != nil || len(root.ids) > 1 {
			return id, err
		}
		t.drop(root)
		if len(root.ids) == 0 { // the list is empty
			t.height, t.root = 0, t.nextPage
			t.nextPage++
			t.pages[t.root] = &page{number: t.root, leaf: true, dirty: true}
			return id, nil
		}
		t.root = root.ids[0]
		t.height--
	}
	return id, nil
}

func (p *page) removeAt(at int) {
	p.ids = append(p.ids[:at:at], p.ids[at+1:]...)
	if !p.leaf {
		p.counts = append(p.counts[:at:at], p.counts[at+1:]...)
	}
	p.dirty = true
}

// mend drops the child that s names if it is empty, and merges it with its right
// or left neighbour if the two fit well into one page.
func (t *tree) mend(s treeStep, level int) error {
	child := t.pages[s.p.ids[s.at]]
	if len(child.ids) == 0 {
		t.drop(child)
		s.p.removeAt(s.at)
		return nil
	}
	left := s.at
	if left == len(s.p.ids)-1 {
		left--
	}
	if left < 0 || len(child.ids) > pageMerged/2 {
		return nil
	}
	a, err := t.page(s.p.ids[left], s.p.counts[left], level)
	if err != nil {
		return err
	}
	b, err := t.page(s.p.ids[left+1], s.p.counts[left+1], level)
	if err != nil || len(a.ids)+len(b.ids) > pageMerged {
		return err
	}
	a.ids = append(a.ids, b.ids...)
	a.counts = append(a.counts, b.counts...)
	a.dirty = true
	t.drop(b)
	s.p.counts[left] += s.p.counts[left+1]
	s.p.removeAt(left + 1)
	s.p.counts[left] = a.total()
	return nil
}

// drop forgets a page that is no longer part of the tree.
func (t *tree) drop(p *page) {
	p.dirty = true
	p.number |= droppedPage
}

const droppedPage = 1 << 63

// save writes the pages that changed and the header.
func (t *tree) save() error {
	w := t.l.a.w
	for number, p := range t.pages {
		if !p.dirty {
			continue
		}
		var err error
		if p.number&droppedPage != 0 {
			err = w.Delete(t.pageKey(number))
		} else {
			err = w.Put(t.pageKey(number), p.encode())
		}
		if err != nil {
			return err
		}
		p.dirty = false
	}
	header := value.List(value.Int(t.count), value.Int(int64(t.nextID)), value.Int(int64(t.nextPage)),
		value.Int(int64(t.root)), value.Int(int64(t.height)))
	return w.Put(t.l.prefix, value.Append(nil, header))
}
