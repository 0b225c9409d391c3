package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"rama/engine/value"
)

// Checkpoint makes dir, which must not exist, a store of its own that holds
// everything applied before, and maybe what was applied meanwhile: its own
// applied record tells. Files are hard links where that is possible, so dir should
// lie on the same file system. What fails leaves nothing behind in dir, and the
// store goes on.
func (s *Store) Checkpoint(dir string) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.exit()
	err := <-s.flush() // a checkpoint takes files only, and there is no log of ours to take
	if err == nil {
		err = s.checkpoint(dir)
	}
	if err != nil {
		return fmt.Errorf("checkpoint of %s at %s: %w", s.dir, dir, err)
	}
	return nil
}

func (s *Store) checkpoint(dir string) (err error) {
	defer func() {
		if r := recover(); r != nil { // Pebble panics where it cannot sync a directory
			if err, _ = r.(error); err == nil {
				panic(r)
			}
		}
		if err == nil {
			err = s.Err() // what was copied may be what failed
		}
		if err != nil && !errors.Is(err, ErrExists) {
			err = errors.Join(err, s.o.FS.RemoveAll(dir))
		}
	}()
	if err = s.db.Checkpoint(dir); errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("%w: %w", ErrExists, err)
	}
	return err
}

// Check reads everything and verifies it: the checksums of all blocks, the order
// of the levels, that every key has the form that keys.go draws, and that it
// belongs to one of the tasks, where tasks are named. It returns all faults found,
// up to a hundred.
func (s *Store) Check(tasks ...TaskID) error {
	snap := s.NewSnapshot()
	defer snap.Close()
	if err := snap.enter(); err != nil {
		return err
	}
	defer snap.life.RUnlock()
	var faults []error
	if err := s.db.CheckLevels(nil); err != nil {
		faults = append(faults, fmt.Errorf("%w: %w", ErrCorrupt, err))
	}
	it := snap.view.iter(nil, nil)
	for ok := it.First(); ok && len(faults) < 100; ok = it.Next() {
		if err := checkKey(it.Key(), it.Value(), tasks); err != nil {
			faults = append(faults, err)
		}
	}
	if err := it.Close(); err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		return fmt.Errorf("check %s: %w", s.dir, errors.Join(faults...))
	}
	return nil
}

func checkKey(key, val []byte, tasks []TaskID) error {
	if key[0] == groupPrefix {
		return checkMetaKey(key, val)
	}
	t, o, _, rest, err := DecodePrefix(key)
	if err != nil {
		return err
	}
	if len(tasks) > 0 && !slices.Contains(tasks, t) {
		return badKey(key, fmt.Sprintf("belongs to task %d", t))
	}
	if len(key) > MaxKeyLen {
		return badKey(key, fmt.Sprintf("%d bytes long", len(key)))
	}
	for len(rest) > 0 {
		n, err := value.KeyLen(rest)
		if err != nil {
			return fmt.Errorf("%w: key %x of object %d: %w", ErrCorrupt, clip(key), o, err)
		}
		rest = rest[n:]
	}
	return nil
}
