// Package valuetest generates values for property tests.
package valuetest

import (
	"math"
	"time"

	"pgregory.net/rapid"

	"rama/engine/value"
)

// Scalar generates values that are no collections, the awkward ones often.
func Scalar() *rapid.Generator[value.Value] {
	ints := rapid.OneOf(
		rapid.Int64(), rapid.Int64Range(-300, 300),
		rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, 1 << 53, 1<<53 + 1, -1 << 53, 127, 128, 255, 256}),
	)
	floats := rapid.OneOf(
		rapid.Float64(), rapid.Float64Range(-3, 3),
		rapid.SampledFrom([]float64{
			0, math.Copysign(0, -1), 0.5, -0.5, 1, 1 << 53, 1<<53 + 2, 1 << 62, 1 << 63, -1 << 63, -1<<63 - 2048,
			math.Inf(1), math.Inf(-1), math.NaN(), math.SmallestNonzeroFloat64, math.MaxFloat64, 4503599627370495.5,
		}),
	)
	strs := rapid.OneOf(
		rapid.String(), rapid.StringMatching(`[ab]{0,3}`),
		rapid.SampledFrom([]string{"", "\x00", "a\x00", "\x01", "a\x01b", "$set", "#__L5", "#__", "é", "日本"}),
	)
	return rapid.OneOf(
		rapid.Just(value.Nil),
		rapid.Map(rapid.Bool(), value.Bool),
		rapid.Map(ints, value.Int),
		rapid.Map(floats, value.Float),
		rapid.Map(strs, value.String),
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 'a', 0xFF}), 0, 6), value.Bytes),
		rapid.Custom(func(t *rapid.T) value.Value {
			s := rapid.Int64Range(-62167219200, 253402300799).Draw(t, "seconds")
			n := rapid.SampledFrom([]int64{0, 1, 1000, 500_000_000, 999_999_999}).Draw(t, "nanos")
			return value.Time(time.Unix(s, n))
		}),
		rapid.Custom(func(t *rapid.T) value.Value {
			var u value.UUID
			copy(u[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))
			return value.UUIDOf(u)
		}),
	)
}

// Any generates values of any kind, nested at most depth deep.
func Any(depth int) *rapid.Generator[value.Value] {
	if depth <= 0 {
		return Scalar()
	}
	inner := rapid.Deferred(func() *rapid.Generator[value.Value] { return Any(depth - 1) })
	elems := rapid.SliceOfN(inner, 0, 5)
	return rapid.OneOf(
		Scalar(),
		rapid.Map(elems, func(e []value.Value) value.Value { return value.List(e...) }),
		rapid.Custom(func(t *rapid.T) value.Value {
			return value.Set(elems.Draw(t, "elems")...).AsSorted(rapid.Bool().Draw(t, "sorted"))
		}),
		rapid.Custom(func(t *rapid.T) value.Value {
			b := value.NewBuilder(value.KindMap, 0)
			for _, k := range elems.Draw(t, "keys") {
				b.Put(k, inner.Draw(t, "value"))
			}
			return b.Done().AsSorted(rapid.Bool().Draw(t, "sorted"))
		}),
	)
}
