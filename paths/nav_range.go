package paths

import (
	"rama/engine/value"
)

// The ranges of sorted maps and sets: five of each, which differ in their bounds
// and in the options that they take.

// rangeKind says what bounds a range navigator has.
type rangeKind struct {
	name       string
	clojure    string
	start, end bool // it has that bound
	reverse    bool // a maximal amount takes the last elements
	doc        string
}

var rangeKinds = []rangeKind{
	{"Range", "range", true, true, false, "from start, exclusively to end"},
	{"RangeFrom", "range-from", true, false, false, "from start on, the first ones if there is a maximal amount"},
	{"RangeFromStart", "range-from-start", false, false, false, "the first ones"},
	{"RangeTo", "range-to", false, true, true, "exclusively to end, the last ones if there is a maximal amount"},
	{"RangeToEnd", "range-to-end", false, false, true, "the last ones"},
}

var _ = defineRanges("sortedMap", "sorted-map-", value.KindMap, 38)
var _ = defineRanges("sortedSet", "sorted-set-", value.KindSet, 43)

func defineRanges(name, clojure string, kind value.Kind, code uint16) bool {
	for i, k := range rangeKinds {
		var params []Param
		if k.start {
			params = append(params, Param{Name: "start", Kind: ParamValue})
		}
		if k.end {
			params = append(params, Param{Name: "end", Kind: ParamValue})
		}
		if len(params) == 0 {
			params = append(params, Param{Name: "amount", Kind: ParamValue})
		} else {
			params = append(params, Param{Name: "options", Kind: ParamOptions, Optional: true})
		}
		define(Op{
			Name: name + k.name, Aliases: []string{clojure + k.clojure}, Code: code + uint16(i), Params: params,
			Doc:  "the part of a " + kind.String() + ", as one sorted " + kind.String() + ": " + k.doc + ".",
			Many: func(args []Argument) bool { return !fewElems(k, args) },
			Link: func(l *Linker, args []Argument) (*Step, error) {
				n, err := newRange(l, k, kind, args)
				return l.Step(n), err
			},
			Check: checkPart(kind),
		})
	}
	return true
}

// ranged makes the navigator with its bounds and options. Options are
// RangeOptions, or a count for MaxAmt.
func ranged(name string, opts []any, bounds ...any) Nav {
	if len(opts) == 0 {
		return opNamed(name).Of(bounds...)
	}
	all := make([]RangeOption, len(opts))
	for i, o := range opts {
		if r, ok := o.(RangeOption); ok {
			all[i] = r
		} else {
			all[i] = MaxAmt(o)
		}
	}
	return opNamed(name).Of(append(bounds, all)...)
}

// SortedMapRange navigates to the part of a map from key start to key end, as one
// sorted map. start is part of it and end is not, unless the options
// ExcludeStart and IncludeEnd say so. What the map becomes takes the place of
// the part: its entries are removed, and the entries of the new map, whatever
// their keys, are put; null and void remove the part.
func SortedMapRange(start, end any, opts ...any) Nav {
	return ranged("sortedMapRange", opts, start, end)
}

// SortedMapRangeFrom is SortedMapRange from key start to the end. Options are
// ExcludeStart and MaxAmt, or a count, which means MaxAmt.
func SortedMapRangeFrom(start any, opts ...any) Nav {
	return ranged("sortedMapRangeFrom", opts, start)
}

// SortedMapRangeFromStart is SortedMapRange of the first n entries.
func SortedMapRangeFromStart(n any) Nav { return ranged("sortedMapRangeFromStart", nil, n) }

// SortedMapRangeTo is SortedMapRange from the start to key end. Options are
// IncludeEnd and MaxAmt, or a count: the last entries before end.
func SortedMapRangeTo(end any, opts ...any) Nav { return ranged("sortedMapRangeTo", opts, end) }

// SortedMapRangeToEnd is SortedMapRange of the last n entries.
func SortedMapRangeToEnd(n any) Nav { return ranged("sortedMapRangeToEnd", nil, n) }

// SortedSetRange is SortedMapRange of a set.
func SortedSetRange(start, end any, opts ...any) Nav {
	return ranged("sortedSetRange", opts, start, end)
}

// SortedSetRangeFrom is SortedMapRangeFrom of a set.
func SortedSetRangeFrom(start any, opts ...any) Nav {
	return ranged("sortedSetRangeFrom", opts, start)
}

// SortedSetRangeFromStart is SortedMapRangeFromStart of a set.
func SortedSetRangeFromStart(n any) Nav { return ranged("sortedSetRangeFromStart", nil, n) }

// SortedSetRangeTo is SortedMapRangeTo of a set.
func SortedSetRangeTo(end any, opts ...any) Nav { return ranged("sortedSetRangeTo", opts, end) }

// SortedSetRangeToEnd is SortedMapRangeToEnd of a set.
func SortedSetRangeToEnd(n any) Nav { return ranged("sortedSetRangeToEnd", nil, n) }

func optionsOf(args []Argument) *rangeOpts {
	if last := args[len(args)-1]; last.kind == argOptions {
		return last.opts
	}
	return nil
}

// fewElems reports whether the range has few elements, whatever the data.
func fewElems(k rangeKind, args []Argument) bool {
	max := &args[0]
	if k.start || k.end {
		o := optionsOf(args)
		if o == nil || o.max == nil {
			return false
		}
		max = o.max
	}
	if max.kind != argValue {
		return false
	}
	n, err := toAmount(max.val)
	return err == nil && n <= inlineVisits
}

type rangeNav struct {
	kind       value.Kind
	start, end *operand
	max        *operand
	r          Range // what does not depend on arguments
}

func newRange(l *Linker, k rangeKind, kind value.Kind, args []Argument) (*rangeNav, error) {
	n := &rangeNav{kind: kind, r: Range{Reverse: k.reverse, HasLo: k.start, HasHi: k.end}}
	take := func() *operand {
		o := l.key(args[0])
		args = args[1:]
		return &o
	}
	o := optionsOf(args)
	if k.start {
		n.start = take()
	}
	if k.end {
		n.end = take()
	}
	if !k.start && !k.end {
		n.max = take()
		if v, ok := n.max.constant(); ok {
			if _, err := toAmount(v); err != nil {
				return nil, err
			}
		}
	}
	if o == nil {
		return n, nil
	}
	if (o.excludeStart && !k.start) || (o.includeEnd && !k.end) || (o.max != nil && k.start && k.end) {
		return nil, fail(ErrArgument, "it does not take the options %s", o.appendText(nil))
	}
	n.r.LoExclusive, n.r.HiInclusive = o.excludeStart, o.includeEnd
	if o.max != nil {
		max := l.value(*o.max)
		n.max = &max
	}
	return n, nil
}

func (n *rangeNav) part(e *Eval, at value.Value) (c coll, r Range, part value.Value, err error) {
	want := maps
	if n.kind == value.KindSet {
		want = sets
	}
	if c, err = open(at, want); err != nil {
		return c, r, part, err
	}
	r = n.r
	if n.start != nil {
		r.Lo = e.key(*n.start)
	}
	if n.end != nil {
		r.Hi = e.key(*n.end)
	}
	empty := n.start != nil && n.end != nil && value.Compare(r.Lo, r.Hi) > 0
	if n.max != nil {
		if r.Limit, err = toAmount(e.val(*n.max)); err != nil {
			return c, r, part, err
		}
		empty = empty || r.Limit == 0
	}
	if empty {
		return c, r, emptyOf(n.kind).AsSorted(true), nil
	}
	part, err = e.readRange(c, n.kind, r)
	return c, r, part, err
}

func (n *rangeNav) Select(e *Eval, at value.Value, next *Step) error {
	_, _, part, err := n.part(e, at)
	if err != nil {
		return err
	}
	return next.Select(e, part)
}

func (n *rangeNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, r, part, err := n.part(e, at)
	if err != nil {
		return value.Nil, err
	}
	now, err := next.Transform(e, part)
	if err != nil {
		return value.Nil, err
	}
	if now, err = e.asPart(now, n.kind); err != nil {
		return value.Nil, err
	}
	return e.writePart(c, part, now, &r)
}
