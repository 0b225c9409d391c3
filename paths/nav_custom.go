package paths

import (
	"rama/engine/value"
)

var _ = define(Op{
	Name: "customNavBuilder", Aliases: []string{"customNav"}, Code: 110, Many: manyAlways, Reads: true,
	Params: []Param{{Name: "name", Kind: ParamConst}, {Name: "argument", Kind: ParamValue, Repeated: true}},
	Doc:    "a module's own navigator, with its arguments.",
	Link: func(l *Linker, args []Argument) (*Step, error) {
		build := args[0].build
		if args[0].kind != argBuilder {
			if args[0].val.Kind() != value.KindString {
				return nil, fail(ErrArgument, "the name of a navigator is %s", brief(args[0].val))
			}
			var err error
			if build, err = l.c.o.Funcs.navigator(args[0].val.AsString()); err != nil {
				return nil, err
			}
		}
		return l.Step(&customNav{build, l.values(args[1:])}), nil
	},
})

// Custom makes a navigator of one written in Go. It works in the same process
// only.
func Custom(nav Navigator) Nav {
	return CustomBuilder(func([]value.Value) (Navigator, error) { return nav, nil })
}

// CustomBuilder makes a navigator that build makes when the path runs, of the
// values that the arguments have then. It works in the same process only.
func CustomBuilder(build NavBuilder, args ...any) Nav {
	return opNamed("customNavBuilder").Of(append([]any{Argument{kind: argBuilder, build: build}}, args...)...)
}

// CustomNamed is CustomBuilder of the builder that the Registry of
// CompileOptions has under a name.
func CustomNamed(name string, args ...any) Nav {
	return opNamed("customNavBuilder").Of(append([]any{name}, args...)...)
}

type customNav struct {
	build NavBuilder
	args  []operand
}

func (n *customNav) nav(e *Eval) (Navigator, error) {
	e.mixed = true // whatever it does
	nav, err := n.build(e.vals(nil, n.args))
	if err == nil && nav == nil {
		err = fail(ErrArgument, "the builder made no navigator")
	}
	return nav, err
}

func (n *customNav) Select(e *Eval, at value.Value, next *Step) error {
	nav, err := n.nav(e)
	if err != nil {
		return err
	}
	return nav.Select(e, at, next)
}

func (n *customNav) Transform(e *Eval, at value.Value, next *Step) (value.Value, error) {
	nav, err := n.nav(e)
	if err != nil {
		return value.Nil, err
	}
	return nav.Transform(e, at, next)
}
