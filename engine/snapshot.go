package engine

import (
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// Snapshot is the committed state of a store as it was when the snapshot was
// made. It holds what compaction would drop, so it must be closed. Its methods
// may be called from any goroutine.
type Snapshot struct {
	s     *Store
	snap  *pebble.Snapshot
	view  view
	index uint64
	life  sync.RWMutex
	err   error // ErrClosed, or why it could not be made
}

// NewSnapshot keeps the present state. Where the store is closed, every method of
// the snapshot says so.
func (s *Store) NewSnapshot() *Snapshot {
	if err := s.enter(); err != nil {
		return &Snapshot{s: s, err: err}
	}
	defer s.exit()
	s.open.Add(1)
	n := &Snapshot{s: s, snap: s.db.NewSnapshot()}
	n.view = view{s: s, source: n.snap}
	val, _, err := n.view.get(nil, appliedKey)
	if err == nil {
		n.index, _, err = decodeApplied(val)
	}
	if err != nil {
		_ = n.Close()
		n.err = err
	}
	return n
}

func (n *Snapshot) enter() error {
	n.life.RLock()
	if n.err != nil {
		n.life.RUnlock()
		return fmt.Errorf("snapshot: %w", n.err)
	}
	return nil
}

// Applied is the index of the last entry that the snapshot contains.
func (n *Snapshot) Applied() uint64 { return n.index }

// Get reads the snapshot; see Reader.
func (n *Snapshot) Get(dst, key []byte) ([]byte, bool, error) {
	if err := n.enter(); err != nil {
		return dst, false, err
	}
	defer n.life.RUnlock()
	return n.view.get(dst, key)
}

// NewIter reads the snapshot; see Reader. The iterator may outlive it.
func (n *Snapshot) NewIter(lo, hi []byte) Iterator {
	if err := n.enter(); err != nil {
		return &storeIter{err: err}
	}
	defer n.life.RUnlock()
	return n.view.iter(lo, hi)
}

// Close gives the state up. A second Close does nothing.
func (n *Snapshot) Close() error {
	n.life.Lock()
	defer n.life.Unlock()
	if n.err != nil {
		return nil
	}
	n.err = ErrClosed
	n.view.renew(true)
	err := n.snap.Close()
	n.s.open.Add(-1)
	return err
}
