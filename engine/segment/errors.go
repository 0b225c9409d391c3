package segment

import (
	"errors"
	"fmt"
)

// Errors of the package. They come wrapped with the file and the place.
var (
	// ErrCorrupt is met when bytes below the recorded position are damaged or
	// missing. As a *CorruptError it says where.
	ErrCorrupt = errors.New("segment log corrupt")
	// ErrVersion is met when a file was written by a newer version.
	ErrVersion = errors.New("unknown segment version")
	// ErrOutOfRange is met when offsets are asked for that the log does not hold.
	// As a *RangeError it says which it holds.
	ErrOutOfRange = errors.New("offset out of range")
	// ErrGap is met when appended records do not begin at the log's end.
	ErrGap = errors.New("append is not at the end of the log")
	// ErrInvalid is met when an argument makes no sense.
	ErrInvalid = errors.New("invalid argument")
	// ErrTooLarge is met when a block is larger than MaxBlockBytes.
	ErrTooLarge = errors.New("block too large")
	// ErrHalted is met after a failed sync. What the file then holds is not
	// known, and a second sync may report a success that is not one (Rebello et
	// al., Can Applications Recover from fsync Failures?, ATC 2020), so the log
	// takes no more appends until it is opened again.
	ErrHalted = errors.New("segment log halted by a failed sync")
	// ErrReadOnly is met when a log opened by OpenReadOnly is to change.
	ErrReadOnly = errors.New("segment log is read-only")
	// ErrClosed is met after Close.
	ErrClosed = errors.New("segment log closed")
)

// CorruptError says where a log is damaged.
type CorruptError struct {
	File   string // path
	Byte   int64  // in the file; of a block that is damaged somewhere, its first
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%v: %s: byte %d: %s", ErrCorrupt, e.File, e.Byte, e.Reason)
}

// Is makes errors.Is(err, ErrCorrupt) true.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

func corrupt(file string, at int64, format string, args ...any) error {
	return &CorruptError{File: file, Byte: at, Reason: fmt.Sprintf(format, args...)}
}

// RangeError says which offsets were asked for and which there are, both from
// inclusive to exclusive.
type RangeError struct {
	From, To   uint64
	Start, End uint64
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("%v: asked for %d to %d, available are %d to %d", ErrOutOfRange, e.From, e.To, e.Start, e.End)
}

// Is makes errors.Is(err, ErrOutOfRange) true.
func (e *RangeError) Is(target error) bool { return target == ErrOutOfRange }
