package paths

import (
	"rama/engine/value"
)

var _ = define(Op{
	Name: "recursive", Aliases: []string{"recursive-path"}, Code: 79, Flow: FlowBranch, Defines: true, Params: navsParams, Many: manyAlways,
	Doc: "goes on with the path, in which recur stands for the path itself.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		r := &recursion{}
		l.c.scopes = append(l.c.scopes, r)
		head, err := l.closed(args, 0, returnNav{})
		l.c.scopes = l.c.scopes[:len(l.c.scopes)-1]
		r.head = head
		return l.Step(&recurNav{r}), err
	},
})

var _ = define(Op{
	Name: "recur", Code: 80, Flow: FlowRecur, Many: manyAlways,
	Params: []Param{{Name: "level", Kind: ParamConst, Optional: true}},
	Doc:    "goes on with the recursive path around it, or with the one that is level paths further out.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		return l.Step(&recurNav{l.c.scopes[len(l.c.scopes)-1-recurLevel(args)]}), nil
	},
})

// Recursive goes on with the path of navs, in which Recur stands for the path
// itself. So
//
//	Recursive(IfPath(FilterPred("IS_MAP"), New(MapVals(), Recur()), Stay()))
//
// navigates to all that is no map in maps in maps.
func Recursive(navs ...any) Nav { return opNamed("recursive").Of(navs...) }

// Recur stands for the recursive path around it, or for the one that is level
// recursive paths further out.
func Recur(level ...any) Nav { return opNamed("recur").Of(level...) }

// recurLevel is the level that an argument of recur stands for; that of a wrong
// one is beyond all there are.
func recurLevel(args []Argument) int {
	if len(args) == 0 {
		return 0
	}
	i, err := toInt(args[0].val)
	if err != nil || i < 0 || i > maxRecursive {
		return maxRecursive
	}
	return int(i)
}

// recursion is a recursive path, once for all the places that go on with it.
type recursion struct{ head *Step }

// recurNav goes on with a recursive path, and behind that with its own next
// step, which waits on a stack. So the path needs to be there only once, however
// many steps follow the places that name it.
type recurNav struct{ to *recursion }

func (n *recurNav) Select(e *Eval, at value.Value, next *Step) error {
	if err := e.enter(); err != nil {
		return err
	}
	e.returns = append(e.returns, next)
	if err := n.to.head.Select(e, at); err != nil {
		return err
	}
	e.returns = e.returns[:len(e.returns)-1]
	e.leave()
	return nil
}

func (n *recurNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	if err := e.enter(); err != nil {
		return value.Nil, err
	}
	e.returns = append(e.returns, next)
	v, err := n.to.head.Transform(e, at)
	if err != nil {
		return value.Nil, err
	}
	e.returns = e.returns[:len(e.returns)-1]
	e.leave()
	return v, nil
}

// returnNav stands behind a recursive path and goes on where the place that
// named it does.
type returnNav struct{}

func (returnNav) Select(e *Eval, at value.Value, _ *Step) error {
	last := len(e.returns) - 1
	next := e.returns[last]
	e.returns = e.returns[:last]
	err := next.Select(e, at)
	if err == nil {
		e.returns = append(e.returns, next)
	}
	return err
}

func (returnNav) Transform(e *Eval, at value.Value, _ *Step) (value.Value, error) {
	last := len(e.returns) - 1
	next := e.returns[last]
	e.returns = e.returns[:last]
	v, err := next.Transform(e, at)
	if err == nil {
		e.returns = append(e.returns, next)
	}
	return v, err
}
