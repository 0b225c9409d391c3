package worp

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"rama/engine/value"
)

const protocolDoc = "../../docs/PROTOCOL.md"

// golden is one example of docs/PROTOCOL.md: a frame on a connection with
// checksums, and its payload as a struct.
type golden struct {
	typ   Type
	flags flags
	call  callID
	msg   Message
}

// bare is a payload without a struct of its own.
type bare []byte

func (m *bare) Append(dst []byte) []byte { return append(dst, *m...) }
func (m *bare) Decode(b []byte) error    { *m = b; return nil }

func credit(xs ...uint64) *bare {
	var b bare
	for _, x := range xs {
		b = appendUint(b, x)
	}
	return &b
}

func records(vs ...value.Value) Records {
	var r Records
	for _, v := range vs {
		r.Add(v)
	}
	return r
}

func values(vs ...value.Value) Values {
	var r Values
	for _, v := range vs {
		r.Add(v)
	}
	return r
}

func mapOf(k string, v value.Value) value.Value {
	b := value.NewBuilder(value.KindMap, 1)
	b.Put(value.String(k), v)
	return b.Done()
}

var exampleHello = Hello{
	MinVersion: 1, MaxVersion: 1, Features: FeatureChecksum | FeatureS2, MaxFrame: 8 << 20,
	RequestWindow: 4 << 20, ReplyWindow: 4 << 20, MaxCalls: 4096, StreamPages: 4, Name: "app",
}

var exampleAck = Hello{
	MinVersion: 1, MaxVersion: 1, Features: FeatureChecksum, MaxFrame: 8 << 20,
	RequestWindow: 4 << 20, ReplyWindow: 4 << 20, MaxCalls: 4096, StreamPages: 4, Name: "worker", Node: "w1", Incarnation: 7,
}

var goldens = map[string]golden{
	"hello":            {TypeHello, 0, 0, &exampleHello},
	"hello_ack":        {TypeHelloAck, 0, 0, &exampleAck},
	"ping":             {TypePing, 0, 0, new(bare)},
	"pong":             {TypePong, 0, 0, new(bare)},
	"credit":           {TypeCredit, 0, 0, credit(1<<20, 0)},
	"credit_pages":     {TypeCredit, 0, makeCallID(1, 9), credit(2)},
	"cancel":           {TypeCancel, 0, makeCallID(1, 9), new(bare)},
	"goaway":           {TypeGoAway, 0, 0, &Error{Code: CodeShuttingDown}},
	"error":            {TypeError, flagEnd, makeCallID(1, 2), &Error{CodeNotHere, "not_here: task 3", mapOf("address", value.String("h:3001"))}},
	"describe":         {TypeDescribe, 0, makeCallID(1, 1), &DescribeRequest{Module: "social"}},
	"status":           {TypeStatus, 0, makeCallID(1, 1), new(StatusRequest)},
	"value_reply":      {TypeReply, flagEnd, makeCallID(1, 1), &ValueReply{mapOf("tasks", value.Int(8))}},
	"empty_reply":      {TypeReply, flagEnd, makeCallID(1, 1), new(EmptyReply)},
	"option_get":       {TypeOptionGet, 0, makeCallID(1, 1), &OptionGetRequest{Module: "social", Name: "replication.min.isr"}},
	"option_set":       {TypeOptionSet, 0, makeCallID(1, 1), &OptionSetRequest{"social", "", "replication.min.isr", value.Int(2)}},
	"append":           {TypeAppend, 0, makeCallID(1, 1), &AppendRequest{Instance: 5, Object: 16, Task: 3, Ack: AckFull, Records: records(value.String("hi"), value.Int(1))}},
	"append_producer":  {TypeAppend, 0, makeCallID(1, 1), &AppendRequest{Instance: 5, Object: 16, Task: RouteForMe, Ack: AckAppend, Producer: Producer{15: 1}, Sequence: 300, Records: records(value.Nil)}},
	"append_reply":     {TypeReply, flagEnd, makeCallID(1, 1), &AppendReply{Task: 3, Offset: 1000, Returns: []AckReturn{{"graph", value.Int(1)}}}},
	"depot_read":       {TypeDepotRead, 0, makeCallID(1, 1), &DepotReadRequest{5, 16, 3, 1000, 1100, 65536}},
	"depot_page":       {TypeReply, 0, makeCallID(1, 1), &DepotPage{1002, records(value.String("hi"), value.Int(1))}},
	"depot_info":       {TypeDepotInfo, 0, makeCallID(1, 1), &DepotInfoRequest{5, 16, 3}},
	"depot_info_reply": {TypeReply, flagEnd, makeCallID(1, 1), &DepotInfoReply{0, 1100}},
	"prepare":          {TypePrepare, 0, makeCallID(1, 1), &PrepareRequest{5, 17, 1, []byte{0x81, 0x01}}},
	"select":           {TypeSelect, 0, makeCallID(2, 2), &SelectRequest{Instance: 5, Object: 17, Task: 3, PathID: 1, One: true, Args: []value.Value{value.Int(42)}}},
	"select_routed":    {TypeSelect, 0, makeCallID(2, 2), &SelectRequest{Instance: 5, Object: 17, Task: RouteForMe, HasKey: true, Key: value.Int(42), Inline: true, Path: []byte{0x81, 0x01}, Confirm: true, PageBytes: 4096, TimeoutMillis: 1000}},
	"select_page":      {TypeReply, flagEnd, makeCallID(2, 2), &SelectPage{2, 77, values(value.String("x"), value.Nil)}},
	"invoke":           {TypeInvoke, 0, makeCallID(1, 1), &InvokeRequest{5, "followers", 3, 0, []value.Value{value.Int(42)}}},
	"events":           {TypeEvents, 0, 0, &EventBatch{5, 1, []Event{{3, 2, 6, 0x1111, 0x2222, []byte{0x01}}}}},
	"tree":             {TypeTree, 0, 0, &TreeBatch{5, 1, []TreeAck{{6, 0x1111, 0x2222, true, value.Int(1)}, {RootTask: 6, Tree: 0x1112, Xor: 0x3333}}, []TreeFailure{{6, 0x1113, Error{Code: CodeType}}}}},
	"ping_no_checksum": {TypePing, 0, 0, new(bare)},
	"reply_compressed": {TypeReply, flagEnd | flagS2, makeCallID(1, 1), (*bare)(&exampleS2)},
	"connection_fault": {TypeError, flagEnd, 0, &Error{Code: CodeFlowControl, Message: "flow_control"}},
}

// exampleS2 is 600 times the letter a, as an s2 block.
var exampleS2 = bare{0xd8, 0x04, 0x00, 0x61, 0x11, 0x01, 0x19, 0x00, 0x4b, 0x01}

var fence = regexp.MustCompile("(?s)```golden ([a-z0-9_]+)\n(.*?)```")

// docGoldens reads the examples out of the document: hex, with what follows a #
// in a line for people.
func docGoldens(t testing.TB) map[string][]byte {
	t.Helper()
	doc, err := os.ReadFile(protocolDoc)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]byte{}
	for _, m := range fence.FindAllStringSubmatch(string(doc), -1) {
		var digits strings.Builder
		for line := range strings.Lines(m[2]) {
			line, _, _ = strings.Cut(line, "#")
			digits.WriteString(strings.Join(strings.Fields(line), ""))
		}
		b, err := hex.DecodeString(digits.String())
		if err != nil {
			t.Fatalf("example %s: %v", m[1], err)
		}
		found[m[1]] = b
	}
	return found
}

func TestGolden(t *testing.T) {
	doc := docGoldens(t)
	for name, g := range goldens {
		sum := !strings.Contains(name, "no_checksum")
		want := appendFrame(nil, frame{g.typ, g.flags, g.call, g.msg.Append(nil)}, sum)
		if !bytes.Equal(doc[name], want) {
			t.Errorf("%s: the document has\n%x, the code writes\n%x", name, doc[name], want)
			continue
		}
		f, n, ok, err := parseFrame(doc[name], 1<<20, sum)
		if !ok || err != nil || n != len(doc[name]) || f.typ != g.typ || f.flags != g.flags || f.call != g.call {
			t.Errorf("%s: parsed as %+v, %d, %t, %v", name, f, n, ok, err)
			continue
		}
		back := reflect.New(reflect.TypeOf(g.msg).Elem()).Interface().(Message)
		if err := back.Decode(f.payload); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !sameMessage(back, g.msg) {
			t.Errorf("%s: decoded as %+v, want %+v", name, back, g.msg)
		}
	}
	for name := range doc {
		if _, ok := goldens[name]; !ok {
			t.Errorf("the document has an example %s that no test makes", name)
		}
	}
}

// sameMessage compares by what messages print and encode, which covers every
// field; values have no other equality across their forms.
func sameMessage(a, b Message) bool {
	return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b) && bytes.Equal(a.Append(nil), b.Append(nil))
}

func TestGoldenCompressed(t *testing.T) {
	b, err := unpack(frame{typ: TypeReply, flags: flagS2, payload: exampleS2})
	if err != nil || string(b) != strings.Repeat("a", 600) {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
}

// Every type has an example, every class of types is as the document says.
func TestDocumentNamesTypes(t *testing.T) {
	doc, err := os.ReadFile(protocolDoc)
	if err != nil {
		t.Fatal(err)
	}
	used := map[Type]bool{}
	for _, g := range goldens {
		used[g.typ] = true
	}
	for typ, name := range typeNames {
		row := fmt.Sprintf("| 0x%02x | %s |", uint8(typ), name)
		if !strings.Contains(string(doc), row) {
			t.Errorf("the document lacks the row %q", row)
		}
		if !used[typ] {
			t.Errorf("%s has no example", name)
		}
	}
}

func TestDocumentNamesCodes(t *testing.T) {
	doc, err := os.ReadFile(protocolDoc)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, c := range Codes() {
		retry := "no"
		if c.Retryable {
			retry = "yes"
		}
		fmt.Fprintf(&want, "| %d | %s | %s | %d | %s |\n", c.Code, c.Name, retry, c.HTTP, c.Meaning)
	}
	if !strings.Contains(string(doc), want.String()) {
		t.Errorf("the table of codes is not\n%s", want.String())
	}
}

func TestDocumentRouting(t *testing.T) {
	doc, err := os.ReadFile(protocolDoc)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`null`, `42`, `42.0`, `-1`, `1.5`, `"alice"`, `[1,"a"]`} {
		v, err := value.ParseJSON([]byte(text), value.Tagged)
		if err != nil {
			t.Fatal(err)
		}
		row := fmt.Sprintf("| `%s` | `%x` | `%016x` | %d |", text, value.AppendKey(nil, v), value.Hash(v), value.Partition(v, 8))
		if !strings.Contains(string(doc), row) {
			t.Errorf("the document lacks the row\n%s", row)
		}
	}
}
