package paths

import (
	"errors"
	"fmt"
	"slices"

	"rama/engine/value"
)

// A layout says which structures of a value a fake keeps apart.
type layout struct {
	apart bool       // the structure itself is
	blob  bool       // it is one whose writes count only when it is put back
	kind  value.Kind // of an apart one that is not there yet
	elem  *layout    // of elements; nil: auto or nothing
	auto  func(depth int, v value.Value) (apart, blob bool)
	depth int
}

// at is the layout of an element v of a structure with layout l.
func (l *layout) at(v value.Value) *layout {
	if l.auto != nil {
		e := &layout{auto: l.auto, depth: l.depth + 1, kind: v.Kind()}
		if v.IsCollection() {
			e.apart, e.blob = l.auto(l.depth+1, v)
		}
		return e
	}
	if l.elem == nil {
		return &layout{}
	}
	return l.elem
}

// fakeStats count what was asked of fakes.
type fakeStats struct{ gets, exists, puts, removes, scans int }

// fakeNode is a structure kept apart.
type fakeNode struct {
	kind   value.Kind
	layout *layout
	exists bool
	keys   []value.Value // of maps and sets
	cells  []fakeCell
	scans  int  // running
	dead   bool // it was removed, and with it what it held
}

// kill makes every handle of the structure, and of those in it, useless.
func (c fakeCell) kill() {
	if c.n == nil {
		return
	}
	c.n.dead = true
	for _, e := range c.n.cells {
		e.kill()
	}
}

// fakeCell is a plain element, or the node of one kept apart.
type fakeCell struct {
	v value.Value
	n *fakeNode
}

// fakeStored is a handle of a structure in memory. It is as unforgiving as
// Stored allows: it refuses handles of other places, writes during scans, and
// plain values with handles in them.
type fakeStored struct {
	value.HandleBox
	stats  *fakeStats
	kind   value.Kind
	layout *layout
	parent *fakeStored // nil: the root, or an element of a list
	key    value.Value
	node   *fakeNode // of the root, a list element, or the copy of a blob
	list   *fakeNode // the list whose element it is
}

var errFake = errors.New("misuse of Stored")

// newFake puts a value into a fake; a scalar stays what it is.
func newFake(v value.Value, l *layout, stats *fakeStats) value.Value {
	if !v.IsCollection() && !l.apart {
		return v
	}
	kind := l.kind
	if v.IsCollection() {
		kind = v.Kind()
	}
	n := &fakeNode{kind: kind, layout: l}
	if v.IsCollection() {
		n = newFakeNode(v, l)
	}
	h := &fakeStored{stats: stats, kind: kind, layout: l, node: n}
	return h.Value(h)
}

func newFakeNode(v value.Value, l *layout) *fakeNode {
	n := &fakeNode{kind: v.Kind(), layout: l, exists: true}
	for _, en := range entries(v) {
		if n.kind != value.KindList {
			n.keys = append(n.keys, en.k)
		}
		n.cells = append(n.cells, n.cell(en.v))
	}
	return n
}

// cell makes what is stored of an element.
func (n *fakeNode) cell(v value.Value) fakeCell {
	l := n.layout.at(v)
	if l.apart && v.IsCollection() {
		return fakeCell{n: newFakeNode(v, l)}
	}
	if v.IsCollection() { // as it would come from a disk
		var err error
		if v, err = value.Decode(value.Encode(v)); err != nil {
			panic(err)
		}
	}
	return fakeCell{v: v}
}

func (n *fakeNode) clone() *fakeNode {
	c := *n
	c.keys, c.cells = slices.Clone(n.keys), slices.Clone(n.cells)
	for i, cell := range c.cells {
		if cell.n != nil {
			c.cells[i].n = cell.n.clone()
		}
	}
	return &c
}

// plain is the value of a node.
func (n *fakeNode) plain() value.Value {
	if n == nil || !n.exists {
		return value.Nil
	}
	b := value.NewBuilder(n.kind, 0)
	for i, c := range n.cells {
		v := c.v
		if c.n != nil {
			v = c.n.plain()
		}
		if n.kind == value.KindMap {
			b.Put(n.keys[i], v)
		} else {
			b.Add(v)
		}
	}
	return b.Done()
}

func (n *fakeNode) find(k value.Value) (int, bool) {
	if n.kind == value.KindList {
		i, err := toInt(k)
		return int(i), err == nil && i >= 0 && i < int64(len(n.cells))
	}
	return slices.BinarySearchFunc(n.keys, k, value.Compare)
}

// look returns the node of the handle, or nil if there is none.
func (h *fakeStored) look() *fakeNode {
	if h.node != nil || h.parent == nil {
		return h.node
	}
	p := h.parent.look()
	if p == nil {
		return nil
	}
	if i, ok := p.find(h.key); ok {
		return p.cells[i].n
	}
	return nil
}

// grow returns the node of the handle for a write, and makes it exist.
func (h *fakeStored) grow() (*fakeNode, error) {
	n, err := h.reserve()
	if err == nil {
		n.exists = true
	}
	return n, err
}

// reserve is grow, but the structure exists only when something is put into it,
// be it the handle of one in it.
func (h *fakeStored) reserve() (*fakeNode, error) {
	n := h.look()
	if err := h.alive(n); err != nil {
		return nil, err
	}
	if n == nil {
		p, err := h.parent.reserve()
		if err != nil {
			return nil, err
		}
		n = &fakeNode{kind: h.kind, layout: h.layout}
		p.set(h.key, fakeCell{n: n})
	}
	if n.scans > 0 {
		return nil, fmt.Errorf("%w: write during a scan", errFake)
	}
	return n, nil
}

func (n *fakeNode) set(k value.Value, c fakeCell) {
	i, ok := n.find(k)
	switch {
	case ok:
		n.cells[i].kill()
		n.cells[i] = c
	default:
		n.keys = slices.Insert(n.keys, i, value.Canonical(k))
		n.cells = slices.Insert(n.cells, i, c)
	}
}

func (h *fakeStored) HandleKind() value.Kind { return h.kind }

func (h *fakeStored) Exists() (bool, error) {
	h.stats.exists++
	n := h.look()
	return n != nil && n.exists, h.alive(n)
}

func (h *fakeStored) Has(k value.Value) (bool, error) {
	h.stats.exists++
	n := h.look()
	if n == nil {
		return false, nil
	}
	_, ok := n.find(k)
	return ok, h.alive(n)
}

func (h *fakeStored) alive(n *fakeNode) error {
	if n != nil && n.dead {
		return fmt.Errorf("%w: handle of what was removed", errFake)
	}
	return nil
}

func (h *fakeStored) Len() (int64, error) {
	if n := h.look(); n != nil {
		return int64(len(n.cells)), nil
	}
	return 0, nil
}

func (h *fakeStored) Get(k value.Value) (value.Value, bool, error) {
	h.stats.gets++
	n := h.look()
	if err := h.alive(n); err != nil {
		return value.Nil, false, err
	}
	if n != nil {
		if i, ok := n.find(k); ok {
			if h.kind == value.KindSet {
				return n.keys[i], true, nil
			}
			return h.value(n, i, k), true, nil
		}
	}
	if l := h.layout.elem; l != nil && l.apart && !l.blob && h.kind == value.KindMap {
		c := &fakeStored{stats: h.stats, kind: l.kind, layout: l, parent: h, key: k}
		return c.Value(c), true, nil
	}
	return value.Nil, false, nil
}

// value is what lies in cell i, which has key k.
func (h *fakeStored) value(n *fakeNode, i int, k value.Value) value.Value {
	c := n.cells[i]
	if c.n == nil {
		return c.v
	}
	s := &fakeStored{stats: h.stats, kind: c.n.kind, layout: c.n.layout, parent: h, key: k}
	switch {
	case c.n.layout.blob:
		s.node = c.n.clone()
	case n.kind == value.KindList:
		s.node = c.n
	}
	s.list = n
	return s.Value(s)
}

func (h *fakeStored) Scan(r Range, fn func(k, v value.Value) (bool, error)) error {
	h.stats.scans++
	n := h.look()
	if n == nil || n.dead {
		return h.alive(n)
	}
	n.scans++
	defer func() { n.scans-- }()
	for _, i := range n.within(r) {
		k := value.Int(int64(i))
		if n.kind != value.KindList {
			k = n.keys[i]
		}
		v := k
		if n.kind != value.KindSet {
			v = h.value(n, i, k)
		}
		if more, err := fn(k, v); err != nil || !more {
			return err
		}
	}
	return nil
}

// within is the positions of the cells in r.
func (n *fakeNode) within(r Range) []int {
	var all []int
	for i := range n.cells {
		k := value.Int(int64(i))
		if n.kind != value.KindList {
			k = n.keys[i]
		}
		if !r.below(k) && !r.above(k) {
			all = append(all, i)
		}
	}
	if r.Reverse {
		slices.Reverse(all)
	}
	if r.Limit > 0 && int64(len(all)) > r.Limit {
		all = all[:r.Limit]
	}
	return all
}

func (h *fakeStored) Put(k, v value.Value) error {
	h.stats.puts++
	if v.Kind() == value.KindHandle {
		return h.putHandle(k, v.AsHandle().(*fakeStored))
	}
	if hasHandle(v) || v.IsVoid() {
		return fmt.Errorf("%w: put %s", errFake, v.Kind())
	}
	n, err := h.grow()
	if err != nil {
		return err
	}
	switch {
	case h.kind == value.KindSet:
		if i, ok := n.find(k); !ok {
			n.keys = slices.Insert(n.keys, i, value.Canonical(k))
			n.cells = slices.Insert(n.cells, i, fakeCell{v: value.Canonical(k)})
		}
		return nil
	case h.kind == value.KindList:
		i, ok := n.find(k)
		if !ok {
			return fmt.Errorf("%w: put at %s of a list of %d", errFake, k, len(n.cells))
		}
		n.cells[i].kill()
		n.cells[i] = n.cell(v)
		return nil
	}
	n.set(k, n.cell(v))
	return nil
}

// putHandle takes the handle of the structure at k, and no other one. What is
// not there becomes null, as it does in a plain map.
func (h *fakeStored) putHandle(k value.Value, c *fakeStored) error {
	n := h.look()
	if c.list != nil && c.list != n || !value.Equal(c.key, k) || (c.list == nil && c.parent.look() != n) {
		return fmt.Errorf("%w: handle of %s put at %s", errFake, c.key, k)
	}
	if c.layout.blob {
		i, ok := n.find(k)
		if !ok {
			return fmt.Errorf("%w: blob at %s is gone", errFake, k)
		}
		n.cells[i] = fakeCell{n: c.node}
		return nil
	}
	there := c.look()
	n, err := h.grow()
	if err != nil {
		return err
	}
	if there == nil || !there.exists {
		n.set(k, fakeCell{})
	}
	return nil
}

func (h *fakeStored) Remove(k value.Value) error {
	h.stats.removes++
	n := h.look()
	if n == nil {
		return nil
	}
	if n.scans > 0 {
		return fmt.Errorf("%w: removal during a scan", errFake)
	}
	i, ok := n.find(k)
	if !ok {
		if n.kind == value.KindList {
			return fmt.Errorf("%w: removal of %s of a list of %d", errFake, k, len(n.cells))
		}
		return nil
	}
	n.remove(i)
	return nil
}

func (n *fakeNode) remove(i int) {
	n.cells[i].kill()
	n.cells = slices.Delete(n.cells, i, i+1)
	if n.kind != value.KindList {
		n.keys = slices.Delete(n.keys, i, i+1)
	}
}

func (h *fakeStored) RemoveRange(r Range) error {
	n := h.look()
	if n == nil {
		return nil
	}
	if n.scans > 0 {
		return fmt.Errorf("%w: removal during a scan", errFake)
	}
	all := n.within(r)
	slices.Sort(all)
	for i := len(all) - 1; i >= 0; i-- {
		n.remove(all[i])
	}
	return nil
}

func (h *fakeStored) Insert(i int64, v value.Value) error {
	if v.Kind() >= value.KindVoid || hasHandle(v) {
		return fmt.Errorf("%w: insert %s", errFake, v.Kind())
	}
	n, err := h.grow()
	if err != nil {
		return err
	}
	if n.kind != value.KindList || i < 0 || i > int64(len(n.cells)) {
		return fmt.Errorf("%w: insert at %d of a %s of %d", errFake, i, n.kind, len(n.cells))
	}
	n.cells = slices.Insert(n.cells, int(i), n.cell(v))
	return nil
}

// plainOf is a value with its fakes read out.
func plainOf(v value.Value) value.Value {
	if v.Kind() == value.KindHandle {
		return v.AsHandle().(*fakeStored).look().plain()
	}
	return v
}
