package worp

import (
	"fmt"
	"time"
)

// maxPing bounds the payload of PING, in bytes.
const maxPing = 64

// pulse finds connections that are dead without having ended. A timer looks at
// counters, so that frames cost no look at the clock. Guarded by the
// connection's mu.
type pulse struct {
	timer   *time.Timer
	writing bool   // the writer is in a write
	writes  uint64 // writes done
	credits uint64 // CREDIT frames that came

	seen struct {
		reads, writes, credits uint64
	}
	quiet, stuck, starved time.Duration
}

func (p *pulse) start(c *Conn) {
	if c.err == nil {
		p.timer = time.AfterFunc(c.opts.PingInterval, c.beat)
	}
}

func (p *pulse) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// beat runs once in a PingInterval.
func (c *Conn) beat() {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &c.pulse
	if c.err != nil {
		return
	}
	reads := c.reads.Load()
	grow := func(d *time.Duration, still bool) {
		if *d += c.opts.PingInterval; !still {
			*d = 0
		}
	}
	grow(&p.quiet, reads == p.seen.reads)
	grow(&p.stuck, p.writing && p.writes == p.seen.writes)
	grow(&p.starved, !c.lanes[laneReply].empty() && p.credits == p.seen.credits)
	p.seen.reads, p.seen.writes, p.seen.credits = reads, p.writes, p.credits
	limit := c.opts.IdleTimeout
	switch {
	case p.quiet >= limit:
		c.end(fmt.Errorf("%w: nothing came for %v", CodeTimeout, p.quiet), false)
	case p.stuck >= limit:
		c.end(fmt.Errorf("%w: the other side took no bytes for %v", CodeTimeout, p.stuck), false)
	case p.starved >= limit:
		c.end(fmt.Errorf("%w: the other side gave no credit for replies for %v", CodeTimeout, p.starved), false)
	case p.quiet > 0:
		c.append(frame{typ: TypePing})
	}
	if c.err == nil {
		p.timer.Reset(c.opts.PingInterval)
	}
}
