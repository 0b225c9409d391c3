package worp

import "fmt"

// Mux is a Handler that picks by type. The zero Mux answers every request with
// CodeUnknownType. It must not change once a connection uses it.
type Mux struct {
	byType [256]func(*Request)
}

// On sets what handles frames of type t, which must be a request or one-way.
func (m *Mux) On(t Type, fn func(*Request)) {
	if c := t.class(); c != classRequest && c != classOneWay {
		panic(fmt.Sprintf("worp: handler of a %s", t))
	}
	m.byType[t] = fn
}

// Handle calls what was set for the type of r. A one-way message of a type that
// nothing handles ends the connection: the sender would never learn otherwise.
func (m *Mux) Handle(r *Request) {
	if fn := m.byType[r.Type]; fn != nil {
		fn(r)
		return
	}
	if r.OneWay() {
		r.conn.Fault(errorf(CodeUnknownType, "one-way %s", r.Type))
		return
	}
	r.Fail(fmt.Errorf("%w: %s", CodeUnknownType, r.Type))
}

// Fault ends the connection with an ERROR frame that says why.
func (c *Conn) Fault(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := ErrorOf(err)
	c.append(frame{typ: TypeError, flags: flagEnd, payload: e.Append(nil)})
	c.end(e, true)
}
