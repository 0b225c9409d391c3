package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
)

// What is done to the directory of a store before Pebble opens it.

// lockDir makes the directory, where it is not there, and locks it.
func (s *Store) lockDir() error {
	if err := makeDir(s.o.FS, s.dir); err != nil {
		return err
	}
	lock, err := pebble.LockDirectory(s.dir, s.o.FS)
	var path *fs.PathError // the lock file could not be made
	switch {
	case err == nil:
		s.lock = lock
		return nil
	case errors.As(err, &path):
		return err
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EACCES), err.Error() == "lock held by current process":
		return fmt.Errorf("%w: %w", ErrInUse, err)
	}
	return err
}

// makeDir makes a directory and those above it, and syncs each into the one above.
func makeDir(files vfs.FS, dir string) error {
	if _, err := files.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	above := files.PathDir(dir)
	if above != dir {
		if err := makeDir(files, above); err != nil {
			return err
		}
	}
	if err := files.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	d, err := files.OpenDir(above)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// checkPebbleFormat refuses a store that a newer Pebble wrote before Pebble
// touches it, so that the message can name both versions.
func checkPebbleFormat(files vfs.FS, dir string) error {
	v, err := atomicfs.ReadMarker(files, dir, "format-version")
	if err != nil || v == "" {
		return err
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: format version %q", ErrCorrupt, v)
	}
	if n > uint64(pebbleFormat) {
		return fmt.Errorf("%w: files have format %d, this program knows %d", ErrNewerFormat, n, uint64(pebbleFormat))
	}
	return nil
}

// removeLogs removes Pebble's log files. Pebble makes one at each opening and,
// with its log switched off, never writes to it. But where it finds one it replays
// and flushes before Open returns, for nothing, and if that flush fails it tries
// again for ever.
func removeLogs(files vfs.FS, dir string) error {
	names, err := files.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".log") {
			if err := files.Remove(files.PathJoin(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// openError gives an error of opening the words of this package.
func openError(err error) error {
	if pebble.IsCorruptionError(err) || errors.Is(err, fs.ErrNotExist) || // a file that the manifest names
		strings.Contains(err.Error(), "object size mismatch") { // has no type
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}
