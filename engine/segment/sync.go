package segment

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// openSyncer opens a segment's file once more, for syncs. By the contract of
// package vfs a File is not written while it is synced, and Append must not wait
// for a disk that may take long: so the two go through files of their own. It is
// opened before anything is written, for an error of writing back is reported to
// the files that were open then.
func (l *Log) openSyncer(name string) (*handle, error) {
	f, err := l.fs.OpenReadWrite(l.path(name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, fmt.Errorf("opening %s for syncs: %w", l.path(name), err)
	}
	return newHandle(f, l.path(name)), nil
}

// Sync makes everything appended before the call durable, files and directory,
// and returns up to where that is: the position for Open. The owner records it
// together with the state that goes with it. It may be called from any goroutine;
// appends go on meanwhile.
//
// After an error of a sync the log takes no more appends: ErrHalted.
func (l *Log) Sync() (Position, error) {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	w, err := l.beginSync()
	if err != nil {
		return Position{}, err
	}
	if err := l.syncFiles(w); err != nil {
		l.write.Lock()
		defer l.write.Unlock()
		l.write.halted = fmt.Errorf("%w: %w", ErrHalted, err)
		return Position{}, l.write.halted
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.synced = w.pos
	return w.pos, nil
}

// syncWork is what makes pos durable.
type syncWork struct {
	pos       Position
	files     []*handle // syncers, held
	directory bool
}

// beginSync takes stock. What is appended from here on belongs to the next sync.
func (l *Log) beginSync() (syncWork, error) {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.mayWrite(); err != nil {
		return syncWork{}, err
	}
	if l.write.halted != nil {
		return syncWork{}, l.write.halted
	}
	a := &l.active
	w := syncWork{
		pos:       Position{Segment: a.base, Bytes: a.blocksEnd, Offset: a.end, Time: a.lastTime},
		files:     l.write.unsynced,
		directory: l.write.newFiles,
	}
	if l.write.dirty {
		w.files = append(w.files, a.syncer.retain())
	}
	l.write.unsynced, l.write.dirty, l.write.newFiles = nil, false, false
	return w, nil
}

// syncFiles syncs the files before the directory that names them.
func (l *Log) syncFiles(w syncWork) error {
	var failed error
	for _, h := range w.files {
		if failed == nil {
			failed = syncData(h)
		}
		if err := h.release(); failed == nil && err != nil {
			failed = fmt.Errorf("closing %s: %w", h.name, err)
		}
	}
	if failed != nil {
		return failed
	}
	if w.directory {
		if err := syncDir(l.fs, l.dir); err != nil {
			return err
		}
	}
	return l.ensureStart()
}

func syncData(h *handle) error {
	if err := h.file.SyncData(); err != nil {
		return fmt.Errorf("syncing %s: %w", h.name, err)
	}
	return nil
}
