package worp

import (
	"fmt"
	"runtime/debug"
	"slices"
)

// take handles a frame that has arrived. An error is a fault of the other side
// that ends the connection: what can be answered on its own call is answered
// there instead.
func (c *Conn) take(f frame) error {
	switch f.typ.class() {
	case classReply:
		return c.takeReply(f)
	case classRequest, classOneWay:
		return c.takeRequest(f)
	}
	return c.takeControl(f)
}

func (c *Conn) takeControl(f frame) error {
	if f.flags != 0 {
		return errorf(CodeBadFrame, "%s with flags %02x", f.typ, uint8(f.flags))
	}
	switch f.typ {
	case TypePing:
		if len(f.payload) > maxPing || f.call != 0 {
			return errorf(CodeBadFrame, "PING of %d bytes on call %s", len(f.payload), f.call)
		}
		c.mu.Lock()
		c.append(frame{typ: TypePong, payload: f.payload})
		c.mu.Unlock()
		return nil
	case TypePong:
		return nil
	case TypeCredit:
		return c.takeCredit(f)
	case TypeCancel:
		if len(f.payload) > 0 || f.call.slot() == 0 {
			return errorf(CodeBadFrame, "CANCEL of call %s with %d bytes", f.call, len(f.payload))
		}
		c.takeCancel(f.call)
		return nil
	case TypeGoAway:
		return c.takeGoAway(f)
	}
	return errorf(CodeUnknownType, "%s is not expected here", f.typ)
}

// takeCredit: of call 0, bytes of charge for requests and for replies; of
// another call, pages.
func (c *Conn) takeCredit(f frame) error {
	d := decoder{b: f.payload, msg: "CREDIT"}
	if f.call != 0 {
		pages := d.uint("pages", 1<<31-1)
		if err := d.end(); err != nil {
			return errorf(CodeBadFrame, "%v", err)
		}
		c.takePages(f.call, int(pages))
		return nil
	}
	requests, replies := int(d.uint("requests", maxWindow)), int(d.uint("replies", maxWindow))
	if err := d.end(); err != nil {
		return errorf(CodeBadFrame, "%v", err)
	}
	c.mu.Lock()
	for which, n := range [...]int{laneRequest: requests, laneReply: replies} {
		l := &c.lanes[which]
		if l.credit += n; l.credit > l.window {
			c.mu.Unlock()
			return errorf(CodeFlowControl, "credit of %d beyond a window of %d", l.credit, l.window)
		}
		if n > 0 {
			c.pump(which)
		}
	}
	if replies > 0 {
		c.pulse.credits++
	}
	var ready []*Request
	if c.lanes[laneReply].empty() {
		ready = c.takeReady(func(r *Request) bool { return r.pages > 0 })
	}
	c.mu.Unlock()
	c.resume(ready)
	c.dispatchHeld()
	return nil
}

// takePages lets a request send more pages. One that is over is no fault: its
// last frame and this one met on the way.
func (c *Conn) takePages(id callID, pages int) {
	c.mu.Lock()
	r := c.requests.find(id)
	var ready []*Request
	if r != nil {
		r.pages += pages
		if c.lanes[laneReply].empty() {
			ready = c.takeReady(func(other *Request) bool { return other == r })
		}
	}
	c.mu.Unlock()
	c.resume(ready)
}

// takeReady takes the requests of which ok is true out of those that wait to send
// a page. The caller holds mu.
func (c *Conn) takeReady(ok func(*Request) bool) []*Request {
	var taken []*Request
	c.ready = slices.DeleteFunc(c.ready, func(r *Request) bool {
		if r.onReady != nil && ok(r) {
			taken = append(taken, r)
		}
		return r.onReady == nil || ok(r)
	})
	return taken
}

func (c *Conn) resume(ready []*Request) {
	for _, r := range ready {
		c.mu.Lock()
		fn := r.onReady
		r.onReady = nil
		c.mu.Unlock()
		if fn != nil {
			c.guard(r, func(*Request) { fn() })
		}
	}
}

func (c *Conn) takeCancel(id callID) {
	c.mu.Lock()
	r := c.requests.find(id)
	c.mu.Unlock()
	if r != nil {
		c.guard(r, (*Request).interrupt)
	}
}

func (c *Conn) takeReply(f frame) error {
	if f.call == 0 && f.typ == TypeError {
		return c.takeFault(f)
	}
	length, err := c.unpackedLen(f)
	if err != nil {
		return err
	}
	charge, last := chargeOf(length, c.lanes[laneReply].window), f.flags&flagEnd != 0
	if f.typ == TypeError {
		if charge = 0; !last {
			return errorf(CodeBadFrame, "ERROR that is not the last frame of call %s", f.call)
		}
	} else if f.typ != TypeReply {
		return errorf(CodeUnknownType, "%s is not expected here", f.typ)
	}
	if window := c.lanes[laneReply].window; c.replyUsed+charge > window {
		return errorf(CodeFlowControl, "%d bytes of replies in a window of %d", c.replyUsed+charge, window)
	}
	c.replyUsed += charge
	call, err := c.answered(f.call, last)
	if err != nil {
		return err
	}
	c.deliver(call, f, last)
	c.freeReply(charge)
	return nil
}

// answered finds the call of an answer; after the last one its slot is free.
func (c *Conn) answered(id callID, last bool) (*Call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.calls.find(id)
	switch {
	case c.err != nil:
		return nil, c.err
	case call == nil:
		return nil, errorf(CodeBadFrame, "an answer to call %s, which is not open", id)
	}
	if last {
		c.calls.remove(call)
		c.pump(laneRequest)
		c.settled()
	} else if call.pages--; call.pages < 0 {
		return nil, errorf(CodeFlowControl, "a page of call %s that was not asked for", id)
	}
	return call, nil
}

func (c *Conn) deliver(call *Call, f frame, last bool) {
	payload, err := unpack(f)
	if f.typ == TypeError && err == nil {
		e := new(Error)
		if err = e.Decode(payload); err == nil {
			err = e
		}
		payload = nil
	}
	switch {
	case last:
		call.complete(payload, err)
	case err != nil && call.Err == nil:
		call.Err = err // and Done, when the last frame comes
	case err == nil && call.Page == nil:
		call.Err = fmt.Errorf("%w: a page, where one reply was expected", CodeBadPayload)
	case err == nil && call.Err == nil:
		call.Page(call, payload)
	}
}

// freeReply gives back the charge of an answer that has been handled.
func (c *Conn) freeReply(charge int) {
	c.replyFreed += charge
	if c.replyFreed < c.lanes[laneReply].window/4 {
		return
	}
	c.mu.Lock()
	c.append(frame{typ: TypeCredit, payload: appendUint(appendUint(nil, 0), uint64(c.replyFreed))})
	c.mu.Unlock()
	c.replyUsed -= c.replyFreed
	c.replyFreed = 0
}

// takeFault is what the other side says as it ends the connection.
func (c *Conn) takeFault(f frame) error {
	e := new(Error)
	if err := e.Decode(f.payload); err != nil {
		return errorf(CodeBadFrame, "%v", err)
	}
	c.mu.Lock()
	c.end(peerFault{e}, false)
	c.mu.Unlock()
	return nil
}

func (c *Conn) takeRequest(f frame) error {
	length, err := c.unpackedLen(f)
	if err != nil {
		return err
	}
	oneWay := f.typ.class() == classOneWay
	switch slot := f.call.slot(); {
	case f.flags&flagEnd != 0:
		return errorf(CodeBadFrame, "%s with the flag of a last answer", f.typ)
	case oneWay && f.call != 0:
		return errorf(CodeBadFrame, "one-way %s on call %s", f.typ, f.call)
	case !oneWay && (slot == 0 || uint64(slot) > uint64(c.opts.MaxCalls)):
		return errorf(CodeBadFrame, "%s on call %s, slots are 1 to %d", f.typ, f.call, c.opts.MaxCalls)
	}
	r := &Request{Type: f.typ, conn: c, id: f.call, charge: chargeOf(length, c.requests.window), pages: int(c.peer.StreamPages)}
	draining, full, err := c.open(r)
	if err != nil {
		return err
	}
	if r.Payload, err = unpack(f); err != nil && !oneWay {
		r.Fail(err)
		return nil
	} else if err != nil {
		return errorf(CodeBadFrame, "%v", err) // no call to answer on
	}
	switch {
	case draining && !oneWay:
		r.Fail(fmt.Errorf("%w: %s was not handled", CodeShuttingDown, f.typ))
	case full || len(c.held) > 0:
		c.held = append(c.held, r)
	default:
		c.guard(r, c.opts.Handler.Handle)
	}
	return nil
}

// open enters a request into the table. full says that replies must go before
// requests may be handled: without that, a caller who takes no replies would
// have them gather here.
func (c *Conn) open(r *Request) (draining, full bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.requests
	if c.err != nil {
		return false, false, c.err
	}
	if t.used += r.charge; t.used > t.window {
		return false, false, errorf(CodeFlowControl, "%d bytes of requests in a window of %d", t.used, t.window)
	}
	if slot := int(r.id.slot()); slot > 0 {
		for len(t.slots) < slot {
			t.slots = append(t.slots, nil)
		}
		if t.slots[slot-1] != nil {
			return false, false, errorf(CodeBadFrame, "call %s in the slot of call %s, which is open", r.id, t.slots[slot-1].id)
		}
		t.slots[slot-1] = r
	}
	t.open++
	return c.draining, c.lanes[laneReply].bytes > c.opts.QueueBytes, nil
}

// dispatchHeld hands the requests that were held on to the handler, for as long
// as replies leave.
func (c *Conn) dispatchHeld() {
	for len(c.held) > 0 {
		c.mu.Lock()
		full := c.lanes[laneReply].bytes > c.opts.QueueBytes
		c.mu.Unlock()
		if full {
			return
		}
		r := c.held[0]
		c.held[0] = nil
		c.held = c.held[1:]
		if r.Cancelled() {
			r.Fail(fmt.Errorf("%w: before %s was handled", CodeCancelled, r.Type))
			continue
		}
		c.guard(r, c.opts.Handler.Handle)
	}
	c.held = nil
}

// guard calls a handler and turns its panic into an answer.
func (c *Conn) guard(r *Request, fn func(*Request)) {
	defer func() {
		if p := recover(); p != nil {
			c.opts.Logger.Error("handler panicked", "request", r.Type.String(), "peer", c.peer.Name, "panic", p, "stack", string(debug.Stack()))
			r.Fail(fmt.Errorf("%w: handling %s failed; the server's log has more", CodeInternal, r.Type))
		}
	}()
	fn(r)
}
