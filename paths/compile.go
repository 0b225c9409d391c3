package paths

import (
	"strconv"

	"rama/engine/value"
)

// CompileOptions are what a path is compiled against. The zero value knows no
// schema and the built-in functions.
type CompileOptions struct {
	Shape    Shape     // the schema of the location where the path starts; nil: anything, none of it kept apart
	Funcs    *Registry // functions and navigators by name
	MaxSteps int       // of the path and all paths in it; default 1,000
	MaxDepth int       // nesting of paths in paths; default 50
}

func (o CompileOptions) filled() CompileOptions {
	if o.MaxSteps <= 0 {
		o.MaxSteps = 1000
	}
	if o.MaxDepth <= 0 {
		o.MaxDepth = 50
	}
	return o
}

// Program is a compiled path. It never changes and may be run by several
// goroutines, each with an Eval of its own.
type Program struct {
	path    Path
	head    *Step
	numArgs int
	steps   int // of the path and all paths in it
	ways    ways
	reads   bool // some structure kept apart is read whole
}

// Compile checks a path and makes it ready to run.
func Compile(p Path, o CompileOptions) (*Program, error) {
	o = o.filled()
	c := &compiler{o: o}
	if err := c.survey(p, "", 1); err != nil {
		return nil, err
	}
	ways, err := c.ways(p, "", nil)
	if err != nil {
		return nil, err
	}
	check := &Checker{o: o}
	if _, err := check.path(o.Shape, p, ""); err != nil {
		return nil, err
	}
	head, err := c.link(p, "", &Step{nav: emitEnd{}, visits: 1, at: strconv.Itoa(len(p) + 1), name: "end of path"})
	if err != nil {
		return nil, err
	}
	return &Program{path: p, head: head, numArgs: c.numArgs, steps: c.steps, ways: ways, reads: check.reads}, nil
}

// Path is the path that was compiled.
func (p *Program) Path() Path { return p.path }

// NumArgs is the number of arguments the path is run with.
func (p *Program) NumArgs() int { return p.numArgs }

// IsTransform reports whether every branch ends in a term, so that Transform can
// never be ErrNoTerm.
func (p *Program) IsTransform() bool { return p.ways&wayOpen == 0 }

// IsSelect reports whether no branch ends in a term, as Select demands.
func (p *Program) IsSelect() bool { return p.ways&wayTerm == 0 }

// inlineVisits bounds the visits of a Bounded path.
const inlineVisits = 256

// Bounded reports whether a run visits few locations and reads no more than
// these, whatever the data are, so that it needs no pauses.
func (p *Program) Bounded() bool { return p.head.visits <= inlineVisits && !p.reads }

// LeadingKey returns the key with which the path begins, where its first
// navigator is key. A path without it, or one that lacks the argument, has none.
func (p *Program) LeadingKey(args []value.Value) (value.Value, bool) {
	return p.path.LeadingKey(args)
}

type compiler struct {
	o       CompileOptions
	steps   int
	numArgs int
	scopes  []*recursion // the recursive paths around the one that is compiled
}

// stepAt names step i of the path whose steps are named with the prefix.
func stepAt(prefix string, i int) string { return prefix + strconv.Itoa(i+1) }

// inner is the prefix of the steps of the path that is argument i of a
// navigator.
func inner(op *Op, at string, i int) string {
	if op.param1Path() {
		return at + "."
	}
	return at + "." + strconv.Itoa(i+1) + "."
}

// param1Path reports whether the navigator has one path at most.
func (op *Op) param1Path() bool {
	n := 0
	for _, p := range op.Params {
		if p.Kind == ParamPath || p.Kind == ParamNavs {
			n++
			if p.Repeated {
				n++
			}
		}
	}
	return n <= 1
}

// survey finds what is wrong with a path by itself, and counts.
func (c *compiler) survey(p Path, prefix string, depth int) error {
	if depth > c.o.MaxDepth {
		return &LimitError{"levels of paths in paths", int64(c.o.MaxDepth)}
	}
	if c.steps += len(p); c.steps > c.o.MaxSteps {
		return &LimitError{"steps of a path", int64(c.o.MaxSteps)}
	}
	for i, n := range p {
		at := stepAt(prefix, i)
		if n.op == nil {
			return locate(fail(ErrSyntax, "no navigator"), at, "")
		}
		if n.err != nil {
			return locate(n.err, at, n.op.Name)
		}
		for j, a := range n.args {
			switch {
			case a.kind == argParam:
				c.numArgs = max(c.numArgs, a.param+1)
			case a.kind == argOptions && a.opts.max != nil && a.opts.max.kind == argParam:
				c.numArgs = max(c.numArgs, a.opts.max.param+1)
			case a.kind == argPath:
				if err := c.survey(a.path, inner(n.op, at, j), depth+1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// ways are the ways in which the branches of a path end.
type ways uint8

const (
	wayOpen ways = 1 << iota // at the end of the path
	wayTerm                  // in a term
)

// ways returns how the branches of p end. recur holds the same for the recursive
// paths around p, as far as it is known.
func (c *compiler) ways(p Path, prefix string, recur []ways) (ways, error) {
	all := wayOpen
	for i, n := range p {
		if all == wayTerm {
			return 0, locate(fail(ErrSyntax, "behind a term, where no branch arrives"), stepAt(prefix, i), n.op.Name)
		}
		w, err := c.navWays(n, stepAt(prefix, i), recur)
		if err != nil {
			return 0, err
		}
		if all&wayOpen != 0 {
			all = all&^wayOpen | w
		}
	}
	return all, nil
}

// maxRecursive bounds the nesting of recursive paths: what navWays does for one
// grows with the power of the levels.
const maxRecursive = 4

func (c *compiler) navWays(n Nav, at string, recur []ways) (ways, error) {
	var branches ways
	paths := 0
	for i, a := range n.args {
		if a.kind != argPath {
			continue
		}
		closed := n.op.closed(i, len(n.args))
		if !closed {
			paths++
		}
		inside := recur
		if n.op.Defines {
			if len(recur) == maxRecursive {
				return 0, locate(&LimitError{"recursive paths in each other", maxRecursive}, at, n.op.Name)
			}
			inside = append(append([]ways{}, recur...), 0)
		}
		for { // until the ways of a recursive path are those it has of itself
			w, err := c.ways(a.path, inner(n.op, at, i), inside)
			if err != nil {
				return 0, err
			}
			if !closed {
				branches |= w
			} else if err := c.closedWays(n.op, w); err != nil {
				return 0, locate(err, at, n.op.Name)
			}
			if !n.op.Defines || inside[len(inside)-1] == w {
				break
			}
			inside[len(inside)-1] = w
		}
	}
	switch n.op.Flow {
	case FlowTerm:
		return wayTerm, nil
	case FlowStop:
		return 0, nil
	case FlowRecur:
		level := recurLevel(n.args)
		if level >= len(recur) {
			return 0, locate(fail(ErrSyntax, "inside %d recursive paths there is none of this level", len(recur)), at, n.op.Name)
		}
		return recur[len(recur)-1-level], nil
	case FlowBranch:
		if paths == 0 {
			return wayOpen, nil
		}
		return branches, nil
	case FlowFork:
		return branches | wayOpen, nil
	}
	return wayOpen, nil
}

// closedWays checks the ways of a closed path.
func (c *compiler) closedWays(op *Op, w ways) error {
	if !op.Terms && w&wayTerm != 0 {
		return fail(ErrTerm, "its path selects")
	}
	if op.Terms && w&wayOpen != 0 {
		return fail(ErrNoTerm, "its path transforms")
	}
	return nil
}

// closed reports whether the path that is argument i of n is closed.
func (op *Op) closed(i, n int) bool {
	return op.Flow == FlowOn || (op.Closed != nil && op.Closed(i, n))
}

// link makes the steps of a path, the last first, for each has to know what
// follows.
func (c *compiler) link(p Path, prefix string, tail *Step) (*Step, error) {
	for i := len(p) - 1; i >= 0; i-- {
		n := p[i]
		l := &Linker{c: c, op: n.op, at: stepAt(prefix, i), next: tail}
		s, err := n.op.Link(l, n.args)
		if err != nil {
			return nil, locate(err, l.at, n.op.Name)
		}
		if n.op.Many != nil && n.op.Many(n.args) && s.visits < many {
			s.visits = many
		}
		tail = s
	}
	return tail, nil
}

// Linker is what a navigator is given to make itself run.
type Linker struct {
	c    *compiler
	op   *Op
	at   string
	next *Step
	subs int // visits of the paths among the arguments
}

// Step makes the step of nav, followed by what follows the navigator.
func (l *Linker) Step(nav Navigator) *Step { return l.StepTo(nav, l.next) }

// StepTo makes the step of nav, followed by next. nil is for a navigator that
// goes on only into branches.
func (l *Linker) StepTo(nav Navigator, next *Step) *Step {
	s := &Step{nav: nav, next: next, at: l.at, name: l.op.Name, visits: 1 + l.subs}
	if next != nil {
		s.visits += next.visits
	}
	s.visits = min(s.visits, many)
	if f, ok := nav.(Effecter); ok {
		s.effect = f.Effect(next)
	}
	return s
}

// Branch links the path that is argument i so that it goes on with what follows
// the navigator. Several branches share that.
func (l *Linker) Branch(args []Argument, i int) (*Step, error) { return l.sub(args, i, l.next) }

// closed links the path that is argument i so that it ends in end.
func (l *Linker) closed(args []Argument, i int, end Navigator) (*Step, error) {
	return l.sub(args, i, &Step{nav: end, visits: 1, at: l.at, name: l.op.Name})
}

func (l *Linker) sub(args []Argument, i int, tail *Step) (*Step, error) {
	head, err := l.c.link(args[i].path, inner(l.op, l.at, i), tail)
	if err != nil {
		return nil, err
	}
	l.subs = min(l.subs+head.visits, many)
	return head, nil
}

// value makes an operand of an argument.
func (l *Linker) value(a Argument) operand {
	if a.kind == argParam {
		return operand{param: a.param}
	}
	return operand{val: a.val, param: -1}
}

// values makes operands of arguments.
func (l *Linker) values(args []Argument) []operand {
	out := make([]operand, len(args))
	for i, a := range args {
		out[i] = l.value(a)
	}
	return out
}

// key makes an operand that is a key or element, in canonical form where it is a
// constant.
func (l *Linker) key(a Argument) operand {
	o := l.value(a)
	o.val = value.Canonical(o.val)
	return o
}

// key returns the value of an operand as a key.
func (e *Eval) key(o operand) value.Value {
	if o.param < 0 {
		return o.val
	}
	return value.Canonical(e.Args[o.param])
}

// integer makes an operand of an argument that has to be an integer.
func (l *Linker) integer(a Argument) (operand, error) {
	o := l.value(a)
	if v, ok := o.constant(); ok {
		if _, err := toInt(v); err != nil {
			return o, fail(ErrArgument, "%s is no integer", brief(v))
		}
	}
	return o, nil
}

// integer returns the value of an operand as an integer.
func (e *Eval) integer(o operand) (int64, error) { return toInt(e.val(o)) }

// function looks up the function that an argument names, to be called with n
// arguments at least.
func (l *Linker) function(a Argument, n int) (*Func, error) {
	f := a.fn
	if f == nil || (f.impl == nil && f.name == "") {
		return nil, fail(ErrArgument, "no function of values")
	}
	if f.impl == nil {
		var err error
		if f, err = l.c.o.Funcs.Func(f.name); err != nil {
			return nil, err
		}
	}
	return f, f.takes(max(n, f.least))
}
