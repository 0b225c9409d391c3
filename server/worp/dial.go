package worp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// Dial connects to a server at addr, "host:port", and returns when the handshake
// is done. Errors wrap CodeUnavailable where there is no way to the server, the
// code that belongs to the HTTP status where it refuses the upgrade, and what the
// server says where it refuses the HELLO. Faults of o wrap CodeArgument.
func Dial(ctx context.Context, addr string, o Options) (*Conn, error) {
	opts, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return dial(ctx, addr, opts, nil)
}

// dial calls ready, where it is set, before any goroutine of the connection runs.
func dial(ctx context.Context, addr string, o *Options, ready func(*Conn)) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, o.HandshakeTimeout)
	defer cancel()
	nc, err := o.Dial(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("%w: dial %s: %w", CodeUnavailable, addr, err)
	}
	// Whatever ends ctx ends the handshake; its reads and writes fail at once.
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(longAgo) })
	c, err := handshake(ctx, nc, addr, o)
	if !stop() && err == nil {
		err = fmt.Errorf("%w: %w", CodeUnavailable, ctx.Err())
	}
	if err == nil {
		err = nc.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = nc.Close() // err says what is wrong with it
		if cause := ctx.Err(); cause != nil {
			err = fmt.Errorf("%w (%w)", err, cause)
		}
		return nil, fmt.Errorf("connect to %s: %w", addr, err)
	}
	if ready != nil {
		ready(c)
	}
	go c.run()
	return c, nil
}

func handshake(ctx context.Context, nc net.Conn, addr string, o *Options) (*Conn, error) {
	if o.TLS != nil {
		t := tls.Client(nc, tlsConfig(o.TLS, addr))
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("%w: TLS: %w", CodeUnavailable, err)
		}
		nc = t
	}
	early, err := upgrade(nc, addr, o)
	if err != nil {
		return nil, err
	}
	rd := newFrameReader(io.MultiReader(bytes.NewReader(early), nc), maxHello)
	c, err := offer(nc, rd, o, o.TLS != nil)
	if err == nil {
		rd.src = nc // every early byte has been read: the answer to HELLO was behind them
	}
	return c, err
}

func tlsConfig(t *tls.Config, addr string) *tls.Config {
	if t.ServerName != "" || t.InsecureSkipVerify {
		return t
	}
	t = t.Clone()
	if host, _, err := net.SplitHostPort(addr); err == nil {
		t.ServerName = host
	}
	return t
}

// upgrade makes WORP of an HTTP connection. It returns the bytes that came with
// the answer.
func upgrade(nc net.Conn, addr string, o *Options) ([]byte, error) {
	var req fasthttp.Request
	req.SetRequestURI(Path)
	req.Header.SetHost(addr)
	req.Header.Set(fasthttp.HeaderConnection, "Upgrade")
	req.Header.Set(fasthttp.HeaderUpgrade, Protocol)
	for k, v := range o.Header {
		req.Header.Set(k, v)
	}
	if _, err := req.WriteTo(nc); err != nil {
		return nil, fmt.Errorf("%w: upgrade: %w", CodeUnavailable, err)
	}
	br := bufio.NewReader(nc)
	var resp fasthttp.Response
	if err := resp.Header.Read(br); err != nil {
		return nil, fmt.Errorf("%w: answer to the upgrade: %w", CodeUnavailable, err)
	}
	if resp.StatusCode() != fasthttp.StatusSwitchingProtocols {
		if err := resp.ReadBody(br, maxMessage); err != nil {
			resp.SetBodyString(err.Error())
		}
		return nil, refusedUpgrade(resp.StatusCode(), resp.Body())
	}
	if !hasToken(string(resp.Header.Peek(fasthttp.HeaderUpgrade)), Protocol) {
		return nil, fmt.Errorf("%w: the server upgrades to %.64q", CodeUnsupportedVersion, resp.Header.Peek(fasthttp.HeaderUpgrade))
	}
	early, err := br.Peek(br.Buffered())
	return early, err
}

// refusedUpgrade is the error of a server that answered the upgrade with another
// status than 101.
func refusedUpgrade(status int, text []byte) error {
	code := CodeUnavailable
	for _, i := range []Code{CodeUnsupportedVersion, CodeUnauthenticated, CodeForbidden, CodeNotFound} {
		if i.Info().HTTP == status {
			code = i
		}
	}
	return &Error{Code: code, Message: fmt.Sprintf("%v: upgrade refused with %d: %s", code, status, bytes.TrimSpace(text))}
}
