package worp

import (
	"errors"
	"fmt"
)

// Version is the protocol version that this package speaks; it speaks no other.
const Version = 1

// Feature is a bit of what two sides can agree on.
type Feature uint64

const (
	// FeatureChecksum: every frame carries a CRC32C. It must be offered, and is
	// chosen, on every connection without TLS.
	FeatureChecksum Feature = 1 << 0
	// FeatureS2: payloads may be s2 blocks.
	FeatureS2 Feature = 1 << 1
)

// The first bytes of HELLO and HELLO_ACK.
const magic = "WORP"

// Hello is what a side says of itself in the first frame: HELLO from the side
// that dialed, HELLO_ACK in answer.
//
//	magic          4 bytes, "WORP"
//	min, max       uint: the versions spoken; in HELLO_ACK both are the one chosen
//	features       uint: offered; in HELLO_ACK those chosen among the offered
//	max frame      uint: longest payload accepted, in bytes
//	request window uint: charge of requests and one-way messages accepted unasked
//	reply window   uint: charge of replies accepted unasked
//	max calls      uint: open calls accepted
//	stream pages   uint: pages of a call accepted beyond those asked for
//	name           string: what the side calls itself, for logs
//	node           string: id of the node or worker, empty for a client
//	incarnation    uint: the life of that node's process
//
// Bytes that follow are ignored: a later version may say more.
type Hello struct {
	MinVersion, MaxVersion uint32
	Features               Feature
	MaxFrame               uint32
	RequestWindow          uint64
	ReplyWindow            uint64
	MaxCalls               uint32
	StreamPages            uint32
	Name, Node             string
	Incarnation            uint64
}

const (
	// leastFrame is the least limit of frames and windows that a side may
	// announce, in bytes: enough for any error.
	leastFrame = 8 << 10
	// maxHello bounds what may come before the limits are known.
	maxHello = leastFrame
)

// Append appends the payload of a HELLO to dst.
func (h *Hello) Append(dst []byte) []byte {
	dst = append(dst, magic...)
	for _, x := range []uint64{
		uint64(h.MinVersion), uint64(h.MaxVersion), uint64(h.Features), uint64(h.MaxFrame),
		h.RequestWindow, h.ReplyWindow, uint64(h.MaxCalls), uint64(h.StreamPages),
	} {
		dst = appendUint(dst, x)
	}
	return appendUint(appendString(appendString(dst, h.Name), h.Node), h.Incarnation)
}

// Decode reads the payload of a HELLO.
func (h *Hello) Decode(b []byte) error {
	d := decoder{b: b, msg: "HELLO"}
	if m := d.take("magic", len(magic)); string(m) != magic {
		d.fail("magic", "is %q", m)
	}
	h.MinVersion = d.uint32("min version")
	h.MaxVersion = d.uint32("max version")
	h.Features = Feature(d.uint64("features"))
	h.MaxFrame = d.uint32("max frame")
	h.RequestWindow = d.uint("request window", maxWindow)
	h.ReplyWindow = d.uint("reply window", maxWindow)
	h.MaxCalls = d.uint32("max calls")
	h.StreamPages = d.uint32("stream pages")
	h.Name = d.name("name")
	h.Node = d.name("node")
	h.Incarnation = d.uint64("incarnation")
	return d.err
}

// check refuses what no connection can work with.
func (h *Hello) check() error {
	var errs []error
	refuse := func(what string, is, least uint64) {
		if is < least {
			errs = append(errs, fmt.Errorf("%w: HELLO: %s is %d, the least is %d", CodeBadPayload, what, is, least))
		}
	}
	refuse("max frame", uint64(h.MaxFrame), leastFrame)
	refuse("request window", h.RequestWindow, leastFrame)
	refuse("reply window", h.ReplyWindow, leastFrame)
	refuse("max calls", uint64(h.MaxCalls), 1)
	refuse("stream pages", uint64(h.StreamPages), 1)
	refuse("max version", uint64(h.MaxVersion), uint64(h.MinVersion))
	return errors.Join(errs...)
}

// accept is the decision of the side that was dialed: what it answers to the
// offer, or why it does not. Connections with TLS go without checksums of ours.
func accept(offer, own Hello, tls bool) (Hello, error) {
	if offer.MinVersion > Version || offer.MaxVersion < Version {
		return own, fmt.Errorf("%w: versions %d to %d are offered, version %d is spoken here",
			CodeUnsupportedVersion, offer.MinVersion, offer.MaxVersion, Version)
	}
	if err := offer.check(); err != nil {
		return own, err
	}
	if !tls && offer.Features&FeatureChecksum == 0 {
		return own, fmt.Errorf("%w: checksums are not offered on a connection without TLS", CodeUnsupportedVersion)
	}
	own.Features &= offer.Features
	if tls {
		own.Features &^= FeatureChecksum
	}
	own.MinVersion, own.MaxVersion = Version, Version
	return own, nil
}

// agree checks the answer to an offer.
func agree(offer, answer Hello, tls bool) error {
	if err := answer.check(); err != nil {
		return err
	}
	if answer.MinVersion != Version || answer.MaxVersion != Version {
		return fmt.Errorf("%w: version %d to %d was answered to an offer of %d",
			CodeUnsupportedVersion, answer.MinVersion, answer.MaxVersion, Version)
	}
	if extra := answer.Features &^ offer.Features; extra != 0 {
		return fmt.Errorf("%w: features %#x were not offered", CodeUnsupportedVersion, uint64(extra))
	}
	if !tls && answer.Features&FeatureChecksum == 0 {
		return fmt.Errorf("%w: no checksums on a connection without TLS", CodeUnsupportedVersion)
	}
	return nil
}
