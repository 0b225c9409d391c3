package paths

import (
	"rama/engine/value"
)

const codeKey = 1

var keyParams = []Param{{Name: "key", Kind: ParamValue, Repeated: true, AtLeast: 1}}

var opKey = define(Op{
	Name: "key", Aliases: []string{"keypath"}, Code: codeKey, Params: keyParams,
	Doc: "the value at a key of a map or a position of a list; null where there is none. Several keys go on into each other.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		s := l.next
		for i := len(args) - 1; i >= 0; i-- {
			s = l.StepTo(&keyNav{l.key(args[i])}, s)
		}
		return s, nil
	},
	Check: checkKeys,
})

var opMust = define(Op{
	Name: "must", Code: 2, Params: keyParams,
	Doc: "like key, but nothing is reached where the key is not there.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		s := l.next
		for i := len(args) - 1; i >= 0; i-- {
			s = l.StepTo(&mustNav{l.key(args[i])}, s)
		}
		return s, nil
	},
	Check: checkKeys,
})

// Key navigates to the value at a key of a map, or at a position of a list; with
// several keys to that at the second key in that at the first, and so on. What is
// not there is null, and comes into being by a transform: null becomes a map, and
// the position behind the last one of a list appends. Void removes the entry.
func Key(keys ...any) Nav { return opKey.Of(keys...) }

// Must is Key that reaches nothing where a key is not there.
func Must(keys ...any) Nav { return opMust.Of(keys...) }

func checkKeys(_ *Checker, s Shape, args []Argument) (Shape, error) {
	for _, a := range args {
		if s == nil {
			return nil, nil
		}
		if err := wantShape(s, value.KindMap, value.KindList); err != nil {
			return nil, err
		}
		var key *value.Value
		if v, ok := a.Value(); ok {
			key = &v
		}
		if s.Kind() == value.KindList && key != nil {
			if _, err := toInt(*key); err != nil {
				return nil, fail(ErrSchema, "%s is a list, and %s no position", s, brief(*key))
			}
		}
		var err error
		if s, err = elemShape(s, key); err != nil {
			return nil, err
		}
	}
	return s, nil
}

type keyNav struct{ key operand }

func (n *keyNav) Select(e *Eval, at value.Value, next *Step) error {
	c, err := open(at, maps|lists)
	if err != nil {
		return err
	}
	v, _, err := c.get(e.key(n.key))
	if err != nil {
		return err
	}
	return next.Select(e, v)
}

func (n *keyNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, err := open(at, maps|lists)
	if err != nil {
		return value.Nil, err
	}
	k := e.key(n.key)
	old, there := value.Nil, false
	if blind := c.s != nil && next.effect != EffectReads; !blind {
		if old, there, err = c.get(k); err != nil {
			return value.Nil, err
		}
	}
	v, err := next.Transform(e, old)
	switch {
	case err != nil:
		return value.Nil, err
	case v.IsVoid():
		return e.remove(c, k)
	case there && identical(v, old) && v.Kind() != value.KindHandle:
		return at, nil
	}
	return e.put(c, k, v)
}

type mustNav struct{ key operand }

func (n *mustNav) Select(e *Eval, at value.Value, next *Step) error {
	c, err := open(at, maps|lists)
	if err != nil {
		return err
	}
	v, ok, err := c.has(e.key(n.key))
	if err != nil || !ok {
		return err
	}
	return next.Select(e, v)
}

func (n *mustNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, err := open(at, maps|lists)
	if err != nil {
		return value.Nil, err
	}
	k := e.key(n.key)
	if c.s != nil && next.effect == EffectRemoves && c.kind == value.KindMap {
		return e.remove(c, k)
	}
	old, ok, err := c.has(k)
	if err != nil || !ok {
		return at, err
	}
	v, err := next.Transform(e, old)
	switch {
	case err != nil:
		return value.Nil, err
	case v.IsVoid():
		return e.remove(c, k)
	case identical(v, old) && v.Kind() != value.KindHandle:
		return at, nil
	}
	return e.put(c, k, v)
}
