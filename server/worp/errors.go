package worp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"rama/engine/value"
)

// Error is an error as it travels: the payload of an ERROR frame.
//
//	code     uvarint
//	message  uvarint length, UTF-8
//	detail   a value: null or a map of what a program can use, such as the
//	         address to go to
//
// errors.Is finds in it its Code and every sentinel registered for that code.
type Error struct {
	Code    Code
	Message string
	Detail  value.Value
}

// Error is the message, or the code's name where there is none.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code.Error()
	}
	return e.Message
}

// Is reports whether target is the error's code or a sentinel registered for it.
func (e *Error) Is(target error) bool {
	if c, ok := target.(Code); ok {
		return c == e.Code
	}
	for _, r := range *registered.Load() {
		if r.code == e.Code && r.sentinel == target {
			return true
		}
	}
	return false
}

type registration struct {
	code     Code
	sentinel error
}

var registered = func() *atomic.Pointer[[]registration] {
	p := new(atomic.Pointer[[]registration])
	p.Store(&[]registration{
		{CodeTimeout, context.DeadlineExceeded},
		{CodeCancelled, context.Canceled},
		{CodeBadPayload, value.ErrInvalid},
		{CodeValueTooLarge, value.ErrTooLarge},
	})
	return p
}()

// Register says that errors which wrap sentinel travel as code, and that errors
// of that code which arrive are sentinel. It is meant for init functions of the
// packages that own sentinels. Sentinels that share a code cannot be told apart
// behind a connection. An unknown code, and a sentinel registered for two codes,
// are bugs of the caller.
func Register(code Code, sentinel error) {
	if _, known := code.find(); !known || sentinel == nil {
		panic(fmt.Sprintf("worp: Register(%d, %v)", code, sentinel))
	}
	for {
		old := registered.Load()
		for _, r := range *old {
			if r.sentinel == sentinel && r.code != code {
				panic(fmt.Sprintf("worp: %v registered as %v and %v", sentinel, r.code, code))
			}
			if r.sentinel == sentinel {
				return
			}
		}
		next := append(append([]registration(nil), *old...), registration{code, sentinel})
		if registered.CompareAndSwap(old, &next) {
			return
		}
	}
}

// CodeOf is the code by which err travels: the Code or *Error that it wraps, or
// the code of the first registered sentinel that it wraps, or CodeInternal.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	var c Code
	if errors.As(err, &c) {
		return c
	}
	for _, r := range *registered.Load() {
		if errors.Is(err, r.sentinel) {
			return r.code
		}
	}
	return CodeInternal
}

// Retryable reports whether the request that err answers had no effect and may
// succeed when it is sent again, perhaps to another worker.
func Retryable(err error) bool { return err != nil && CodeOf(err).Info().Retryable }

const (
	// maxMessage and maxDetail bound the parts of an error on the wire, in bytes,
	// so that every error fits into the least frame that a side may allow.
	maxMessage = 4 << 10
	maxDetail  = 2 << 10
)

// ErrorOf is err as it travels. The detail is that of the *Error which err wraps,
// or null where it is longer than 2 KiB.
func ErrorOf(err error) *Error {
	out := &Error{Code: CodeOf(err), Message: err.Error()}
	var e *Error
	if errors.As(err, &e) && len(value.Encode(e.Detail)) <= maxDetail {
		out.Detail = e.Detail
	}
	if len(out.Message) > maxMessage {
		out.Message = out.Message[:maxMessage]
	}
	// Without what the cut left of a character; none becomes longer by this.
	out.Message = strings.ToValidUTF8(out.Message, "?")
	return out
}

// Append appends the payload of an ERROR frame to dst.
func (e *Error) Append(dst []byte) []byte {
	dst = appendUint(dst, uint64(e.Code))
	dst = appendString(dst, e.Message)
	return value.Append(dst, e.Detail)
}

// Decode reads the payload of an ERROR frame.
func (e *Error) Decode(b []byte) error {
	d := decoder{b: b, msg: "ERROR"}
	e.read(&d)
	return d.end()
}

func (e *Error) read(d *decoder) {
	if e.Code = Code(d.uint("code", 1<<16-1)); e.Code == 0 {
		d.fail("code", "is 0")
	}
	e.Message = d.string("message", maxMessage)
	e.Detail = d.value("detail")
	if k := e.Detail.Kind(); d.err == nil && k != value.KindNil && k != value.KindMap {
		d.fail("detail", "is a %s, neither null nor a map", k)
	}
}

func errorf(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Message: c.Error() + ": " + fmt.Sprintf(format, args...)}
}
