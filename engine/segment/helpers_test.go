package segment

import (
	"bytes"
	"io"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const dir = "log"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustOpen(t testing.TB, fs vfs.FS, o Options, pos Position) *Log {
	t.Helper()
	l, err := Open(fs, dir, o, pos)
	must(t, err)
	return l
}

func payloadOf(recs ...string) []byte {
	var b []byte
	for _, r := range recs {
		b = AppendRecord(b, []byte(r))
	}
	return b
}

func mustAppend(t testing.TB, l *Log, millis int64, recs ...string) {
	t.Helper()
	_, err := l.Append(l.End(), millis, payloadOf(recs...), uint32(len(recs)))
	must(t, err)
}

func mustSync(t testing.TB, l *Log) Position {
	t.Helper()
	pos, err := l.Sync()
	must(t, err)
	return pos
}

func fileBytes(t testing.TB, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	must(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	must(t, err)
	return b
}

// writeFile replaces a file, durably.
func writeFile(t testing.TB, fs vfs.FS, name string, b []byte) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	must(t, err)
	_, err = f.Write(b)
	must(t, err)
	must(t, f.Sync())
	must(t, f.Close())
}

// readOne reads the single block b of log 0.
func readOne(b []byte) error {
	r := blockReader{salt: saltOf(0), maxAhead: 1 << 10}
	r.seek(bytes.NewReader(b), "block", 0, int64(len(b)), 0)
	h, stored, err := r.read()
	if err == nil {
		_, _, err = r.decode(&h, stored)
	}
	return err
}
