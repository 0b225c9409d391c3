package depot

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"
)

// Errors of producers.
var (
	// ErrSequenceGap is met when sequences before the one sent are missing: an
	// append was lost, and what follows it must not take its place.
	ErrSequenceGap = errors.New("gap in the sequence of a producer")
	// ErrProducerExpired is met when a producer is not known, or no more. It must
	// take a new id.
	ErrProducerExpired = errors.New("producer unknown or expired")
	// ErrOffsetForgotten is met when a record is repeated that was appended, but so
	// long ago that its offset is no longer remembered.
	ErrOffsetForgotten = errors.New("the offset of a repeated append is no longer remembered")
)

// ProducerID identifies a producer: 128 random bits, chosen by the client.
type ProducerID [16]byte

func (id ProducerID) String() string { return fmt.Sprintf("%x", id[:]) }

// RememberedRuns is how many runs of a producer are remembered: at least as many
// sequences, and as many appends. A client must not have more appends to one
// partition in flight, or a repeat may meet ErrOffsetForgotten. Its slots are
// part of the format of a pair, so it is no option.
const RememberedRuns = 256

// run is consecutive sequences whose records have consecutive offsets.
type run struct {
	first  uint64 // sequence
	count  uint64
	offset uint64 // of the first record
}

// producer is what is remembered of one. Its runs follow each other without a
// gap, oldest first; the newest lies in slot.
type producer struct {
	runs   []run
	slot   uint8
	millis int64 // of its last append
}

func (p *producer) last() uint64 {
	r := &p.runs[len(p.runs)-1]
	return r.first + r.count - 1
}

// offsetOf is the offset of a sequence that was accepted.
func (p *producer) offsetOf(seq uint64) (uint64, bool) {
	i := sort.Search(len(p.runs), func(i int) bool { return p.runs[i].first > seq }) - 1
	if i < 0 {
		return 0, false
	}
	return p.runs[i].offset + seq - p.runs[i].first, true
}

// add notes that count records from sequence first on got offsets from offset on.
func (p *producer) add(r run) {
	if n := len(p.runs); n > 0 {
		newest := &p.runs[n-1]
		if r.offset < newest.offset+newest.count {
			panic(fmt.Sprintf("depot: sequence %d is to get offset %d, one before got %d", r.first, r.offset, newest.offset+newest.count-1))
		}
		if r.offset == newest.offset+newest.count {
			newest.count += r.count
			return
		}
		p.slot++ // modulo RememberedRuns
	}
	if p.runs = append(p.runs, r); len(p.runs) > RememberedRuns {
		p.runs = p.runs[1:]
	}
}

// Producers is what one depot partition remembers of its producers, so that no
// record is appended twice. It is owned by the leader's task thread: no clock, no
// I/O, nothing shared. It counts what the leader has taken, committed or not; a
// leader that steps down throws it away, and the next one begins with what the
// store holds (LoadProducers). After Kafka's idempotent producer (KIP-98), which
// remembers five batches.
type Producers struct {
	known map[ProducerID]*producer
}

// NewProducers returns what an empty partition remembers.
func NewProducers() *Producers { return &Producers{known: map[ProducerID]*producer{}} }

// Verdict says what of a batch is new.
type Verdict struct {
	// Known is how many records of the batch, from its beginning, were accepted
	// before, perhaps without being committed yet. They must not be appended again;
	// the client is answered when they are committed.
	Known uint32
	// Offset is that of the batch's first record, known or new. Those of others
	// are what Offset says; a batch that was sent again together with another need
	// not lie in one piece.
	Offset uint64
}

// Accept judges a batch of count records whose first has the sequence seq. What
// is new is remembered at once, to lie from offset on, the end of the partition,
// which only grows; the pair that AppendPair then gives must go into the same
// entry as the records. millis is the time of the append.
//
// The first sequence of a producer is 1. Errors, which change nothing:
// ErrSequenceGap, ErrProducerExpired, ErrOffsetForgotten, ErrInvalid.
func (s *Producers) Accept(id ProducerID, seq uint64, count uint32, offset uint64, millis int64) (Verdict, error) {
	if seq == 0 || count == 0 || seq+uint64(count) < seq || offset+uint64(count) < offset {
		return Verdict{}, fmt.Errorf("%w: producer %v: %d records from sequence %d on", ErrInvalid, id, count, seq)
	}
	p, v := s.known[id], Verdict{Offset: offset}
	if p == nil {
		if seq != 1 {
			return Verdict{}, fmt.Errorf("%w: producer %v sends sequence %d", ErrProducerExpired, id, seq)
		}
		p = &producer{}
		s.known[id] = p
	} else if last := p.last(); seq > last+1 {
		return Verdict{}, fmt.Errorf("%w: producer %v sends sequence %d, the last was %d", ErrSequenceGap, id, seq, last)
	} else if seq <= last {
		at, ok := p.offsetOf(seq)
		if !ok {
			return Verdict{}, forgotten(id, p, seq)
		}
		v = Verdict{Known: uint32(min(uint64(count), last+1-seq)), Offset: at}
	}
	if v.Known < count {
		p.add(run{first: seq + uint64(v.Known), count: uint64(count - v.Known), offset: offset})
		p.millis = max(p.millis, millis)
	}
	return v, nil
}

func forgotten(id ProducerID, p *producer, seq uint64) error {
	return fmt.Errorf("%w: producer %v, sequence %d; remembered are %d to %d", ErrOffsetForgotten, id, seq, p.runs[0].first, p.last())
}

// Offset returns the offset of a sequence that was accepted.
func (s *Producers) Offset(id ProducerID, seq uint64) (uint64, error) {
	p := s.known[id]
	if p == nil {
		return 0, fmt.Errorf("%w: producer %v", ErrProducerExpired, id)
	}
	if seq == 0 || seq > p.last() {
		return 0, fmt.Errorf("%w: producer %v sent no sequence %d, the last was %d", ErrSequenceGap, id, seq, p.last())
	}
	at, ok := p.offsetOf(seq)
	if !ok {
		return 0, forgotten(id, p, seq)
	}
	return at, nil
}

// Expire forgets a producer. It returns the keys of its pairs, to be deleted in
// an entry, for followers must forget it too; none if it is not known. Sequences
// that it sends afterwards are refused, except 1: a client that may have been
// expired must take a new id before it repeats its first append.
func (s *Producers) Expire(id ProducerID) (keys [][]byte) {
	p := s.known[id]
	if p == nil {
		return nil
	}
	delete(s.known, id)
	for i := range p.runs {
		keys = append(keys, appendPairKey(nil, id, p.slot-uint8(i)))
	}
	return keys
}

// Idle returns the producers that appended nothing since millis, in order of
// their ids.
func (s *Producers) Idle(millis int64) []ProducerID {
	var idle []ProducerID
	for id, p := range s.known {
		if p.millis < millis {
			idle = append(idle, id)
		}
	}
	slices.SortFunc(idle, func(a, b ProducerID) int { return bytes.Compare(a[:], b[:]) })
	return idle
}

// Len is how many producers are remembered.
func (s *Producers) Len() int { return len(s.known) }
