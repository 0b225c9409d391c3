package worp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// producer answers with n pages of a size, as fast as it may, and counts them.
type producer struct {
	pages, size int
	made        atomic.Int64
	most        atomic.Int64 // bytes that waited for credit, at most
}

func (p *producer) Handle(r *Request) {
	if r.Type != TypeSelect {
		_ = r.Reply(r.Payload)
		return
	}
	p.produce(r, 0)
}

func (p *producer) produce(r *Request, n int) {
	for ; n < p.pages; n++ {
		if !r.Ready(func() { p.produce(r, n) }) {
			return
		}
		if err := r.Page(make([]byte, p.size)); err != nil {
			r.Fail(err)
			return
		}
		p.made.Add(1)
		s := r.Conn().Stats()
		p.most.Store(max(p.most.Load(), int64(s.QueuedReplies+s.Buffered)))
	}
	_ = r.Reply(nil)
}

// A result of a gigabyte whose reader takes its time: no more than a few pages of
// it are anywhere, and other calls on the connection go on meanwhile.
func TestSlowConsumer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &producer{pages: 16_000, size: 64 << 10}
		server, client := pair(t, Options{Handler: p}, Options{})
		ctx := context.Background()
		s, err := client.OpenStream(ctx, TypeSelect, nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 100 {
			if _, err := s.Next(ctx); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if ahead := p.made.Load() - int64(n+1); ahead > 6 {
				t.Fatalf("%d pages ahead of the reader", ahead)
			}
			if _, err := client.Call(ctx, TypeStatus, nil); err != nil {
				t.Fatal(err)
			}
		}
		if most := p.most.Load(); most > 6*64<<10 {
			t.Errorf("%d bytes waited at the sender", most)
		}
		s.Close()
		synctest.Wait()
		if st := server.Stats(); st.OpenRequests != 0 || p.made.Load() > 110 {
			t.Errorf("after Close: %+v, %d pages", st, p.made.Load())
		}
		if _, err := s.Next(ctx); !errors.Is(err, CodeCancelled) {
			t.Error(err)
		}
	})
}

// A caller whose callbacks are slow, with many calls of large answers: replies
// wait at the server up to its limits, and requests that come then are not handled.
func TestSlowCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, calls, queue = 16 << 10, 2000, 100_000
		var handled atomic.Int64
		server, client := pair(t, Options{QueueBytes: queue, Handler: HandlerFunc(func(r *Request) {
			handled.Add(1)
			_ = r.Reply(make([]byte, size))
		})}, Options{ReplyWindow: 64 << 10})
		done := make(chan struct{}, calls)
		for range calls {
			call := &Call{Type: TypeStatus, Done: func(*Call) {
				time.Sleep(time.Millisecond) // what no callback should do
				done <- struct{}{}
			}}
			if err := client.Go(call); err != nil {
				t.Fatal(err)
			}
		}
		for n := range calls {
			<-done
			if s := server.Stats(); s.QueuedReplies > queue+size+frameCost {
				t.Fatalf("after %d answers %d bytes of replies wait", n, s.QueuedReplies)
			}
		}
		if handled.Load() != calls || server.Stats().RepliesStalled == 0 {
			t.Errorf("%d handled, %+v", handled.Load(), server.Stats())
		}
	})
}

// A handler that is slow to answer stops its callers, who learn it from
// ErrQueueFull, or wait in Call.
func TestSlowHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeld()
		server, client := pair(t, Options{Handler: h, RequestWindow: 64 << 10}, Options{QueueBytes: 64 << 10})
		call := func() error {
			return client.Go(&Call{Type: TypeStatus, Payload: make([]byte, 1000), Done: func(*Call) {}})
		}
		n := 0
		for ; ; n++ {
			if err := call(); errors.Is(err, ErrQueueFull) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if n < 110 || n > 130 { // 61 in each of window and queue
			t.Errorf("%d calls were taken", n)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := client.Call(ctx, TypeStatus, nil); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, CodeUnknownOutcome) {
			t.Error(err)
		}
		room := client.Room()
		synctest.Wait()
		for server.Stats().OpenRequests > 0 {
			h.answerAll(t)
			synctest.Wait()
		}
		<-room
		if err := call(); err != nil {
			t.Error(err)
		}
		h.answerAll(t)
	})
}

// A peer that sends pings, or requests and the credit for their answers, and
// reads nothing, is thrown out before it costs much, whatever windows it claims.
func TestFloodWithoutReading(t *testing.T) {
	request := appendFrame(nil, frame{typ: TypeStatus, call: 1, payload: make([]byte, 1000)}, true)
	for name, flood := range map[string][]byte{
		"pings":    appendFrame(nil, frame{typ: TypePing, payload: make([]byte, maxPing)}, true),
		"requests": appendFrame(request, frame{typ: TypeCredit, payload: *credit(0, 1000+frameCost)}, true),
	} {
		o := options(t, Options{Handler: echo, MaxFrame: leastFrame, RequestWindow: leastFrame, ReplyWindow: leastFrame, MaxCalls: 10})
		peer := o.hello(1)
		peer.RequestWindow, peer.ReplyWindow, peer.MaxFrame, peer.MaxCalls = maxWindow, maxWindow, 1<<32-1, 1<<32-1
		src := bytes.NewReader(bytes.Repeat(flood, 30_000))
		c := newConn(&deafConn{gone: make(chan struct{})}, newFrameReader(src, leastFrame), o, o.hello(1), peer, FeatureChecksum)
		c.run()
		if !errors.Is(c.Err(), CodeOverloaded) || c.maxOut > 2<<20 {
			t.Errorf("%s: %v, with %d bytes allowed to wait", name, c.Err(), c.maxOut)
		}
	}
}

// Compression saves, and is seen nowhere else.
func TestCompression(t *testing.T) {
	server, client := pair(t, Options{Handler: echo}, Options{Compress: true})
	rng := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 5000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	text := []byte(fmt.Sprint(make([]int, 2500)))
	for _, payload := range [][]byte{nil, text[:512], text[:513], text, noise} {
		got, err := client.Call(context.Background(), TypeStatus, payload)
		if err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("%d bytes came as %d, %v", len(payload), len(got), err)
		}
	}
	if out := server.Stats().BytesOut; out > 8000 {
		t.Errorf("%d bytes for 5,000 of noise and %d that compress well", out, len(text))
	}
}
