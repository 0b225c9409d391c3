package worp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
)

// held is a handler that answers when it is told to.
type held struct {
	mu   sync.Mutex
	reqs []*Request
	came chan struct{}
}

func newHeld() *held { return &held{came: make(chan struct{}, 1000)} }

func (h *held) Handle(r *Request) {
	h.mu.Lock()
	h.reqs = append(h.reqs, r)
	h.mu.Unlock()
	h.came <- struct{}{}
}

// take returns the requests that came since it was called last.
func (h *held) take() []*Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	reqs := h.reqs
	h.reqs = nil
	return reqs
}

func (h *held) answerAll(t *testing.T) {
	for _, r := range h.take() {
		if err := r.Reply([]byte("late")); err != nil {
			t.Error(err)
		}
	}
}

// Shutdown waits for what is open and loses none of its answers, over TCP, where
// closing too early would.
func TestShutdownLosesNothing(t *testing.T) {
	h := newHeld()
	n := serveTCP(t, Options{Handler: h})
	const calls = 100
	results := make(chan error, 2*calls)
	var conns []*Conn
	for range 2 {
		c := n.dial(t, Options{})
		conns = append(conns, c)
		for range calls {
			go func() {
				got, err := c.Call(context.Background(), TypeStatus, make([]byte, 1000))
				if err == nil && string(got) != "late" {
					err = errors.New(string(got))
				}
				results <- err
			}()
		}
	}
	for range 2 * calls {
		<-h.came
	}
	down := make(chan error, 1)
	go func() { down <- n.Shutdown(timeout(t, time30)) }()
	for conns[0].takesCalls() || conns[1].takesCalls() { // until GOAWAY has come
		<-tick()
	}
	if _, err := conns[0].Call(context.Background(), TypeStatus, nil); !errors.Is(err, CodeShuttingDown) {
		t.Error(err)
	}
	if _, err := Dial(context.Background(), n.addr, Options{}); !errors.Is(err, CodeUnavailable) || !strings.Contains(err.Error(), "503") {
		t.Error(err)
	}
	h.answerAll(t)
	for range 2 * calls {
		if err := <-results; err != nil {
			t.Fatal(err)
		}
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
	for _, c := range conns {
		<-c.Done()
		if !errors.Is(c.Err(), errDrained) {
			t.Error(c.Err())
		}
	}
}

// Shutdown does not wait longer than its context, and says what was open.
func TestShutdownGivesUp(t *testing.T) {
	h := newHeld()
	n := serveTCP(t, Options{Handler: h})
	c := n.dial(t, Options{Name: "app"})
	failed := make(chan error, 1)
	go func() {
		_, err := c.Call(context.Background(), TypeStatus, nil)
		failed <- err
	}()
	<-h.came
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := n.Shutdown(ctx); !errors.Is(err, CodeTimeout) || !strings.Contains(err.Error(), `connection of "app": timeout: 1 requests and 0 calls were open`) {
		t.Error(err)
	}
	if err := <-failed; !errors.Is(err, ErrConnectionLost) || !errors.Is(err, CodeUnknownOutcome) {
		t.Error(err)
	}
	if r := h.take()[0]; !r.Cancelled() || !errors.Is(r.Reply(nil), ErrConnectionLost) {
		t.Error("the request does not know that its caller has gone")
	}
}

// A connection in its handshake does not hold a shutdown up.
func TestShutdownDuringHandshake(t *testing.T) {
	n := serveTCP(t, Options{})
	nc, err := net.Dial("tcp", n.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := upgrade(nc, n.addr, options(t, Options{})); err != nil {
		t.Fatal(err)
	}
	for { // until the server is in the handshake too
		n.mu.Lock()
		started := len(n.starting) > 0
		n.mu.Unlock()
		if started {
			break
		}
		<-tick()
	}
	if err := n.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := nc.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
}

// The panic of a handler is an answer and a line in the log, with the stack.
func TestPanicIsLogged(t *testing.T) {
	var log lockedBuffer
	n := serveTCP(t, Options{
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Handler: HandlerFunc(func(r *Request) {
			if r.Type == TypeStatus {
				panic("oops")
			}
			_ = r.Reply(nil)
		}),
	})
	c := n.dial(t, Options{Name: "app"})
	if _, err := c.Call(context.Background(), TypeStatus, nil); !errors.Is(err, CodeInternal) {
		t.Error(err)
	}
	if _, err := c.Call(context.Background(), TypeDescribe, nil); err != nil {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, "oops") || !strings.Contains(text, "server_test.go") || !strings.Contains(text, "peer=app") {
		t.Error(text)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A Mux answers what nothing handles; a one-way message that nothing handles ends
// the connection.
func TestMux(t *testing.T) {
	m := new(Mux)
	m.On(TypeStatus, func(r *Request) { _ = r.Reply([]byte("status")) })
	server, client := pair(t, Options{Handler: m}, Options{})
	if got, err := client.Call(context.Background(), TypeStatus, nil); err != nil || string(got) != "status" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := client.Call(context.Background(), TypeDescribe, nil); !errors.Is(err, CodeUnknownType) {
		t.Error(err)
	}
	if _, err := server.Call(context.Background(), TypeDescribe, nil); !errors.Is(err, CodeUnknownType) {
		t.Error(err)
	}
	if err := client.Send(TypeTree, nil); err != nil {
		t.Fatal(err)
	}
	<-client.Done()
	if !errors.Is(client.Err(), CodeUnknownType) || !strings.Contains(client.Err().Error(), "one-way TREE") {
		t.Error(client.Err())
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	m.On(TypeReply, nil)
}
