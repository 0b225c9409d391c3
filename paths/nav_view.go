package paths

import (
	"rama/engine/value"
)

var _ = define(Op{
	Name: "view", Code: 60, Reads: true,
	Params: []Param{{Name: "function", Kind: ParamFunc}, {Name: "argument", Kind: ParamValue, Repeated: true}},
	Doc:    "what the function makes of the location and the arguments; a transform puts what becomes of that in the location's place.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		f, err := l.function(args[0], len(args))
		return l.Step(&viewNav{f, l.values(args[1:])}), err
	},
	Check: checkOpaque,
})

var _ = define(Op{
	Name: "transformed", Code: 65, Terms: true, Params: navsParams, Reads: true, Many: manyAlways,
	Doc: "the location with a transform path applied to it, without a change to what is stored.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		head, err := l.closed(args, 0, foundEnd{})
		return l.Step(&transformedNav{head}), err
	},
	Check: checkOpaque,
})

var _ = define(Op{
	Name: "parser", Code: 66, Reads: true,
	Params: []Param{{Name: "parse", Kind: ParamFunc}, {Name: "unparse", Kind: ParamFunc}},
	Doc:    "parse(location); a transform puts unparse of what becomes of that in the location's place.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		parse, err := l.function(args[0], 1)
		if err != nil {
			return nil, err
		}
		unparse, err := l.function(args[1], 1)
		return l.Step(&parserNav{parse, unparse}), err
	},
	Check: checkOpaque,
})

// View navigates to f(location, args...). In a transform what becomes of that
// takes the location's place.
func View(f any, args ...any) Nav { return opNamed("view").Of(append([]any{f}, args...)...) }

// Transformed navigates to the location as the path of navs, which ends in
// terms, transforms it. What is stored does not change.
func Transformed(navs ...any) Nav { return opNamed("transformed").Of(navs...) }

// Parser navigates to parse(location). In a transform unparse of what becomes of
// that takes the location's place.
func Parser(parse, unparse any) Nav { return opNamed("parser").Of(parse, unparse) }

type viewNav struct {
	f    *Func
	args []operand
}

func (n *viewNav) Select(e *Eval, at value.Value, next *Step) error {
	v, err := e.call(n.f, nil, at, n.args)
	if err != nil {
		return err
	}
	return next.Select(e, v)
}

func (n *viewNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	v, err := e.call(n.f, nil, at, n.args)
	if err == nil { // it is not where it lies, so it cannot change there
		v, err = e.plainOrVoid(v)
	}
	if err != nil {
		return value.Nil, err
	}
	return next.Transform(e, v)
}

type transformedNav struct{ head *Step }

func (n *transformedNav) apply(e *Eval, at value.Value) (value.Value, error) {
	v, err := e.Plain(at)
	if err != nil {
		return value.Nil, err
	}
	base := e.base
	e.base = len(e.collected)
	v, err = n.head.Transform(e, v)
	e.base = base
	return v, err
}

func (n *transformedNav) Select(e *Eval, at value.Value, next *Step) error {
	v, err := n.apply(e, at)
	if err != nil {
		return err
	}
	return next.Select(e, v)
}

func (n *transformedNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	v, err := n.apply(e, at)
	if err != nil {
		return value.Nil, err
	}
	return next.Transform(e, v)
}

type parserNav struct{ parse, unparse *Func }

func (n *parserNav) Select(e *Eval, at value.Value, next *Step) error {
	v, err := e.call(n.parse, nil, at, nil)
	if err != nil {
		return err
	}
	return next.Select(e, v)
}

func (n *parserNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	v, err := e.call(n.parse, nil, at, nil)
	if err == nil {
		v, err = e.plainOrVoid(v)
	}
	if err != nil {
		return value.Nil, err
	}
	if v, err = next.Transform(e, v); err != nil || v.IsVoid() {
		return v, err
	}
	return e.call(n.unparse, nil, v, nil)
}
