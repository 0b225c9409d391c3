package worp

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// fasthttp keeps one goroutine for the Date header for as long as the process
	// lives, and one of each server that sleeps ten seconds beyond its end.
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// node is a Server behind a fasthttp server.
type node struct {
	*Server
	http *fasthttp.Server
	addr string
}

func serveTCP(t testing.TB, o Options) *node {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, ln, o)
}

func serveOn(t testing.TB, ln net.Listener, o Options) *node {
	t.Helper()
	s, err := NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	h := &fasthttp.Server{Handler: s.Upgrade, Name: "test", Logger: quiet{}}
	served := make(chan error, 1)
	go func() { served <- h.Serve(ln) }()
	t.Cleanup(func() {
		s.Close()
		if err := h.Shutdown(); err != nil {
			t.Error(err)
		}
		<-served
	})
	return &node{s, h, ln.Addr().String()}
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

func (n *node) dial(t testing.TB, o Options) *Conn {
	t.Helper()
	c, err := Dial(context.Background(), n.addr, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		<-c.Done()
	})
	return c
}

func options(t testing.TB, o Options) *Options {
	t.Helper()
	opts, err := o.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return opts
}

// pair joins two connections by a pipe, without HTTP: for tests in a bubble of
// synctest, and for those that look inside.
func pair(t testing.TB, accepts, dials Options) (server, client *Conn) {
	t.Helper()
	a, b := net.Pipe()
	return pairOver(t, a, b, accepts, dials)
}

func pairOver(t testing.TB, a, b net.Conn, accepts, dials Options) (server, client *Conn) {
	t.Helper()
	failed := make(chan error, 1)
	go func() {
		var err error
		server, err = answer(a, newFrameReader(a, maxHello), options(t, accepts), false)
		failed <- err
	}()
	client, err := offer(b, newFrameReader(b, maxHello), options(t, dials), false)
	if err2 := <-failed; err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	go func() {
		server.run()
		_ = a.Close()
	}()
	go client.run()
	t.Cleanup(func() {
		client.Close()
		server.Close()
		<-client.Done()
		<-server.Done()
	})
	return server, client
}

// echo answers every request with its own payload.
var echo = HandlerFunc(func(r *Request) { _ = r.Reply(r.Payload) })

// timeout is a context of d that ends with the test.
func timeout(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

const time30 = 30 * time.Second

// tick lets a moment pass in a loop that waits for what another process, or the
// kernel, is about to do, and nothing tells of.
func tick() <-chan time.Time { return time.After(time.Millisecond) }
