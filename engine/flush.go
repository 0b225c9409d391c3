package engine

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Flushed returns the index of the last entry that no crash can take away: what
// is in files, not in memory. The log may drop entries up to it. It is zero where
// nothing was flushed. A store that has failed does not know.
func (s *Store) Flushed() (index uint64, err error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.exit()
	it, err := s.db.NewIter(&pebble.IterOptions{OnlyReadGuaranteedDurable: true})
	if err != nil {
		return 0, s.view.readError(err)
	}
	if it.SeekPrefixGE(appliedKey) {
		index, _, err = decodeApplied(it.Value())
	}
	if cerr := it.Close(); err == nil && cerr != nil {
		err = s.view.readError(cerr)
	}
	if err == nil {
		err = s.Err() // looked at last: a file counts as synced where the store has not failed
	}
	if err != nil {
		return 0, err
	}
	return index, nil
}

// Flush makes everything applied durable and returns when it is.
func (s *Store) Flush() error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.exit()
	return <-s.flush()
}

// AsyncFlush begins a flush. The channel receives one value when everything
// applied before is durable, or the error why it is not.
func (s *Store) AsyncFlush() <-chan error {
	if err := s.enter(); err != nil {
		out := make(chan error, 1)
		out <- err
		return out
	}
	defer s.exit()
	return s.flush()
}

func (s *Store) flush() <-chan error {
	out := make(chan error, 1)
	if err := s.Err(); err != nil {
		out <- err
		return out
	}
	// An idle iterator would hold the memtable that the flush is to free.
	s.view.renew(false)
	flushed, err := s.db.AsyncFlush()
	if err != nil {
		out <- fmt.Errorf("flush %s: %w", s.dir, err)
		return out
	}
	s.asyncs.Add(1)
	go func() {
		defer s.asyncs.Done()
		select {
		case <-flushed:
			s.view.renew(false) // of what was read meanwhile
			out <- s.Err()      // of the last sync, maybe
		case <-s.failed:
			out <- s.Err()
		case <-s.abandon:
			out <- fmt.Errorf("flush %s: %w", s.dir, ErrClosed)
		}
	}()
	return out
}

// Compact flushes and compacts the whole store.
func (s *Store) Compact(ctx context.Context) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.exit()
	if err := <-s.flush(); err != nil {
		return err
	}
	if err := s.db.Compact(ctx, []byte{groupPrefix}, []byte{prefixEnd}, false); err != nil {
		return fmt.Errorf("compact %s: %w", s.dir, err)
	}
	return nil
}
