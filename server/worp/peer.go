package worp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Peer is an address to which there is one connection, shared by all who call
// it, and a new one when that is lost. It connects when it is first used.
type Peer struct {
	addr string
	opts *Options

	mu       sync.Mutex
	conn     *Conn              // the newest
	live     map[*Conn]struct{} // with those that were sent away but have open calls
	attempt  *attempt
	failures int
	resting  time.Time // no attempt before
	closed   bool
}

// attempt is one try to connect, and those who wait for it.
type attempt struct {
	done   chan struct{}
	conn   *Conn
	err    error
	cancel context.CancelFunc
}

// ErrPeerClosed is what a Peer answers after Close.
var ErrPeerClosed = errors.New("peer closed")

// NewPeer checks o and does nothing else.
func NewPeer(addr string, o Options) (*Peer, error) {
	opts, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Peer{addr: addr, opts: opts, live: map[*Conn]struct{}{}}, nil
}

// Addr is the address that the peer was made with.
func (p *Peer) Addr() string { return p.addr }

// Conn returns the connection that takes calls, and makes one if there is none.
// After a failure the next attempt waits for a pause that doubles from BackoffMin
// to BackoffMax; an attempt that fails fails for all who wait for it.
func (p *Peer) Conn(ctx context.Context) (*Conn, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrPeerClosed
	}
	if c := p.conn; c != nil && c.takesCalls() {
		p.mu.Unlock()
		return c, nil
	}
	if p.attempt == nil {
		p.begin()
	}
	a := p.attempt
	p.mu.Unlock()
	select {
	case <-a.done:
		return a.conn, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: waiting for a connection to %s: %w", CodeUnavailable, p.addr, ctx.Err())
	}
}

// Call is Conn and Call on what it returns. It does not try again: whether a
// request whose connection was lost may be repeated, only its maker knows.
func (p *Peer) Call(ctx context.Context, t Type, payload []byte) ([]byte, error) {
	c, err := p.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return c.Call(ctx, t, payload)
}

// Close ends the connection, and any attempt to make one, and returns when they
// have ended.
func (p *Peer) Close() {
	p.mu.Lock()
	p.closed = true
	a := p.attempt
	p.mu.Unlock()
	if a != nil {
		a.cancel()
		<-a.done
	}
	p.mu.Lock()
	conns := slices.Collect(maps.Keys(p.live))
	p.mu.Unlock()
	for _, c := range conns {
		c.Close()
		<-c.Done()
	}
}

// takesCalls reports whether new calls can be made.
func (c *Conn) takesCalls() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err == nil && !c.away && !c.draining
}

// begin starts an attempt. The caller holds mu.
func (p *Peer) begin() {
	ctx, cancel := context.WithCancel(context.Background())
	a := &attempt{done: make(chan struct{}), cancel: cancel}
	p.attempt = a
	rest := time.Until(p.resting)
	go func() {
		defer cancel()
		defer close(a.done)
		a.err = pause(ctx, rest)
		if a.err == nil {
			a.conn, a.err = dial(ctx, p.addr, p.opts, p.connected)
		}
		p.finish(a)
	}()
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ErrPeerClosed
	}
}

// finish enters the outcome of an attempt.
func (p *Peer) finish(a *attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attempt = nil
	if a.err != nil {
		p.failures++
		p.resting = time.Now().Add(p.backoff())
		return
	}
	p.failures = 0
	p.resting = time.Now().Add(p.backoff())
	p.conn = a.conn
}

// connected enters a connection before it runs.
func (p *Peer) connected(c *Conn) {
	c.onEnd = p.lost
	p.mu.Lock()
	p.live[c] = struct{}{}
	p.mu.Unlock()
	if p.opts.OnConnect != nil {
		p.opts.OnConnect(c)
	}
}

func (p *Peer) lost(c *Conn, why error) {
	p.mu.Lock()
	delete(p.live, c)
	p.mu.Unlock()
	if p.opts.OnLost != nil {
		p.opts.OnLost(c, why)
	}
}

// backoff is the pause after as many failures in a row: half of it is fixed, half
// is left to chance, so that the peers of a server that returns do not come all
// at once.
func (p *Peer) backoff() time.Duration {
	d := p.opts.BackoffMin
	for i := 1; i < p.failures && d < p.opts.BackoffMax; i++ {
		d *= 2
	}
	d = min(d, p.opts.BackoffMax)
	return d/2 + time.Duration(p.opts.Jitter()*float64(d/2))
}
