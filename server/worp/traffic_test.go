package worp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	firstSeed = flag.Int("seed", 0, "first seed of TestTraffic")
	seeds     = flag.Int("seeds", 30, "number of seeds of TestTraffic")
)

// Both sides call each other with everything at once, through windows, queues
// and frames as small as they can be. In a bubble of synctest a deadlock is a
// failure at once. Every answer is what a function of the request says, and at
// the end nothing is open and all credit has come back. The name of a subtest is
// the seed of its limits and its calls; -seed and -seeds choose others.
func TestTraffic(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { traffic(t, rand.New(rand.NewPCG(uint64(seed), 1))) })
		}) {
			return
		}
	}
}

// A request of a test: what to do with it, how large an answer, how many pages.
const (
	doReply byte = iota
	doFail
	doPages
	doLater    // answered from a goroutine
	doCallBack // the handler asks the asker first
	doKinds
)

func encodeWork(kind byte, pages, size int, rng *rand.Rand) []byte {
	b := []byte{kind, byte(pages)}
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	pad := make([]byte, rng.IntN(300))
	if rng.IntN(20) == 0 {
		pad = make([]byte, rng.IntN(9000))
	}
	for i := range pad {
		pad[i] = byte(rng.IntN(4)) // compresses somewhat
	}
	return append(b, pad...)
}

// content is the n-th part of the answer to a request.
func content(req []byte, n int) []byte {
	size := int(binary.BigEndian.Uint32(req[2:]))
	return bytes.Repeat([]byte{req[0], byte(n)}, size/2+n)
}

func work(r *Request) {
	if r.OneWay() {
		go r.Release()
		return
	}
	switch r.Payload[0] {
	case doReply:
		_ = r.Reply(content(r.Payload, 0))
	case doFail:
		r.Fail(fmt.Errorf("%w: as asked", CodeConflict))
	case doPages:
		pages(r, 0)
	case doLater:
		go func() { _ = r.Reply(content(r.Payload, 0)) }()
	case doCallBack:
		r.Release()
		go callBack(r)
	}
}

// pages sends page after page and goes on when it may.
func pages(r *Request, n int) {
	for ; n < int(r.Payload[1]); n++ {
		if !r.Ready(func() { pages(r, n) }) {
			return
		}
		if err := r.Page(content(r.Payload, n)); err != nil {
			r.Fail(err)
			return
		}
	}
	_ = r.Reply(content(r.Payload, n))
}

func callBack(r *Request) {
	ask := bytes.Clone(r.Payload)
	ask[0] = doReply
	got, err := r.Conn().Call(context.Background(), TypeStatus, ask)
	if err != nil {
		r.Fail(err)
		return
	}
	_ = r.Reply(append(got, doCallBack))
}

func traffic(t *testing.T, rng *rand.Rand) {
	small := func(n int) int { return leastFrame + rng.IntN(n) }
	some := func() Options {
		return Options{
			MaxFrame: small(40_000) + 20_000, RequestWindow: small(20_000), ReplyWindow: small(20_000),
			MaxCalls: 1 + rng.IntN(20), StreamPages: 1 + rng.IntN(4), QueueBytes: 1 + rng.IntN(5000), Compress: rng.IntN(2) == 0,
		}
	}
	so, co := some(), some()
	so.Handler, co.Handler = HandlerFunc(work), HandlerFunc(work)
	server, client := pair(t, so, co)
	stuck := time.AfterFunc(time.Hour, func() {
		t.Error("nothing moves any more")
		server.Close()
	})
	defer stuck.Stop()
	var wg sync.WaitGroup
	for i := range 12 {
		c, rng := server, rand.New(rand.NewPCG(rng.Uint64(), 2))
		if i%2 == 0 {
			c = client
		}
		wg.Go(func() {
			for i := 0; i < 40 && !t.Failed(); i++ {
				ask(t, c, rng, min(so.MaxCalls, co.MaxCalls) > 12)
			}
		})
	}
	wg.Wait()
	synctest.Wait()
	atRest(t, server, client)
	atRest(t, client, server)
}

// ask makes one call, or another thing. It may ask for a call back only where
// there are slots for all askers and all that they have called back: with fewer,
// calls would wait in a circle for each other's slots; see doc.go.
func ask(t *testing.T, c *Conn, rng *rand.Rand, callBacks bool) {
	kind := byte(rng.IntN(int(doKinds) + 2))
	if kind == doCallBack && !callBacks {
		kind = doLater
	}
	size := rng.IntN(400)
	if rng.IntN(10) == 0 {
		size = rng.IntN(20_000)
	}
	req := encodeWork(min(kind, doKinds-1), rng.IntN(10), size, rng)
	switch kind {
	case doPages:
		askPages(t, c, req, rng.IntN(3) == 0)
	case doKinds:
		req[0] = doReply
		for errors.Is(c.Send(TypeEvents, req), ErrQueueFull) {
			<-c.Room()
		}
	case doKinds + 1: // given up at some moment
		req[0] = byte(rng.IntN(2)) * doLater
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		if got, err := c.Call(ctx, TypeStatus, req); err == nil && !bytes.Equal(got, content(req, 0)) {
			t.Errorf("answer of %d bytes", len(got))
		} else if err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	default:
		askOnce(t, c, req)
	}
}

func askOnce(t *testing.T, c *Conn, req []byte) {
	got, err := c.Call(context.Background(), TypeStatus, req)
	want := content(req, 0)
	switch req[0] {
	case doFail:
		if !errors.Is(err, CodeConflict) {
			t.Errorf("error %v", err)
		}
		return
	case doCallBack:
		for i := 0; i < len(want); i += 2 {
			want[i] = doReply
		}
		want = append(want, doCallBack)
	}
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("kind %d: %d bytes, want %d, %v", req[0], len(got), len(want), err)
	}
}

func askPages(t *testing.T, c *Conn, req []byte, early bool) {
	ctx := context.Background()
	s, err := c.OpenStream(ctx, TypeSelect, req)
	if err != nil {
		t.Error(err)
		return
	}
	for n := 0; ; n++ {
		page, err := s.Next(ctx)
		if err == io.EOF && n == int(req[1])+1 {
			return
		}
		if err != nil || !bytes.Equal(page, content(req, n)) {
			t.Errorf("page %d of %d: %d bytes, %v", n, req[1], len(page), err)
			return
		}
		if early && n == 1 {
			s.Close()
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// atRest: what from may send is what it may send at the start, save what to has
// not yet come to give back.
func atRest(t *testing.T, from, to *Conn) {
	t.Helper()
	from.mu.Lock()
	defer from.mu.Unlock()
	to.mu.Lock()
	defer to.mu.Unlock()
	if from.err != nil || from.calls.open != 0 || from.requests.open != 0 || !from.lanes[0].empty() || !from.lanes[1].empty() || len(from.held) > 0 {
		t.Errorf("err %v, %d calls, %d requests, %d and %d bytes wait, %d held", from.err, from.calls.open, from.requests.open, from.lanes[0].bytes, from.lanes[1].bytes, len(from.held))
	}
	if l := from.lanes[laneRequest]; l.credit+to.requests.freed != l.window || to.requests.used != to.requests.freed || l.bytes != 0 {
		t.Errorf("requests: credit %d of %d, %d to come, %d used", l.credit, l.window, to.requests.freed, to.requests.used)
	}
	if l := from.lanes[laneReply]; l.credit+to.replyFreed != l.window || to.replyUsed != to.replyFreed || l.bytes != 0 {
		t.Errorf("replies: credit %d of %d, %d to come, %d used", l.credit, l.window, to.replyFreed, to.replyUsed)
	}
}
