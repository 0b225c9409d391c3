package paths

import (
	"rama/engine/value"
)

var _ = define(Op{
	Name: "termVal", Aliases: []string{"termval"}, Code: 100, Flow: FlowTerm,
	Params: []Param{{Name: "value", Kind: ParamValue}},
	Doc:    "the location becomes the value.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		return l.StepTo(&termValNav{l.value(args[0])}, nil), nil
	},
	Check: checkTerm,
})

var _ = define(Op{
	Name: "term", Code: 101, Flow: FlowTerm, Reads: true,
	Params: []Param{{Name: "function", Kind: ParamFunc}, {Name: "argument", Kind: ParamValue, Repeated: true}},
	Doc:    "the location becomes what the function makes of the collected values, the location and the arguments.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		f, err := l.function(args[0], len(args))
		return l.StepTo(&termNav{f, l.values(args[1:])}, nil), err
	},
	Check: checkTerm,
})

var _ = define(Op{
	Name: "termVoid", Aliases: []string{"NONE>"}, Code: 102, Flow: FlowTerm,
	Doc:   "the location is removed.",
	Link:  func(l *Linker, _ []Argument) (*Step, error) { return l.StepTo(termVoidNav{}, nil), nil },
	Check: checkTerm,
})

// TermVal ends a transform: the location becomes v.
func TermVal(v any) Nav { return opNamed("termVal").Of(v) }

// Term ends a transform: the location becomes f(collected..., location,
// args...), where collected are the values collected on the way. A void result
// removes the location.
func Term(f any, args ...any) Nav { return opNamed("term").Of(append([]any{f}, args...)...) }

// TermVoid ends a transform: the location is removed from what it lies in. The
// top level cannot be removed.
func TermVoid() Nav { return opNamed("termVoid").Of() }

type termValNav struct{ v operand }

func (n *termValNav) Select(*Eval, value.Value, *Step) error { return ErrTerm }

func (n *termValNav) Transform(e *Eval, _ value.Value, _ *Step) (value.Value, error) {
	return e.val(n.v), nil
}

func (n *termValNav) Effect(*Step) Effect { return EffectBlind }

type termNav struct {
	f    *Func
	args []operand
}

func (n *termNav) Select(*Eval, value.Value, *Step) error { return ErrTerm }

func (n *termNav) Transform(e *Eval, at value.Value, _ *Step) (value.Value, error) {
	v, err := e.call(n.f, e.collected[e.base:], at, n.args)
	if err != nil || v.IsVoid() {
		return v, err
	}
	if v, err = e.Plain(v); err != nil {
		return value.Nil, err
	}
	return e.made(v)
}

type termVoidNav struct{}

func (termVoidNav) Select(*Eval, value.Value, *Step) error { return ErrTerm }

func (termVoidNav) Transform(*Eval, value.Value, *Step) (value.Value, error) {
	return value.Void, nil
}

func (termVoidNav) Effect(*Step) Effect { return EffectRemoves }
