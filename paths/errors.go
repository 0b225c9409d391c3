package paths

import (
	"errors"
	"fmt"
)

// The kinds of errors of this package. Every error that a path meets wraps one
// of them and says at which step of the path it was met; see StepError.
var (
	// ErrSyntax: the path is not formed as a path is.
	ErrSyntax = errors.New("malformed path")
	// ErrUnknownNavigator: no navigator has this name or number.
	ErrUnknownNavigator = errors.New("unknown navigator")
	// ErrUnknownFunction: no function has this name.
	ErrUnknownFunction = errors.New("unknown function")
	// ErrArgument: a navigator or function was given a wrong number or kind of
	// arguments, or one that cannot be sent.
	ErrArgument = errors.New("bad argument")
	// ErrType: a navigator or function met a value of a kind it cannot work on.
	ErrType = errors.New("wrong kind of value")
	// ErrRange: a position outside a list, or a number beyond 64 bits.
	ErrRange = errors.New("out of range")
	// ErrNoTerm: a branch of a transform ended without a term.
	ErrNoTerm = errors.New("path ends without a term")
	// ErrTerm: a term in a path that is to select.
	ErrTerm = errors.New("term in a select")
	// ErrNotOne: one value was asked for, and none or several were found.
	ErrNotOne = errors.New("not exactly one value")
	// ErrLimit: a limit was reached; see LimitError.
	ErrLimit = errors.New("limit reached")
	// ErrSchema: the path does not fit the schema it was checked against.
	ErrSchema = errors.New("path does not fit the schema")
	// ErrHandle: a structure whose elements are kept apart cannot be a result.
	ErrHandle = errors.New("structure is kept apart")
	// ErrNotWritable: a location that a transform cannot change.
	ErrNotWritable = errors.New("not writable")
)

// StepError is an error with the step of the path that met it. Steps count from
// 1; a step in a path that is itself an argument is named by all the steps
// around it, as "2.1" is the first step inside step 2, and, where step 2 has
// several paths, "2.3.1" the first step of its third.
type StepError struct {
	At  string // the step
	Nav string // its navigator; empty where it has no known one
	Err error
}

func (e *StepError) Error() string {
	if e.Nav == "" {
		return fmt.Sprintf("path step %s: %v", e.At, e.Err)
	}
	return fmt.Sprintf("path step %s (%s): %v", e.At, e.Nav, e.Err)
}

// Unwrap returns the error without the step.
func (e *StepError) Unwrap() error { return e.Err }

// LimitError is an ErrLimit that says which limit it was.
type LimitError struct {
	What string // what there was too much of
	Max  int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("more than %d %s: %v", e.Max, e.What, ErrLimit)
}

// Is reports that every LimitError is an ErrLimit.
func (e *LimitError) Is(target error) bool { return target == ErrLimit }

// NotOne is the error of n values where one was asked for.
func NotOne(n int) error {
	if n == 0 {
		return fmt.Errorf("no value: %w", ErrNotOne)
	}
	return fmt.Errorf("%d or more values: %w", n, ErrNotOne)
}

// fail is an error of a kind, with what was wrong before it.
func fail(kind error, format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), kind)
}

// locate adds the step to an error that has none yet.
func locate(err error, at, nav string) error {
	switch err.(type) {
	case *StepError, abort:
		return err
	}
	if err == errFound {
		return err
	}
	return &StepError{at, nav, err}
}

// abort carries an error of the caller's own functions through the steps as it
// is.
type abort struct{ error }

// errFound ends the evaluation of a path inside another one that has found what
// it looked for. It never leaves the package.
var errFound = errors.New("found")
