package paths

import (
	"rama/engine/value"
)

// Two navigators set something for a path inside them and bring back what was
// before where that path ends and the path around it goes on.

var _ = define(Op{
	Name: "withPageSize", Aliases: []string{"with-page-size"}, Code: 76, Flow: FlowBranch,
	Params: []Param{{Name: "size", Kind: ParamValue}, {Name: "path", Kind: ParamPath}},
	Doc:    "goes on with the path, and pauses in it after as many locations as the size says.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		size, err := l.integer(args[0])
		if err != nil {
			return nil, err
		}
		return linkScope(l, args, 1, &size)
	},
})

var _ = define(Op{
	Name: "withFreshCollected", Aliases: []string{"with-fresh-collected"}, Code: 95, Flow: FlowBranch, Params: navsParams,
	Doc:  "goes on with the path as if nothing had been collected before; behind it all is as it was.",
	Link: func(l *Linker, args []Argument) (*Step, error) { return linkScope(l, args, 0, nil) },
})

// WithPageSize goes on with a path, and has a select that lets others run pause
// after every n locations inside that path. A page is 1 location at least.
func WithPageSize(n any, path any) Nav { return opNamed("withPageSize").Of(n, path) }

// WithFreshCollected goes on with the path of navs as if no value had been
// collected before it. Behind the path the collected values are those from
// before.
func WithFreshCollected(navs ...any) Nav { return opNamed("withFreshCollected").Of(navs...) }

func linkScope(l *Linker, args []Argument, i int, page *operand) (*Step, error) {
	exit := l.StepTo(&scopeExit{collected: page == nil}, l.next)
	head, err := l.sub(args, i, exit)
	return l.StepTo(&scopeNav{head, page}, nil), err
}

type scopeNav struct {
	head *Step
	page *operand // nil: the scope is one of collected values
}

// open begins the scope; what was before lies on the stack of frames.
func (n *scopeNav) open(e *Eval) error {
	f := frame{base: e.base, end: len(e.collected), page: e.page}
	if n.page == nil {
		e.base = len(e.collected)
	} else {
		size, err := e.integer(*n.page)
		if err != nil {
			return err
		}
		if size <= 0 {
			return fail(ErrArgument, "page size %d", size)
		}
		e.page = size
		e.schedule()
	}
	e.frames = append(e.frames, f)
	return nil
}

func (n *scopeNav) close(e *Eval) {
	last := len(e.frames) - 1
	f := e.frames[last]
	e.frames = e.frames[:last]
	e.base, e.page = f.base, f.page
	e.schedule()
}

func (n *scopeNav) Select(e *Eval, at value.Value, _ *Step) error {
	if err := n.open(e); err != nil {
		return err
	}
	err := n.head.Select(e, at)
	if err == nil {
		n.close(e)
	}
	return err
}

func (n *scopeNav) Transform(e *Eval, at value.Value, _ *Step) (value.Value, error) {
	if err := n.open(e); err != nil {
		return value.Nil, err
	}
	v, err := n.head.Transform(e, at)
	if err == nil {
		n.close(e)
	}
	return v, err
}

// scopeExit stands behind the path of a scope: what follows runs as it was
// before the scope, and then the scope goes on with its next location.
type scopeExit struct{ collected bool }

// inside is what holds in the scope while the rest of the path runs outside of
// it.
type inside struct {
	frame
	outer frame
}

// exit brings back what was before. The collected values from there are copied to
// the top of the stack, for the scope still needs those that it has above them.
func (n *scopeExit) exit(e *Eval) inside {
	e.visits-- // the step behind it visits the same location
	last := len(e.frames) - 1
	in := inside{frame{base: e.base, end: len(e.collected), page: e.page}, e.frames[last]}
	e.frames = e.frames[:last]
	if n.collected {
		e.base = len(e.collected)
		e.collected = append(e.collected, e.collected[in.outer.base:in.outer.end]...)
	} else {
		e.page = in.outer.page
		e.schedule()
	}
	return in
}

func (n *scopeExit) enter(e *Eval, in inside) {
	e.base, e.collected = in.base, e.collected[:in.end]
	e.frames = append(e.frames, in.outer)
	if !n.collected {
		e.page = in.page
		e.schedule()
	}
}

func (n *scopeExit) Select(e *Eval, at value.Value, next *Step) error {
	in := n.exit(e)
	err := next.Select(e, at)
	if err == nil {
		n.enter(e, in)
	}
	return err
}

func (n *scopeExit) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	in := n.exit(e)
	v, err := next.Transform(e, at)
	if err == nil {
		n.enter(e, in)
	}
	return v, err
}
