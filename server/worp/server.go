package worp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// Server turns upgrade requests of a fasthttp server into connections and keeps
// account of them. fasthttp neither counts hijacked connections nor limits them
// nor waits for them: shut this server down first.
type Server struct {
	opts *Options

	mu       sync.Mutex
	conns    map[*Conn]struct{}
	starting map[net.Conn]struct{} // in the handshake
	draining bool
	wg       sync.WaitGroup
}

// NewServer checks o. Its error wraps CodeArgument and names every fault.
func NewServer(o Options) (*Server, error) {
	opts, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Server{opts: opts, conns: map[*Conn]struct{}{}, starting: map[net.Conn]struct{}{}}, nil
}

// Conns returns the connections that live.
func (s *Server) Conns() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}

// Upgrade is the handler of GET /worp. A request that is no proper upgrade gets a
// 4xx, or 503 when the server is full or draining, with a text that says what was
// wrong.
func (s *Server) Upgrade(ctx *fasthttp.RequestCtx) {
	if err := checkUpgrade(ctx); err != nil {
		refuseUpgrade(ctx, err)
		return
	}
	if err := s.room(); err != nil {
		refuseUpgrade(ctx, err)
		return
	}
	var principal any
	if s.opts.Authorize != nil {
		var err error
		if principal, err = s.opts.Authorize(ctx); err != nil {
			refuseUpgrade(ctx, err)
			return
		}
	}
	tls, remote := ctx.IsTLS(), ctx.RemoteAddr().String()
	ctx.SetStatusCode(fasthttp.StatusSwitchingProtocols)
	ctx.Response.Header.Set("Connection", "Upgrade")
	ctx.Response.Header.Set("Upgrade", Protocol)
	ctx.Hijack(func(hijacked net.Conn) { s.serve(hijacked, tls, remote, principal) })
}

func (s *Server) room() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return fmt.Errorf("%w: no new connections", CodeShuttingDown)
	case len(s.conns)+len(s.starting) >= s.opts.MaxConns:
		return fmt.Errorf("%w: %d connections, the limit is %d", CodeOverloaded, s.opts.MaxConns, s.opts.MaxConns)
	}
	return nil
}

// serve is the life of a connection, on the goroutine that fasthttp started for
// it. What it is handed is a wrapper that fasthttp uses again afterwards, and
// whose Close does nothing: bytes are read through it, for it holds those that
// came with the upgrade, but everything else is done on the connection below. The
// connection closes when serve returns.
func (s *Server) serve(hijacked net.Conn, tls bool, remote string, principal any) {
	nc := hijacked
	if w, ok := hijacked.(interface{ UnsafeConn() net.Conn }); ok {
		nc = w.UnsafeConn()
	}
	if !s.begin(nc) {
		return
	}
	defer s.wg.Done()
	rd := newFrameReader(hijacked, maxHello)
	// If the deadline cannot be set the connection is gone, and reading says so.
	_ = nc.SetDeadline(time.Now().Add(s.opts.HandshakeTimeout))
	c, err := answer(nc, rd, s.opts, tls)
	if err == nil {
		c.principal = principal
	}
	if live := s.began(nc, c); err != nil || !live {
		s.turnAway(nc, rd, err, remote)
		return
	}
	_ = nc.SetDeadline(time.Time{})
	c.run()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	level, why := slog.LevelDebug, c.Err()
	if fault := new(Error); errors.As(why, &fault) { // someone's program is wrong
		level = slog.LevelWarn
	}
	s.opts.Logger.Log(context.Background(), level, "connection ended", "remote", remote, "peer", c.peer.Name, "node", c.peer.Node, "cause", why)
}

// turnAway ends a connection whose handshake failed.
func (s *Server) turnAway(nc net.Conn, rd *frameReader, err error, remote string) {
	if err == nil {
		return
	}
	s.opts.Logger.Info("handshake failed", "remote", remote, "cause", err)
	_ = nc.SetDeadline(time.Now().Add(s.opts.Linger))
	shutWrite(nc)
	discard(rd.src)
}

func (s *Server) begin(nc net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.wg.Add(1)
	s.starting[nc] = struct{}{}
	return true
}

// began moves a connection from those that start to those that live. It reports
// false where the server was shut down meanwhile.
func (s *Server) began(nc net.Conn, c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.starting, nc)
	if s.draining {
		return false
	}
	if c != nil {
		s.conns[c] = struct{}{}
	}
	return true
}

// Shutdown takes no new connections, drains those that live, and returns when
// they have ended. If ctx ends first they are closed as they are, and the error
// says of each what was open.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	for nc := range s.starting {
		_ = nc.SetDeadline(longAgo)
	}
	s.mu.Unlock()
	conns := s.Conns()
	errs := make([]error, len(conns))
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() {
			if err := c.Drain(ctx); err != nil {
				errs[i] = fmt.Errorf("connection of %q: %w", c.peer.Name, err)
			}
		})
	}
	wg.Wait()
	s.wg.Wait()
	return errors.Join(errs...)
}

// Close ends all connections at once and returns when they have ended.
func (s *Server) Close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.Shutdown(ctx) // it can only say that calls were open
}
