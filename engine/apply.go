package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Apply writes the sections of the entry at index, and that index, as one atomic
// batch. Nothing of it is durable before a flush; after a crash either all of it
// is there, with everything applied before it, or nothing. The depot records of
// sections are not the store's.
//
// The index must lie above Applied and the epoch must not fall; the log hands
// entries over in order, and anything else is a bug of the caller. Apply meets
// ErrInvalidEntry, and then changes nothing. It may wait for the disk.
func (s *Store) Apply(index, epoch uint64, sections []Section) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.exit()
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.Err(); err != nil {
		return err
	}
	if at, e := s.Applied(); index <= at || epoch < e {
		panic(fmt.Sprintf("engine: entry %d of epoch %d applied after entry %d of epoch %d", index, epoch, at, e))
	}
	for i := range sections {
		if err := checkBody(sections[i].Task, sections[i].KV, sections[i].KVCount); err != nil {
			return fmt.Errorf("apply entry %d: section of task %d: %w", index, sections[i].Task, err)
		}
	}
	if err := s.commit(s.assemble(index, epoch, sections)); err != nil {
		return fmt.Errorf("apply entry %d: %w", index, err)
	}
	s.applied.Lock()
	s.applied.index, s.applied.epoch = index, epoch
	s.applied.Unlock()
	return nil
}

// pebbleHeader is the length of the header of a Pebble batch: a sequence number,
// which commit fills in, and the number of records.
const pebbleHeader = 12

// assemble makes a Pebble batch out of the applied record and the bodies.
func (s *Store) assemble(index, epoch uint64, sections []Section) []byte {
	var buf [2 * 9]byte
	val := appendApplied(buf[:0], index, epoch)
	count := uint32(1)
	repr := append(s.repr[:0], make([]byte, pebbleHeader)...)
	repr = appendRecord(repr, kindSet, appliedKey, val)
	for i := range sections {
		repr = append(repr, sections[i].KV...)
		count += sections[i].KVCount
	}
	binary.LittleEndian.PutUint32(repr[8:], count)
	s.repr = repr
	return repr
}

// commit applies a Pebble batch.
func (s *Store) commit(repr []byte) error {
	if err := s.makeRoom(len(repr)); err != nil {
		return err
	}
	defer s.batch.Reset() // now: it clears the header, and the next batch has the same bytes
	if err := s.batch.SetRepr(repr); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidEntry, err)
	}
	err := s.db.Apply(s.batch, pebble.NoSync)
	if s.batch.Len() < len(repr) {
		s.repr = nil // a batch of half a memtable and more becomes one, and keeps its bytes
	}
	if err == nil {
		err = s.Err() // Pebble reports a failed commit to its logger only
	}
	if err != nil {
		s.fail(err)
		return err
	}
	s.view.renew(false)
	return nil
}

func appendRecord(dst []byte, kind byte, key, val []byte) []byte {
	dst = append(dst, kind)
	dst = binary.AppendUvarint(dst, uint64(len(key)))
	dst = append(dst, key...)
	if kind != kindDelete {
		dst = binary.AppendUvarint(dst, uint64(len(val)))
		dst = append(dst, val...)
	}
	return dst
}

// Applied returns the index and the epoch of the last entry applied; zero where
// there is none.
func (s *Store) Applied() (index, epoch uint64) {
	s.applied.Lock()
	defer s.applied.Unlock()
	return s.applied.index, s.applied.epoch
}

// SetLocal writes a record about this replica alone: where its files were synced
// last, say. It is not part of any entry, and equal stores may differ in it. It
// becomes durable with a flush, and after a crash is there only if everything
// applied before it is. An empty val removes the record.
func (s *Store) SetLocal(name string, val []byte) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.exit()
	if err := s.Err(); err != nil {
		return err
	}
	key := localKey(nil, name)
	switch {
	case name == "" || len(key) > MaxKeyLen:
		return fmt.Errorf("local record %q: %w", clip([]byte(name)), ErrKeyTooLong)
	case len(val) > s.o.MaxValueBytes:
		return fmt.Errorf("local record %q: %w: %d bytes", name, ErrValueTooLong, len(val))
	}
	s.write.Lock()
	defer s.write.Unlock()
	kind := byte(kindSet)
	if len(val) == 0 {
		kind = kindDelete
	}
	repr := appendRecord(append(s.repr[:0], make([]byte, pebbleHeader)...), kind, key, val)
	binary.LittleEndian.PutUint32(repr[8:], 1)
	s.repr = repr
	return s.commit(repr)
}

// Local appends the value of a local record to dst.
func (s *Store) Local(dst []byte, name string) (val []byte, ok bool, err error) {
	return s.Get(dst, localKey(nil, name))
}
