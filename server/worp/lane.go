package worp

// A lane holds what this side may send of one class of frames: what is left of
// the other side's window, and the frames that wait for more. There is one for
// requests and one-way messages and one for replies; doc.go says why two.
//
// A frame costs the length of its payload, uncompressed, and 64 bytes for what a
// receiver keeps of it besides. Its charge is its cost, but at most half the
// window: so a frame of any length can pass, alone or nearly so. The receiver
// gives back exactly the charge, in portions of at most a quarter of the window:
// so at least half a window is free when nothing is in hand, and the longest
// frame never waits for ever.
type lane struct {
	window, credit int
	q              []item
	head           int
	bytes          int // charge of what waits
	stalled        uint64
}

const (
	laneRequest = 0
	laneReply   = 1

	// frameCost is what a frame costs beside its payload, in bytes.
	frameCost = 64
)

// item is a frame that waits for credit, or is about to be sent.
type item struct {
	f      frame
	charge int
	pooled *[]byte  // the buffer in which the payload lies, if it came from the pool
	call   *Call    // of a request: gets its slot when the frame leaves
	req    *Request // of a last reply: over when the frame leaves
	dead   bool     // the call was cancelled meanwhile
}

func newLane(window uint64) lane { return lane{window: int(window), credit: int(window)} }

func chargeOf(payload, window int) int { return min(payload+frameCost, window/2) }

func (l *lane) empty() bool { return l.head == len(l.q) }

func (l *lane) push(it item) {
	l.q = append(l.q, it)
	l.bytes += it.charge
	l.stalled++
}

// first drops what is dead and returns the item that waits longest.
func (l *lane) first() *item {
	for !l.empty() {
		if it := &l.q[l.head]; !it.dead {
			return it
		}
		l.pop()
	}
	return nil
}

func (l *lane) pop() item {
	it := l.q[l.head]
	l.q[l.head] = item{}
	l.head++
	l.bytes -= it.charge
	if l.empty() {
		l.q, l.head = l.q[:0], 0
	}
	return it
}

// kill marks the request of call as dead. It reports whether it was there.
func (l *lane) kill(call *Call) bool {
	for i := l.head; i < len(l.q); i++ {
		if it := &l.q[i]; it.call == call && !it.dead {
			putScratch(it.pooled)
			l.bytes -= it.charge
			*it = item{dead: true}
			return true
		}
	}
	return false
}

// takeAll empties the lane and returns what was alive in it.
func (l *lane) takeAll() []item {
	var all []item
	for it := l.first(); it != nil; it = l.first() {
		all = append(all, l.pop())
	}
	return all
}
