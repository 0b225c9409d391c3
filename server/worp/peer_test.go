package worp

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A Peer shares a connection, makes a new one when it is lost, and tells of both.
func TestPeerReconnects(t *testing.T) {
	n := serveTCP(t, Options{Handler: echo})
	lost := make(chan error, 10)
	connected := make(chan *Conn, 10)
	p, err := NewPeer(n.addr, Options{
		BackoffMin: time.Millisecond,
		OnConnect:  func(c *Conn) { connected <- c },
		OnLost:     func(_ *Conn, err error) { lost <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx := timeout(t, time30)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if got, err := p.Call(ctx, TypeStatus, []byte("hi")); err != nil || string(got) != "hi" {
				t.Errorf("%q %v", got, err)
			}
		})
	}
	wg.Wait()
	if len(connected) != 1 || len(n.Conns()) != 1 || p.Addr() != n.addr {
		t.Fatalf("%d connections", len(connected))
	}
	n.Conns()[0].Close()
	<-lost
	if got, err := p.Call(ctx, TypeStatus, []byte("hi")); err != nil || string(got) != "hi" {
		t.Errorf("%q %v", got, err)
	}
	if len(connected) != 2 {
		t.Errorf("%d connections", len(connected))
	}
}

// A Peer that is sent away makes its next calls elsewhere, while those that are
// open go on where they are.
func TestPeerSentAway(t *testing.T) {
	h := newHeld()
	n := serveTCP(t, Options{Handler: h})
	p, err := NewPeer(n.addr, Options{BackoffMin: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx := timeout(t, time30)
	results := make(chan error, 2)
	ask := func() {
		got, err := p.Call(ctx, TypeStatus, nil)
		if err == nil && string(got) != "late" {
			err = errors.New(string(got))
		}
		results <- err
	}
	go ask()
	<-h.came
	first, err := p.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = n.Conns()[0].Drain(ctx) }()
	for first.takesCalls() {
		<-tick()
	}
	go ask()
	<-h.came
	if second, err := p.Conn(ctx); err != nil || second == first || first.Err() != nil {
		t.Error(err)
	}
	h.answerAll(t)
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	<-first.Done()
}

// Attempts that fail fail for all who wait, and are made ever more seldom.
func TestPeerBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var attempts []time.Duration
		start := time.Now()
		refused := errors.New("refused")
		p, err := NewPeer("x", Options{
			BackoffMin: 100 * time.Millisecond, BackoffMax: time.Second,
			Jitter: func() float64 { return 0.5 },
			Dial: func(context.Context, string) (net.Conn, error) {
				attempts = append(attempts, time.Since(start))
				time.Sleep(time.Millisecond) // all who wait are there
				return nil, refused
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 7 {
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					if _, err := p.Conn(context.Background()); !errors.Is(err, refused) || !errors.Is(err, CodeUnavailable) || !Retryable(err) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		want := []time.Duration{0, 76, 227, 528, 1129, 1880, 2631} // three quarters of 100, 200, 400, 800, 1000, 1000, and one each
		for i := range want {
			if len(attempts) != len(want) || attempts[i] != want[i]*time.Millisecond {
				t.Fatalf("attempts at %v", attempts)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		if _, err := p.Conn(ctx); !errors.Is(err, CodeUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		p.Close() // ends the pause
		if _, err := p.Conn(context.Background()); !errors.Is(err, ErrPeerClosed) {
			t.Error(err)
		}
	})
}
