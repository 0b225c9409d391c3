package paths

import (
	"fmt"

	"rama/engine/value"
)

// Path is a path as it is written: the navigators, one behind the other. It is
// plain data; Compile makes it run.
type Path []Nav

// Nav is a navigator as it is written: which one, and its arguments.
type Nav struct {
	op   *Op
	args []Argument
	err  error // what was wrong with the arguments when it was made
}

// Op returns the navigator's entry in the register; nil for the zero Nav.
func (n Nav) Op() *Op { return n.op }

// Args returns the navigator's arguments, which must not be changed.
func (n Nav) Args() []Argument { return n.args }

// Err returns what was wrong with the arguments when the navigator was made. The
// functions that make navigators return no error, so that paths can be written
// in one expression; Compile and the encoders return this one.
func (n Nav) Err() error { return n.err }

// Arg stands in a path for the i-th argument, from 0, that the path is run with:
//
//	paths.New(paths.Key("users"), paths.Key(paths.Arg(0)))
type Arg int

// New makes a path of navigators and what stands for one: a Path its steps, a
// function (see Fn) filterPred, nil stay, and any other value, an Arg among
// them, key. A value that has no such meaning makes a path that Compile refuses.
func New(navs ...any) Path {
	p := make(Path, 0, len(navs))
	for _, n := range navs {
		p = appendNav(p, n)
	}
	return p
}

func appendNav(p Path, n any) Path {
	switch n := n.(type) {
	case Nav:
		return append(p, n)
	case Path:
		return append(p, n...)
	case []Nav:
		return append(p, n...)
	case nil:
		return append(p, Stay())
	case Argument:
		if n.kind == argFunc {
			return append(p, FilterPred(n))
		}
	}
	if isFunc(n) {
		return append(p, FilterPred(n))
	}
	return append(p, Key(n))
}

// ParamKind says what kind of argument a navigator takes at a place.
type ParamKind uint8

// The kinds of parameters.
const (
	ParamValue   ParamKind = iota // a value, or an Arg
	ParamFunc                     // a function
	ParamPath                     // a path: one navigator, or a list of them
	ParamNavs                     // a path made of all arguments from here on
	ParamOptions                  // range options, or a count
	ParamConst                    // a value that is no Arg
)

var paramKindNames = [...]string{"value", "function", "path", "path...", "options", "constant"}

func (k ParamKind) String() string { return paramKindNames[k] }

// Param is one place for an argument. Only the last one of a navigator may be
// optional or repeated.
type Param struct {
	Name     string
	Kind     ParamKind
	Optional bool // may be left out
	Repeated bool // any number of arguments, none among them unless AtLeast
	AtLeast  int  // how many of a repeated one there must be
}

// Flow says where a navigation goes on from a navigator.
type Flow uint8

// The flows. The paths among the arguments of an Op are either branches, which
// go on with what follows the navigator, or closed: run for what they find. All
// of one Op are of one sort, save the condition of ifPath and condPath.
const (
	FlowOn     Flow = iota // to what follows; paths among the arguments are closed
	FlowBranch             // into the branches among the arguments, and nowhere else
	FlowFork               // into the branch and to what follows
	FlowTerm               // nowhere: this is a term
	FlowStop               // nowhere: no location is reached
	FlowRecur              // to the start of a recursive path, and then to what follows
)

// Op is a navigator's entry in the register: all that the compiler, the two
// encodings and the documentation know of it.
type Op struct {
	Name    string   // the name in Java, JSON and error messages
	Aliases []string // further names: Clojure's, and old ones
	Code    uint16   // the number in the binary form; never reused
	Params  []Param
	Doc     string // one line

	Flow Flow
	// Closed reports whether the path that is argument i is closed although the
	// flow is FlowBranch. Nil: none is.
	Closed func(i, n int) bool
	// Terms says that the closed path ends in terms; others select.
	Terms bool
	// Defines says that recur in the path stands for the path.
	Defines bool
	// Many reports whether the number of locations, or of elements read, depends
	// on the data. Nil: it does not.
	Many func(args []Argument) bool
	// Reads says that a structure kept apart at the location would be read whole.
	Reads bool
	// Link makes the navigator run: it returns the step that starts with it.
	Link func(l *Linker, args []Argument) (*Step, error)
	// From returns the shape of the locations at which closed paths start. Nil: that
	// of the location itself.
	From func(s Shape) (Shape, error)
	// Check returns what a schema says of the locations reached from one of shape s,
	// which is not nil. A nil Check knows nothing of them.
	Check func(c *Checker, s Shape, args []Argument) (Shape, error)
}

// register of the navigators, by name and by number. It is filled before main
// and only read then.
type register struct {
	list   []*Op
	byName map[string]*Op
	byCode map[uint16]*Op
}

var navigators = &register{byName: map[string]*Op{}, byCode: map[uint16]*Op{}}

// define enters a navigator into the register. A name or number given twice is a
// bug.
func define(op Op) *Op {
	for _, name := range append([]string{op.Name}, op.Aliases...) {
		if navigators.byName[name] != nil {
			panic("paths: two navigators are called " + name)
		}
		navigators.byName[name] = &op
	}
	if navigators.byCode[op.Code] != nil {
		panic(fmt.Sprintf("paths: two navigators have the number %d", op.Code))
	}
	navigators.byCode[op.Code] = &op
	navigators.list = append(navigators.list, &op)
	return &op
}

// Ops returns all navigators there are.
func Ops() []*Op { return append([]*Op(nil), navigators.list...) }

// LookupOp returns the navigator of a name, Java's or Clojure's.
func LookupOp(name string) (*Op, bool) {
	op, ok := navigators.byName[name]
	return op, ok
}

// Of makes the navigator with its arguments given as Go values. See the
// functions that the package has for each.
func (op *Op) Of(args ...any) Nav {
	n := Nav{op: op}
	for i := 0; i < len(args); i++ {
		p, err := op.param(i)
		if err != nil {
			n.err = err
			return n
		}
		var a Argument
		if p.Kind == ParamNavs {
			a, i = pathArg(New(args[i:]...)), len(args)
		} else if a, err = toArgument(p.Kind, args[i]); err != nil {
			n.err = fmt.Errorf("argument %d (%s): %w", i+1, p.Name, err)
			return n
		}
		n.args = append(n.args, a)
	}
	n.args, n.err = op.complete(n.args)
	return n
}

// param is the place of argument i.
func (op *Op) param(i int) (Param, error) {
	if last := len(op.Params) - 1; last >= 0 && i > last && op.Params[last].Repeated {
		i = last
	}
	if i >= len(op.Params) {
		return Param{}, fail(ErrArgument, "takes %s", op.Arity())
	}
	return op.Params[i], nil
}

// complete checks the number of arguments; a path made of all arguments is empty
// where there are none.
func (op *Op) complete(args []Argument) ([]Argument, error) {
	least := 0
	for i, p := range op.Params {
		switch {
		case p.Kind == ParamNavs:
			if len(args) == i {
				args = append(args, pathArg(nil))
			}
			least++
		case p.Repeated:
			least += p.AtLeast
		case !p.Optional:
			least++
		}
	}
	if len(args) < least {
		return nil, fail(ErrArgument, "takes %s, not %d", op.Arity(), len(args))
	}
	return args, nil
}

// Arity says in words how many arguments the navigator takes.
func (op *Op) Arity() string {
	least, most := 0, 0
	for _, p := range op.Params {
		switch {
		case p.Kind == ParamNavs:
			return "a path"
		case p.Repeated:
			least, most = least+p.AtLeast, -1
		case p.Optional:
			most++
		default:
			least, most = least+1, most+1
		}
	}
	plural := "s"
	if most == 1 || (most < 0 && least == 1) {
		plural = ""
	}
	switch {
	case most == 0:
		return "no arguments"
	case most < 0 && least == 0:
		return "any number of arguments"
	case most < 0:
		return fmt.Sprintf("at least %d argument%s", least, plural)
	case least == most:
		return fmt.Sprintf("%d argument%s", least, plural)
	}
	return fmt.Sprintf("%d to %d arguments", least, most)
}

// String is the path in short, for people.
func (p Path) String() string {
	b := []byte{}
	for i, n := range p {
		if i > 0 {
			b = append(b, " . "...)
		}
		b = n.appendText(b)
	}
	return string(b)
}

// String is the navigator in short, for people.
func (n Nav) String() string { return string(n.appendText(nil)) }

func (n Nav) appendText(b []byte) []byte {
	if n.op == nil {
		return append(b, "?"...)
	}
	b = append(b, n.op.Name...)
	if len(n.args) == 0 {
		return b
	}
	b = append(b, '(')
	for i, a := range n.args {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = a.appendText(b)
	}
	return append(b, ')')
}

// LeadingKey returns the key to which the path begins to navigate, where its
// first navigator is key: by this key a PState's partition is chosen. args are
// the arguments the path is run with.
func (p Path) LeadingKey(args []value.Value) (value.Value, bool) {
	if len(p) == 0 || p[0].op == nil || p[0].op.Code != codeKey || len(p[0].args) == 0 {
		return value.Nil, false
	}
	a := p[0].args[0]
	if a.kind != argParam {
		return a.val, true
	}
	if a.param >= len(args) {
		return value.Nil, false
	}
	return args[a.param], true
}
