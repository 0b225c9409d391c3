package paths

import (
	"rama/engine/value"
)

var _ = define(Op{
	Name: "filterSelected", Aliases: []string{"selected?"}, Code: 57, Params: navsParams,
	Doc:   "stays at a location from which a path reaches anything.",
	Link:  func(l *Linker, args []Argument) (*Step, error) { return linkSelected(l, args, false) },
	Check: checkSame,
})

var _ = define(Op{
	Name: "filterNotSelected", Aliases: []string{"not-selected?"}, Code: 58, Params: navsParams,
	Doc:   "stays at a location from which a path reaches nothing.",
	Link:  func(l *Linker, args []Argument) (*Step, error) { return linkSelected(l, args, true) },
	Check: checkSame,
})

func linkSelected(l *Linker, args []Argument, not bool) (*Step, error) {
	head, err := l.closed(args, 0, foundEnd{})
	return l.Step(&selectedNav{head, not}), err
}

// FilterSelected stays at a location from which the path of navs reaches
// anything. It looks no further than to the first.
func FilterSelected(navs ...any) Nav { return opNamed("filterSelected").Of(navs...) }

// FilterNotSelected stays at a location from which the path of navs reaches
// nothing.
func FilterNotSelected(navs ...any) Nav { return opNamed("filterNotSelected").Of(navs...) }

type selectedNav struct {
	head *Step
	not  bool
}

func (n *selectedNav) test(e *Eval, at value.Value) (bool, error) {
	ok, err := e.found(n.head, at)
	return ok != n.not, err
}

func (n *selectedNav) Select(e *Eval, at value.Value, next *Step) error {
	ok, err := n.test(e, at)
	return selectIf(ok, err, e, at, next)
}

func (n *selectedNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	ok, err := n.test(e, at)
	return transformIf(ok, err, e, at, next)
}
