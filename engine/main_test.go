package engine

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"rama/engine/value"
)

func TestMain(m *testing.M) {
	flag.Parse()
	set := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { set[f.Name] = true })
	if !set["rapid.checks"] {
		_ = flag.Set("rapid.checks", "500")
	}
	if !set["rapid.steps"] {
		_ = flag.Set("rapid.steps", "60")
	}
	goleak.VerifyTestMain(closing{m})
}

// closing closes the store of the benchmarks before leaks are looked for.
type closing struct{ m *testing.M }

func (c closing) Run() int {
	code := c.m.Run()
	if benchStore != nil {
		if err := errors.Join(benchStore.Close(), benchStore.o.Shared.Close()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// testOptions are options for a small store in memory.
func testOptions(fs vfs.FS) Options {
	o := Options{FS: fs, MemTableSize: minMemTableSize, SlowDisk: -1}
	if os.Getenv("ENGINE_LOG") != "" {
		o.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	} else {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return o
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func mustOpen(t failer, fs vfs.FS) *Store {
	t.Helper()
	s, err := Open("store", testOptions(fs))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

func openTest(t *testing.T) *Store {
	s := mustOpen(t, vfs.NewMem())
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	return s
}

// testKey is a key of task t.
func testKey(t TaskID, i int64) []byte {
	return value.AppendKey(AppendPrefix(nil, t, 20, 1), value.Int(i))
}
