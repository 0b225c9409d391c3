package paths

import (
	"strings"

	"rama/engine/value"
)

// The built-in functions: those operations of the reference system that are
// functions of values. Each has the name Ops.NAME; NAME alone and the Clojure
// names are accepted too.

var builtins = map[string]*Func{}

// builtin returns the built-in function of a name.
func builtin(name string) *Func {
	for _, prefix := range []string{"Ops.", "clojure.core/", "com.rpl.rama.ops/"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			name = rest
			break
		}
	}
	return builtins[name]
}

// Builtins returns the names of the built-in functions, without the Ops. before
// them, and the aliases.
func Builtins() []string {
	names := make([]string, 0, len(builtins))
	for name := range builtins {
		names = append(names, name)
	}
	return names
}

type impl = func(args []value.Value) (value.Value, error)

// ops enters a built-in function under its names.
func ops(names string, least, most int, f impl) *Func {
	all := strings.Fields(names)
	fn := &Func{name: "Ops." + all[0], least: least, most: most, impl: f}
	for _, name := range all {
		if builtins[name] != nil {
			panic("paths: two functions are called " + name)
		}
		builtins[name] = fn
	}
	return fn
}

// handleOps is ops of a function whose first argument may be a handle.
func handleOps(names string, least, most int, f impl) {
	ops(names, least, most, f).handles = true
}

func init() {
	logicOps()
	compareOps()
	numberOps()
	collectionOps()
}

func logicOps() {
	ops("AND and>", 0, -1, func(a []value.Value) (value.Value, error) {
		for _, v := range a {
			if !v.Truthy() {
				return value.Bool(false), nil
			}
		}
		return value.Bool(true), nil
	})
	ops("OR or>", 0, -1, func(a []value.Value) (value.Value, error) {
		for _, v := range a {
			if v.Truthy() {
				return value.Bool(true), nil
			}
		}
		return value.Bool(false), nil
	})
	ops("NOT not", 1, 1, func(a []value.Value) (value.Value, error) { return value.Bool(!a[0].Truthy()), nil })
	ops("IDENTITY identity vget", 1, 1, func(a []value.Value) (value.Value, error) { return a[0], nil })
	handleOps("IS_NULL nil?", 1, 1, func(a []value.Value) (value.Value, error) {
		null, err := isNull(a[0])
		return value.Bool(null), err
	})
	handleOps("IS_NOT_NULL some?", 1, 1, func(a []value.Value) (value.Value, error) {
		null, err := isNull(a[0])
		return value.Bool(!null), err
	})
}

// chain is a function that is true if pass holds for every two arguments that
// stand side by side.
func chain(pass func(c int) bool) impl {
	return func(a []value.Value) (value.Value, error) {
		for i := 1; i < len(a); i++ {
			if !pass(value.Compare(a[i-1], a[i])) {
				return value.Bool(false), nil
			}
		}
		return value.Bool(true), nil
	}
}

func compareOps() {
	equal := chain(func(c int) bool { return c == 0 })
	ops("EQUAL =", 1, -1, equal)
	ops("NOT_EQUAL not=", 1, -1, func(a []value.Value) (value.Value, error) {
		v, err := equal(a)
		return value.Bool(!v.Truthy()), err
	})
	ops("LESS_THAN <", 1, -1, chain(func(c int) bool { return c < 0 }))
	ops("LESS_THAN_OR_EQUAL <=", 1, -1, chain(func(c int) bool { return c <= 0 }))
	ops("GREATER_THAN >", 1, -1, chain(func(c int) bool { return c > 0 }))
	ops("GREATER_THAN_OR_EQUAL >=", 1, -1, chain(func(c int) bool { return c >= 0 }))
	ops("MIN min", 1, -1, best(-1))
	ops("MAX max", 1, -1, best(1))
}

// best is the least or the greatest of the arguments, the first of equal ones.
func best(side int) impl {
	return func(a []value.Value) (value.Value, error) {
		m := a[0]
		for _, v := range a[1:] {
			if value.Compare(v, m) == side {
				m = v
			}
		}
		return m, nil
	}
}
