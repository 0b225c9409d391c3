package worp

import (
	"context"
	"io"
	"sync"
)

// Stream is a call whose answer comes in pages. Who reads slowly has no more
// than StreamPages of them in memory, and holds up no other call.
type Stream struct {
	conn *Conn
	call Call

	mu    sync.Mutex
	pages [][]byte // arrived, not yet taken
	over  bool     // the last frame has come: Reply is the last page, or Err
	news  chan struct{}
}

// OpenStream sends a request that is answered in pages. It waits for room to
// send it, but not for an answer.
func (c *Conn) OpenStream(ctx context.Context, t Type, payload []byte) (*Stream, error) {
	s := &Stream{conn: c, news: make(chan struct{}, 1)}
	s.call = Call{Type: t, Payload: payload, Page: s.page, Done: s.done}
	if err := c.goWhenRoom(ctx, &s.call); err != nil {
		return nil, err
	}
	s.call.Payload = nil
	return s, nil
}

func (s *Stream) page(_ *Call, page []byte) {
	s.mu.Lock()
	s.pages = append(s.pages, page)
	s.mu.Unlock()
	s.tell()
}

func (s *Stream) done(call *Call) {
	s.mu.Lock()
	s.over = true
	if call.Err == nil {
		s.pages = append(s.pages, call.Reply)
	}
	s.mu.Unlock()
	s.tell()
}

func (s *Stream) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// Next returns the next page, and after the last io.EOF. When ctx ends first the
// stream stays as it is, and Next may be called again. One goroutine reads a
// stream.
func (s *Stream) Next(ctx context.Context) ([]byte, error) {
	for {
		if page, ok, err := s.take(); ok || err != nil {
			return page, err
		}
		select {
		case <-s.news:
		case <-ctx.Done():
			return nil, ended(ctx, "waiting for a page of "+s.call.Type.String())
		}
	}
}

func (s *Stream) take() (page []byte, ok bool, err error) {
	s.mu.Lock()
	if len(s.pages) > 0 {
		page, ok = s.pages[0], true
		s.pages = s.pages[1:]
	}
	over := s.over
	if !ok && over {
		if err = s.call.Err; err == nil {
			err = io.EOF
		}
	}
	s.mu.Unlock()
	if ok && !over {
		s.call.More(1)
	}
	return page, ok, err
}

// Close cancels the stream if it is not over. Pages that are still on the way
// are dropped.
func (s *Stream) Close() {
	s.mu.Lock()
	s.pages = nil
	s.mu.Unlock()
	s.conn.Cancel(&s.call)
}
