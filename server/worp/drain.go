package worp

import (
	"context"
	"fmt"
	"time"
)

// Drain ends the connection without loss: it tells the other side to make no
// new calls, answers those that come all the same with CodeShuttingDown, waits
// until nothing is open on either side, and closes. If ctx ends first, the
// connection is closed as it is, and the error says what was open. Drain waits,
// so handlers and callbacks must not call it.
func (c *Conn) Drain(ctx context.Context) error {
	c.mu.Lock()
	if !c.draining {
		c.draining = true
		c.append(frame{typ: TypeGoAway, payload: (&Error{Code: CodeShuttingDown}).Append(nil)})
		c.settled()
	}
	c.mu.Unlock()
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
	}
	c.mu.Lock()
	left := fmt.Errorf("%w: %d requests and %d calls were open", CodeTimeout, c.requests.open, c.calls.open)
	c.end(errClosed, false)
	c.mu.Unlock()
	<-c.done
	return left
}

// idle reports whether nothing is open in either direction. The caller holds mu.
func (c *Conn) idle() bool {
	return c.requests.open == 0 && c.calls.open == 0 && c.lanes[laneRequest].empty() && c.lanes[laneReply].empty()
}

// settled is called when something that was open is over. The side that was sent
// away closes when nothing is open; the side that sent it away waits for that, so
// that no request which crossed the GOAWAY goes without an answer, but no longer
// than Linger. The caller holds mu.
func (c *Conn) settled() {
	if (!c.away && !c.draining) || c.err != nil || !c.idle() {
		return
	}
	if c.away {
		c.end(errDrained, true)
		return
	}
	c.pulse.stop()
	c.pulse.timer = time.AfterFunc(c.opts.Linger, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.idle() {
			c.end(errDrained, true)
		}
	})
}

// takeGoAway: calls that have not left never do.
func (c *Conn) takeGoAway(f frame) error {
	e := new(Error)
	if err := e.Decode(f.payload); err != nil || f.call != 0 {
		return errorf(CodeBadFrame, "GOAWAY on call %s: %v", f.call, err)
	}
	c.mu.Lock()
	c.away = true
	queued := c.takeQueued()
	c.leaveRoom()
	c.settled()
	c.mu.Unlock()
	for _, call := range queued {
		call.complete(nil, fmt.Errorf("%w: before the request was sent", CodeShuttingDown))
	}
	return nil
}
