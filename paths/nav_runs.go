package paths

import (
	"rama/engine/value"
)

var _ = define(Op{
	Name: "continuousSubseqs", Aliases: []string{"continuous-subseqs"}, Code: 35, Many: manyAlways, Reads: true,
	Params: []Param{{Name: "pred", Kind: ParamFunc}},
	Doc:    "each longest run of elements of a list for which pred is true, as one list.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		f, err := l.function(args[0], 1)
		return l.Step(&runsNav{f}), err
	},
	Check: checkPart(value.KindList),
})

// ContinuousSubseqs navigates to each longest run of elements of a list for
// which pred is true, as one list. The list that it becomes takes its place; null
// and void take it away.
func ContinuousSubseqs(pred any) Nav { return opNamed("continuousSubseqs").Of(pred) }

type runsNav struct{ pred *Func }

type run struct{ from, to int }

func (n *runsNav) runs(e *Eval, at value.Value) (c coll, elems []value.Value, runs []run, err error) {
	if c, err = open(at, lists); err != nil {
		return c, nil, nil, err
	}
	size, err := c.size()
	if err != nil {
		return c, nil, nil, err
	}
	if elems, err = e.readSlice(c, 0, size); err != nil {
		return c, nil, nil, err
	}
	inside := false
	for i, v := range elems {
		ok, err := e.call(n.pred, nil, v, nil)
		if err != nil {
			return c, nil, nil, err
		}
		if ok.Truthy() && !inside {
			runs = append(runs, run{from: i})
		}
		if inside = ok.Truthy(); inside {
			runs[len(runs)-1].to = i + 1
		}
	}
	return c, elems, runs, nil
}

func (n *runsNav) Select(e *Eval, at value.Value, next *Step) error {
	_, elems, runs, err := n.runs(e, at)
	if err != nil {
		return err
	}
	for _, r := range runs {
		if err := next.Select(e, value.List(elems[r.from:r.to:r.to]...)); err != nil {
			return err
		}
	}
	return nil
}

func (n *runsNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	c, elems, runs, err := n.runs(e, at)
	if err != nil || len(runs) == 0 {
		return at, err
	}
	now := make([]value.Value, len(runs))
	for i, r := range runs {
		v, err := next.Transform(e, value.List(elems[r.from:r.to:r.to]...))
		if err != nil {
			return value.Nil, err
		}
		if now[i], err = e.asPart(v, value.KindList); err != nil {
			return value.Nil, err
		}
	}
	for i := len(runs) - 1; i >= 0; i-- { // the last first, so that positions hold
		r := runs[i]
		if c.at, err = e.splice(c, int64(r.from), elems[r.from:r.to], now[i]); err != nil {
			return value.Nil, err
		}
	}
	return c.at, nil
}
