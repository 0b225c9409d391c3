package worp

import (
	"encoding/hex"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/datadriven"
)

// Each file of testdata/transcripts is a conversation of a connection with a peer
// that is scripted and may do what it should not. After each command everything
// comes to rest; what the connection's side did is printed first, then the frames
// that the peer got. Time is that of a bubble: "sleep" costs nothing.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := new(script)
				defer s.stop()
				datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
					s.run(t, d)
					synctest.Wait()
					return s.output()
				})
			})
		})
	}
}

type script struct {
	conn     *Conn
	peer     net.Conn
	requests map[string]*Request // by "slot", or "one-way"
	calls    map[string]*Call

	mu     sync.Mutex
	events []string
	frames []string
	deaf   chan struct{} // while it is not nil the peer reads nothing
	ended  sync.WaitGroup
}

func (s *script) event(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, fmt.Sprintf(format, args...))
}

func (s *script) output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := append(s.events, s.frames...)
	s.events, s.frames = nil, nil
	if len(out) == 0 {
		return "ok"
	}
	return strings.Join(out, "\n")
}

func (s *script) stop() {
	if s.peer != nil {
		s.hear()
		_ = s.peer.Close()
		s.ended.Wait()
	}
}

func number(t *testing.T, d *datadriven.TestData, key string, otherwise int) int {
	d.MaybeScanArgs(t, key, &otherwise)
	return otherwise
}

func word(t *testing.T, d *datadriven.TestData, key, otherwise string) string {
	d.MaybeScanArgs(t, key, &otherwise)
	return otherwise
}

func (s *script) run(t *testing.T, d *datadriven.TestData) {
	switch d.Cmd {
	case "connect":
		s.connect(t, d)
	case "send":
		s.write(appendFrame(nil, s.frame(t, d), s.conn == nil || s.conn.sum))
	case "raw":
		b, err := hex.DecodeString(strings.Join(strings.Fields(d.Input), ""))
		if err != nil {
			t.Fatal(err)
		}
		s.write(b)
	case "credit":
		s.credit(t, d)
	case "hangup":
		_ = s.peer.Close()
	case "deaf":
		s.mu.Lock()
		s.deaf = make(chan struct{})
		s.mu.Unlock()
	case "hear":
		s.hear()
	case "sleep":
		wait, err := time.ParseDuration(d.CmdArgs[0].Key)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(wait)
	case "go", "cancel", "more", "one-way", "close", "drain", "fault", "stats":
		s.call(t, d)
	default:
		s.answer(t, d)
	}
}

func (s *script) write(b []byte) {
	// What does not get through shows by what comes back.
	_ = s.peer.SetWriteDeadline(time.Now().Add(time.Minute))
	_, _ = s.peer.Write(b)
}

// connect makes a new connection. With "silent" the peer says no HELLO.
func (s *script) connect(t *testing.T, d *datadriven.TestData) {
	s.stop()
	s.output()
	s.conn, s.requests, s.calls = nil, map[string]*Request{}, map[string]*Call{}
	o := options(t, Options{
		Handler: HandlerFunc(s.handle), RequestWindow: number(t, d, "request-window", 0), ReplyWindow: number(t, d, "reply-window", 0),
		MaxFrame: number(t, d, "max-frame", 0), MaxCalls: number(t, d, "max-calls", 0), StreamPages: number(t, d, "stream-pages", 0),
		QueueBytes: number(t, d, "queue", 0), Name: "server",
	})
	near, far := net.Pipe()
	s.peer = far
	s.ended.Go(func() { s.hearFrames(far) })
	s.ended.Go(func() {
		defer near.Close()
		_ = near.SetDeadline(time.Now().Add(o.HandshakeTimeout))
		c, err := answer(near, newFrameReader(near, maxHello), o, d.HasArg("tls"))
		if err != nil {
			s.event("handshake failed: %v", err)
			return
		}
		_ = near.SetDeadline(time.Time{})
		s.conn = c
		c.run()
		s.event("ended: %v", c.Err())
	})
	if d.HasArg("silent") {
		return
	}
	h := Hello{
		MinVersion: uint32(number(t, d, "min", 1)), MaxVersion: uint32(number(t, d, "max", 1)),
		Features: Feature(number(t, d, "features", 3)), MaxFrame: uint32(number(t, d, "peer-max-frame", 1<<20)),
		RequestWindow: uint64(number(t, d, "peer-request-window", 1<<20)), ReplyWindow: uint64(number(t, d, "peer-reply-window", 1<<20)),
		MaxCalls: uint32(number(t, d, "peer-max-calls", 10)), StreamPages: uint32(number(t, d, "peer-stream-pages", 2)), Name: "peer",
	}
	s.write(appendFrame(nil, frame{typ: TypeHello, payload: h.Append(nil)}, true))
}

func (s *script) hear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf != nil {
		close(s.deaf)
		s.deaf = nil
	}
}

// hearFrames is the peer's reader. It looks at the deaf gate before each read, so
// one read more than none gets through.
func (s *script) hearFrames(far net.Conn) {
	rd := newFrameReader(far, 1<<30)
	for {
		s.mu.Lock()
		gate := s.deaf
		s.mu.Unlock()
		if gate != nil {
			<-gate
		}
		f, err := rd.await()
		if err != nil {
			s.mu.Lock()
			s.frames = append(s.frames, "< end")
			s.mu.Unlock()
			return
		}
		if f.typ == TypeHelloAck {
			var h Hello
			_ = h.Decode(f.payload)
			rd.sum = h.Features&FeatureChecksum != 0
		}
		s.mu.Lock()
		s.frames = append(s.frames, "< "+describe(f))
		s.mu.Unlock()
	}
}

func describe(f frame) string {
	out := f.typ.String()
	if f.call != 0 {
		out += " " + f.call.String()
	}
	if f.flags&flagEnd != 0 {
		out += " last"
	}
	d := decoder{b: f.payload}
	switch f.typ {
	case TypeHelloAck:
		var h Hello
		_ = h.Decode(f.payload)
		return out + fmt.Sprintf(" version=%d features=%d max-frame=%d windows=%d,%d max-calls=%d stream-pages=%d",
			h.MaxVersion, h.Features, h.MaxFrame, h.RequestWindow, h.ReplyWindow, h.MaxCalls, h.StreamPages)
	case TypeError, TypeGoAway:
		var e Error
		_ = e.Decode(f.payload)
		return out + fmt.Sprintf(" %s: %s", e.Code.Error(), e.Message)
	case TypeCredit:
		if f.call != 0 {
			return out + fmt.Sprintf(" pages=%d", d.uint64(""))
		}
		return out + fmt.Sprintf(" requests=%d replies=%d", d.uint64(""), d.uint64(""))
	}
	return out + fmt.Sprintf(": %d bytes", len(f.payload))
}

var typeOf = func() map[string]Type {
	m := map[string]Type{}
	for t, n := range typeNames {
		m[n] = t
	}
	return m
}()

// frame is what "send TYPE slot=.. serial=.. flags=.. len=.. hex=.." says.
func (s *script) frame(t *testing.T, d *datadriven.TestData) frame {
	typ, ok := typeOf[d.CmdArgs[0].Key]
	if !ok {
		typ = Type(number(t, d, "type", 0))
	}
	payload := []byte(strings.Repeat("x", number(t, d, "len", 0)))
	if h := word(t, d, "hex", ""); h != "" {
		var err error
		if payload, err = hex.DecodeString(h); err != nil {
			t.Fatal(err)
		}
	}
	return frame{typ, flags(number(t, d, "flags", 0)), makeCallID(uint32(number(t, d, "slot", 0)), uint32(number(t, d, "serial", 0))), payload}
}

func (s *script) credit(t *testing.T, d *datadriven.TestData) {
	f := frame{typ: TypeCredit, call: makeCallID(uint32(number(t, d, "slot", 0)), uint32(number(t, d, "serial", 0)))}
	if f.call != 0 {
		f.payload = appendUint(nil, uint64(number(t, d, "pages", 0)))
	} else {
		f.payload = appendUint(appendUint(nil, uint64(number(t, d, "requests", 0))), uint64(number(t, d, "replies", 0)))
	}
	s.write(appendFrame(nil, f, s.conn.sum))
}

// handle keeps the request for a later command, save OPTION_SET, which panics.
func (s *script) handle(r *Request) {
	if r.Type == TypeOptionSet {
		panic("the handler has a fault")
	}
	name := "one-way"
	if !r.OneWay() {
		name = fmt.Sprint(r.id.slot())
		r.OnCancel(func() { s.event("cancelled: %s %s", r.Type, r.id) })
	}
	s.requests[name] = r
	s.event("handle %s %s: %d bytes", r.Type, r.id, len(r.Payload))
}

// answer is what the handler does with a request: "reply slot=1 len=5", ...
func (s *script) answer(t *testing.T, d *datadriven.TestData) {
	r := s.requests[word(t, d, "slot", "one-way")]
	if r == nil {
		t.Fatalf("%s: no such request", d.Pos)
	}
	payload := []byte(strings.Repeat("y", number(t, d, "len", 0)))
	var err error
	switch d.Cmd {
	case "reply":
		err = r.Reply(payload)
	case "page":
		err = r.Page(payload)
	case "fail":
		r.Fail(fmt.Errorf("%w: because", CodeNotLeader))
	case "release":
		r.Release()
	case "ready":
		if ready := r.Ready(func() { s.event("resume: %s", r.id) }); ready {
			s.event("ready")
		} else {
			s.event("not ready")
		}
	default:
		t.Fatalf("%s: unknown command %s", d.Pos, d.Cmd)
	}
	if err != nil {
		s.event("error: %v", err)
	}
}

// call is what the connection's side does on its own account.
func (s *script) call(t *testing.T, d *datadriven.TestData) {
	name := ""
	if len(d.CmdArgs) > 0 {
		name = d.CmdArgs[0].Key
	}
	payload := []byte(strings.Repeat("z", number(t, d, "len", 0)))
	var err error
	switch d.Cmd {
	case "go":
		call := &Call{Type: TypeStatus, Payload: payload, Done: func(c *Call) {
			if c.Err != nil {
				s.event("%s failed: %v", name, c.Err)
			} else {
				s.event("%s done: %d bytes", name, len(c.Reply))
			}
		}}
		if !d.HasArg("single") {
			call.Page = func(_ *Call, p []byte) { s.event("%s page: %d bytes", name, len(p)) }
		}
		s.calls[name] = call
		err = s.conn.Go(call)
	case "one-way":
		err = s.conn.Send(TypeEvents, payload)
	case "cancel":
		s.conn.Cancel(s.calls[name])
	case "more":
		s.calls[name].More(number(t, d, "pages", 1))
	case "close":
		s.conn.Close()
	case "fault":
		s.conn.Fault(fmt.Errorf("%w: on purpose", CodeConflict))
	case "drain":
		go func() {
			err := s.conn.Drain(timeout(t, 9*time.Second))
			s.event("drained: %v", err)
		}()
	case "stats":
		st := s.conn.Stats()
		s.event("calls=%d requests=%d queued=%d,%d", st.OpenCalls, st.OpenRequests, st.QueuedRequests, st.QueuedReplies)
	}
	if err != nil {
		s.event("error: %v", err)
	}
}
