package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// counters count what happened since the store was opened.
type counters struct {
	stalls, stallNanos     atomic.Uint64
	slowDisk, lowDiskSpace atomic.Uint64
	backgroundErrors       atomic.Uint64
	corruptions            atomic.Uint64
	flushes, compactions   atomic.Uint64
}

// listener turns Pebble's events into log lines, counters and, where something
// failed, into the failure of the store. Pebble calls it with its own locks held:
// nothing here may call Pebble.
func (s *Store) listener() *pebble.EventListener {
	log := s.o.Logger
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			s.count.backgroundErrors.Add(1)
			if !errors.Is(err, ErrFailed) { // an echo of the first failure
				s.fail(fmt.Errorf("background work: %w", err))
			}
		},
		DataCorruption: func(i pebble.DataCorruptionInfo) {
			s.count.corruptions.Add(1)
			s.fail(fmt.Errorf("%w: file %s: %v", ErrCorrupt, i.Path, i.Details))
		},
		FlushEnd: func(i pebble.FlushInfo) {
			s.count.flushes.Add(1)
			log.Debug("flush", "dir", s.dir, "bytes", i.InputBytes, "time", i.TotalDuration)
			s.relieved()
		},
		CompactionEnd: func(i pebble.CompactionInfo) {
			s.count.compactions.Add(1)
			log.Debug("compaction", "dir", s.dir, "reason", i.Reason, "time", i.TotalDuration, "error", i.Err)
			s.relieved()
		},
		LowDiskSpace: func(i pebble.LowDiskSpaceInfo) {
			s.count.lowDiskSpace.Add(1)
			log.Warn("disk space is low", "dir", s.dir, "percent", i.PercentThreshold, "available", i.AvailBytes)
		},
		PossibleAPIMisuse: func(i pebble.PossibleAPIMisuseInfo) {
			log.Error("pebble is misused", "dir", s.dir, "info", i.String())
		},
		WriteStallBegin: func(i pebble.WriteStallBeginInfo) { // its thresholds are out of reach
			log.Error("pebble stalls writes", "dir", s.dir, "reason", i.Reason)
		},
	}
}

func (s *Store) diskSlow(i vfs.DiskSlowInfo) {
	s.count.slowDisk.Add(1)
	s.o.Logger.Warn("disk is slow", "path", i.Path, "op", i.OpType.String(), "bytes", i.WriteSize, "time", i.Duration)
}

// pebbleLogger carries Pebble's messages to slog.
type pebbleLogger struct {
	s *Store
}

func (l pebbleLogger) Infof(format string, args ...any) { l.print(slog.LevelDebug, format, args) }

func (l pebbleLogger) Errorf(format string, args ...any) { l.print(slog.LevelWarn, format, args) }

func (l pebbleLogger) print(level slog.Level, format string, args []any) {
	if log := l.s.o.Logger; log.Enabled(context.Background(), level) {
		log.Log(context.Background(), level, fmt.Sprintf(format, args...), "dir", l.s.dir)
	}
}

// Fatalf is called by Pebble where it does not know how to go on. A message about
// an error is the world failing, mostly a write of the manifest: the store fails,
// and then returning is safe, for nothing can be written any more. Anything else
// is a broken invariant of Pebble.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	for _, a := range args {
		if err, ok := a.(error); ok {
			l.s.fail(fmt.Errorf("pebble: %w", err))
			return
		}
	}
	panic("pebble: " + fmt.Sprintf(format, args...))
}
