package stream

import (
	"fmt"

	"github.com/RoaringBitmap/roaring/v2"

	"rama/engine/value"
)

// A saved progress, as the PState $$__streaming-state-<topology> holds it under
// the source's name: the map
//
//	low   the lowest offset that is not done
//	done  a roaring bitmap of what is done above: offset - low. Absent where
//	      nothing is.
//
// A bitmap takes offsets up to 2^32 above low. The distance is bounded by how
// many records execute at once, far below.

func (p progress) value() value.Value {
	v := value.Map(value.String("low"), value.Int(int64(p.low)))
	if len(p.done) == 0 {
		return v
	}
	bits := roaring.New()
	for _, o := range p.done {
		bits.Add(uint32(o - p.low))
	}
	bits.RunOptimize()
	b, err := bits.ToBytes()
	if err != nil {
		panic(err) // writing to memory
	}
	return v.With(value.String("done"), value.Bytes(b))
}

func readProgress(v value.Value) (p progress, err error) {
	bad := func(what string) error {
		return fmt.Errorf("%w: saved progress %s: %s", value.ErrCorrupt, v, what)
	}
	if v.Kind() != value.KindMap {
		return p, bad("is no map")
	}
	low, _ := v.Get(value.String("low"))
	if low.Kind() != value.KindInt || low.AsInt() < 0 {
		return p, bad("low is no offset")
	}
	p.low = uint64(low.AsInt())
	done, ok := v.Get(value.String("done"))
	if !ok {
		return p, nil
	}
	if done.Kind() != value.KindBytes {
		return p, bad("done is no bitmap")
	}
	bits := roaring.New()
	if err := bits.UnmarshalBinary(done.AsBytes()); err != nil {
		return p, bad(err.Error())
	}
	if err := bits.Validate(); err != nil {
		return p, bad(err.Error())
	}
	for it := bits.Iterator(); it.HasNext(); {
		p.done = append(p.done, p.low+uint64(it.Next()))
	}
	return p, nil
}
