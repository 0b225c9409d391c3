package worp

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// The echo: 100 bytes both ways over one TCP connection on the loopback, client
// and server in one process.
const echoSize = 100

var inFlight = []int{1, 64, 256, 1024}

// taskQueue is a handler as a task thread is one: a swapped slice, and a
// goroutine that answers.
type taskQueue struct {
	mu    sync.Mutex
	queue []*Request
	wake  chan struct{}
}

func newTaskQueue(b *testing.B) *taskQueue {
	q := &taskQueue{wake: make(chan struct{}, 1)}
	stop := make(chan struct{})
	b.Cleanup(func() { close(stop) })
	go func() {
		var batch []*Request
		for {
			q.mu.Lock()
			batch, q.queue = q.queue, batch[:0]
			q.mu.Unlock()
			for _, r := range batch {
				_ = r.Reply(r.Payload)
			}
			if len(batch) > 0 {
				continue
			}
			select {
			case <-q.wake:
			case <-stop:
				return
			}
		}
	}()
	return q
}

func (q *taskQueue) Handle(r *Request) {
	q.mu.Lock()
	q.queue = append(q.queue, r)
	first := len(q.queue) == 1
	q.mu.Unlock()
	if first {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
}

func echoConn(b *testing.B, h Handler) *Conn {
	return serveTCP(b, Options{Handler: h}).dial(b, Options{})
}

// Each of n goroutines waits for its answer before it asks again.
func benchBlocking(b *testing.B, h func(*testing.B) Handler) {
	for _, n := range inFlight {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := echoConn(b, h(b))
			payload := make([]byte, echoSize)
			b.ReportAllocs()
			b.ResetTimer()
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					for left.Add(-1) >= 0 {
						if _, err := c.Call(context.Background(), TypeStatus, payload); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			report(b, c)
		})
	}
}

// n calls are under way, and each is sent again from its own Done.
func benchAsync(b *testing.B, h func(*testing.B) Handler) {
	for _, n := range inFlight {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := echoConn(b, h(b))
			payload := make([]byte, echoSize)
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			var made atomic.Int64
			for range n {
				wg.Add(1)
				next := func(call *Call) {
					if call.Err == nil && made.Add(1) <= int64(b.N) {
						if call.Err = c.Go(call); call.Err == nil {
							return
						}
					}
					if call.Err != nil {
						b.Error(call.Err)
					}
					wg.Done()
				}
				next(&Call{Type: TypeStatus, Payload: payload, Done: next})
			}
			wg.Wait()
			report(b, c)
		})
	}
}

func report(b *testing.B, c *Conn) {
	b.StopTimer()
	s := c.Stats()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64(s.FramesOut)/float64(max(1, s.Writes)), "frames/write")
}

func inline(*testing.B) Handler       { return echo }
func dispatched(b *testing.B) Handler { return newTaskQueue(b) }

func BenchmarkBlockingInline(b *testing.B)   { benchBlocking(b, inline) }
func BenchmarkBlockingDispatch(b *testing.B) { benchBlocking(b, dispatched) }
func BenchmarkAsyncInline(b *testing.B)      { benchAsync(b, inline) }
func BenchmarkAsyncDispatch(b *testing.B)    { benchAsync(b, dispatched) }

// A round trip of the same bytes with nothing around it: what one call in flight
// can cost at best.
func BenchmarkLoopback(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		_, _ = io.Copy(struct{ io.Writer }{nc}, struct{ io.Reader }{nc})
	}()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	buf := make([]byte, headerLen+echoSize)
	b.ResetTimer()
	for range b.N {
		if _, err := nc.Write(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(nc, buf); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// Results of 64 KiB a page, one stream.
func BenchmarkPages(b *testing.B) {
	c := echoConn(b, HandlerFunc(func(r *Request) { (&producer{pages: 1 << 30, size: 64 << 10}).produce(r, 0) }))
	s, err := c.OpenStream(context.Background(), TypeSelect, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(64 << 10)
	b.ResetTimer()
	for range b.N {
		if _, err := s.Next(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	s.Close()
}
