package worp

import (
	"context"
	"errors"
	"fmt"
)

// waiter is a Call with someone waiting for it.
type waiter struct {
	Call
	done chan struct{}
}

// waiter returns one from the connection's pool. The pool is not the package's:
// channels of a test's bubble must not leave it.
func (c *Conn) waiter() *waiter {
	if w, ok := c.waiters.Get().(*waiter); ok {
		return w
	}
	w := &waiter{done: make(chan struct{}, 1)}
	w.Done = func(*Call) { w.done <- struct{}{} }
	return w
}

// Call sends a request and waits for its one reply, and before that for room to
// send it. When ctx ends first, the request is cancelled; the error is
// CodeTimeout or CodeCancelled and ctx's own, and says whether the request had
// been sent. Errors that the other side answers are *Error.
func (c *Conn) Call(ctx context.Context, t Type, payload []byte) ([]byte, error) {
	w := c.waiter()
	w.Type, w.Payload = t, payload
	if err := c.goWhenRoom(ctx, &w.Call); err != nil {
		w.Payload = nil
		c.waiters.Put(w)
		return nil, err
	}
	if err := c.await(ctx, w); err != nil {
		return nil, err
	}
	reply, err := w.Reply, w.Err
	w.Reply, w.Payload, w.Err = nil, nil, nil
	c.waiters.Put(w)
	return reply, err
}

// await waits for the call to end. An error says that ctx ended first; then w
// must be left alone, for an answer may still come to it.
func (c *Conn) await(ctx context.Context, w *waiter) error {
	if ctx.Done() == nil {
		<-w.done // half the price of a select
		return nil
	}
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
	}
	c.Cancel(&w.Call)
	select {
	case <-w.done: // answered in the same moment, or never sent
		if errors.Is(w.Err, errUnsent) {
			return ended(ctx, w.Type.String()+" was not sent")
		}
		return nil
	default:
		return ended(ctx, w.Type.String()+" was sent, its outcome is unknown")
	}
}

// ended is the error of a wait that the end of ctx cut short.
func ended(ctx context.Context, what string) error {
	code := CodeCancelled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		code = CodeTimeout
	}
	return fmt.Errorf("%w: %s: %w", code, what, ctx.Err())
}

// goWhenRoom is Go that waits while the queue is full.
func (c *Conn) goWhenRoom(ctx context.Context, call *Call) error {
	for {
		err := c.Go(call)
		if !errors.Is(err, ErrQueueFull) {
			return err
		}
		select {
		case <-c.Room():
		case <-ctx.Done():
			return ended(ctx, call.Type.String()+" was not sent")
		}
	}
}
