package engine

import (
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// haltFS is the file system as a store sees it. It passes everything through
// until a write or a sync of one of the store's own files fails. From then on
// nothing in the store's directory is written, made, renamed or removed.
//
// The reason: Pebble tries a failed flush again, at once and for ever. After a
// failed sync the kernel may have dropped the dirty pages and marked them clean,
// so the next sync succeeds and the data are gone. A store that has failed must
// not get the chance.
//
// Once halted, each refused operation first waits a little, so that Pebble's
// tireless flush costs no processor time until the store is closed.
//
// # What Pebble is not told
//
// Where Pebble cannot write the manifest, the marker that names it, or sync the
// directory, it has no way back: it calls Fatalf, which must not return, or panics
// on a goroutine of its own. Going on after that error leaves its picture of the
// uppermost level half changed. So these operations never fail towards Pebble. The
// store has failed before Pebble goes on, and nothing Pebble then believes to be
// on disk is promised to anybody; since nothing is removed either, the files that
// the last good manifest names stay. Pebble's own picture remains whole, so reads
// go on and Close works.
//
// # An order that is mended
//
// Pebble makes a new manifest, syncs the file, makes the marker that names it, and
// only then syncs the directory. A file system that keeps one of two new names in a
// crash may keep the marker without the manifest, and then the store does not open
// again. So the directory is synced before a marker is made.
//
// Files outside of the directory, those of a checkpoint, may fail without
// consequence for the store.
type haltFS struct {
	vfs.FS
	dir     string
	failing func(error) // told about the first failure, and maybe later ones
	halted  atomic.Bool
	opening atomic.Bool   // refuse without waiting, for Open is waiting
	hurry   chan struct{} // closed: refuse without waiting, for Close is
}

const haltPause = 50 * time.Millisecond

// halt refuses writes from now on.
func (h *haltFS) halt() { h.halted.Store(true) }

func (h *haltFS) own(name string) bool { return name == h.dir || h.PathDir(name) == h.dir }

// check returns an error where name must not be written.
func (h *haltFS) check(name string) error {
	if !h.halted.Load() || !h.own(name) {
		return nil
	}
	return h.refuse()
}

func (h *haltFS) refuse() error {
	if h.opening.Load() {
		return ErrFailed
	}
	t := time.NewTimer(haltPause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-h.hurry:
	}
	return ErrFailed
}

func (h *haltFS) file(f vfs.File, name string, err error) (vfs.File, error) {
	if err != nil || !h.own(name) {
		return f, err
	}
	return &haltFile{File: f, fs: h, silent: strings.HasPrefix(h.PathBase(name), "MANIFEST")}, nil
}

func (h *haltFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if h.own(name) && strings.HasPrefix(h.PathBase(name), "marker.") {
		return h.createMarker(name, c), nil
	}
	if err := h.check(name); err != nil {
		return nil, err
	}
	f, err := h.FS.Create(name, c)
	return h.file(f, name, err)
}

// createMarker makes the empty file name, or fails without telling.
func (h *haltFS) createMarker(name string, c vfs.DiskWriteCategory) vfs.File {
	var f vfs.File
	err := ErrFailed
	if !h.halted.Load() {
		if err = h.syncDir(); err == nil {
			f, err = h.FS.Create(name, c)
		}
		if err != nil {
			h.failing(err)
		}
	}
	if err != nil {
		return vfs.NewMemFile(nil)
	}
	return f
}

func (h *haltFS) syncDir() error {
	d, err := h.FS.OpenDir(h.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (h *haltFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	if err := h.check(name); err != nil {
		return nil, err
	}
	f, err := h.FS.OpenReadWrite(name, c, opts...)
	return h.file(f, name, err)
}

func (h *haltFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := h.check(newname); err != nil {
		return nil, err
	}
	f, err := h.FS.ReuseForWrite(oldname, newname, c)
	return h.file(f, newname, err)
}

func (h *haltFS) OpenDir(name string) (vfs.File, error) {
	f, err := h.FS.OpenDir(name)
	if err != nil || !h.own(name) {
		return f, err
	}
	return &haltDir{File: f, fs: h}, nil
}

func (h *haltFS) Link(oldname, newname string) error {
	if err := h.check(newname); err != nil {
		return err
	}
	return h.FS.Link(oldname, newname)
}

func (h *haltFS) Remove(name string) error {
	if err := h.check(name); err != nil {
		return err
	}
	return h.FS.Remove(name)
}

func (h *haltFS) RemoveAll(name string) error {
	if err := h.check(name); err != nil {
		return err
	}
	return h.FS.RemoveAll(name)
}

func (h *haltFS) Rename(oldname, newname string) error {
	if err := h.check(newname); err != nil {
		return err
	}
	return h.FS.Rename(oldname, newname)
}

func (h *haltFS) MkdirAll(dir string, perm os.FileMode) error {
	if err := h.check(dir); err != nil {
		return err
	}
	return h.FS.MkdirAll(dir, perm)
}

func (h *haltFS) Unwrap() vfs.FS { return h.FS }

// haltDir is the store's directory, open to be synced.
type haltDir struct {
	vfs.File
	fs *haltFS
}

// Sync fails without telling.
func (d *haltDir) Sync() error {
	if !d.fs.halted.Load() {
		if err := d.File.Sync(); err != nil {
			d.fs.failing(err)
		}
	}
	return nil
}

// haltFile is one of the store's own files, open for writing.
type haltFile struct {
	vfs.File
	fs     *haltFS
	silent bool // fails without telling
}

// do runs a write or a sync and reports its failure.
func (f *haltFile) do(op func() error) error {
	if f.fs.halted.Load() {
		if f.silent {
			return nil
		}
		return f.fs.refuse()
	}
	err := op()
	if err != nil {
		f.fs.failing(err)
		if f.silent {
			return nil
		}
	}
	return err
}

func (f *haltFile) Write(p []byte) (n int, err error) {
	if err = f.do(func() error { n, err = f.File.Write(p); return err }); err == nil {
		n = len(p)
	}
	return n, err
}

func (f *haltFile) WriteAt(p []byte, off int64) (n int, err error) {
	if err = f.do(func() error { n, err = f.File.WriteAt(p, off); return err }); err == nil {
		n = len(p)
	}
	return n, err
}

func (f *haltFile) Sync() error     { return f.do(f.File.Sync) }
func (f *haltFile) SyncData() error { return f.do(f.File.SyncData) }

func (f *haltFile) SyncTo(length int64) (full bool, err error) {
	err = f.do(func() error { full, err = f.File.SyncTo(length); return err })
	return full, err
}
