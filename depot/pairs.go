package depot

import (
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
)

// What is remembered of a producer lies in the store as one pair for each run.
// The owner puts its own prefix, of task and depot, before the keys.
//
//	key, 17 bytes:
//	   0  16  producer id
//	  16   1  slot
//
//	value:
//	   0   1  version, 1
//	   1      uvarint sequence of the first record
//	          uvarint count of records, at least 1
//	          uvarint offset of the first record
//	          uvarint time of the last append, milliseconds since 1970
//
// Runs take the slots in turn: the 257th overwrites the first. So an append costs
// one small pair, however much is remembered, and nothing is ever deleted but
// whole producers. A run that grows is written to its slot again.
//
// The format is frozen: producers_test.go holds golden bytes.
const (
	pairVersion  = 1
	pairKeyBytes = 17
)

func appendPairKey(dst []byte, id ProducerID, slot uint8) []byte {
	return append(append(dst, id[:]...), slot)
}

// AppendPair appends to key and value the pair that keeps what the last Accept
// with something new changed for the producer. It must be known.
func (s *Producers) AppendPair(key, val []byte, id ProducerID) (k, v []byte) {
	p := s.known[id]
	if p == nil {
		panic(fmt.Sprintf("depot: pair of producer %v, which is not known", id))
	}
	r := &p.runs[len(p.runs)-1]
	return appendPairKey(key, id, p.slot), appendPairValue(val, r, p.millis)
}

func appendPairValue(dst []byte, r *run, millis int64) []byte {
	dst = append(dst, pairVersion)
	for _, n := range [...]uint64{r.first, r.count, r.offset, uint64(millis)} {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

// slotted is a pair, decoded.
type slotted struct {
	run
	slot   uint8
	millis int64
}

func decodePair(key, val []byte) (id ProducerID, s slotted, err error) {
	bad := func() (ProducerID, slotted, error) {
		return ProducerID{}, slotted{}, fmt.Errorf("%w: producer pair %x = %x", ErrCorrupt, key, val)
	}
	if len(key) != pairKeyBytes || len(val) == 0 {
		return bad()
	}
	if val[0] != pairVersion {
		return id, s, fmt.Errorf("%w: producer pair %x of version %d, known is %d", ErrVersion, key, val[0], pairVersion)
	}
	var n [4]uint64
	rest := val[1:]
	for i := range n {
		v, w := binary.Uvarint(rest)
		if w <= 0 {
			return bad()
		}
		n[i], rest = v, rest[w:]
	}
	s = slotted{run: run{first: n[0], count: n[1], offset: n[2]}, slot: key[16], millis: int64(n[3])}
	if len(rest) > 0 || s.first == 0 || s.count == 0 || s.millis < 0 || s.first+s.count < s.first || s.offset+s.count < s.offset {
		return bad()
	}
	return ProducerID(key[:16]), s, nil
}

// LoadProducers returns what the pairs keep, which may come in any order, their
// keys without the owner's prefix. ErrCorrupt and ErrVersion say which pair is
// wrong.
func LoadProducers(pairs iter.Seq2[[]byte, []byte]) (*Producers, error) {
	found := map[ProducerID][]slotted{}
	for key, val := range pairs {
		id, s, err := decodePair(key, val)
		if err != nil {
			return nil, err
		}
		found[id] = append(found[id], s)
	}
	all := NewProducers()
	for id, slots := range found {
		p, err := assemble(id, slots)
		if err != nil {
			return nil, err
		}
		all.known[id] = p
	}
	return all, nil
}

// assemble puts the runs of a producer in order and checks that none is missing
// between them.
func assemble(id ProducerID, slots []slotted) (*producer, error) {
	slices.SortFunc(slots, func(a, b slotted) int {
		if a.first < b.first {
			return -1
		}
		return 1
	})
	p := &producer{}
	for i := range slots {
		s := &slots[i]
		if i > 0 {
			before := &slots[i-1]
			if s.slot != before.slot+1 || s.first != before.first+before.count || s.offset <= before.offset+before.count {
				return nil, fmt.Errorf("%w: producer %v: slot %d holds sequence %d offset %d, slot %d before it %d records from %d offset %d",
					ErrCorrupt, id, s.slot, s.first, s.offset, before.slot, before.count, before.first, before.offset)
			}
		}
		p.runs = append(p.runs, s.run)
		p.slot, p.millis = s.slot, max(p.millis, s.millis)
	}
	if first := &slots[0]; first.first != 1 && len(slots) < RememberedRuns {
		return nil, fmt.Errorf("%w: producer %v: sequences before %d are missing", ErrCorrupt, id, first.first)
	}
	return p, nil
}
