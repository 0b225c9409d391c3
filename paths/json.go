package paths

import (
	"errors"
	"fmt"
	"strings"

	"rama/engine/value"
)

// The JSON form of a path, which is that of the reference system's REST
// interface. A path is an array of navigators:
//
//	["k", ["all"], "#__fOps.IS_EVEN"]        key(k), all, filterPred(IS_EVEN)
//
//	"text", a number, true, false            key of that value
//	"#__fNAME"                               filterPred of that function
//	null                                     stay
//	["name", argument...]                    the navigator of that name
//
// The names are Java's and Clojure's. Arguments are
//
//	a value       the value in the tagged JSON form of package value; or, where
//	              Params allows it, ["arg", i] for Arg(i), and ["const", v] for a
//	              constant v that would be taken for either of these two
//	a function    "#__fNAME"
//	path...       all arguments from there on are the navigators of one path
//	a path        one navigator that is no array, or an array of navigators
//	options       a number, the maximal amount; or an object with some of
//	              "inclusive-start?", "inclusive-end?" (two bounds), "inclusive?"
//	              (one bound) and "max-amt"
//
// Since an array where a path is expected is an array of navigators, a single
// navigator that is an array itself stands in two: ["withPageSize", 3, [["all"]]].

// ParseOptions are what a path may be like that comes from outside.
type ParseOptions struct {
	Params   bool // ["arg", i] stands for Arg(i), and ["const", v] for v
	MaxBytes int  // default 1 MiB
	MaxSteps int  // of the path and all paths in it; default 1,000
	MaxDepth int  // nesting of paths in paths; default 50
}

func (o ParseOptions) filled() ParseOptions {
	c := CompileOptions{MaxSteps: o.MaxSteps, MaxDepth: o.MaxDepth}.filled()
	o.MaxSteps, o.MaxDepth = c.MaxSteps, c.MaxDepth
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 20
	}
	return o
}

// ParseJSON reads a path in its JSON form. Errors wrap ErrSyntax,
// ErrUnknownNavigator, ErrArgument or ErrLimit and name the step. Functions and
// custom navigators are only looked up by Compile.
func ParseJSON(b []byte, o ParseOptions) (Path, error) {
	o = o.filled()
	if len(b) > o.MaxBytes {
		return nil, &LimitError{"bytes of a path", int64(o.MaxBytes)}
	}
	v, err := value.ParseJSON(b, value.Tagged|value.Typed)
	if err != nil {
		return nil, jsonError(err)
	}
	return FromValue(v, o)
}

func jsonError(err error) error {
	if errors.Is(err, value.ErrTooLarge) {
		return fmt.Errorf("%w: %w", ErrLimit, err)
	}
	return fmt.Errorf("%w: %w", ErrSyntax, err)
}

// FromValue is ParseJSON of a path that value.ParseJSON, Tagged and Typed, has
// read already.
func FromValue(v value.Value, o ParseOptions) (Path, error) {
	if v.Kind() != value.KindList {
		return nil, fail(ErrSyntax, "a path is a list of navigators, not %s", brief(v))
	}
	r := reader{o: o.filled()}
	return r.path(v, 0, "", 1)
}

// SplitPKey splits a first element ["pkey", k] off a path in its JSON form, as
// value.ParseJSON has read it: the key by which the partition is chosen, where
// that is not the path's leading key.
func SplitPKey(v value.Value) (pkey value.Value, has bool, path value.Value, err error) {
	if v.Kind() != value.KindList || v.Len() == 0 {
		return value.Nil, false, v, nil
	}
	first := v.Index(0)
	if first.Kind() != value.KindList || first.Len() == 0 || !isText(first.Index(0), "pkey") {
		return value.Nil, false, v, nil
	}
	if first.Len() != 2 {
		return value.Nil, false, v, locate(fail(ErrArgument, "takes 1 argument, not %d", first.Len()-1), "1", "pkey")
	}
	return first.Index(1), true, v.Splice(0, 1), nil
}

func isText(v value.Value, s string) bool {
	return v.Kind() == value.KindString && v.AsString() == s
}

// reader reads one path.
type reader struct {
	o     ParseOptions
	steps int
}

// path reads the navigators of the list v from element from on.
func (r *reader) path(v value.Value, from int, prefix string, depth int) (Path, error) {
	if depth > r.o.MaxDepth {
		return nil, &LimitError{"levels of paths in paths", int64(r.o.MaxDepth)}
	}
	if r.steps += v.Len() - from; r.steps > r.o.MaxSteps {
		return nil, &LimitError{"steps of a path", int64(r.o.MaxSteps)}
	}
	p := make(Path, 0, v.Len()-from)
	i := 0
	for e := range v.All() {
		if i++; i <= from {
			continue
		}
		n, err := r.nav(e, stepAt(prefix, len(p)), depth)
		if err != nil {
			return nil, err
		}
		p = append(p, n)
	}
	return p, nil
}

func (r *reader) nav(v value.Value, at string, depth int) (Nav, error) {
	switch v.Kind() {
	case value.KindNil:
		return Stay(), nil
	case value.KindList:
		return r.explicit(v, at, depth)
	case value.KindSet, value.KindMap:
		return Nav{}, locate(fail(ErrSyntax, "a %s is no navigator", v.Kind()), at, "")
	case value.KindString:
		if name, ok := strings.CutPrefix(v.AsString(), "#__f"); ok {
			return FilterPred(Named(name)), nil
		}
	}
	return Key(v), nil
}

func (r *reader) explicit(v value.Value, at string, depth int) (Nav, error) {
	if v.Len() == 0 || v.Index(0).Kind() != value.KindString {
		return Nav{}, locate(fail(ErrSyntax, "a navigator is a list that begins with its name"), at, "")
	}
	name := v.Index(0).AsString()
	op, ok := LookupOp(name)
	if !ok {
		return Nav{}, locate(fail(ErrUnknownNavigator, "%q", clip(name)), at, "")
	}
	n := Nav{op: op}
	i := 0
	for e := range v.All() {
		if i++; i == 1 {
			continue
		}
		p, err := op.param(i - 2)
		if err != nil {
			return Nav{}, locate(err, at, op.Name)
		}
		var a Argument
		if p.Kind == ParamNavs {
			path, err := r.path(v, i-1, at+".", depth+1)
			if err != nil {
				return Nav{}, err
			}
			n.args = append(n.args, pathArg(path))
			break
		}
		if a, err = r.argument(op, p, e, inner(op, at, i-2), depth); err != nil {
			return Nav{}, locate(err, at, op.Name)
		}
		n.args = append(n.args, a)
	}
	var err error
	if n.args, err = op.complete(n.args); err != nil {
		return Nav{}, locate(err, at, op.Name)
	}
	return n, nil
}

// argument reads an argument; prefix is for the steps of one that is a path.
func (r *reader) argument(op *Op, p Param, v value.Value, prefix string, depth int) (Argument, error) {
	switch p.Kind {
	case ParamFunc:
		name, ok := "", false
		if v.Kind() == value.KindString {
			name, ok = strings.CutPrefix(v.AsString(), "#__f")
		}
		if !ok {
			return Argument{}, fail(ErrArgument, "%s is a function, named \"#__f...\", not %s", p.Name, brief(v))
		}
		return funcArg(Named(name)), nil
	case ParamPath:
		if v.Kind() != value.KindList {
			n, err := r.nav(v, stepAt(prefix, 0), depth)
			return pathArg(Path{n}), err
		}
		path, err := r.path(v, 0, prefix, depth+1)
		return pathArg(path), err
	case ParamOptions:
		return r.options(op, v)
	case ParamConst:
		return constArg(v), nil
	}
	return r.value(v)
}

func (r *reader) value(v value.Value) (Argument, error) {
	if !r.o.Params || v.Kind() != value.KindList || v.Len() != 2 {
		return constArg(v), nil
	}
	switch second := v.Index(1); {
	case isText(v.Index(0), "const"):
		return constArg(second), nil
	case isText(v.Index(0), "arg") && second.Kind() == value.KindInt:
		i := second.AsInt()
		if i < 0 || i >= maxArg {
			i = -1
		}
		return paramArg(int(i))
	}
	return constArg(v), nil
}

func (r *reader) options(op *Op, v value.Value) (Argument, error) {
	o := &rangeOpts{}
	a := Argument{kind: argOptions, opts: o}
	if v.Kind() != value.KindMap {
		max, err := r.value(v)
		if err != nil {
			return a, err
		}
		o.max = &max
		return a, o.check()
	}
	for k, e := range v.Pairs() {
		name := ""
		if k.Kind() == value.KindString {
			name = k.AsString()
		}
		if name == "max-amt" {
			max, err := r.value(e)
			if err != nil {
				return a, err
			}
			o.max = &max
			continue
		}
		if e.Kind() != value.KindBool {
			return a, fail(ErrArgument, "range option %s is %s", brief(k), brief(e))
		}
		in := e.AsBool()
		if name == "inclusive?" && len(op.Params) == 2 { // of the one bound
			name = "inclusive-" + op.Params[0].Name + "?"
		}
		switch name {
		case "inclusive-start?":
			o.excludeStart = !in
		case "inclusive-end?":
			o.includeEnd = in
		default:
			return a, fail(ErrArgument, "unknown range option %s", brief(k))
		}
	}
	return a, o.check()
}
