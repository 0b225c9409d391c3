package paths

import (
	"fmt"
	"strings"

	"rama/engine/value"
)

// Func is a function of values that a path can call. One with a name can be sent
// to where the data is, if the other side knows the name too; one without works
// in the same process only, for Go cannot ship code.
type Func struct {
	name  string
	impl  func(args []value.Value) (value.Value, error) // nil: only a name
	least int
	most  int // -1: any number
	// handles says that the first argument may be a handle; otherwise what is kept
	// apart is read into a plain value first.
	handles bool
	// keeps says that impl may keep its slice of arguments.
	keeps bool
	// makes says that the result holds the arguments; see Eval.made.
	makes bool
}

// NewFunc makes a function with a name that takes at least least and at most
// most arguments (-1: any number). It must be a function of its arguments alone,
// and may return value.Void to remove the location that it is a term of.
func NewFunc(name string, least, most int, impl func(args []value.Value) (value.Value, error)) *Func {
	return &Func{name: name, impl: impl, least: least, most: most, keeps: true}
}

// NewHandleFunc is NewFunc of a function whose first argument may be a handle: a
// Value of KindHandle that carries a Stored. So it can ask for a size or one
// element without reading the whole structure.
func NewHandleFunc(name string, least, most int, impl func(args []value.Value) (value.Value, error)) *Func {
	f := NewFunc(name, least, most, impl)
	f.handles = true
	return f
}

// Named stands for the function of a name, which Compile looks up.
func Named(name string) *Func { return &Func{name: name} }

// Fn makes a function without a name of a Go function that takes one value, two
// values, or a slice of them, and returns a value or a bool, and perhaps an
// error. Anything else makes a path that Compile refuses. Wherever a path takes
// a function such a Go function can stand itself.
func Fn(f any) Argument {
	fn, err := toFunc(f)
	if err != nil {
		return Argument{kind: argFunc, fn: &Func{}}
	}
	return funcArg(fn)
}

// Name is the function's name; "func" if it has none.
func (f *Func) Name() string {
	if f.name == "" {
		return "func"
	}
	return f.name
}

func isFunc(x any) bool {
	if _, ok := x.(string); ok { // a name only where a function must stand
		return false
	}
	_, err := toFunc(x)
	return err == nil
}

// toFunc makes a function of a Go function or a name.
func toFunc(x any) (*Func, error) {
	anon := func(n int, impl func(a []value.Value) (value.Value, error)) (*Func, error) {
		return &Func{impl: impl, least: n, most: n, keeps: true}, nil
	}
	switch f := x.(type) {
	case *Func:
		if f != nil {
			return f, nil
		}
	case string:
		return Named(strings.TrimPrefix(f, "#__f")), nil
	case func(value.Value) value.Value:
		return anon(1, func(a []value.Value) (value.Value, error) { return f(a[0]), nil })
	case func(value.Value) bool:
		return anon(1, func(a []value.Value) (value.Value, error) { return value.Bool(f(a[0])), nil })
	case func(value.Value) (value.Value, error):
		return anon(1, func(a []value.Value) (value.Value, error) { return f(a[0]) })
	case func(value.Value, value.Value) value.Value:
		return anon(2, func(a []value.Value) (value.Value, error) { return f(a[0], a[1]), nil })
	case func(value.Value, value.Value) bool:
		return anon(2, func(a []value.Value) (value.Value, error) { return value.Bool(f(a[0], a[1])), nil })
	case func(value.Value, value.Value) (value.Value, error):
		return anon(2, func(a []value.Value) (value.Value, error) { return f(a[0], a[1]) })
	case func([]value.Value) (value.Value, error):
		return &Func{impl: f, most: -1, keeps: true}, nil
	}
	return nil, fail(ErrArgument, "%T is no function of values", x)
}

// takes reports whether the function can be called with n arguments.
func (f *Func) takes(n int) error {
	if n >= f.least && (f.most < 0 || n <= f.most) {
		return nil
	}
	op := Op{Params: []Param{{Repeated: true, AtLeast: f.least}}}
	if f.most >= 0 {
		op.Params = nil
		for i := range f.most {
			op.Params = append(op.Params, Param{Optional: i >= f.least})
		}
	}
	return fail(ErrArgument, "%s takes %s, not %d", f.Name(), op.Arity(), n)
}

// Call calls the function outside of a path.
func (f *Func) Call(args ...value.Value) (value.Value, error) {
	if f.impl == nil {
		return value.Nil, fail(ErrUnknownFunction, "%q", f.name)
	}
	if err := f.takes(len(args)); err != nil {
		return value.Nil, err
	}
	v, err := f.impl(args)
	if err != nil {
		return value.Nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return v, nil
}

// call calls f with what a navigation meets, at, behind the values before and in
// front of the values after.
func (e *Eval) call(f *Func, before []value.Value, at value.Value, after []operand) (value.Value, error) {
	at, err := e.argument(f, at)
	if err != nil {
		return value.Nil, err
	}
	if at.Kind() == value.KindHandle { // what f takes out of it may be one too
		e.mixed = true
	}
	if f.keeps {
		args := append(make([]value.Value, 0, len(before)+1+len(after)), before...)
		return f.Call(e.vals(append(args, at), after)...)
	}
	// A built-in function calls nothing, so one buffer serves all calls.
	args := append(append(e.scratch[:0], before...), at)
	args = e.vals(args, after)
	e.scratch = args[:0]
	v, err := f.Call(args...)
	if err == nil && f.makes {
		return e.made(v)
	}
	return v, err
}

// argument is a location as the function takes it.
func (e *Eval) argument(f *Func, at value.Value) (value.Value, error) {
	if at.Kind() == value.KindHandle && f.handles {
		return at, nil
	}
	return e.Plain(at)
}

// NavBuilder makes a navigator of the values that its arguments have when the
// path runs.
type NavBuilder func(args []value.Value) (Navigator, error)

// Registry holds what paths can name beyond the built-in functions: a module's
// own functions and navigators. It is filled before it is used, and then only
// read.
type Registry struct {
	funcs map[string]*Func
	navs  map[string]NavBuilder
}

// NewRegistry returns a registry that knows the built-in functions.
func NewRegistry() *Registry {
	return &Registry{funcs: map[string]*Func{}, navs: map[string]NavBuilder{}}
}

// Add adds a function. A name that is taken is ErrArgument.
func (r *Registry) Add(f *Func) error {
	if f.name == "" || f.impl == nil {
		return fail(ErrArgument, "a function without a name or body")
	}
	if _, err := r.Func(f.name); err == nil {
		return fail(ErrArgument, "two functions are called %q", f.name)
	}
	r.funcs[f.name] = f
	return nil
}

// AddNavigator adds a navigator, to be used as CustomNamed(name, args...).
func (r *Registry) AddNavigator(name string, b NavBuilder) error {
	if name == "" || b == nil || r.navs[name] != nil {
		return fail(ErrArgument, "navigator %q has no name, no builder, or is there already", name)
	}
	r.navs[name] = b
	return nil
}

// Func returns the function of a name. Of a nil Registry these are the built-in
// ones.
func (r *Registry) Func(name string) (*Func, error) {
	if f := builtin(name); f != nil {
		return f, nil
	}
	if r != nil {
		if f := r.funcs[name]; f != nil {
			return f, nil
		}
	}
	return nil, fail(ErrUnknownFunction, "%q", clip(name))
}

// navigator returns the builder of a navigator.
func (r *Registry) navigator(name string) (NavBuilder, error) {
	if r != nil && r.navs[name] != nil {
		return r.navs[name], nil
	}
	return nil, fail(ErrUnknownNavigator, "custom navigator %q", clip(name))
}

func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "..."
	}
	return s
}
