package worp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ErrConnectionLost is what calls end with whose connection ended before their
// answer came. See LostError.
var ErrConnectionLost = errors.New("connection lost")

// LostError says that the connection of a call ended before the answer came. It
// is ErrConnectionLost. If the request had been sent it is CodeUnknownOutcome
// too: it may have been carried out. If not it is CodeUnavailable: it was not.
type LostError struct {
	Sent  bool
	Cause error
}

func (e *LostError) Error() string {
	if e.Sent {
		return fmt.Sprintf("connection lost, outcome unknown: %v", e.Cause)
	}
	return fmt.Sprintf("connection lost, nothing sent: %v", e.Cause)
}

func (e *LostError) code() Code {
	if e.Sent {
		return CodeUnknownOutcome
	}
	return CodeUnavailable
}

// Is reports whether target is ErrConnectionLost or the code of the outcome.
func (e *LostError) Is(target error) bool { return target == ErrConnectionLost || target == e.code() }

// As gives the code of the outcome.
func (e *LostError) As(target any) bool {
	c, ok := target.(*Code)
	if ok {
		*c = e.code()
	}
	return ok
}

// Why connections end, besides faults of the other side.
var (
	errClosed  = errors.New("closed here")
	errDrained = errors.New("drained")
)

// peerFault is the ERROR frame by which the other side ended the connection.
type peerFault struct{ fault *Error }

func (e peerFault) Error() string { return "ended by the other side: " + e.fault.Error() }
func (e peerFault) Unwrap() error { return e.fault }

// Conn is one end of a connection: the same on both sides, save for who dialed.
// All its methods may be used by several goroutines.
//
// Two goroutines serve it. The reader cuts frames out of what arrives and calls
// the handler and the callbacks of calls; it never waits for anything but bytes,
// and nothing it calls may. The writer takes what has gathered in out and writes
// it. Everyone else appends to out under mu, which no one holds while waiting.
type Conn struct {
	opts      *Options
	nc        net.Conn // written to, and given deadlines; not read from
	dialed    bool     // this side dialed, so this side closes nc
	own, peer Hello
	sum, s2   bool // the features chosen
	maxFrame  int  // the smaller of what the two sides accept; so are the windows of lanes
	maxOut    int  // length of out that no peer who keeps to the rules can cause
	principal any
	onEnd     func(*Conn, error) // called last, on the reader's goroutine
	waiters   sync.Pool          // of *waiter

	// The reader's own.
	rd         *frameReader
	held       []*Request // arrived, but replies must go first
	replyUsed  int        // charge of replies not yet given back
	replyFreed int        // of these, what has been handled

	framesIn   atomic.Uint64
	reads      atomic.Uint64
	writerDone chan struct{}
	done       chan struct{}

	mu   sync.Mutex
	err  error // why the connection ended or is ending; nil while it lives
	away bool  // the other side takes no new calls
	// draining: this side takes no new calls.
	draining bool

	out, spare []byte    // frames to be written; the buffer written last
	wake       sync.Cond // the writer waits for out
	asleep     bool
	corked     bool  // the reader has more frames in hand; see cork
	farewell   bool  // write what is in out before ending
	writeErr   error // of the write that failed; the last one

	lanes    [2]lane // what waits for the other side's credit
	calls    callTable
	room     chan struct{} // closed when the queue of requests has room again
	requests requestTable
	ready    []*Request // wait for credit to send a page

	pulse pulse
	stats Stats
}

// Stats counts what a connection did and shows what it holds.
type Stats struct {
	FramesIn, FramesOut   uint64
	BytesOut              uint64
	Reads, Writes         uint64 // system calls, about
	OpenCalls             int    // made here and not answered
	OpenRequests          int    // made by the other side and not answered
	QueuedRequests        int    // bytes that wait here for credit
	QueuedReplies         int
	Buffered              int // bytes that wait for the writer
	RequestsStalled       uint64
	RepliesStalled        uint64 // frames that had to wait for credit
	RequestCredit, Window int    // of requests: what is left of what
}

func newConn(nc net.Conn, rd *frameReader, o *Options, own, peer Hello, chosen Feature) *Conn {
	c := &Conn{
		opts: o, nc: nc, rd: rd, own: own, peer: peer,
		sum: chosen&FeatureChecksum != 0, s2: chosen&FeatureS2 != 0,
		maxFrame:   int(min(own.MaxFrame, peer.MaxFrame)),
		writerDone: make(chan struct{}),
		done:       make(chan struct{}),
	}
	rd.maxFrame, rd.sum = c.maxFrame, c.sum
	c.wake.L = &c.mu
	c.lanes[laneRequest] = newLane(min(own.RequestWindow, peer.RequestWindow))
	c.lanes[laneReply] = newLane(min(own.ReplyWindow, peer.ReplyWindow))
	c.calls.most = peer.MaxCalls
	c.requests.window = c.lanes[laneRequest].window
	// What has credit: both windows, and of each two frames that are longer than
	// their charge. What needs none: an error of each call, and small change.
	c.maxOut = c.lanes[laneRequest].window + c.lanes[laneReply].window + 4*c.maxFrame +
		int(own.MaxCalls)*(maxMessage+maxDetail+frameCost) + 1<<20
	return c
}

// Remote is what the other side said of itself.
func (c *Conn) Remote() Hello { return c.peer }

// RemoteAddr is the address of the other side.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Principal is what the server's Authorize said of the caller, or nil.
func (c *Conn) Principal() any { return c.principal }

// Done is closed when the connection has ended and all its callbacks have run.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err is why the connection ended or is ending, nil while it lives.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Stats returns what the connection did so far and what it holds now.
func (c *Conn) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.FramesIn, s.Reads = c.framesIn.Load(), c.reads.Load()
	s.OpenCalls, s.OpenRequests = c.calls.open, c.requests.open
	s.QueuedRequests, s.QueuedReplies = c.lanes[laneRequest].bytes, c.lanes[laneReply].bytes
	s.RequestsStalled, s.RepliesStalled = c.lanes[laneRequest].stalled, c.lanes[laneReply].stalled
	s.RequestCredit, s.Window = c.lanes[laneRequest].credit, c.lanes[laneRequest].window
	s.Buffered, s.Writes = len(c.out), c.pulse.writes
	return s
}

// Close ends the connection at once. Calls that are open end with
// ErrConnectionLost, on the reader's goroutine; Done tells when they have.
func (c *Conn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(errClosed, false)
}

var longAgo = time.Unix(1, 0)

// end begins the end of the connection; the first reason counts. With farewell
// what has been appended to out is still written, for as long as Linger allows.
// The caller holds mu.
func (c *Conn) end(why error, farewell bool) {
	if c.err != nil {
		return
	}
	c.err = why
	c.farewell = farewell
	c.pulse.stop()
	deadline := longAgo
	if farewell {
		deadline = time.Now().Add(c.opts.Linger)
	} else {
		c.out = nil
	}
	// A connection that is gone has no deadlines; its reader and writer notice.
	_ = c.nc.SetDeadline(deadline)
	c.wake.Signal()
	c.leaveRoom()
}

// run serves the connection until it has ended.
func (c *Conn) run() {
	go c.write()
	c.mu.Lock()
	c.pulse.start(c)
	c.mu.Unlock()
	why := c.read()
	c.mu.Lock()
	var fault *Error
	if errors.As(why, &fault) && c.err == nil { // the other side's fault: tell it
		c.append(frame{typ: TypeError, flags: flagEnd, payload: fault.Append(nil)})
		c.end(fault, true)
	}
	c.end(why, false)
	linger := c.farewell
	c.mu.Unlock()
	c.abandon()
	if linger {
		discard(c.rd.src)
	}
	<-c.writerDone
	if c.dialed {
		_ = c.nc.Close() // nothing is left in it that could be lost
	}
	if c.onEnd != nil {
		c.onEnd(c, c.Err())
	}
	close(c.done)
}

// discard reads and drops what the other side still sends. Closing a TCP
// connection with unread bytes resets it, and a reset destroys what the other
// side has not read yet: the very frame that tells it what was wrong.
func discard(r io.Reader) {
	var sink [minRead]byte
	for {
		if _, err := r.Read(sink[:]); err != nil {
			return
		}
	}
}

// shutWrite tells the other side that nothing follows. Where only a whole
// connection can be closed, its reader is stopped, so that it is.
func shutWrite(nc net.Conn) {
	if half, ok := nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		return
	}
	_ = nc.SetReadDeadline(longAgo)
}

// read takes frames until the connection ends, and returns why.
func (c *Conn) read() error {
	for {
		for {
			f, ok, err := c.rd.next()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			c.framesIn.Add(1)
			if err := c.take(f); err != nil {
				return err
			}
		}
		c.uncork()
		if err := c.rd.fill(); err != nil {
			return c.readError(err)
		}
		c.reads.Add(1)
		c.cork()
	}
}

// readError says what the end of the bytes means.
func (c *Conn) readError(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == io.EOF && (c.draining || c.away) && c.idle():
		return errDrained
	case c.writeErr != nil:
		return c.writeErr
	case err == io.EOF:
		return errors.New("closed by the other side")
	}
	return fmt.Errorf("read: %w", err)
}

// abandon ends every call and tells every request that no one waits for it.
func (c *Conn) abandon() {
	c.mu.Lock()
	why := c.err
	sent, queued := c.calls.takeAll(), c.takeQueued()
	c.lanes[laneReply].takeAll()
	lost := c.requests.takeAll()
	c.ready = nil
	c.mu.Unlock()
	for _, call := range sent {
		call.complete(nil, &LostError{Sent: true, Cause: why})
	}
	for _, call := range queued {
		call.complete(nil, &LostError{Cause: why})
	}
	for _, r := range lost {
		r.interrupt()
	}
	c.held = nil
}
