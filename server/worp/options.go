package worp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// Options say how connections behave. The zero value works. A Server, Dial or
// NewPeer takes a copy, fills the defaults in and never writes to it again.
type Options struct {
	// Name is what this side calls itself in the other's logs. Node and
	// Incarnation identify a worker and its life; clients leave them empty.
	Name, Node  string
	Incarnation uint64

	// Handler gets the requests and one-way messages that the other side sends;
	// see Handler. Without one every request is answered with CodeUnknownType.
	Handler Handler

	// MaxFrame is the longest payload that is accepted or sent, in bytes; of what
	// the two sides say, the smaller counts. Default 8 MiB: long results come in
	// pages, and what is longer is refused.
	MaxFrame int
	// RequestWindow is how much of requests and one-way messages may be under way
	// or in hand, in either direction, in bytes of charge; see doc.go. Of what the
	// two sides say, the smaller counts. Default 4 MiB: 25,000 requests of 100
	// bytes, and the bandwidth of a local network over several milliseconds.
	RequestWindow int
	// ReplyWindow is the same of replies. Default 4 MiB.
	ReplyWindow int
	// MaxCalls is how many calls the other side may have open. Default 4096:
	// beyond some hundred in flight there is no more throughput to win.
	MaxCalls int
	// StreamPages is how many pages of one call may be under way before the first
	// is consumed. Default 4: one on each stage of the way.
	StreamPages int

	// QueueBytes is how much may wait here for the other side's credit, in bytes
	// of charge: beyond it, Go and Send refuse, and requests that arrive wait with
	// their handling until replies have gone. Default 4 MiB.
	QueueBytes int
	// Compress asks, on the side that dials, for compression of payloads beyond
	// 512 bytes. A side that is dialed always agrees. Default no: on a local
	// network the processor is dearer than the bytes.
	Compress bool

	// HandshakeTimeout bounds upgrade and HELLO. Default 5 s.
	HandshakeTimeout time.Duration
	// PingInterval is the silence after which a PING is sent. Default 5 s.
	PingInterval time.Duration
	// IdleTimeout is the silence after which the other side is taken for dead,
	// and the time for which it may take no bytes or give no credit for replies.
	// Default 20 s.
	IdleTimeout time.Duration
	// Linger bounds, at the end of a connection, the time for the last frames to
	// go out and for the other side to close. Default 1 s.
	Linger time.Duration

	// Logger gets panics of handlers and faults of connections. Default discards.
	Logger *slog.Logger

	// MaxConns bounds the connections of a Server; more are refused with 503.
	// Default 10,000.
	MaxConns int
	// Authorize, in a Server, decides on an upgrade request before it is
	// answered. Its error refuses with the HTTP status of the error's code. The
	// principal is what Conn.Principal returns. It must not keep ctx.
	Authorize func(ctx *fasthttp.RequestCtx) (principal any, err error)

	// Dial makes the byte connection. Default: TCP.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
	// TLS, where it is set, is spoken over what Dial returns.
	TLS *tls.Config
	// Header is added to the upgrade request, such as an Authorization.
	Header map[string]string

	// BackoffMin and BackoffMax bound the pause of a Peer between attempts to
	// dial, which doubles with each failure. Defaults 50 ms and 5 s.
	BackoffMin, BackoffMax time.Duration
	// Jitter returns numbers in [0,1) by which the pauses of many peers are
	// spread. Default math/rand.
	Jitter func() float64
	// OnConnect and OnLost tell of a Peer's connections: of each new one before
	// anyone else can use it, and of the loss of it. They must not block.
	OnConnect func(*Conn)
	OnLost    func(*Conn, error)
}

// maxWindow bounds windows, in bytes.
const maxWindow = 1 << 40

func setDefault[T comparable](field *T, to T) {
	var zero T
	if *field == zero {
		*field = to
	}
}

// withDefaults returns o with its defaults filled in, and every fault in it.
func (o Options) withDefaults() (*Options, error) {
	setDefault(&o.MaxFrame, 8<<20)
	setDefault(&o.RequestWindow, 4<<20)
	setDefault(&o.ReplyWindow, 4<<20)
	setDefault(&o.MaxCalls, 4096)
	setDefault(&o.StreamPages, 4)
	setDefault(&o.QueueBytes, 4<<20)
	setDefault(&o.HandshakeTimeout, 5*time.Second)
	setDefault(&o.PingInterval, 5*time.Second)
	setDefault(&o.IdleTimeout, 20*time.Second)
	setDefault(&o.Linger, time.Second)
	setDefault(&o.MaxConns, 10_000)
	setDefault(&o.BackoffMin, 50*time.Millisecond)
	setDefault(&o.BackoffMax, 5*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Handler == nil {
		o.Handler = new(Mux)
	}
	if o.Dial == nil {
		o.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	return &o, o.validate()
}

func (o *Options) validate() error {
	var errs []error
	within := func(what string, is, least, most int64) {
		if is < least || is > most {
			errs = append(errs, fmt.Errorf("%w: option %s is %d, not in %d..%d", CodeArgument, what, is, least, most))
		}
	}
	within("MaxFrame", int64(o.MaxFrame), leastFrame, 1<<30)
	within("RequestWindow", int64(o.RequestWindow), leastFrame, maxWindow)
	within("ReplyWindow", int64(o.ReplyWindow), leastFrame, maxWindow)
	within("MaxCalls", int64(o.MaxCalls), 1, 1<<20)
	within("StreamPages", int64(o.StreamPages), 1, 1<<16)
	within("QueueBytes", int64(o.QueueBytes), 1, maxWindow)
	within("HandshakeTimeout", int64(o.HandshakeTimeout), 1, 1<<62)
	within("PingInterval", int64(o.PingInterval), 1, int64(o.IdleTimeout))
	within("Linger", int64(o.Linger), 1, 1<<62)
	within("MaxConns", int64(o.MaxConns), 1, 1<<30)
	within("BackoffMin", int64(o.BackoffMin), 1, int64(o.BackoffMax))
	within("length of Name", int64(len(o.Name)), 0, maxName)
	within("length of Node", int64(len(o.Node)), 0, maxName)
	return errors.Join(errs...)
}

// hello is what o says of this side.
func (o *Options) hello(features Feature) Hello {
	return Hello{
		MinVersion: Version, MaxVersion: Version, Features: features,
		MaxFrame: uint32(o.MaxFrame), RequestWindow: uint64(o.RequestWindow), ReplyWindow: uint64(o.ReplyWindow),
		MaxCalls: uint32(o.MaxCalls), StreamPages: uint32(o.StreamPages),
		Name: o.Name, Node: o.Node, Incarnation: o.Incarnation,
	}
}
