package segment

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// teller runs the commands of a transcript.
type teller struct {
	t         *testing.T
	fs        *vfs.MemFS
	opts      Options
	log       *Log
	positions map[string]Position
}

// TestTranscripts tells the hard cases: testdata/*. The commands:
//
//	open [pos=name] [segment-bytes=n] [pack-bytes=n]   the zero position by default
//	append time=t, a record in each line
//	sync pos=name, recorded pos=name, seal, trim before=n, close
//	crash [kept=percent], the disk as it may be after; the log is not open then
//	read [from=n], at-time millis=t, ls, check pos=name
//	flip file=name byte=n, rm file=name
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		w := &teller{t: t, fs: vfs.NewCrashableMem(), positions: map[string]Position{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			w.t = t
			out, err := w.run(d)
			if err != nil {
				return out + "error: " + err.Error() + "\n"
			}
			return out
		})
	})
}

func (w *teller) arg(d *datadriven.TestData, name string, dest any) {
	if d.HasArg(name) {
		d.ScanArgs(w.t, name, dest)
	}
}

func (w *teller) position(d *datadriven.TestData) (name string, pos Position) {
	w.arg(d, "pos", &name)
	return name, w.positions[name]
}

func (w *teller) run(d *datadriven.TestData) (string, error) {
	switch d.Cmd {
	case "open":
		return w.open(d)
	case "append":
		return w.append(d)
	case "sync":
		name, _ := w.position(d)
		pos, err := w.log.Sync()
		w.positions[name] = pos
		return fmt.Sprintln(pos), err
	case "recorded":
		_, pos := w.position(d)
		return "", w.log.Recorded(pos)
	case "seal":
		ok, err := w.log.SealNext()
		return fmt.Sprintln(ok), err
	case "trim":
		var before uint64
		w.arg(d, "before", &before)
		return "", w.log.TrimBefore(before)
	case "close":
		return "", w.log.Close()
	case "crash":
		var kept int
		w.arg(d, "kept", &kept)
		w.fs = w.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: rand.New(rand.NewPCG(1, 2))})
		return w.ls()
	case "read":
		return w.read(d)
	case "at-time":
		var millis int64
		w.arg(d, "millis", &millis)
		at, err := w.log.OffsetAtTime(millis)
		return fmt.Sprintln(at), err
	case "ls":
		return w.ls()
	case "check":
		_, pos := w.position(d)
		rep, err := Check(w.fs, dir, w.opts, pos)
		return fmt.Sprintf("%+v\n", rep), err
	case "flip", "rm":
		return "", w.damage(d)
	}
	return "", fmt.Errorf("no command %s", d.Cmd)
}

func (w *teller) open(d *datadriven.TestData) (out string, err error) {
	_, pos := w.position(d)
	w.arg(d, "segment-bytes", &w.opts.SegmentBytes)
	w.arg(d, "pack-bytes", &w.opts.PackBytes)
	if w.log, err = Open(w.fs, dir, w.opts, pos); err != nil {
		return "", err
	}
	start, end := w.log.Bounds()
	return fmt.Sprintf("%d to %d\n", start, end), nil
}

func (w *teller) append(d *datadriven.TestData) (string, error) {
	var time int64
	w.arg(d, "time", &time)
	recs := strings.Split(strings.TrimSpace(d.Input), "\n")
	base := w.log.End()
	stored, err := w.log.Append(base, time, payloadOf(recs...), uint32(len(recs)))
	return fmt.Sprintf("%d to %d at %d\n", base, w.log.End(), stored), err
}

func (w *teller) read(d *datadriven.TestData) (string, error) {
	from, to := w.log.Bounds()
	w.arg(d, "from", &from)
	var b strings.Builder
	_, err := w.log.Read(from, to, 0, func(offset uint64, time int64, rec []byte) error {
		fmt.Fprintf(&b, "%d at %d: %s\n", offset, time, rec)
		return nil
	})
	return b.String(), err
}

func (w *teller) ls() (string, error) {
	return w.fs.String(), nil
}

func (w *teller) damage(d *datadriven.TestData) error {
	var name string
	d.ScanArgs(w.t, "file", &name)
	name = dir + "/" + name
	if d.Cmd == "rm" {
		return w.fs.Remove(name)
	}
	var at int
	d.ScanArgs(w.t, "byte", &at)
	b := fileBytes(w.t, w.fs, name)
	b[at] ^= 1
	writeFile(w.t, w.fs, name, b)
	return nil
}
