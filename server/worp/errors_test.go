package worp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"rama/engine/value"
)

var errTestSentinel = errors.New("sentinel of a test")

func init() { Register(CodeConflict, errTestSentinel) }

// acrossTheWire is what err becomes at the other end.
func acrossTheWire(t *testing.T, err error) error {
	t.Helper()
	e := new(Error)
	if err := e.Decode(ErrorOf(err).Append(nil)); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestErrorsKeepTheirIdentity(t *testing.T) {
	for _, c := range []struct {
		err  error
		code Code
		is   []error
	}{
		{CodeNotLeader, CodeNotLeader, []error{CodeNotLeader}},
		{fmt.Errorf("%w: of task 3", CodeNotLeader), CodeNotLeader, []error{CodeNotLeader}},
		{&Error{Code: CodeSchema, Message: "m"}, CodeSchema, []error{CodeSchema}},
		{fmt.Errorf("append: %w", errTestSentinel), CodeConflict, []error{CodeConflict, errTestSentinel}},
		{context.DeadlineExceeded, CodeTimeout, []error{CodeTimeout, context.DeadlineExceeded}},
		{context.Canceled, CodeCancelled, []error{CodeCancelled, context.Canceled}},
		{fmt.Errorf("x: %w", value.ErrInvalid), CodeBadPayload, []error{CodeBadPayload, value.ErrInvalid}},
		{&LostError{Sent: true, Cause: CodeFlowControl}, CodeUnknownOutcome, []error{CodeUnknownOutcome}},
		{&LostError{Cause: CodeFlowControl}, CodeUnavailable, []error{CodeUnavailable}},
		{ErrQueueFull, CodeOverloaded, []error{CodeOverloaded}},
		{errors.New("anything"), CodeInternal, []error{CodeInternal}},
	} {
		far := acrossTheWire(t, c.err)
		if CodeOf(c.err) != c.code || CodeOf(far) != c.code {
			t.Errorf("%v: code %v here, %v there", c.err, CodeOf(c.err), CodeOf(far))
		}
		for _, target := range c.is {
			if !errors.Is(far, target) {
				t.Errorf("%v came as %v, which is not %v", c.err, far, target)
			}
		}
		if errors.Is(far, CodeNotFound) || errors.Is(far, errors.New("other")) {
			t.Errorf("%v is too much", far)
		}
	}
	lost := error(&LostError{Sent: true, Cause: CodeFlowControl})
	if !errors.Is(lost, ErrConnectionLost) || !errors.Is(lost, CodeUnknownOutcome) || errors.Is(lost, CodeUnavailable) || Retryable(lost) {
		t.Error(lost)
	}
	if !Retryable(&LostError{}) || !Retryable(CodeNotHere) || Retryable(CodeTimeout) || Retryable(nil) {
		t.Error("retryable")
	}
}

// Messages are cut at their limit, without half characters; a detail beyond its
// limit is left out, so that every error fits into the least frame.
func TestErrorLimits(t *testing.T) {
	e := ErrorOf(errors.New("a" + strings.Repeat("é", maxMessage)))
	if len(e.Message) > maxMessage || !utf8.ValidString(e.Message) {
		t.Fatal(len(e.Message), utf8.ValidString(e.Message))
	}
	small, large := mapOf("k", value.String("v")), mapOf("k", value.String(strings.Repeat("v", maxDetail)))
	if !value.Equal(ErrorOf(&Error{Code: CodeRange, Detail: small}).Detail, small) || !ErrorOf(&Error{Code: CodeRange, Detail: large}).Detail.IsNil() {
		t.Fatal("details")
	}
	if got := (&Error{Code: CodeRange}).Error(); got != "range" {
		t.Fatal(got)
	}
	if got := Code(7777); got.Error() != "code_7777" || got.Info().HTTP != 500 || Retryable(got) {
		t.Fatal(got)
	}
}

func TestRegisterRefusesBugs(t *testing.T) {
	Register(CodeConflict, errTestSentinel) // once more is nothing new
	for _, bug := range []func(){
		func() { Register(CodeNotFound, errTestSentinel) },
		func() { Register(Code(7777), errors.New("x")) },
		func() { Register(CodeNotFound, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			bug()
		}()
	}
}

// The table is in order, names and numbers are used once.
func TestCodeTable(t *testing.T) {
	names := map[string]bool{}
	last := Code(0)
	for _, c := range Codes() {
		if c.Code <= last || names[c.Name] || c.Name == "" || c.Meaning == "" || c.HTTP < 400 {
			t.Errorf("%+v", c)
		}
		last, names[c.Name] = c.Code, true
		if c.Code.Error() != c.Name {
			t.Errorf("%v", c.Code)
		}
	}
}

func TestOptionsNameEveryFault(t *testing.T) {
	_, err := NewServer(Options{MaxFrame: 1, RequestWindow: 1, MaxCalls: -1, PingInterval: 1 << 62, Name: strings.Repeat("x", 2000)})
	for _, want := range []string{"MaxFrame is 1", "RequestWindow is 1", "MaxCalls is -1", "PingInterval", "length of Name is 2000"} {
		if !errors.Is(err, CodeArgument) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	if _, err := Dial(context.Background(), "x", Options{MaxFrame: 1}); !errors.Is(err, CodeArgument) {
		t.Error(err)
	}
	if _, err := NewPeer("x", Options{MaxFrame: 1}); !errors.Is(err, CodeArgument) {
		t.Error(err)
	}
}
