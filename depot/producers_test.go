package depot

import (
	"bytes"
	"encoding/hex"
	"errors"
	"maps"
	"testing"

	"pgregory.net/rapid"
)

func idOf(b byte) ProducerID { return ProducerID{15: b} }

// store is the depot's keys in the engine: what entries wrote there.
type store map[string]string

func (s store) pairs(yield func(k, v []byte) bool) {
	for k, v := range s {
		if !yield([]byte(k), []byte(v)) {
			return
		}
	}
}

func (s store) put(p *Producers, id ProducerID) {
	k, v := p.AppendPair(nil, nil, id)
	s[string(k)] = string(v)
}

func mustLoad(t interface{ Fatalf(string, ...any) }, s store) *Producers {
	p, err := LoadProducers(s.pairs)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return p
}

// twin is Producers told as plain slices: the offset of every sequence, and the
// runs that they form.
type twin map[ProducerID][]uint64

func (w twin) clone() twin {
	c := twin{}
	for id, offsets := range w {
		c[id] = append([]uint64(nil), offsets...)
	}
	return c
}

// remembered is the first sequence of the last RememberedRuns runs.
func (w twin) remembered(id ProducerID) uint64 {
	offsets, runs := w[id], 0
	for i := len(offsets) - 1; i >= 0; i-- {
		if i == len(offsets)-1 || offsets[i]+1 != offsets[i+1] {
			if runs++; runs > RememberedRuns {
				return uint64(i + 2)
			}
		}
	}
	return 1
}

// TestProducersModel sends batches, new, repeated and half of each, with gaps,
// from several producers, commits some, and changes the leader: what is not
// committed is lost then, in the partition as well.
func TestProducersModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		live, now := NewProducers(), twin{}
		disk, durable := store{}, twin{} // at the last commit
		pending := store{}
		end, durableEnd := uint64(0), uint64(0)
		accept := func(t *rapid.T) {
			id := idOf(rapid.Byte().Draw(t, "id") % 3)
			last := uint64(len(now[id]))
			seq := uint64(max(0, int64(last)+rapid.Int64Range(-600, 3).Draw(t, "seq")))
			if rapid.Bool().Draw(t, "next") {
				seq = last + 1
			}
			count := rapid.Uint32Range(0, 4).Draw(t, "count")
			v, err := live.Accept(id, seq, count, end, 1)
			_, known := now[id]
			switch {
			case seq == 0 || count == 0:
				mustBe(t, err, ErrInvalid)
			case !known && seq != 1:
				mustBe(t, err, ErrProducerExpired)
			case seq > last+1:
				mustBe(t, err, ErrSequenceGap)
			case seq <= last && seq < now.remembered(id):
				mustBe(t, err, ErrOffsetForgotten)
			default:
				mustBe(t, err, nil)
				old := min(uint64(count), last+1-seq)
				offset := end
				if old > 0 {
					offset = now[id][seq-1]
				}
				if v != (Verdict{Known: uint32(old), Offset: offset}) {
					t.Fatalf("%d records from %d on, last %d: %+v, want %d known, offset %d", count, seq, last, v, old, offset)
				}
				if old == uint64(count) {
					return
				}
				for i := old; i < uint64(count); i++ {
					now[id] = append(now[id], end)
					end++
				}
				pending.put(live, id)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"accept": accept, "accept2": accept, "accept3": accept,
			"topology": func(*rapid.T) { end++ }, // a record of nobody: runs break
			"many": func(t *rapid.T) { // as many runs as it takes to forget
				id := idOf(1)
				for range rapid.IntRange(1, 300).Draw(t, "runs") {
					end++
					if _, err := live.Accept(id, uint64(len(now[id]))+1, 1, end, 1); err != nil {
						t.Fatal(err)
					}
					now[id] = append(now[id], end)
					end++
					pending.put(live, id)
				}
			},
			"commit": func(*rapid.T) {
				maps.Copy(disk, pending)
				pending, durable, durableEnd = store{}, now.clone(), end
			},
			"step down": func(t *rapid.T) {
				live, now, end, pending = mustLoad(t, disk), durable.clone(), durableEnd, store{}
			},
			"expire": func(t *rapid.T) {
				id := idOf(rapid.Byte().Draw(t, "id") % 3)
				maps.Copy(disk, pending) // expiry is an entry: what was before it commits before it
				for _, key := range live.Expire(id) {
					delete(disk, string(key))
				}
				delete(now, id)
				for key := range disk {
					if bytes.HasPrefix([]byte(key), id[:]) {
						t.Fatalf("pair %x stays", key)
					}
				}
				pending, durable, durableEnd = store{}, now.clone(), end
			},
			"": func(t *rapid.T) {
				for id, offsets := range now {
					for seq := now.remembered(id); seq <= uint64(len(offsets)); seq += 1 + seq%5 {
						if got, err := live.Offset(id, seq); err != nil || got != offsets[seq-1] {
							t.Fatalf("offset of %v %d: %d, %v, want %d", id, seq, got, err, offsets[seq-1])
						}
					}
				}
				if live.Len() != len(now) {
					t.Fatalf("%d producers, want %d", live.Len(), len(now))
				}
			},
		})
	})
}

func mustBe(t *rapid.T, err, want error) {
	if !errors.Is(err, want) || (err == nil) != (want == nil) {
		t.Fatalf("%v, want %v", err, want)
	}
}

func TestOffsetErrors(t *testing.T) {
	p := NewProducers()
	if _, err := p.Offset(idOf(1), 1); !errors.Is(err, ErrProducerExpired) {
		t.Errorf("unknown producer: %v", err)
	}
	_, err := p.Accept(idOf(1), 1, 3, 10, 5)
	must(t, err)
	for _, seq := range []uint64{0, 4} {
		if _, err := p.Offset(idOf(1), seq); !errors.Is(err, ErrSequenceGap) {
			t.Errorf("sequence %d of 3: %v", seq, err)
		}
	}
	if keys := p.Expire(idOf(9)); keys != nil {
		t.Errorf("expiry of an unknown producer deletes %x", keys)
	}
}

// TestRefusedChangesNothing: an error leaves all as it was.
func TestRefusedChangesNothing(t *testing.T) {
	p := NewProducers()
	_, err := p.Accept(idOf(1), 1, 3, 10, 5)
	must(t, err)
	_, before := p.AppendPair(nil, nil, idOf(1))
	for _, bad := range []func() error{
		func() error { _, err := p.Accept(idOf(1), 5, 1, 20, 9); return err },
		func() error { _, err := p.Accept(idOf(2), 2, 1, 20, 9); return err },
		func() error { _, err := p.Accept(idOf(1), 0, 1, 20, 9); return err },
		func() error { _, err := p.Accept(idOf(1), 4, 0, 20, 9); return err },
		func() error { _, err := p.Accept(idOf(1), 1<<64-1, 2, 20, 9); return err },
	} {
		if bad() == nil {
			t.Error("taken")
		}
	}
	if _, after := p.AppendPair(nil, nil, idOf(1)); !bytes.Equal(before, after) || p.Len() != 1 {
		t.Errorf("pair was %x, is %x; %d producers", before, after, p.Len())
	}
}

func TestIdle(t *testing.T) {
	p := NewProducers()
	for i, millis := range []int64{30, 10, 20} {
		_, err := p.Accept(idOf(byte(9-i)), 1, 1, uint64(i), millis)
		must(t, err)
	}
	again := mustLoad(t, func() store {
		s := store{}
		for id := range p.known {
			s.put(p, id)
		}
		return s
	}())
	for _, p := range []*Producers{p, again} {
		if idle := p.Idle(30); len(idle) != 2 || idle[0] != idOf(7) || idle[1] != idOf(8) {
			t.Errorf("idle: %v", idle)
		}
	}
}

// TestGoldenPair is the frozen form of a pair.
func TestGoldenPair(t *testing.T) {
	p := NewProducers()
	id := ProducerID{0xaa, 15: 0xbb}
	for i := range uint64(3) {
		_, err := p.Accept(id, 2*i+1, 2, 100*i+7, int64(1000*i))
		must(t, err)
	}
	k, v := p.AppendPair(nil, nil, id)
	if got := hex.EncodeToString(k); got != "aa0000000000000000000000000000bb02" {
		t.Errorf("key is %s", got)
	}
	if got := hex.EncodeToString(v); got != "010502cf01d00f" {
		t.Errorf("value is %s", got)
	}
}

// TestDamagedPairs: what does not fit together is not believed.
func TestDamagedPairs(t *testing.T) {
	whole := store{}
	p := NewProducers()
	for i := range uint64(4) {
		_, err := p.Accept(idOf(1), i+1, 1, 10*i, 1)
		must(t, err)
		whole.put(p, idOf(1))
	}
	mustLoad(t, whole)
	key := func(slot byte) string { return string(appendPairKey(nil, idOf(1), slot)) }
	for what, damage := range map[string]func(store){
		"first lost":    func(s store) { delete(s, key(0)) },
		"middle lost":   func(s store) { delete(s, key(2)) },
		"value cut":     func(s store) { s[key(1)] = s[key(1)][:3] },
		"value longer":  func(s store) { s[key(1)] += "\x00" },
		"value empty":   func(s store) { s[key(1)] = "" },
		"key cut":       func(s store) { s[key(1)[:16]] = s[key(1)] },
		"wrong slot":    func(s store) { s[key(9)] = s[key(3)]; delete(s, key(3)) },
		"offset back":   func(s store) { s[key(3)] = string(appendPairValue(nil, &run{4, 1, 5}, 1)) },
		"count of none": func(s store) { s[key(3)] = string(appendPairValue(nil, &run{4, 0, 50}, 1)) },
	} {
		s := maps.Clone(whole)
		damage(s)
		if _, err := LoadProducers(s.pairs); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", what, err)
		}
	}
	whole[key(0)] = "\x02" + whole[key(0)][1:]
	if _, err := LoadProducers(whole.pairs); !errors.Is(err, ErrVersion) {
		t.Errorf("newer version: %v", err)
	}
}

// FuzzPairs loads any two pairs; what is accepted is written again alike.
func FuzzPairs(f *testing.F) {
	p := NewProducers()
	s := store{}
	for i := range uint64(2) {
		_, err := p.Accept(idOf(1), i+1, 1, 10*i, 1)
		must(f, err)
		s.put(p, idOf(1))
	}
	k0, k1 := appendPairKey(nil, idOf(1), 0), appendPairKey(nil, idOf(1), 1)
	f.Add(k0, []byte(s[string(k0)]), k1, []byte(s[string(k1)]))
	f.Add(k1, []byte(s[string(k1)]), k0, []byte{})
	f.Fuzz(func(t *testing.T, ka, va, kb, vb []byte) {
		p, err := LoadProducers(store{string(ka): string(va), string(kb): string(vb)}.pairs)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
				t.Fatal(err)
			}
			return
		}
		for id, known := range p.known {
			_, val := p.AppendPair(nil, nil, id)
			if _, again, err := decodePair(appendPairKey(nil, id, known.slot), val); err != nil || again.run != known.runs[len(known.runs)-1] {
				t.Fatalf("%x comes back as %+v, %v", val, again, err)
			}
		}
	})
}
