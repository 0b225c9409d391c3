package paths

import (
	"rama/engine/value"
)

var navsParams = []Param{{Name: "path", Kind: ParamNavs}}

var _ = define(Op{
	Name: "subselect", Code: 75, Params: navsParams, Many: manyAlways,
	Doc: "the list of all that a path reaches; what its elements become is written back.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		head, err := l.closed(args, 0, subselectEnd{})
		return l.Step(&subselectNav{head}), err
	},
	Check: checkOpaque,
})

var _ = define(Op{
	Name: "filteredList", Aliases: []string{"filterer"}, Code: 34, Params: navsParams, Many: manyAlways,
	Doc: "the list of the elements for which a path reaches anything.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		cond, err := l.closed(args, 0, foundEnd{})
		if err != nil {
			return nil, err
		}
		end := &Step{nav: subselectEnd{}, at: l.at, name: l.op.Name}
		filter := &Step{nav: &selectedNav{head: cond}, next: end, at: l.at, name: l.op.Name}
		all := &Step{nav: allNav{}, next: filter, at: l.at, name: l.op.Name}
		return l.Step(&subselectNav{all}), nil
	},
	From: entryShape,
	Check: func(_ *Checker, s Shape, _ []Argument) (Shape, error) {
		if err := wantShape(s, value.KindList, value.KindSet, value.KindMap); err != nil || s.Kind() != value.KindList {
			return opaque{}, err
		}
		return part{s}, nil
	},
})

// Subselect navigates to the list of all that the path of navs reaches. In a
// transform the i-th element of what the list becomes takes the i-th place;
// places for which there is none are removed, elements for which there is no
// place are ignored. It is how results are counted or summed where the data is:
//
//	paths.Subselect(paths.MapVals(), paths.Key("n")), paths.View("SUM")
func Subselect(navs ...any) Nav { return opNamed("subselect").Of(navs...) }

// FilteredList navigates to the list of those elements of a collection for which
// the path of navs reaches anything; it is subselect(all, filterSelected(navs)).
func FilteredList(navs ...any) Nav { return opNamed("filteredList").Of(navs...) }

type subselectNav struct{ head *Step }

func (n *subselectNav) Select(e *Eval, at value.Value, next *Step) error {
	found, err := e.selected(n.head, at)
	if err != nil {
		return err
	}
	return next.Select(e, value.List(found...))
}

// refill is a running write-back: what the places become, in their order.
type refill struct {
	found []value.Value // what they were
	now   []value.Value
	at    int
}

// Transform finds the places twice: first to gather what they hold, then to put
// what that became. A handle from the first time would be out of date the second
// time, so what is kept apart is gathered as a plain value.
func (n *subselectNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	found, err := e.selected(n.head, at)
	if err != nil {
		return value.Nil, err
	}
	for i := range found {
		if found[i], err = e.Plain(found[i]); err != nil {
			return value.Nil, err
		}
	}
	v, err := next.Transform(e, value.List(found...))
	if err != nil {
		return value.Nil, err
	}
	if v, err = e.asPart(v, value.KindList); err != nil {
		return value.Nil, err
	}
	base := e.base
	e.base = len(e.collected)
	e.refills = append(e.refills, &refill{found: found, now: v.Elems()})
	v, err = n.head.Transform(e, at)
	if err != nil {
		return value.Nil, err
	}
	e.refills, e.base = e.refills[:len(e.refills)-1], base
	return v, nil
}

// subselectEnd ends the path of a subselect.
type subselectEnd struct{}

func (subselectEnd) Select(e *Eval, at value.Value, _ *Step) error {
	if len(e.collected) > e.base {
		return fail(ErrArgument, "values are collected in it")
	}
	return e.gather(at)
}

func (subselectEnd) Transform(e *Eval, at value.Value, _ *Step) (value.Value, error) {
	if at.IsVoid() { // nothing was found here
		return at, nil
	}
	r := e.refills[len(e.refills)-1]
	i := r.at
	r.at++
	if i >= len(r.now) {
		return value.Void, nil
	}
	if at.Kind() == value.KindHandle && i < len(r.found) && identical(r.now[i], r.found[i]) {
		// It was to stay what it was, and is, unless one of the places before lies in
		// it.
		if v, err := e.Plain(at); err != nil || value.Same(v, r.now[i]) {
			return at, err
		}
	}
	return e.made(r.now[i])
}
