package worp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"
)

// send writes raw HTTP to a server and returns its answer, without the body's
// newline.
func send(t *testing.T, addr, raw string) (*http.Response, string) {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.Write([]byte(raw)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body := make([]byte, 1000)
	n, _ := resp.Body.Read(body)
	return resp, strings.TrimSuffix(string(body[:n]), "\n")
}

func TestUpgradeRefusals(t *testing.T) {
	n := serveTCP(t, Options{})
	const good = "Connection: Upgrade\r\nUpgrade: worp/1\r\n"
	for _, c := range []struct {
		line, headers string
		status        int
		text          string
	}{
		{"POST /worp HTTP/1.1", good + "Content-Length: 0\r\n", 405, "method POST: WORP begins with GET"},
		{"GET /worp HTTP/1.0", good + "Connection: keep-alive\r\n", 400, "HTTP/1.0: WORP begins with HTTP/1.1"},
		{"GET /worp HTTP/1.1", "", 426, "no Upgrade header: worp/1 is spoken here"},
		{"GET /worp HTTP/1.1", "Connection: Upgrade\r\nUpgrade: worp/2\r\n", 426, `Upgrade: "worp/2": worp/1 is spoken here`},
		{"GET /worp HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", 426, `Upgrade: "websocket": worp/1 is spoken here`},
		{"GET /worp HTTP/1.1", "Upgrade: worp/1\r\n", 400, `Connection: "": must name Upgrade`},
		{"GET /worp HTTP/1.1", "Connection: close, Upgrade\r\nUpgrade: worp/1\r\n", 400, "Connection: close: WORP keeps the connection"},
		{"GET /worp HTTP/1.1", good + "Content-Length: 1\r\n\r\nx", 400, "the upgrade request has a body"},
	} {
		resp, text := send(t, n.addr, c.line+"\r\nHost: x\r\n"+c.headers+"\r\n")
		if resp.StatusCode != c.status || text != c.text {
			t.Errorf("%s %q: %d %q, want %d %q", c.line, c.headers, resp.StatusCode, text, c.status, c.text)
		}
		if c.status == 426 && resp.Header.Get("Upgrade") != Protocol {
			t.Errorf("426 without the protocol: %v", resp.Header)
		}
	}
	resp, _ := send(t, n.addr, "GET /worp HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, upgrade\r\nUpgrade: h2c, WORP/1\r\n\r\n")
	if resp.StatusCode != 101 || resp.Header.Get("Upgrade") != Protocol {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

// What refuses a client comes to it as an error with a code.
func TestDialRefused(t *testing.T) {
	answers := map[string]string{
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope": "connect to .*: forbidden: upgrade refused with 403: nope",
		"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n":          "unavailable: upgrade refused with 500",
		"HTTP/1.1 101 Switching\r\nUpgrade: other\r\n\r\n":        `unsupported_version: the server upgrades to "other"`,
		"garbage": "unavailable: answer to the upgrade",
		"HTTP/1.1 101 Switching\r\nUpgrade: worp/1\r\n\r\n":                                                        "unavailable: answer to HELLO: EOF",
		"HTTP/1.1 101 Switching\r\nUpgrade: worp/1\r\n\r\ngarbage garbage.":                                        "unavailable: answer to HELLO: unexpected EOF",
		"HTTP/1.1 101 Switching\r\nUpgrade: worp/1\r\n\r\n" + string(appendFrame(nil, frame{typ: TypePing}, true)): "bad_frame: PING in answer to HELLO",
		"HTTP/1.1 101 Switching\r\nUpgrade: worp/1\r\n\r\n" + string(appendFrame(nil, frame{typ: TypeError, payload: (&Error{Code: CodeUnsupportedVersion, Message: "old"}).Append(nil)}, true)): "ended by the other side: old",
		"HTTP/1.1 101 Switching\r\nUpgrade: worp/1\r\n\r\n" + string(helloAck(func(h *Hello) { h.MinVersion, h.MaxVersion = 2, 2 })):                                                             "version 2 to 2 was answered to an offer of 1",
		"HTTP/1.1 101 Switching\r\nUpgrade: worp/1\r\n\r\n" + string(helloAck(func(h *Hello) { h.Features = 3 })):                                                                                "features 0x2 were not offered",
		"HTTP/1.1 101 Switching\r\nUpgrade: worp/1\r\n\r\n" + string(helloAck(func(h *Hello) { h.Features = 0 })):                                                                                "no checksums on a connection without TLS",
		"HTTP/1.1 101 Switching\r\nUpgrade: worp/1\r\n\r\n" + string(helloAck(func(h *Hello) { h.MaxCalls = 0 })):                                                                                "max calls is 0, the least is 1",
	}
	for answer, want := range answers {
		_, err := Dial(context.Background(), "host:1", Options{Dial: func(context.Context, string) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				defer far.Close()
				rd := bufio.NewReader(far)
				if _, err := http.ReadRequest(rd); err != nil {
					return
				}
				if _, err := far.Write([]byte(answer)); err != nil || !strings.Contains(answer, "101") {
					return
				}
				_, _ = newFrameReader(rd, maxHello).await()
			}()
			return near, nil
		}})
		if want = strings.TrimPrefix(want, "connect to .*: "); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", answer, err, want)
		}
		if CodeOf(err) == CodeInternal {
			t.Errorf("%v has no code", err)
		}
	}
}

func helloAck(change func(*Hello)) []byte {
	h := exampleAck
	change(&h)
	return appendFrame(nil, frame{typ: TypeHelloAck, payload: h.Append(nil)}, true)
}

// A server that says nothing is given up with the context, and within the
// handshake's own time.
func TestDialGivesUp(t *testing.T) {
	silent := func(context.Context, string) (net.Conn, error) {
		near, far := net.Pipe()
		t.Cleanup(func() { far.Close() })
		return near, nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Dial(ctx, "host:1", Options{Dial: silent}); !errors.Is(err, CodeUnavailable) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := Dial(context.Background(), "host:1", Options{Dial: silent, HandshakeTimeout: time.Millisecond}); !errors.Is(err, CodeUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := Dial(context.Background(), "127.0.0.1:1", Options{}); !errors.Is(err, CodeUnavailable) {
		t.Error(err)
	}
}

func TestAuthorize(t *testing.T) {
	n := serveTCP(t, Options{
		Handler: HandlerFunc(func(r *Request) { _ = r.Reply([]byte(fmt.Sprint(r.Conn().Principal()))) }),
		Authorize: func(ctx *fasthttp.RequestCtx) (any, error) {
			switch string(ctx.Request.Header.Peek("Authorization")) {
			case "":
				return nil, fmt.Errorf("%w: who are you", CodeUnauthenticated)
			case "Bearer good":
				return "alice", nil
			}
			return nil, fmt.Errorf("%w: not you", CodeForbidden)
		},
	})
	if _, err := Dial(context.Background(), n.addr, Options{}); !errors.Is(err, CodeUnauthenticated) || !strings.Contains(err.Error(), "who are you") {
		t.Error(err)
	}
	if _, err := Dial(context.Background(), n.addr, Options{Header: map[string]string{"Authorization": "Bearer bad"}}); !errors.Is(err, CodeForbidden) {
		t.Error(err)
	}
	c := n.dial(t, Options{Header: map[string]string{"Authorization": "Bearer good"}})
	if got, err := c.Call(context.Background(), TypeStatus, nil); err != nil || string(got) != "alice" {
		t.Errorf("%q %v", got, err)
	}
}

func TestMaxConns(t *testing.T) {
	n := serveTCP(t, Options{MaxConns: 1, Handler: echo})
	c := n.dial(t, Options{})
	if _, err := Dial(context.Background(), n.addr, Options{}); !errors.Is(err, CodeUnavailable) || !strings.Contains(err.Error(), "1 connections, the limit is 1") {
		t.Error(err)
	}
	if _, err := c.Call(context.Background(), TypeStatus, nil); err != nil {
		t.Error(err)
	}
}

// selfSigned is a certificate of localhost and a pool that trusts it.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// Over TLS frames carry no checksums. A client that does not trust the server
// does not speak to it.
func TestTLS(t *testing.T) {
	cert, pool := selfSigned(t)
	ln, err := tls.Listen("tcp", "localhost:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	n := serveOn(t, ln, Options{Handler: echo})
	_, port, err := net.SplitHostPort(n.addr)
	if err != nil {
		t.Fatal(err)
	}
	n.addr = "localhost:" + port
	c := n.dial(t, Options{TLS: &tls.Config{RootCAs: pool}})
	if got, err := c.Call(context.Background(), TypeStatus, []byte("hi")); err != nil || string(got) != "hi" {
		t.Errorf("%q %v", got, err)
	}
	if c.sum || n.Conns()[0].sum {
		t.Error("checksums over TLS")
	}
	if _, err := Dial(context.Background(), n.addr, Options{TLS: &tls.Config{}}); !errors.Is(err, CodeUnavailable) || !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
	if err := c.Drain(timeout(t, time.Minute)); err != nil {
		t.Error(err)
	}
}

// An in-memory listener does as well as TCP.
func TestInMemory(t *testing.T) {
	ln := fasthttputil.NewInmemoryListener()
	n := serveOn(t, ln, Options{Handler: echo, Node: "w1", Incarnation: 9})
	c := n.dial(t, Options{Name: "app", Dial: func(context.Context, string) (net.Conn, error) { return ln.Dial() }})
	if got, err := c.Call(context.Background(), TypeStatus, []byte("hi")); err != nil || string(got) != "hi" {
		t.Errorf("%q %v", got, err)
	}
	if r := c.Remote(); r.Node != "w1" || r.Incarnation != 9 || n.Conns()[0].Remote().Name != "app" {
		t.Errorf("%+v", r)
	}
}

// What a server refuses it refuses with an ERROR frame that arrives although the
// client goes on sending: its end of the connection stays open for that long. The
// server lives on.
func TestGarbageAfterUpgrade(t *testing.T) {
	n := serveTCP(t, Options{Handler: echo, Linger: time30})
	hello := appendFrame(nil, frame{typ: TypeHello, payload: exampleHello.Append(nil)}, true)
	for name, first := range map[string][]byte{"instead of HELLO": nil, "behind HELLO": hello} {
		nc, err := net.Dial("tcp", n.addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := upgrade(nc, n.addr, options(t, Options{})); err != nil {
			t.Fatal(err)
		}
		if _, err := nc.Write(append(bytes.Clone(first), make([]byte, 300_000)...)); err != nil {
			t.Fatal(err)
		}
		rd := newFrameReader(nc, maxHello)
		f, err := rd.await()
		if first != nil && err == nil && f.typ == TypeHelloAck {
			f, err = rd.await()
		}
		var e Error
		if err != nil || f.typ != TypeError || e.Decode(f.payload) != nil || e.Code != CodeBadFrame {
			t.Errorf("%s: %s, %v, %v", name, f.typ, e, err)
		}
		if _, err := rd.await(); err != io.EOF {
			t.Errorf("%s: after the error: %v", name, err)
		}
		for range 20 { // a closed connection is reset by the first and fails the next
			if _, err := nc.Write(make([]byte, 100_000)); err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
		}
		nc.Close()
	}
	if _, err := n.dial(t, Options{}).Call(context.Background(), TypeStatus, nil); err != nil {
		t.Fatal(err)
	}
}
