package paths

import (
	"rama/engine/value"
)

var _ = define(Op{
	Name: "stay", Aliases: []string{"STAY"}, Code: 70,
	Doc:   "the location itself.",
	Link:  func(l *Linker, _ []Argument) (*Step, error) { return l.next, nil },
	Check: checkSame,
})

var _ = define(Op{
	Name: "stop", Aliases: []string{"STOP"}, Code: 71, Flow: FlowStop,
	Doc:   "nothing.",
	Link:  func(l *Linker, _ []Argument) (*Step, error) { return l.StepTo(stopNav{}, nil), nil },
	Check: checkTerm,
})

var _ = define(Op{
	Name: "ifPath", Aliases: []string{"if-path"}, Code: 72, Flow: FlowBranch,
	Params: []Param{{Name: "condition", Kind: ParamPath}, {Name: "then", Kind: ParamPath}, {Name: "else", Kind: ParamPath, Optional: true}},
	Closed: func(i, _ int) bool { return i == 0 },
	Doc:    "goes on with then where the condition reaches anything, and with else, or not at all, otherwise.",
	Link:   linkCond,
})

var _ = define(Op{
	Name: "condPath", Aliases: []string{"cond-path"}, Code: 73, Flow: FlowBranch,
	Params: []Param{{Name: "condition, path", Kind: ParamPath, Repeated: true}},
	Closed: func(i, n int) bool { return i%2 == 0 },
	Doc:    "goes on with the path behind the first condition that reaches anything, or not at all.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		if len(args)%2 != 0 {
			return nil, fail(ErrArgument, "%d paths; it takes conditions and paths in turn", len(args))
		}
		return linkCond(l, args)
	},
})

var _ = define(Op{
	Name: "multiPath", Aliases: []string{"multi-path"}, Code: 74, Flow: FlowBranch,
	Params: []Param{{Name: "path", Kind: ParamPath, Repeated: true}},
	Doc:    "goes on with each of the paths, in order.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		n := &multiNav{}
		for i := range args {
			head, err := l.Branch(args, i)
			if err != nil {
				return nil, err
			}
			n.heads = append(n.heads, head)
		}
		if len(args) == 0 {
			return l.next, nil
		}
		return l.StepTo(n, nil), nil
	},
})

var _ = define(Op{
	Name: "continueThenStay", Aliases: []string{"continue-then-stay"}, Code: 77, Flow: FlowFork, Params: navsParams,
	Doc: "goes on with the path, and then from the location itself.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		head, err := l.Branch(args, 0)
		return l.StepTo(&multiNav{[]*Step{head, l.next}}, nil), err
	},
})

var _ = define(Op{
	Name: "stayThenContinue", Aliases: []string{"stay-then-continue"}, Code: 78, Flow: FlowFork, Params: navsParams,
	Doc: "goes on from the location itself, and then with the path.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		head, err := l.Branch(args, 0)
		return l.StepTo(&multiNav{[]*Step{l.next, head}}, nil), err
	},
})

// Stay navigates to the location itself.
func Stay() Nav { return opNamed("stay").Of() }

// Stop navigates to nothing.
func Stop() Nav { return opNamed("stop").Of() }

// IfPath goes on with the path then where the path cond reaches anything, and
// with the path else otherwise; without one it goes on to nothing. cond sees the
// collected values. A path is a Path, a Nav, or what stands for one in New.
func IfPath(cond, then any, els ...any) Nav {
	return opNamed("ifPath").Of(append([]any{cond, then}, els...)...)
}

// CondPath takes conditions and paths in turn and goes on with the path behind
// the first condition that reaches anything; where none does, to nothing.
func CondPath(condsAndPaths ...any) Nav { return opNamed("condPath").Of(condsAndPaths...) }

// MultiPath goes on with each of the paths, in order, from the same location. In
// a transform each is applied to what the one before made of it. As a condition
// it is a logical or. Without paths it stays.
func MultiPath(paths ...any) Nav { return opNamed("multiPath").Of(paths...) }

// ContinueThenStay goes on with the path of navs, and then from the location
// itself.
func ContinueThenStay(navs ...any) Nav { return opNamed("continueThenStay").Of(navs...) }

// StayThenContinue goes on from the location itself, and then with the path of
// navs.
func StayThenContinue(navs ...any) Nav { return opNamed("stayThenContinue").Of(navs...) }

type stopNav struct{}

func (stopNav) Select(*Eval, value.Value, *Step) error { return nil }

func (stopNav) Transform(_ *Eval, at value.Value, _ *Step) (value.Value, error) { return at, nil }

// condNav goes on with the branch of the first condition that reaches anything;
// a nil condition always does.
type condNav struct{ conds, heads []*Step }

func linkCond(l *Linker, args []Argument) (*Step, error) {
	n := &condNav{}
	for i := 0; i < len(args); i += 2 {
		if i+1 == len(args) { // the else of ifPath
			head, err := l.Branch(args, i)
			if err != nil {
				return nil, err
			}
			n.conds, n.heads = append(n.conds, nil), append(n.heads, head)
			break
		}
		cond, err := l.closed(args, i, foundEnd{})
		if err != nil {
			return nil, err
		}
		head, err := l.Branch(args, i+1)
		if err != nil {
			return nil, err
		}
		n.conds, n.heads = append(n.conds, cond), append(n.heads, head)
	}
	return l.StepTo(n, nil), nil
}

func (n *condNav) branch(e *Eval, at value.Value) (*Step, error) {
	for i, cond := range n.conds {
		if cond == nil {
			return n.heads[i], nil
		}
		if ok, err := e.found(cond, at); err != nil || ok {
			return n.heads[i], err
		}
	}
	return nil, nil
}

func (n *condNav) Select(e *Eval, at value.Value, _ *Step) error {
	head, err := n.branch(e, at)
	if err != nil || head == nil {
		return err
	}
	return head.Select(e, at)
}

func (n *condNav) Transform(e *Eval, at value.Value, _ *Step) (value.Value, error) {
	head, err := n.branch(e, at)
	if err != nil || head == nil {
		return at, err
	}
	return head.Transform(e, at)
}

type multiNav struct{ heads []*Step }

func (n *multiNav) Select(e *Eval, at value.Value, _ *Step) error {
	for _, h := range n.heads {
		if err := h.Select(e, at); err != nil {
			return err
		}
	}
	return nil
}

func (n *multiNav) Transform(e *Eval, at value.Value, _ *Step) (value.Value, error) {
	for _, h := range n.heads {
		var err error
		if at, err = h.Transform(e, at); err != nil {
			return value.Nil, err
		}
	}
	return at, nil
}

// Effect is blind if no branch looks, and that of the last branch then.
func (n *multiNav) Effect(*Step) Effect {
	least := EffectRemoves
	for _, h := range n.heads {
		least = min(least, h.effect)
	}
	if least == EffectReads {
		return EffectReads
	}
	return n.heads[len(n.heads)-1].effect
}
