package paths

import "slices"

// The twin is a second evaluator of paths, written for plainness alone: over
// plain Go values, with a closure for what follows, one case per navigator as the
// tables say it. What it says is right.

// Plain Go values: nil, bool, int64, float64, string, and these.
type (
	tVoid struct{}
	tList []any
	tSet  []any // sorted, each once
	tMap  []tPair
	tPair struct{ k, v any }
)

// tErr is what the twin panics with: the kind of error.
type tErr struct{ kind error }

func tFail(kind error) { panic(tErr{kind}) }

// tEnv is what a branch carries.
type tEnv struct {
	coll []any
	recs []Path // the recursive paths around, the innermost last
}

func (v tEnv) with(c any) tEnv {
	v.coll = append(slices.Clone(v.coll), c)
	return v
}

type (
	tNext   func(at any, env tEnv)
	tChange func(at any, env tEnv) any
)

type twin struct {
	args  []any
	depth int
}

// tRun runs f and returns the kind of error that it met.
func tRun(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			e, ok := p.(tErr)
			if !ok {
				panic(p)
			}
			err = e.kind
		}
	}()
	f()
	return nil
}

// selectAll is Program.Select.
func (w *twin) selectAll(p Path, at any) []any {
	var out []any
	w.sel(p, at, tEnv{}, func(at any, env tEnv) {
		if at == (tVoid{}) {
			return
		}
		if len(env.coll) > 0 {
			at = tList(append(slices.Clone(env.coll), at))
		}
		out = append(out, at)
	})
	return out
}

// transform is Program.Transform.
func (w *twin) transform(p Path, at any) any {
	v := w.tr(p, at, tEnv{}, func(any, tEnv) any { tFail(ErrNoTerm); return nil })
	if v == (tVoid{}) {
		tFail(ErrNotWritable)
	}
	return v
}

// tFound is what a condition panics with when it has found something.
type tFound struct{}

func (w *twin) reaches(p Path, at any, env tEnv) (found bool) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(tFound); !ok {
				panic(p)
			}
			found = true
		}
	}()
	w.sel(p, at, env, func(any, tEnv) { panic(tFound{}) })
	return false
}

// gather is what a path reaches, without what was collected before.
func (w *twin) gather(p Path, at any, env tEnv, collecting bool) tList {
	env.coll = nil
	out := tList{}
	w.sel(p, at, env, func(at any, env tEnv) {
		if len(env.coll) > 0 && !collecting {
			tFail(ErrArgument)
		}
		if at == (tVoid{}) {
			return
		}
		if len(env.coll) > 0 {
			at = tList(append(slices.Clone(env.coll), at))
		}
		out = append(out, at)
	})
	return out
}

func (w *twin) enter() {
	if w.depth++; w.depth > 1000 {
		tFail(ErrLimit)
	}
}

// arg is the value of an argument.
func (w *twin) arg(a Argument) any {
	if a.kind == argParam {
		return w.args[a.param]
	}
	return toTwin(a.val)
}

func (w *twin) argsOf(args []Argument) []any {
	var out []any
	for _, a := range args {
		out = append(out, w.arg(a))
	}
	return out
}

// null is at with void taken for null.
func tNull(at any) any {
	if at == (tVoid{}) {
		return nil
	}
	return at
}

// sel calls next for what p reaches.
func (w *twin) sel(p Path, at any, env tEnv, next tNext) {
	if len(p) == 0 {
		next(at, env)
		return
	}
	n, rest := p[0], func(at any, env tEnv) { w.sel(p[1:], at, env, next) }
	switch name := n.op.Name; name {
	case "multiPath":
		if len(n.args) == 0 {
			rest(at, env)
		}
		for _, a := range n.args {
			w.sel(a.path, at, env, rest)
		}
	case "ifPath", "condPath":
		if branch, ok := w.branch(n, at, env); ok {
			w.sel(branch, at, env, rest)
		}
	case "continueThenStay":
		w.sel(n.args[0].path, at, env, rest)
		rest(at, env)
	case "stayThenContinue":
		rest(at, env)
		w.sel(n.args[0].path, at, env, rest)
	case "withPageSize":
		w.sel(n.args[1].path, at, env, rest)
	case "withFreshCollected":
		fresh := env
		fresh.coll = nil
		w.sel(n.args[0].path, at, fresh, func(at any, in tEnv) { rest(at, env) })
	case "recursive":
		inner := tEnv{env.coll, append(slices.Clone(env.recs), n.args[0].path)}
		w.enter()
		w.sel(n.args[0].path, at, inner, func(at any, in tEnv) { rest(at, tEnv{in.coll, env.recs}) })
		w.depth--
	case "recur":
		i := len(env.recs) - 1 - recurLevel(n.args)
		w.enter()
		w.sel(env.recs[i], at, tEnv{env.coll, env.recs[:i+1]}, func(at any, in tEnv) { rest(at, tEnv{in.coll, env.recs}) })
		w.depth--
	case "subselect":
		rest(w.gather(n.args[0].path, at, env, false), env)
	case "filteredList":
		rest(w.gather(Path{All(), FilterSelected(n.args[0].path)}, at, env, false), env)
	case "nth":
		for _, a := range n.args {
			i := w.integer(a)
			if tNull(at) == nil {
				continue
			}
			l := tWant[tList](at)
			if i < 0 || i >= int64(len(l)) {
				tFail(ErrRange)
			}
			at = l[i]
		}
		if len(n.args) > 0 {
			at = tNull(at)
		}
		rest(at, env)
	default: // the rest reach in a select what they reach in a transform that changes nothing
		w.nav(n, at, env, func(at any, env tEnv) any {
			rest(at, env)
			return at
		}, true)
	}
}

// tr returns what at becomes.
func (w *twin) tr(p Path, at any, env tEnv, next tChange) any {
	if len(p) == 0 {
		return next(at, env)
	}
	n, rest := p[0], func(at any, env tEnv) any { return w.tr(p[1:], at, env, next) }
	switch n.op.Name {
	case "multiPath":
		if len(n.args) == 0 {
			return rest(at, env)
		}
		for _, a := range n.args {
			at = w.tr(a.path, at, env, rest)
		}
		return at
	case "ifPath", "condPath":
		if branch, ok := w.branch(n, at, env); ok {
			return w.tr(branch, at, env, rest)
		}
		return at
	case "continueThenStay":
		return rest(w.tr(n.args[0].path, at, env, rest), env)
	case "stayThenContinue":
		return w.tr(n.args[0].path, rest(at, env), env, rest)
	case "withPageSize":
		return w.tr(n.args[1].path, at, env, rest)
	case "withFreshCollected":
		fresh := env
		fresh.coll = nil
		return w.tr(n.args[0].path, at, fresh, func(at any, in tEnv) any { return rest(at, env) })
	case "recursive":
		inner := tEnv{env.coll, append(slices.Clone(env.recs), n.args[0].path)}
		w.enter()
		defer func() { w.depth-- }()
		return w.tr(n.args[0].path, at, inner, func(at any, in tEnv) any { return rest(at, tEnv{in.coll, env.recs}) })
	case "recur":
		i := len(env.recs) - 1 - recurLevel(n.args)
		w.enter()
		defer func() { w.depth-- }()
		return w.tr(env.recs[i], at, tEnv{env.coll, env.recs[:i+1]}, func(at any, in tEnv) any { return rest(at, tEnv{in.coll, env.recs}) })
	case "subselect":
		return w.refill(n.args[0].path, at, env, rest)
	case "filteredList":
		return w.refill(Path{All(), FilterSelected(n.args[0].path)}, at, env, rest)
	case "nth":
		return w.nth(n.args, at, env, rest)
	case "termVal":
		return w.arg(n.args[0])
	case "termVoid":
		return tVoid{}
	case "term":
		return tCall(n.args[0].fn, append(append(slices.Clone(env.coll), tNull(at)), w.argsOf(n.args[1:])...)...)
	}
	return w.nav(n, at, env, rest, false)
}

func (w *twin) branch(n Nav, at any, env tEnv) (Path, bool) {
	for i := 0; i+1 < len(n.args); i += 2 {
		if w.reaches(n.args[i].path, at, env) {
			return n.args[i+1].path, true
		}
	}
	if len(n.args)%2 == 1 {
		return n.args[len(n.args)-1].path, true
	}
	return nil, false
}

func (w *twin) refill(p Path, at any, env tEnv, rest tChange) any {
	found := w.gather(p, at, env, false)
	now := tPart[tList](rest(found, env))
	i := 0
	inner := env
	inner.coll = nil
	return w.tr(p, at, inner, func(at any, _ tEnv) any {
		if at == (tVoid{}) {
			return at
		}
		i++
		if i > len(now) {
			return tVoid{}
		}
		return now[i-1]
	})
}

func (w *twin) nth(args []Argument, at any, env tEnv, rest tChange) any {
	if len(args) == 0 {
		return rest(at, env)
	}
	l := tWant[tList](at)
	i := w.integer(args[0])
	if i < 0 || i >= int64(len(l)) {
		tFail(ErrRange)
	}
	v := w.nth(args[1:], l[i], env, rest)
	if v == (tVoid{}) {
		return slices.Delete(slices.Clone(l), int(i), int(i)+1)
	}
	l = slices.Clone(l)
	l[i] = v
	return l
}

// tWant is at as a collection of one kind; null is empty.
func tWant[T tList | tSet | tMap](at any) T {
	if at = tNull(at); at == nil {
		return nil
	}
	c, ok := at.(T)
	if !ok {
		tFail(ErrType)
	}
	return c
}

// tPart is what a part became, as a collection again.
func tPart[T tList | tSet | tMap](v any) T { return tWant[T](v) }

func (w *twin) integer(a Argument) int64 { return tInt(w.arg(a)) }

func tInt(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	}
	tFail(ErrType)
	return 0
}
