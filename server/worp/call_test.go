package worp

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// deafConn takes no bytes and gives none.
type deafConn struct {
	net.Conn
	once sync.Once
	gone chan struct{}
}

func (d *deafConn) Write([]byte) (int, error) {
	<-d.gone
	return 0, io.ErrClosedPipe
}

func (d *deafConn) SetDeadline(time.Time) error {
	d.once.Do(func() { close(d.gone) })
	return nil
}

// A call whose context ends: before it was sent nothing happens on the other
// side; after that the handler learns of it, and its answer finds no one.
func TestCallGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeld()
		_, client := pair(t, Options{Handler: h, MaxCalls: 1}, Options{})
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		results := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := client.Call(ctx, TypeStatus, nil)
				results <- err
			}()
		}
		unknown := 0
		for range 2 {
			err := <-results
			if !errors.Is(err, CodeTimeout) || !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			if err.Error() == "timeout: STATUS was sent, its outcome is unknown: context deadline exceeded" {
				unknown++
			}
		}
		synctest.Wait()
		reqs := h.take()
		if unknown != 1 || len(reqs) != 1 || !reqs[0].Cancelled() {
			t.Errorf("%d sent, %d arrived", unknown, len(reqs))
		}
		_ = reqs[0].Reply(nil)
		synctest.Wait()
		if s := client.Stats(); s.OpenCalls != 0 {
			t.Errorf("%+v", s)
		}
		go func() { <-h.came; <-h.came; h.answerAll(t) }()
		if got, err := client.Call(context.Background(), TypeStatus, nil); err != nil || string(got) != "late" {
			t.Errorf("%q %v", got, err)
		}
	})
}

// The connection is cut while calls are under way: each ends once, and says
// whether it had been sent.
func TestConnectionLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeld()
		a, b := net.Pipe()
		server, client := pairOver(t, a, b, Options{Handler: h, MaxCalls: 10}, Options{})
		var sent, unsent, done int
		for range 25 {
			call := &Call{Type: TypeStatus, Done: func(call *Call) {
				done++ // callbacks come one after the other
				var lost *LostError
				if !errors.As(call.Err, &lost) || !errors.Is(call.Err, ErrConnectionLost) {
					t.Error(call.Err)
				} else if lost.Sent {
					sent++
				} else {
					unsent++
				}
			}}
			if err := client.Go(call); err != nil {
				t.Fatal(err)
			}
		}
		stream, err := client.OpenStream(context.Background(), TypeSelect, nil)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		_ = a.Close()
		<-client.Done()
		<-server.Done()
		if done != 25 || sent != 10 || unsent != 15 {
			t.Errorf("%d done, %d sent, %d not", done, sent, unsent)
		}
		if _, err := stream.Next(context.Background()); !errors.Is(err, ErrConnectionLost) || !errors.Is(err, CodeUnavailable) {
			t.Error(err)
		}
		if err := client.Go(&Call{Type: TypeStatus, Done: func(*Call) {}}); !errors.Is(err, ErrConnectionLost) || !errors.Is(err, CodeUnavailable) {
			t.Error(err)
		}
		if err := client.Send(TypeEvents, nil); !errors.Is(err, ErrConnectionLost) {
			t.Error(err)
		}
		<-client.Room()
		if err := client.Drain(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// Buffers may be used again when Go, Send, Reply and Page return, also if the
// frame waits for credit.
func TestBuffersAreTheirOwners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 3000 // of which two pass at once
		fill := func(buf []byte, b byte) []byte {
			for i := range buf {
				buf[i] = b
			}
			return buf
		}
		h := newHeld()
		_, client := pair(t, Options{Handler: h, RequestWindow: leastFrame}, Options{ReplyWindow: leastFrame})
		buf := make([]byte, size)
		var got []byte
		for i := range 6 {
			if err := client.Go(&Call{Type: TypeStatus, Payload: fill(buf, byte(i)), Done: func(call *Call) { got = append(got, call.Reply[size-1]) }}); err != nil {
				t.Fatal(err)
			}
		}
		for range 6 { // more rounds than are needed
			synctest.Wait()
			for _, r := range h.take() {
				if err := r.Reply(fill(buf, r.Payload[size-1]+10)); err != nil {
					t.Fatal(err)
				}
			}
			fill(buf, 99)
		}
		synctest.Wait()
		if string(got) != "\x0a\x0b\x0c\x0d\x0e\x0f" {
			t.Errorf("%x", got)
		}
	})
}

// What is longer than the other side takes is refused before it is sent.
func TestTooLong(t *testing.T) {
	_, client := pair(t, Options{Handler: echo, MaxFrame: leastFrame}, Options{})
	if _, err := client.Call(context.Background(), TypeStatus, make([]byte, leastFrame+1)); !errors.Is(err, CodeFrameTooLong) {
		t.Error(err)
	}
	if got, err := client.Call(context.Background(), TypeStatus, make([]byte, leastFrame)); err != nil || len(got) != leastFrame {
		t.Error(err)
	}
}

// cutConn lets nothing through any more once it is cut, and gives what the other
// side had sent before.
type cutConn struct {
	net.Conn
	cut chan struct{}
}

func (c *cutConn) Write(b []byte) (int, error) {
	select {
	case <-c.cut:
		return 0, errors.New("broken pipe")
	default:
		return c.Conn.Write(b)
	}
}

// A write that fails does not keep the reason from being read: the other side's
// ERROR frame, or in the end that nothing comes.
func TestReasonBehindFailedWrite(t *testing.T) {
	for _, fault := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			cut := &cutConn{b, make(chan struct{})}
			server, client := pairOver(t, a, cut, Options{Handler: newHeld()}, Options{})
			close(cut.cut)
			failed := make(chan error, 1)
			go func() {
				_, err := client.Call(context.Background(), TypeStatus, nil)
				failed <- err
			}()
			synctest.Wait()
			if fault {
				server.Fault(errorf(CodeFlowControl, "as it is"))
			}
			if err := <-failed; !errors.Is(err, CodeUnknownOutcome) {
				t.Error(err)
			}
			if errors.Is(client.Err(), CodeFlowControl) != fault || (client.Err().Error() == "write: broken pipe") == fault {
				t.Error(client.Err())
			}
		})
	}
}

// The uses that can only be bugs.
func TestMisuse(t *testing.T) {
	_, client := pair(t, Options{Handler: newHeld()}, Options{})
	call := &Call{Type: TypeStatus, Done: func(*Call) {}}
	if err := client.Go(call); err != nil {
		t.Fatal(err)
	}
	for name, bug := range map[string]func(){
		"Go twice":          func() { _ = client.Go(call) },
		"Go of a reply":     func() { _ = client.Go(&Call{Type: TypeReply, Done: func(*Call) {}}) },
		"Go without Done":   func() { _ = client.Go(&Call{Type: TypeStatus}) },
		"Send of a request": func() { _ = client.Send(TypeStatus, nil) },
		"answer to one-way": func() { _ = (&Request{Type: TypeEvents, conn: client}).Reply(nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			bug()
		}()
	}
}

// In the steady state a call costs its caller no allocation, and its server the
// Request.
func TestAllocations(t *testing.T) {
	n := serveTCP(t, Options{Handler: echo})
	c := n.dial(t, Options{})
	payload := make([]byte, 100)
	ctx := context.Background()
	if got := testing.AllocsPerRun(2000, func() {
		if _, err := c.Call(ctx, TypeStatus, payload); err != nil {
			t.Error(err)
		}
	}); got > 1.2 {
		t.Errorf("%.1f allocations a call", got)
	}
	done := make(chan struct{}, 1)
	call := &Call{Type: TypeStatus, Payload: payload, Done: func(*Call) { done <- struct{}{} }}
	if got := testing.AllocsPerRun(2000, func() {
		if err := c.Go(call); err != nil {
			t.Error(err)
		}
		<-done
	}); got > 1.2 {
		t.Errorf("%.1f allocations a call", got)
	}
	runtime.KeepAlive(n)
}
