package worp

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rama/engine/value"
	"rama/engine/value/valuetest"
)

func anyName(t *rapid.T, label string) string {
	return rapid.StringMatching(`[a-z*$é]{0,8}`).Draw(t, label)
}

func anyTask(t *rapid.T) Task { return Task(rapid.Int64Range(-1, 1<<32-1).Draw(t, "task")) }

func anyRecords(t *rapid.T, least int) Records {
	return records(rapid.SliceOfN(valuetest.Any(2), least, 5).Draw(t, "records")...)
}

func anyArgs(t *rapid.T) []value.Value {
	return rapid.SliceOfN(valuetest.Any(2), 0, 4).Draw(t, "args")
}

func anyBytes(t *rapid.T, label string) []byte {
	return rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, label)
}

func anyError(t *rapid.T) Error {
	e := Error{Code: Code(rapid.Uint16Min(1).Draw(t, "code")), Message: rapid.String().Draw(t, "message")}
	if rapid.Bool().Draw(t, "detail") {
		e.Detail = mapOf("address", valuetest.Any(1).Draw(t, "value"))
	}
	return e
}

// The generators of every message.
var anyMessage = []func(t *rapid.T) Message{
	func(t *rapid.T) Message { e := anyError(t); return &e },
	func(t *rapid.T) Message {
		return &Hello{
			rapid.Uint32().Draw(t, "min"), rapid.Uint32().Draw(t, "max"), Feature(rapid.Uint64().Draw(t, "features")),
			rapid.Uint32().Draw(t, "frame"), rapid.Uint64Max(maxWindow).Draw(t, "rw"), rapid.Uint64Max(maxWindow).Draw(t, "pw"),
			rapid.Uint32().Draw(t, "calls"), rapid.Uint32().Draw(t, "pages"), anyName(t, "name"), anyName(t, "node"), rapid.Uint64().Draw(t, "life"),
		}
	},
	func(t *rapid.T) Message { return &DescribeRequest{anyName(t, "module")} },
	func(t *rapid.T) Message { return new(StatusRequest) },
	func(t *rapid.T) Message { return new(EmptyReply) },
	func(t *rapid.T) Message {
		return &OptionGetRequest{anyName(t, "module"), anyName(t, "object"), anyName(t, "name")}
	},
	func(t *rapid.T) Message {
		return &OptionSetRequest{anyName(t, "module"), anyName(t, "object"), anyName(t, "name"), valuetest.Any(2).Draw(t, "value")}
	},
	func(t *rapid.T) Message { return &ValueReply{valuetest.Any(3).Draw(t, "value")} },
	func(t *rapid.T) Message {
		return &InvokeRequest{rapid.Uint32().Draw(t, "instance"), anyName(t, "topology"), anyTask(t), rapid.Uint64().Draw(t, "timeout"), anyArgs(t)}
	},
	func(t *rapid.T) Message {
		m := &AppendRequest{Instance: rapid.Uint32().Draw(t, "instance"), Object: rapid.Uint32().Draw(t, "depot"), Task: anyTask(t), Ack: AckLevel(rapid.ByteMax(2).Draw(t, "ack")), Records: anyRecords(t, 1)}
		if rapid.Bool().Draw(t, "producer") {
			m.Producer[rapid.IntRange(0, 15).Draw(t, "at")] = rapid.ByteMin(1).Draw(t, "byte")
			m.Sequence = rapid.Uint64().Draw(t, "sequence")
		}
		return m
	},
	func(t *rapid.T) Message {
		m := &AppendReply{Task: anyTask(t), Offset: rapid.Uint64().Draw(t, "offset")}
		for range rapid.IntRange(0, 3).Draw(t, "returns") {
			m.Returns = append(m.Returns, AckReturn{anyName(t, "topology"), valuetest.Any(1).Draw(t, "value")})
		}
		return m
	},
	func(t *rapid.T) Message {
		n := rapid.Uint64()
		return &DepotReadRequest{rapid.Uint32().Draw(t, "instance"), rapid.Uint32().Draw(t, "depot"), anyTask(t), n.Draw(t, "start"), n.Draw(t, "end"), n.Draw(t, "max")}
	},
	func(t *rapid.T) Message { return &DepotPage{rapid.Uint64().Draw(t, "next"), anyRecords(t, 0)} },
	func(t *rapid.T) Message {
		return &DepotInfoRequest{rapid.Uint32().Draw(t, "instance"), rapid.Uint32().Draw(t, "depot"), anyTask(t)}
	},
	func(t *rapid.T) Message {
		return &DepotInfoReply{rapid.Uint64().Draw(t, "start"), rapid.Uint64().Draw(t, "end")}
	},
	func(t *rapid.T) Message {
		return &PrepareRequest{rapid.Uint32().Draw(t, "instance"), rapid.Uint32().Draw(t, "pstate"), rapid.Uint32().Draw(t, "id"), anyBytes(t, "path")}
	},
	func(t *rapid.T) Message {
		m := &SelectRequest{
			Instance: rapid.Uint32().Draw(t, "instance"), Object: rapid.Uint32().Draw(t, "pstate"), Task: anyTask(t),
			One: rapid.Bool().Draw(t, "one"), Confirm: rapid.Bool().Draw(t, "confirm"), Inline: rapid.Bool().Draw(t, "inline"),
			PageBytes: rapid.Uint32().Draw(t, "page"), TimeoutMillis: rapid.Uint64().Draw(t, "timeout"), Args: anyArgs(t),
		}
		if rapid.Bool().Draw(t, "key") {
			m.Task, m.HasKey, m.Key = RouteForMe, true, valuetest.Any(1).Draw(t, "key value")
		}
		if m.Inline {
			m.Path = anyBytes(t, "path")
		} else {
			m.PathID = rapid.Uint32().Draw(t, "id")
		}
		return m
	},
	func(t *rapid.T) Message {
		return &SelectPage{rapid.Uint64().Draw(t, "epoch"), rapid.Uint64().Draw(t, "applied"), values(anyArgs(t)...)}
	},
	func(t *rapid.T) Message {
		m := &EventBatch{Instance: rapid.Uint32().Draw(t, "instance"), Topology: rapid.Uint32().Draw(t, "topology")}
		n := rapid.Uint32()
		for range rapid.IntRange(0, 3).Draw(t, "events") {
			m.Events = append(m.Events, Event{n.Draw(t, "task"), n.Draw(t, "stage"), n.Draw(t, "root"), rapid.Uint64().Draw(t, "tree"), rapid.Uint64().Draw(t, "id"), anyBytes(t, "payload")})
		}
		return m
	},
	func(t *rapid.T) Message {
		m := &TreeBatch{Instance: rapid.Uint32().Draw(t, "instance"), Topology: rapid.Uint32().Draw(t, "topology")}
		for range rapid.IntRange(0, 3).Draw(t, "acks") {
			a := TreeAck{RootTask: rapid.Uint32().Draw(t, "root"), Tree: rapid.Uint64().Draw(t, "tree"), Xor: rapid.Uint64().Draw(t, "xor")}
			if a.HasReturn = rapid.Bool().Draw(t, "return"); a.HasReturn {
				a.Return = valuetest.Any(1).Draw(t, "value")
			}
			m.Acks = append(m.Acks, a)
		}
		for range rapid.IntRange(0, 2).Draw(t, "failures") {
			m.Failures = append(m.Failures, TreeFailure{rapid.Uint32().Draw(t, "root"), rapid.Uint64().Draw(t, "tree"), anyError(t)})
		}
		return m
	},
}

// Every message comes back as it went, also into a message that was used before;
// every proper prefix of it, and it with a byte more, is refused.
func TestMessages(t *testing.T) {
	used := map[reflect.Type]Message{}
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.SampledFrom(anyMessage).Draw(t, "kind")(t)
		typ := reflect.TypeOf(m).Elem()
		if used[typ] == nil {
			used[typ] = reflect.New(typ).Interface().(Message)
		}
		b := m.Append(nil)
		if err := used[typ].Decode(b); err != nil || !sameMessage(used[typ], m) {
			t.Fatalf("%x: %+v came as %+v, %v", b, m, used[typ], err)
		}
		_, longer := m.(*Hello)
		for cut := range len(b) {
			refused(t, m, reflect.New(typ).Interface().(Message).Decode(b[:cut:cut]))
		}
		if !longer {
			refused(t, m, reflect.New(typ).Interface().(Message).Decode(append(b, 0)))
		}
	})
	if len(used) != len(anyMessage) {
		t.Logf("%d of %d kinds were drawn", len(used), len(anyMessage))
	}
}

func refused(t *rapid.T, m Message, err error) {
	t.Helper()
	if _, page := m.(*SelectPage); page && err == nil {
		return // its values are looked at by Each
	}
	if !errors.Is(err, CodeBadPayload) || CodeOf(err) != CodeBadPayload {
		t.Fatalf("%T: error %v", m, err)
	}
}

// What no layout has is refused, with the name of the field.
func TestMessageFaults(t *testing.T) {
	for _, c := range []struct {
		m    Message
		hex  string
		want string
	}{
		{new(AppendRequest), "0510040200", "bad_payload: APPEND: number of records is 0"},
		{new(AppendRequest), "0510040301010a", "APPEND: ack level is 3"},
		{new(AppendRequest), "051004420101f6", "APPEND: flags is 0x42, with bits beyond 0x7"},
		{new(AppendRequest), "05100406" + strings.Repeat("00", 16) + "000101f6", "APPEND: producer is zero"},
		{new(AppendRequest), "05100402ffffffff0f", "APPEND: number of records is 4294967295, with 0 bytes left"},
		{new(AppendRequest), "051004020109", "APPEND: record is 9 bytes long, with 0 left"},
		{new(AppendRequest), "ffffffff1f", "APPEND: instance is 8589934591, the limit is 4294967295"},
		{new(AppendRequest), "8500", "APPEND: instance is not in its shortest form"},
		{new(DepotReadRequest), "05100480808080808080808080", "DEPOT_READ: start ends early"},
		{new(DepotReadRequest), "051004ffffffffffffffffffff01", "DEPOT_READ: start goes beyond 64 bits"},
		{new(DescribeRequest), "81086161", "DESCRIBE: module is 1025 bytes long, with 2 left"},
		{new(DescribeRequest), "8108" + strings.Repeat("61", 1025), "DESCRIBE: module is 1025 bytes long, the limit is 1024"},
		{new(DescribeRequest), "01ff", "DESCRIBE: module is not UTF-8"},
		{new(SelectRequest), "0511040820" + "00000000", "SELECT: key stands beside a task"},
		{new(SelectRequest), "051104000000008120", "SELECT: number of arguments is 4097, the limit is 4096"},
		{new(SelectRequest), "05110410", "SELECT: flags is 0x10, with bits beyond 0xf"},
		{new(ValueReply), "ff", "value: value: invalid value"},
		{new(ValueReply), "d97a74f6", "value: value: invalid value: byte 0: unknown tag 31348"},
		{new(ValueReply), strings.Repeat("81", 300) + "00", "value: value: value too large"},
		{new(TreeBatch), "050101" + "06" + strings.Repeat("00", 16) + "02" + "00", "TREE: flags is 0x2, with bits beyond 0x1"},
		{new(Error), "0000f6", "ERROR: code is 0"},
		{new(Error), "010001", "ERROR: detail is a int, neither null nor a map"},
		{new(EventBatch), "0501ffffffff0f", "EVENTS: number of events is 4294967295, with 0 bytes left"},
	} {
		err := c.m.Decode(unhex(t, c.hex))
		if !errors.Is(err, CodeBadPayload) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T %.40s: %v, want %q", c.m, c.hex, err, c.want)
		}
	}
}

// Records and values are looked at one by one, and what is none is named.
func TestRecordsEach(t *testing.T) {
	r := records(value.Int(1), value.String("two"))
	r.AddEncoded([]byte{0xFF})
	var got []string
	err := r.Each(func(i int, v value.Value) error { got = append(got, v.String()); return nil })
	if !errors.Is(err, CodeBadPayload) || !strings.Contains(err.Error(), "record 2") || strings.Join(got, " ") != `1 "two"` {
		t.Fatal(got, err)
	}
	stop := errors.New("stop")
	if err := r.Each(func(int, value.Value) error { return stop }); err != stop {
		t.Fatal(err)
	}
	vs := values(value.Int(1), value.Nil)
	vs.Bytes = append(vs.Bytes, 0xFF)
	if err := vs.Each(func(value.Value) error { return nil }); !errors.Is(err, CodeBadPayload) || !strings.Contains(err.Error(), "1 bytes follow 2 values") {
		t.Fatal(err)
	}
	vs.Count = 3
	if err := vs.Each(func(value.Value) error { return nil }); !errors.Is(err, CodeBadPayload) || !strings.Contains(err.Error(), "value 2") {
		t.Fatal(err)
	}
}

// A SELECT that names both a task and a key is a bug of its maker.
func TestSelectKeyAndTask(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	(&SelectRequest{Task: 1, HasKey: true}).Append(nil)
}
