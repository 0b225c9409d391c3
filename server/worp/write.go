package worp

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"time"
)

const (
	// corkLimit is the length of out at which the writer is woken although the
	// reader has more in hand, in bytes: a write that is long enough.
	corkLimit = 16 << 10
	// spareLimit is the largest buffer that is kept for the next write, in bytes.
	spareLimit = 1 << 20
)

// append appends a frame to what the writer will write. The caller holds mu.
func (c *Conn) append(f frame) {
	if c.err != nil || c.writeErr != nil {
		return
	}
	if len(c.out) > c.maxOut { // pings, or faults, from a peer that does not read
		c.end(errorf(CodeOverloaded, "%d bytes wait for a peer that reads nothing", len(c.out)), false)
		return
	}
	c.out = appendFrame(c.out, f, c.sum)
	c.stats.FramesOut++
	if c.asleep && (!c.corked || len(c.out) > corkLimit) {
		c.asleep = false
		c.wake.Signal()
	}
}

// cork keeps the writer asleep while the reader works through frames that it has
// in hand, for their handlers append replies: one write then carries them all.
func (c *Conn) cork() {
	c.mu.Lock()
	c.corked = true
	c.mu.Unlock()
}

// uncork wakes the writer if anything was appended meanwhile.
func (c *Conn) uncork() {
	c.mu.Lock()
	c.corked = false
	if c.asleep && len(c.out) > 0 {
		c.asleep = false
		c.wake.Signal()
	}
	c.mu.Unlock()
}

// write is the writer: it swaps out for an empty buffer and writes what it got,
// which is everything appended during the write before.
func (c *Conn) write() {
	defer close(c.writerDone)
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for len(c.out) == 0 && c.err == nil {
			c.asleep = true
			c.wake.Wait()
			c.asleep = false
			c.letOthers()
		}
		if len(c.out) == 0 {
			break
		}
		buf := c.out
		c.out, c.spare = c.spare[:0], nil
		c.pulse.writing = true
		c.mu.Unlock()
		_, err := c.nc.Write(buf)
		c.mu.Lock()
		c.pulse.writing = false
		c.pulse.writes++
		c.stats.BytesOut += uint64(len(buf))
		if cap(buf) <= spareLimit {
			c.spare = buf
		}
		if err != nil {
			c.mute(err)
			return
		}
	}
	if c.farewell {
		shutWrite(c.nc)
	}
}

// mute is the end of writing after a write failed. Reading goes on for a moment:
// it may have failed because the other side ended the connection, and what that
// side sent before says why.
func (c *Conn) mute(err error) {
	c.writeErr, c.out = fmt.Errorf("write: %w", err), nil
	if c.err == nil {
		_ = c.nc.SetReadDeadline(time.Now().Add(c.opts.Linger))
	}
}

// letOthers lets everyone who can run do so before a write. The writer was woken
// by the first of several callers, and the scheduler runs it next: without this,
// 64 callers who wait for replies were measured at 2 to 3 frames a write, with it
// at 20 and 1.5 times the calls. Alone it costs nothing that shows.
func (c *Conn) letOthers() {
	c.mu.Unlock()
	runtime.Gosched()
	c.mu.Lock()
}

// send sends an item, or lets it wait for credit behind those that wait already,
// with a copy of its payload. The caller holds mu.
func (c *Conn) send(which int, it item) {
	l := &c.lanes[which]
	if l.first() == nil && c.mayLeave(l, &it) {
		c.leave(l, it)
		return
	}
	if it.pooled == nil {
		it.f.payload = bytes.Clone(it.f.payload)
	}
	if it.call != nil {
		it.call.state = callQueued
	}
	l.push(it)
}

// pump sends what waits for as long as there is credit. The caller holds mu.
func (c *Conn) pump(which int) {
	l := &c.lanes[which]
	for it := l.first(); it != nil && c.mayLeave(l, it); it = l.first() {
		c.leave(l, l.pop())
	}
	if which == laneRequest && l.bytes <= c.opts.QueueBytes/2 {
		c.leaveRoom()
	}
}

func (c *Conn) mayLeave(l *lane, it *item) bool {
	return it.charge <= l.credit && (it.call == nil || c.calls.free())
}

// leave appends the item's frame to out. What waited for that, happens.
func (c *Conn) leave(l *lane, it item) {
	l.credit -= it.charge
	if it.call != nil {
		it.f.call = c.calls.add(it.call)
		it.call.pages = int(c.own.StreamPages)
	}
	c.append(it.f)
	putScratch(it.pooled)
	if it.req != nil {
		c.settle(it.req)
	}
}

// leaveRoom wakes those who wait to send requests. The caller holds mu.
func (c *Conn) leaveRoom() {
	if c.room != nil {
		close(c.room)
		c.room = nil
	}
}

// scratch holds buffers for compressed payloads.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

func putScratch(b *[]byte) {
	if b != nil && cap(*b) <= spareLimit {
		scratch.Put(b)
	}
}
