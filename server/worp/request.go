package worp

import (
	"errors"
	"fmt"
)

// A Handler gets what the other side sends: requests and one-way messages, in
// the order in which they were sent. It is called on the connection's reader and
// must not block: it answers at once, or hands the request on and answers later,
// from any goroutine. A panic is answered with CodeInternal and logged.
type Handler interface {
	Handle(r *Request)
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(r *Request)

// Handle calls f.
func (f HandlerFunc) Handle(r *Request) { f(r) }

// Request is a request of the other side, or a one-way message. A request gets
// exactly one last answer, by Reply or Fail, with any number of pages before it;
// a one-way message is over with Release.
type Request struct {
	Type Type
	// Payload stays good for as long as it is held; see doc.go. Do not change it.
	Payload []byte

	conn *Conn
	id   callID // 0 of a one-way message

	// Guarded by the connection's mu.
	charge    int // to be given back
	pages     int // that the caller still takes
	answered  bool
	over      bool // the last answer has left, or the message is released
	cancelled bool
	onCancel  func()
	onReady   func()
}

// ErrAnswered is the answer to a second last answer. It is a bug of the handler,
// but harmless.
var ErrAnswered = errors.New("request answered already")

// requestTable holds the requests of the other side that are open, by slot, and
// the credit that it has used.
type requestTable struct {
	slots  []*Request // of slot i+1
	open   int        // one-way messages included
	used   int        // charge not given back
	freed  int        // of it, what can be given back
	window int
}

// find returns the open request of that id, or nil.
func (t *requestTable) find(id callID) *Request {
	i := id.slot() - 1
	if uint64(i) >= uint64(len(t.slots)) || t.slots[i] == nil || t.slots[i].id != id {
		return nil
	}
	return t.slots[i]
}

// takeAll marks all requests in slots as interrupted and returns them.
func (t *requestTable) takeAll() []*Request {
	var all []*Request
	for i, r := range t.slots {
		if r != nil {
			t.slots[i] = nil
			all = append(all, r)
		}
	}
	return all
}

// Conn is the connection by which the request came.
func (r *Request) Conn() *Conn { return r.conn }

// OneWay reports whether r is a one-way message.
func (r *Request) OneWay() bool { return r.id == 0 }

// Reply is the last answer. The payload may be used again when it returns.
// Errors: ErrAnswered; ErrConnectionLost; CodeFrameTooLong, which is then also
// what the caller gets.
func (r *Request) Reply(payload []byte) error {
	if limit := r.conn.maxFrame; len(payload) > limit {
		err := fmt.Errorf("%w: a reply of %d bytes, the limit is %d", CodeFrameTooLong, len(payload), limit)
		r.Fail(err)
		return err
	}
	return r.answer(frame{typ: TypeReply, flags: flagEnd, payload: payload})
}

// Fail is the last answer too: err as ErrorOf sees it. A one-way message it
// releases.
func (r *Request) Fail(err error) {
	if r.OneWay() {
		r.Release()
		return
	}
	// Nothing more can be done for a caller who has gone.
	_ = r.answer(frame{typ: TypeError, flags: flagEnd, payload: ErrorOf(err).Append(nil)})
}

func (r *Request) answer(f frame) error {
	c := r.conn
	f.call = r.id
	it := c.pack(laneReply, f)
	it.req = r
	if f.typ == TypeError {
		it.charge = 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := r.closed(); err != nil {
		putScratch(it.pooled)
		return err
	}
	r.answered = true
	c.send(laneReply, it)
	return nil
}

// closed is why r takes no more answers. The caller holds mu.
func (r *Request) closed() error {
	switch {
	case r.OneWay():
		panic(fmt.Sprintf("worp: answer to a one-way %s", r.Type))
	case r.answered:
		return ErrAnswered
	case r.conn.err != nil:
		return &LostError{Sent: true, Cause: r.conn.err}
	}
	return nil
}

// Ready reports whether Page can be called: the caller takes another page, and no
// reply waits for credit. If not, resume is called once, on the reader's
// goroutine, when it is worth another look. A request that was cancelled, or
// whose connection ended, is always ready: its Page says so.
func (r *Request) Ready(resume func()) bool {
	c := r.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.cancelled || c.err != nil || (r.pages > 0 && c.lanes[laneReply].empty()) {
		return true
	}
	if r.onReady == nil {
		c.ready = append(c.ready, r)
	}
	r.onReady = resume
	return false
}

// Page sends a page, a part of the answer that is not the last. The payload may
// be used again when it returns. Errors: CodeFlowControl where Ready would say
// no, CodeCancelled, CodeFrameTooLong, ErrAnswered, ErrConnectionLost; a page
// refused was not sent.
func (r *Request) Page(payload []byte) error {
	c := r.conn
	it := c.pack(laneReply, frame{typ: TypeReply, call: r.id, payload: payload})
	c.mu.Lock()
	defer c.mu.Unlock()
	err := r.closed()
	switch {
	case err != nil:
	case r.cancelled:
		err = fmt.Errorf("%w: by the caller", CodeCancelled)
	case len(payload) > c.maxFrame:
		err = fmt.Errorf("%w: a page of %d bytes, the limit is %d", CodeFrameTooLong, len(payload), c.maxFrame)
	case r.pages == 0:
		err = fmt.Errorf("%w: the caller takes no more pages yet", CodeFlowControl)
	}
	if err != nil {
		putScratch(it.pooled)
		return err
	}
	r.pages--
	c.send(laneReply, it)
	return nil
}

// Release gives the credit of the request back before its answer: for a request
// that waits long, such as one that stays open to push what changes, or whose
// handling sends requests to this same side. It ends a one-way message.
func (r *Request) Release() {
	c := r.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	c.free(r)
	if r.OneWay() && !r.over {
		r.over = true
		c.requests.open--
		c.settled()
	}
}

// Cancelled reports whether no one waits for the answer any more.
func (r *Request) Cancelled() bool {
	r.conn.mu.Lock()
	defer r.conn.mu.Unlock()
	return r.cancelled || r.conn.err != nil
}

// OnCancel has fn called, once, when the caller cancels or the connection ends
// before the last answer: on the reader's goroutine, or at once if it is so
// already. A cancelled request still wants its last answer.
func (r *Request) OnCancel(fn func()) {
	r.conn.mu.Lock()
	gone := r.cancelled || r.conn.err != nil
	if !gone {
		r.onCancel = fn
	}
	r.conn.mu.Unlock()
	if gone {
		fn()
	}
}

// interrupt tells the handler that no one waits.
func (r *Request) interrupt() {
	r.conn.mu.Lock()
	r.cancelled = true
	cancel, ready := r.onCancel, r.onReady
	r.onCancel, r.onReady = nil, nil
	answered := r.answered
	r.conn.mu.Unlock()
	if cancel != nil && !answered {
		cancel()
	}
	if ready != nil {
		ready()
	}
}

// free makes the charge of r one to be given back, and gives back what has come
// together. The caller holds mu.
func (c *Conn) free(r *Request) {
	t := &c.requests
	t.freed += r.charge
	r.charge = 0
	if t.freed < t.window/4 {
		return
	}
	c.append(frame{typ: TypeCredit, payload: appendUint(appendUint(nil, uint64(t.freed)), 0)})
	t.used -= t.freed
	t.freed = 0
}

// settle ends a request whose last answer has left. The caller holds mu.
func (c *Conn) settle(r *Request) {
	r.over = true
	if i := r.id.slot() - 1; c.requests.slots[i] == r {
		c.requests.slots[i] = nil
	}
	c.requests.open--
	c.free(r)
	c.settled()
}
