package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
)

// Files of a store that are missing or damaged are told when it is opened, or when
// they are read.
func TestDamagedFiles(t *testing.T) {
	for name, damage := range map[string]func(fs *vfs.MemFS, name string) bool{
		"missing table": func(fs *vfs.MemFS, name string) bool {
			return strings.HasSuffix(name, ".sst") && fs.Remove("store/"+name) == nil
		},
		"cut table": func(fs *vfs.MemFS, name string) bool {
			return strings.HasSuffix(name, ".sst") && cutFile(fs, name, 10)
		},
		"cut manifest": func(fs *vfs.MemFS, name string) bool {
			return strings.HasPrefix(name, "MANIFEST") && cutFile(fs, name, 3)
		},
		"missing manifest": func(fs *vfs.MemFS, name string) bool {
			return strings.HasPrefix(name, "MANIFEST") && fs.Remove("store/"+name) == nil
		},
	} {
		fs := vfs.NewMem()
		s := mustOpen(t, fs)
		mustApply(t, s, 1, 1, setSection(0, 0, 100, "v"))
		s.Close()
		names, _ := fs.List("store")
		damaged := false
		for _, n := range names {
			damaged = damage(fs, n) || damaged
		}
		o := testOptions(fs)
		o.Fatal = func(error) {}
		s, err := Open("store", o)
		if err == nil {
			err = errors.Join(s.Check(), s.CloseAbrupt())
		}
		if !damaged || !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v, %v", name, damaged, err)
		}
	}
}

func cutFile(fs vfs.FS, name string, size int) bool {
	b := make([]byte, size)
	f, err := fs.Open("store/" + name)
	if err != nil {
		return false
	}
	f.ReadAt(b, 0)
	f.Close()
	f, err = fs.Create("store/"+name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return false
	}
	f.Write(b)
	return f.Close() == nil
}

func TestOpenRefuses(t *testing.T) {
	t.Run("in use", func(t *testing.T) {
		for name, o := range map[string]Options{"memory": testOptions(vfs.NewMem()), "disk": testOptions(vfs.Default)} {
			dir := t.TempDir() + "/deep/store"
			s, err := Open(dir, o)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, err := Open(dir, o); !errors.Is(err, ErrInUse) {
				t.Errorf("%s: %v", name, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if s, err = Open(dir, o); err != nil {
				t.Errorf("%s: after close: %v", name, err)
			} else {
				s.Close()
			}
		}
	})
	t.Run("newer files", func(t *testing.T) {
		fs := vfs.NewMem()
		mustOpen(t, fs).Close()
		m, _, err := atomicfs.LocateMarker(fs, "store", "format-version")
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Move("099"); err != nil {
			t.Fatal(err)
		}
		m.Close()
		_, err = Open("store", testOptions(fs))
		if !errors.Is(err, ErrNewerFormat) || !strings.Contains(err.Error(), "99") || !strings.Contains(err.Error(), "24") {
			t.Error(err)
		}
	})
	t.Run("newer keys", func(t *testing.T) {
		fs := vfs.NewMem()
		s := mustOpen(t, fs)
		writeRaw(t, s, formatKey, AppendOrdered(nil, 300))
		s.Close()
		_, err := Open("store", testOptions(fs))
		if !errors.Is(err, ErrNewerFormat) || !strings.Contains(err.Error(), "300") || !strings.Contains(err.Error(), "knows 1") {
			t.Error(err)
		}
	})
	t.Run("other comparer", func(t *testing.T) {
		fs := vfs.NewMem()
		db, err := pebble.Open("store", &pebble.Options{FS: fs, Logger: pebbleLogger{&Store{o: testOptions(fs).withDefaults()}}})
		if err != nil {
			t.Fatal(err)
		}
		db.Close()
		if _, err = Open("store", testOptions(fs)); err == nil || !strings.Contains(err.Error(), "rama.key.v1") {
			t.Error(err)
		}
	})
	t.Run("damaged records", func(t *testing.T) {
		for name, damage := range map[string]func(*Store){
			"applied":    func(s *Store) { writeRaw(t, s, appliedKey, []byte{0xf0}) },
			"no applied": func(s *Store) { deleteRaw(t, s, appliedKey) },
			"no format":  func(s *Store) { deleteRaw(t, s, formatKey) },
		} {
			fs := vfs.NewMem()
			s := mustOpen(t, fs)
			damage(s)
			s.Close()
			if _, err := Open("store", testOptions(fs)); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("options", func(t *testing.T) {
		_, err := Open("store", Options{FS: vfs.NewMem(), MemTableSize: 1, BlockSize: 1, L0Stop: 1, MemTableStop: 1, BloomBits: 1000, MaxValueBytes: -1, Compression: 9})
		for _, want := range []string{"MemTableSize", "BlockSize", "L0Stop", "MemTableStop", "BloomBits", "MaxValueBytes", "Compression"} {
			if !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s is not in %v", want, err)
			}
		}
		if _, err := NewShared(SharedOptions{CacheBytes: -1}); !errors.Is(err, ErrOptions) {
			t.Error(err)
		}
	})
}

func writeRaw(t *testing.T, s *Store, key, val []byte) {
	t.Helper()
	if err := s.db.Set(key, val, pebble.NoSync); err != nil {
		t.Fatal(err)
	}
}

func deleteRaw(t *testing.T, s *Store, key []byte) {
	t.Helper()
	if err := s.db.Delete(key, pebble.NoSync); err != nil {
		t.Fatal(err)
	}
}

func TestCheckFindsFaults(t *testing.T) {
	for name, c := range map[string]struct{ key, val []byte }{
		"unknown group record": {[]byte{0, 9}, nil},
		"short group record":   {[]byte{0}, nil},
		"bad format record":    {formatKey, []byte{1, 1}},
		"not a key":            {[]byte{1, 0xff}, nil},
		"task of nobody":       {testKey(9, 1), nil},
		"bad path key":         {append(AppendPrefix(nil, 0, 1, 1), 0x30, 'a'), nil},
		"long key":             {append(AppendPrefix(nil, 0, 1, 1), make([]byte, MaxKeyLen)...), nil},
	} {
		s := mustOpen(t, vfs.NewMem())
		mustApply(t, s, 1, 1, setSection(0, 0, 5, "v"))
		if err := s.Check(0); err != nil {
			t.Errorf("a sound store: %v", err)
		}
		writeRaw(t, s, c.key, c.val)
		if err := s.Check(0); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
	}
}
