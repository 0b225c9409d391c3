package paths

import (
	"rama/engine/value"
)

var _ = define(Op{
	Name: "subMap", Aliases: []string{"submap"}, Code: 36,
	Params: []Param{{Name: "key", Kind: ParamValue, Repeated: true}},
	Doc:    "the map of those of the keys that are there.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		return l.Step(&subsetNav{value.KindMap, l.values(args)}), nil
	},
	Check: checkPart(value.KindMap),
})

var _ = define(Op{
	Name: "subset", Code: 37,
	Params: []Param{{Name: "elem", Kind: ParamValue, Repeated: true}},
	Doc:    "the set of those of the elements that are there.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		return l.Step(&subsetNav{value.KindSet, l.values(args)}), nil
	},
	Check: checkPart(value.KindSet),
})

// SubMap navigates to the map of those of the keys that a map has. What it
// becomes takes the place of these entries: they are removed, and the entries of
// the new map, whatever their keys, are put.
func SubMap(keys ...any) Nav { return opNamed("subMap").Of(keys...) }

// Subset navigates to the set of those of the elements that a set has. What it
// becomes takes their place: they are removed, and the elements of the new set
// are added. Without arguments it is the way to add many.
func Subset(elems ...any) Nav { return opNamed("subset").Of(elems...) }

type subsetNav struct {
	kind value.Kind
	keys []operand
}

func (n *subsetNav) part(e *Eval, at value.Value) (coll, value.Value, error) {
	want := maps
	if n.kind == value.KindSet {
		want = sets
	}
	c, err := open(at, want)
	if err != nil {
		return c, value.Nil, err
	}
	b := value.NewBuilder(n.kind, len(n.keys))
	for _, o := range n.keys {
		k := e.key(o)
		v, ok, err := c.has(k)
		if err != nil {
			return c, value.Nil, err
		}
		if !ok {
			continue
		}
		if e.note(v); n.kind == value.KindMap {
			b.Put(k, v)
		} else {
			b.Add(k)
		}
	}
	return c, b.Done().AsSorted(at.Sorted()), nil
}

func (n *subsetNav) Select(e *Eval, at value.Value, next *Step) error {
	_, part, err := n.part(e, at)
	if err != nil {
		return err
	}
	return next.Select(e, part)
}

func (n *subsetNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, part, err := n.part(e, at)
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
	return e.writePart(c, part, now, nil)
}
