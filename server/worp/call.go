package worp

import "fmt"

// ErrQueueFull is the refusal of Go and Send while QueueBytes wait for the other
// side's credit. It is CodeOverloaded, made here: nothing was sent.
var ErrQueueFull error = &Error{Code: CodeOverloaded, Message: "overloaded: the connection's send queue is full"}

// errUnsent is the end of a call that was cancelled before it was sent.
var errUnsent = fmt.Errorf("%w: before the request was sent", CodeCancelled)

// A Call is a request made here and what comes of it. The caller fills the first
// fields and hands it to Go; it may use it again when Done has been called. A
// caller that keeps its Calls and buffers makes a call without an allocation.
type Call struct {
	// Type is that of a request. Payload may be used again when Go has returned.
	Type    Type
	Payload []byte
	// Done is called exactly once for a Call that Go took, with Reply or Err set:
	// on the reader's goroutine, or on that of a Cancel that came before the
	// request was sent. It must not block.
	Done func(*Call)
	// Page is called for each page before the last, on the reader's goroutine, and
	// must not block. Who has consumed n pages says so with More(n), from within
	// Page or later; without that the pages stop after StreamPages. If Page is nil
	// and pages come, the call ends with CodeBadPayload.
	Page func(call *Call, page []byte)

	// Reply is the payload of the last frame. It stays good for as long as it is
	// held, but may hold 64 KiB with it; see doc.go.
	Reply []byte
	Err   error

	// Guarded by the connection's mu.
	conn     *Conn
	id       callID
	state    callState
	pages    int // may still come
	consumed int // not yet said to the other side
	// cancelled: the other side has been told.
	cancelled bool
}

type callState uint8

const (
	callIdle callState = iota
	callQueued
	callSent
)

func (call *Call) complete(reply []byte, err error) {
	call.Reply = reply
	if call.Err == nil {
		call.Err = err
	}
	call.Done(call)
}

// callTable holds the calls made here that are open, by slot.
type callTable struct {
	slots  []*Call // of slot i+1
	unused []uint32
	open   int
	most   uint32 // what the other side allows
	serial uint32
}

func (t *callTable) free() bool { return len(t.unused) > 0 || uint32(len(t.slots)) < t.most }

// add gives call a slot. There must be a free one.
func (t *callTable) add(call *Call) callID {
	var slot uint32
	if n := len(t.unused); n > 0 {
		slot = t.unused[n-1]
		t.unused = t.unused[:n-1]
	} else {
		t.slots = append(t.slots, nil)
		slot = uint32(len(t.slots))
	}
	t.slots[slot-1] = call
	t.serial++
	t.open++
	call.id, call.state = makeCallID(slot, t.serial), callSent
	return call.id
}

// find returns the open call of that id, or nil.
func (t *callTable) find(id callID) *Call {
	i := id.slot() - 1 // slot 0 wraps around, beyond every slice
	if uint64(i) >= uint64(len(t.slots)) || t.slots[i] == nil || t.slots[i].id != id {
		return nil
	}
	return t.slots[i]
}

func (t *callTable) remove(call *Call) {
	slot := call.id.slot()
	t.slots[slot-1] = nil
	t.unused = append(t.unused, slot)
	t.open--
	call.state = callIdle
}

func (t *callTable) takeAll() []*Call {
	var all []*Call
	for _, call := range t.slots {
		if call != nil {
			t.remove(call)
			all = append(all, call)
		}
	}
	return all
}

// takeQueued takes the requests that wait for credit, one-way messages with them,
// and returns the calls of them. The caller holds mu.
func (c *Conn) takeQueued() []*Call {
	var calls []*Call
	for _, it := range c.lanes[laneRequest].takeAll() {
		putScratch(it.pooled)
		if it.call != nil {
			it.call.state = callIdle
			calls = append(calls, it.call)
		}
	}
	return calls
}

// Go sends a request and returns; it never blocks. If it returns nil, the call's
// Done will be called once. If it returns an error, nothing was or will be sent:
// ErrQueueFull (Room tells when to try again), CodeFrameTooLong,
// CodeShuttingDown, or ErrConnectionLost.
func (c *Conn) Go(call *Call) error {
	if call.Type.class() != classRequest || call.Done == nil {
		panic(fmt.Sprintf("worp: Go of a %s, Done set: %t", call.Type, call.Done != nil))
	}
	it := c.pack(laneRequest, frame{typ: call.Type, payload: call.Payload})
	it.call = call
	c.mu.Lock()
	defer c.mu.Unlock()
	if call.state != callIdle {
		panic("worp: Go of a call that is under way")
	}
	if err := c.refusal(len(call.Payload)); err != nil {
		putScratch(it.pooled)
		return err
	}
	call.conn, call.Reply, call.Err, call.consumed, call.cancelled = c, nil, nil, 0, false
	c.send(laneRequest, it)
	return nil
}

// Send sends a one-way message, which is never answered, and returns; it never
// blocks. Messages and requests arrive in the order of their Send and Go. The
// errors are those of Go; nil does not mean that the message arrives.
func (c *Conn) Send(t Type, payload []byte) error {
	if t.class() != classOneWay {
		panic(fmt.Sprintf("worp: Send of a %s", t))
	}
	it := c.pack(laneRequest, frame{typ: t, payload: payload})
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refusal(len(payload)); err != nil {
		putScratch(it.pooled)
		return err
	}
	c.send(laneRequest, it)
	return nil
}

// refusal is why a request cannot be taken now. The caller holds mu.
func (c *Conn) refusal(length int) error {
	switch {
	case c.err != nil:
		return &LostError{Cause: c.err}
	case c.away || c.draining:
		return fmt.Errorf("%w: the connection takes no new calls", CodeShuttingDown)
	case length > c.maxFrame:
		return fmt.Errorf("%w: %d bytes, the limit is %d", CodeFrameTooLong, length, c.maxFrame)
	case c.queueFull():
		return ErrQueueFull
	}
	return nil
}

// queueFull does not depend on the request that asks: what Room lets try again
// must not be refused for being large, or it would try for ever.
func (c *Conn) queueFull() bool { return c.lanes[laneRequest].bytes >= c.opts.QueueBytes }

// Room returns a channel that is closed when it is worth another try after
// ErrQueueFull, or the connection ends.
func (c *Conn) Room() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.room == nil {
		c.room = make(chan struct{})
	}
	room := c.room
	if c.err != nil || !c.queueFull() {
		c.leaveRoom()
	}
	return room
}

// Cancel says that no one waits for the call any more. If the request has not
// left, it never does, and the call ends at once with CodeCancelled. Otherwise
// the other side is told, and the call ends when it answers: with what it had
// done, or with CodeCancelled. A call that is over stays as it is.
func (c *Conn) Cancel(call *Call) {
	c.mu.Lock()
	if call.conn != c || call.state == callIdle {
		c.mu.Unlock()
		return
	}
	if call.state == callSent {
		if !call.cancelled {
			call.cancelled = true
			c.append(frame{typ: TypeCancel, call: call.id})
		}
		c.mu.Unlock()
		return
	}
	c.lanes[laneRequest].kill(call)
	call.state = callIdle
	c.pump(laneRequest)
	c.settled()
	c.mu.Unlock()
	call.complete(nil, errUnsent)
}

// More says that n pages of the call have been consumed, so that as many more
// may come.
func (call *Call) More(n int) {
	c := call.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if call.state != callSent {
		return
	}
	call.consumed += n
	if call.consumed < max(1, int(c.own.StreamPages)/2) {
		return
	}
	call.pages += call.consumed
	c.append(frame{typ: TypeCredit, call: call.id, payload: appendUint(nil, uint64(call.consumed))})
	call.consumed = 0
}
