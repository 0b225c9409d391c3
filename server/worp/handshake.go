package worp

import (
	"errors"
	"fmt"
	"net"
)

// offer is the handshake of the side that dialed: HELLO, and the answer to it.
// The caller has set nc a deadline.
func offer(nc net.Conn, rd *frameReader, o *Options, tls bool) (*Conn, error) {
	features := FeatureChecksum
	if o.Compress {
		features |= FeatureS2
	}
	own := o.hello(features)
	if _, err := nc.Write(appendFrame(nil, frame{typ: TypeHello, payload: own.Append(nil)}, true)); err != nil {
		return nil, fmt.Errorf("%w: HELLO: %w", CodeUnavailable, err)
	}
	f, err := rd.await()
	if err != nil {
		return nil, fmt.Errorf("%w: answer to HELLO: %w", CodeUnavailable, err)
	}
	var peer Hello
	switch f.typ {
	case TypeHelloAck:
		err = peer.Decode(f.payload)
	case TypeError:
		refusal := new(Error)
		if err = refusal.Decode(f.payload); err == nil {
			err = peerFault{refusal}
		}
	default:
		err = errorf(CodeBadFrame, "%s in answer to HELLO", f.typ)
	}
	if err != nil {
		return nil, err
	}
	if err := agree(own, peer, tls); err != nil {
		return nil, err
	}
	c := newConn(nc, rd, o, own, peer, peer.Features)
	c.dialed = true
	return c, nil
}

// answer is the handshake of the side that was dialed. An error has been told to
// the other side. The caller has set nc a deadline.
func answer(nc net.Conn, rd *frameReader, o *Options, tls bool) (*Conn, error) {
	peer, own, err := readOffer(rd, o, tls)
	if err != nil && CodeOf(err) == CodeInternal { // no fault of what came: nothing came
		return nil, err
	}
	if err != nil {
		fault := ErrorOf(err)
		_, werr := nc.Write(appendFrame(nil, frame{typ: TypeError, flags: flagEnd, payload: fault.Append(nil)}, true))
		return nil, errors.Join(fault, werr)
	}
	if _, err := nc.Write(appendFrame(nil, frame{typ: TypeHelloAck, payload: own.Append(nil)}, true)); err != nil {
		return nil, err
	}
	return newConn(nc, rd, o, own, peer, own.Features), nil
}

func readOffer(rd *frameReader, o *Options, tls bool) (peer, own Hello, err error) {
	f, err := rd.await()
	if err != nil {
		return peer, own, err
	}
	if f.typ != TypeHello || f.flags != 0 || f.call != 0 {
		return peer, own, errorf(CodeBadFrame, "the first frame is %s, not HELLO", f.typ)
	}
	if err := peer.Decode(f.payload); err != nil {
		return peer, own, err
	}
	own, err = accept(peer, o.hello(FeatureChecksum|FeatureS2), tls)
	return peer, own, err
}
