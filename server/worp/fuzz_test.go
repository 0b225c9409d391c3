package worp

import (
	"bytes"
	"encoding/hex"
	"net"
	"reflect"
	"testing"
	"time"

	"rama/engine/value"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fuzzDecoder: bytes are refused, or are a message that is written and read as
// itself.
func fuzzDecoder(f *testing.F, m Message) {
	typ := reflect.TypeOf(m).Elem()
	for _, g := range goldens {
		if reflect.TypeOf(g.msg).Elem() == typ {
			f.Add(g.msg.Append(nil))
		}
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		first, second := reflect.New(typ).Interface().(Message), reflect.New(typ).Interface().(Message)
		if err := first.Decode(bytes.Clone(b)); err != nil {
			if CodeOf(err) != CodeBadPayload {
				t.Fatalf("error %v", err)
			}
			return
		}
		lookInside(first)
		once := first.Append(nil)
		if err := second.Decode(once); err != nil {
			t.Fatalf("%x was read, and as %x is not: %v", b, once, err)
		}
		if twice := second.Append(nil); !bytes.Equal(once, twice) {
			t.Fatalf("%x is written as %x, then as %x", b, once, twice)
		}
	})
}

// lookInside walks the lists that decoders do not.
func lookInside(m Message) {
	see := func(v value.Value) error { _ = v.String(); return nil }
	seeRecord := func(_ int, v value.Value) error { return see(v) }
	switch m := m.(type) {
	case *AppendRequest:
		_ = m.Records.Each(seeRecord)
	case *DepotPage:
		_ = m.Records.Each(seeRecord)
	case *SelectPage:
		_ = m.Values.Each(see)
	}
}

// sink is a connection that takes everything and has nothing.
type sink struct{ net.Conn }

func (sink) Write(b []byte) (int, error)     { return len(b), nil }
func (sink) SetDeadline(time.Time) error     { return nil }
func (sink) SetReadDeadline(time.Time) error { return nil }

// FuzzConn lets a peer say anything at all: the connection ends, all that was
// called is called back, and nothing is left.
func FuzzConn(f *testing.F) {
	var all []byte
	for _, g := range goldens {
		one := appendFrame(nil, frame{g.typ, g.flags, g.call, g.msg.Append(nil)}, false)
		f.Add(one)
		all = append(all, one...)
	}
	for _, g := range []string{"credit", "select", "credit_pages", "append", "cancel", "events", "empty_reply", "select_page"} {
		all = append(all, appendFrame(nil, frame{goldens[g].typ, goldens[g].flags, goldens[g].call, goldens[g].msg.Append(nil)}, false)...)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, b []byte) {
		o := options(t, Options{MaxFrame: leastFrame, RequestWindow: leastFrame, ReplyWindow: leastFrame, MaxCalls: 4, QueueBytes: 100})
		o.Handler = HandlerFunc(func(r *Request) {
			if r.OneWay() {
				r.Release()
				return
			}
			for r.Type == TypeSelect && r.Ready(func() { _ = r.Reply(nil) }) && r.Page(r.Payload) == nil {
			}
			_ = r.Reply(r.Payload)
		})
		c := newConn(sink{}, newFrameReader(bytes.NewReader(b), leastFrame), o, o.hello(0), o.hello(0), FeatureS2)
		done := 0
		for range 2 {
			call := &Call{Type: TypeSelect, Done: func(*Call) { done++ }, Page: func(call *Call, _ []byte) { call.More(1) }}
			if err := c.Go(call); err != nil {
				t.Fatal(err)
			}
		}
		c.run()
		if done != 2 || c.Err() == nil || c.Stats().OpenCalls != 0 {
			t.Fatalf("%d calls done, %v", done, c.Err())
		}
	})
}

func FuzzHello(f *testing.F)            { fuzzDecoder(f, new(Hello)) }
func FuzzError(f *testing.F)            { fuzzDecoder(f, new(Error)) }
func FuzzDescribeRequest(f *testing.F)  { fuzzDecoder(f, new(DescribeRequest)) }
func FuzzStatusRequest(f *testing.F)    { fuzzDecoder(f, new(StatusRequest)) }
func FuzzEmptyReply(f *testing.F)       { fuzzDecoder(f, new(EmptyReply)) }
func FuzzOptionGetRequest(f *testing.F) { fuzzDecoder(f, new(OptionGetRequest)) }
func FuzzOptionSetRequest(f *testing.F) { fuzzDecoder(f, new(OptionSetRequest)) }
func FuzzValueReply(f *testing.F)       { fuzzDecoder(f, new(ValueReply)) }
func FuzzInvokeRequest(f *testing.F)    { fuzzDecoder(f, new(InvokeRequest)) }
func FuzzAppendRequest(f *testing.F)    { fuzzDecoder(f, new(AppendRequest)) }
func FuzzAppendReply(f *testing.F)      { fuzzDecoder(f, new(AppendReply)) }
func FuzzDepotReadRequest(f *testing.F) { fuzzDecoder(f, new(DepotReadRequest)) }
func FuzzDepotPage(f *testing.F)        { fuzzDecoder(f, new(DepotPage)) }
func FuzzDepotInfoRequest(f *testing.F) { fuzzDecoder(f, new(DepotInfoRequest)) }
func FuzzDepotInfoReply(f *testing.F)   { fuzzDecoder(f, new(DepotInfoReply)) }
func FuzzPrepareRequest(f *testing.F)   { fuzzDecoder(f, new(PrepareRequest)) }
func FuzzSelectRequest(f *testing.F)    { fuzzDecoder(f, new(SelectRequest)) }
func FuzzSelectPage(f *testing.F)       { fuzzDecoder(f, new(SelectPage)) }
func FuzzEventBatch(f *testing.F)       { fuzzDecoder(f, new(EventBatch)) }
func FuzzTreeBatch(f *testing.F)        { fuzzDecoder(f, new(TreeBatch)) }
