package metastore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

func open(t *testing.T, fs vfs.FS) *Embedded {
	t.Helper()
	s, err := OpenEmbedded(fs, "meta")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTree(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs)
	if err := Ensure(s, "/rama/modules/a", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := Ensure(s, "/rama/modules/a", []byte("two")); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Set("/rama/modules/a", []byte("three"), 0); v != 1 || err != nil {
		t.Fatal(v, err)
	}
	for _, c := range []struct {
		err  error
		want error
	}{
		{s.Create("/rama/modules/a", nil), ErrNodeExists},
		{s.Create("/x/y", nil), ErrNoNode},
		{s.Create("x", nil), ErrBadPath},
		{s.Create("/x/", nil), ErrBadPath},
		{s.Create("/../x", nil), ErrBadPath},
		{s.Create("/big", make([]byte, MaxData+1)), ErrTooLarge},
		{second(s.Set("/rama/modules/a", nil, 0)), ErrBadVersion},
		{second(s.Set("/rama/modules/b", nil, 0)), ErrNoNode},
		{s.Delete("/rama/modules", 0), ErrNotEmpty},
		{s.Delete("/rama/modules/a", 5), ErrBadVersion},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("got %v, want %v", c.err, c.want)
		}
	}
	s.Close()
	if _, _, err := s.Get("/rama"); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	s = open(t, fs)
	if b, v, err := s.Get("/rama/modules/a"); string(b) != "three" || v != 1 || err != nil {
		t.Errorf("%q, %d, %v", b, v, err)
	}
	if names, err := s.Children("/rama"); !slices.Equal(names, []string{"modules"}) || err != nil {
		t.Error(names, err)
	}
}

func second[T any](_ T, err error) error { return err }

// Of all that write to one version, one wins.
func TestVersionsDecide(t *testing.T) {
	s := open(t, vfs.NewMem())
	if err := s.Create("/n", nil); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := map[Version]int{}
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				_, v, _ := s.Get("/n")
				if now, err := s.Set("/n", fmt.Appendf(nil, "%d", i), v); err == nil {
					mu.Lock()
					won[now]++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for v, n := range won {
		if n != 1 {
			t.Errorf("version %d was written %d times", v, n)
		}
	}
}

// A crash, or a failure, at any operation leaves the state before or after the
// change, and the one after if the change was acknowledged.
func TestCrash(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		mem := vfs.NewCrashableMem()
		left := rng.IntN(60)
		fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if left--; left < 0 {
				return errorfs.ErrInjected
			}
			return nil
		}))
		acked := -1
		if s, err := OpenEmbedded(fs, "meta"); err == nil {
			if s.Create("/n", []byte("-1")) == nil {
				for i := range 20 {
					if _, err := s.Set("/n", fmt.Appendf(nil, "%d", i), Version(i)); err != nil {
						if !errors.Is(err, ErrUnknown) {
							t.Fatal(err)
						}
						break
					}
					acked = i
				}
			}
		}
		s := open(t, mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(3) * 50, RNG: rng}))
		b, _, err := s.Get("/n")
		if acked >= 0 && err != nil {
			t.Fatalf("seed %d: acked %d, then %v", seed, acked, err)
		}
		var got int
		if err == nil {
			fmt.Sscan(string(b), &got)
			if got < acked || got > acked+1 {
				t.Fatalf("seed %d: acked %d, then found %d", seed, acked, got)
			}
		}
	}
}

func TestDamage(t *testing.T) {
	fs := vfs.NewMem()
	s := open(t, fs)
	if err := s.Create("/n", []byte("data")); err != nil {
		t.Fatal(err)
	}
	b, _ := readFile(fs, "meta/metastore")
	for i := range b {
		bad := slices.Clone(b)
		bad[i] ^= 4
		write(t, fs, bad)
		if _, err := OpenEmbedded(fs, "meta"); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNewerFormat) {
			t.Errorf("byte %d flipped: %v", i, err)
		}
	}
	bad := slices.Clone(b)
	bad[len(fileMagic)] = 9
	write(t, fs, bad)
	if _, err := OpenEmbedded(fs, "meta"); !errors.Is(err, ErrNewerFormat) || !strings.Contains(err.Error(), "9") {
		t.Error(err)
	}
}

func write(t *testing.T, fs vfs.FS, b []byte) {
	f, err := fs.Create("meta/metastore", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func FuzzDecodeTree(f *testing.F) {
	f.Add(encodeTree(map[string]node{"/a": {3, []byte("x")}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		tree, err := decodeTree(b)
		if err != nil {
			return
		}
		if again, err := decodeTree(encodeTree(tree)); err != nil || len(again) != len(tree) {
			t.Fatal(again, err)
		}
	})
}
