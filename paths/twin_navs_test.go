package paths

import (
	"slices"
	"strings"
)

// The navigators of the twin that are the same in select and transform.

// key sets, gets and removes the values of keys of a map or list.
func (w *twin) key(args []any, at any, env tEnv, rest tChange, must bool) any {
	if len(args) == 0 {
		return rest(at, env)
	}
	k := tCanon(args[0])
	if l, ok := at.(tList); ok {
		i := tInt(k)
		there := i >= 0 && i < int64(len(l))
		if must && !there {
			return at
		}
		var old any
		if there {
			old = l[i]
		}
		v := w.key(args[1:], old, env, rest, must)
		switch {
		case v == (tVoid{}) && there:
			return slices.Delete(slices.Clone(l), int(i), int(i)+1)
		case v == (tVoid{}):
			return at
		case there:
			l = slices.Clone(l)
			l[i] = v
			return l
		case i == int64(len(l)):
			return append(slices.Clone(l), v)
		}
		tFail(ErrRange)
	}
	m := tWant[tMap](at)
	old, there := m.get(k)
	if must && !there {
		return at
	}
	v := w.key(args[1:], old, env, rest, must)
	if v == (tVoid{}) {
		if !there {
			return at
		}
		return m.without(k)
	}
	return m.with(k, v)
}

func (m tMap) get(k any) (any, bool) {
	for _, p := range m {
		if tCompare(p.k, k) == 0 {
			return p.v, true
		}
	}
	return nil, false
}

func (m tMap) without(k any) tMap {
	out := tMap{}
	for _, p := range m {
		if tCompare(p.k, k) != 0 {
			out = append(out, p)
		}
	}
	return out
}

func (m tMap) with(k, v any) tMap {
	out := append(m.without(k), tPair{tCanon(k), v})
	slices.SortFunc(out, func(a, b tPair) int { return tCompare(a.k, b.k) })
	return out
}

func (s tSet) has(e any) bool {
	return slices.ContainsFunc(s, func(x any) bool { return tCompare(x, e) == 0 })
}

func (s tSet) without(e any) tSet {
	out := tSet{}
	for _, x := range s {
		if tCompare(x, e) != 0 {
			out = append(out, x)
		}
	}
	return out
}

func (s tSet) with(e any) tSet {
	out := append(s.without(e), tCanon(e))
	slices.SortFunc(out, tCompare)
	return out
}

// nav is the navigators that are the same in select and transform: it calls f
// for each location and returns what at becomes.
func (w *twin) nav(n Nav, at any, env tEnv, f tChange, selecting bool) any {
	name, args := n.op.Name, n.args
	switch {
	case strings.HasPrefix(name, "filter"):
		return w.filter(n, at, env, f)
	case strings.HasPrefix(name, "sorted"):
		return w.ranges(n, at, env, f)
	}
	switch name {
	case "key":
		if selecting {
			return w.keySelect(args, at, env, f)
		}
		return w.key(w.argsOf(args), at, env, f, false)
	case "must":
		return w.key(w.argsOf(args), at, env, f, true)
	case "first", "last":
		return w.first(at, env, f, name == "last")
	case "all", "mapVals", "mapKeys":
		return w.each(name, at, env, f)
	case "mapKey":
		m, k := tWant[tMap](at), tCanon(w.arg(args[0]))
		v, ok := m.get(k)
		if !ok {
			return at
		}
		nk := f(k, env)
		m = m.without(k)
		if nk == (tVoid{}) {
			return m
		}
		return m.with(nk, v)
	case "setElem":
		s, e := tWant[tSet](at), tCanon(w.arg(args[0]))
		if !s.has(e) {
			return at
		}
		v := f(e, env)
		s = s.without(e)
		if v == (tVoid{}) {
			return s
		}
		return s.with(v)
	case "voidSetElem":
		s := tWant[tSet](at)
		v := f(tVoid{}, env)
		if v == (tVoid{}) {
			return at
		}
		return s.with(v)
	case "index":
		return w.index(at, w.integer(args[0]), env, f)
	case "indexedVals":
		return w.indexed(args, at, env, f, selecting)
	case "afterElem", "beforeElem", "beforeIndex":
		l := tWant[tList](at)
		i := 0
		switch name {
		case "afterElem":
			i = len(l)
		case "beforeIndex":
			if i = int(w.integer(args[0])); i < 0 || i > len(l) {
				tFail(ErrRange)
			}
		}
		v := f(tVoid{}, env)
		if v == (tVoid{}) {
			return at
		}
		return slices.Insert(slices.Clone(l), i, v)
	case "sublist", "beginning", "end":
		l := tWant[tList](at)
		from, to := int64(0), int64(0)
		switch name {
		case "sublist":
			from, to = w.integer(args[0]), w.integer(args[1])
		case "end":
			from, to = int64(len(l)), int64(len(l))
		}
		if from < 0 || to < from || to > int64(len(l)) {
			tFail(ErrRange)
		}
		now := tPart[tList](f(slices.Clone(l[from:to]), env))
		if len(now) == 0 && from == to {
			return at
		}
		return slices.Concat(tList{}, l[:from], now, l[to:])
	case "continuousSubseqs":
		return w.runs(args[0].fn, at, env, f)
	case "subMap":
		m := tWant[tMap](at)
		part := tMap{}
		for _, k := range w.argsOf(args) {
			if v, ok := m.get(k); ok {
				part = part.with(k, v)
			}
		}
		return w.mapPart(at, m, part, tPart[tMap](f(part, env)))
	case "subset":
		s := tWant[tSet](at)
		part := tSet{}
		for _, e := range w.argsOf(args) {
			if s.has(e) {
				part = part.with(e)
			}
		}
		return w.setPart(at, s, part, tPart[tSet](f(part, env)))
	case "view":
		return f(tCall(args[0].fn, append([]any{tNull(at)}, w.argsOf(args[1:])...)...), env)
	case "parser":
		v := f(tCall(args[0].fn, tNull(at)), env)
		if v == (tVoid{}) || selecting {
			return v
		}
		return tCall(args[1].fn, v)
	case "transformed":
		inner := env
		inner.coll = nil
		return f(w.tr(args[0].path, tNull(at), inner, func(any, tEnv) any { tFail(ErrNoTerm); return nil }), env)
	case "nullToVal", "nullToList", "nullToSet", "voidToVal":
		switch {
		case name == "voidToVal" && at == (tVoid{}), name == "nullToVal" && tNull(at) == nil:
			at = w.arg(args[0])
		case name == "nullToList" && tNull(at) == nil:
			at = tList{}
		case name == "nullToSet" && tNull(at) == nil:
			at = tSet{}
		}
		return f(at, env)
	case "stay":
		return f(at, env)
	case "stop":
		return at
	case "collect":
		return f(at, env.with(w.gather(args[0].path, at, env, true)))
	case "collectOne":
		g := w.gather(args[0].path, at, env, true)
		if len(g) != 1 {
			tFail(ErrNotOne)
		}
		return f(at, env.with(g[0]))
	case "putCollected":
		return f(at, env.with(w.arg(args[0])))
	case "dispenseCollected":
		env.coll = nil
		return f(at, env)
	case "isCollected":
		if tTruthy(tCall(args[0].fn, append(tList{}, env.coll...))) {
			return f(at, env)
		}
		return at
	}
	panic("the twin does not know " + name)
}

func (w *twin) keySelect(args []Argument, at any, env tEnv, f tChange) any {
	for _, a := range args {
		k := tCanon(w.arg(a))
		if l, ok := at.(tList); ok {
			i := tInt(k)
			if at = nil; i >= 0 && i < int64(len(l)) {
				at = l[i]
			}
			continue
		}
		at, _ = tWant[tMap](at).get(k)
	}
	return f(at, env)
}

func (w *twin) first(at any, env tEnv, f tChange, last bool) any {
	pick := func(n int) int {
		if last {
			return n - 1
		}
		return 0
	}
	switch c := tNull(at).(type) {
	case nil:
		return at
	case string:
		r := []rune(c)
		if len(r) == 0 {
			return at
		}
		i := pick(len(r))
		switch v := f(string(r[i]), env).(type) {
		case tVoid:
			return string(r[:i]) + string(r[i+1:])
		case string:
			return string(r[:i]) + v + string(r[i+1:])
		}
		tFail(ErrType)
	case tList:
		if len(c) == 0 {
			return at
		}
		i := pick(len(c))
		v := f(c[i], env)
		c = slices.Clone(c)
		if v == (tVoid{}) {
			return slices.Delete(c, i, i+1)
		}
		c[i] = v
		return c
	case tSet:
		if len(c) == 0 {
			return at
		}
		e := c[pick(len(c))]
		v := f(e, env)
		if v == (tVoid{}) {
			return c.without(e)
		}
		return c.without(e).with(v)
	case tMap:
		if len(c) == 0 {
			return at
		}
		p := c[pick(len(c))]
		k, v, ok := tEntry(f(tList{p.k, p.v}, env))
		if c = c.without(p.k); ok {
			c = c.with(k, v)
		}
		return c
	}
	tFail(ErrType)
	return nil
}

// tEntry is an entry of a map made of a list again.
func tEntry(v any) (key, val any, ok bool) {
	if v = tNull(v); v == nil {
		return nil, nil, false
	}
	l, isList := v.(tList)
	if !isList || len(l) > 2 {
		tFail(ErrType)
	}
	if len(l) < 2 {
		return nil, nil, false
	}
	return l[0], l[1], true
}

func (w *twin) each(name string, at any, env tEnv, f tChange) any {
	switch c := tNull(at).(type) {
	case nil:
		return at
	case tList:
		if name != "all" {
			break
		}
		out := tList{}
		for _, e := range c {
			if v := f(e, env); v != (tVoid{}) {
				out = append(out, v)
			}
		}
		return out
	case tSet:
		if name != "all" {
			break
		}
		out := tSet{}
		for _, e := range c {
			if v := f(e, env); v != (tVoid{}) {
				out = out.with(v)
			}
		}
		return out
	case tMap:
		out := tMap{}
		for _, p := range c {
			switch name {
			case "all":
				if k, v, ok := tEntry(f(tList{p.k, p.v}, env)); ok {
					out = out.with(k, v)
				}
			case "mapVals":
				if v := f(p.v, env); v != (tVoid{}) {
					out = out.with(p.k, v)
				}
			case "mapKeys":
				if k := f(p.k, env); k != (tVoid{}) {
					out = out.with(k, p.v)
				}
			}
		}
		return out
	}
	tFail(ErrType)
	return nil
}

func (w *twin) index(at any, i int64, env tEnv, f tChange) any {
	l := tWant[tList](at)
	if i < 0 || i >= int64(len(l)) {
		return at
	}
	to := tInt(f(i, env))
	if to < 0 || to >= int64(len(l)) {
		tFail(ErrRange)
	}
	e := l[i]
	return slices.Insert(slices.Delete(slices.Clone(l), int(i), int(i)+1), int(to), e)
}

// indexed visits the elements of the original list one after the other, each at
// the position that it has by then.
func (w *twin) indexed(args []Argument, at any, env tEnv, f tChange, selecting bool) any {
	l := tWant[tList](at)
	start := int64(0)
	if len(args) > 0 {
		start = w.integer(args[0])
	}
	type elem struct {
		v  any
		id int
	}
	var now []elem
	for i, v := range l {
		now = append(now, elem{v, i})
	}
	for id := range l {
		i := slices.IndexFunc(now, func(e elem) bool { return e.id == id })
		v := f(tList{start + int64(i), now[i].v}, env)
		if selecting {
			continue
		}
		now = slices.Delete(now, i, i+1)
		if v == (tVoid{}) {
			continue
		}
		pair, ok := v.(tList)
		if !ok || len(pair) != 2 {
			tFail(ErrType)
		}
		to := tInt(pair[0]) - start
		if to < 0 || to > int64(len(now)) {
			tFail(ErrRange)
		}
		now = slices.Insert(now, int(to), elem{pair[1], id})
	}
	if len(l) == 0 {
		return at
	}
	out := tList{}
	for _, e := range now {
		out = append(out, e.v)
	}
	return out
}

func (w *twin) runs(pred *Func, at any, env tEnv, f tChange) any {
	l := tWant[tList](at)
	var in []bool
	any := false
	for _, e := range l {
		in = append(in, tTruthy(tCall(pred, e)))
		any = any || in[len(in)-1]
	}
	if !any {
		return at
	}
	out := tList{}
	for i := 0; i < len(l); {
		if !in[i] {
			out = append(out, l[i])
			i++
			continue
		}
		run := tList{}
		for ; i < len(l) && in[i]; i++ {
			run = append(run, l[i])
		}
		out = append(out, tPart[tList](f(run, env))...)
	}
	return out
}

func (w *twin) mapPart(at any, m, part, now tMap) any {
	if len(part) == 0 && len(now) == 0 {
		return at
	}
	for _, p := range part {
		m = m.without(p.k)
	}
	for _, p := range now {
		m = m.with(p.k, p.v)
	}
	return m
}

func (w *twin) setPart(at any, s, part, now tSet) any {
	if len(part) == 0 && len(now) == 0 {
		return at
	}
	for _, e := range part {
		s = s.without(e)
	}
	for _, e := range now {
		s = s.with(e)
	}
	return s
}

func (w *twin) ranges(n Nav, at any, env tEnv, f tChange) any {
	name := strings.TrimPrefix(strings.TrimPrefix(n.op.Name, "sortedMap"), "sortedSet")
	args := n.args
	o := rangeOpts{}
	if last := args[len(args)-1]; last.kind == argOptions {
		o, args = *last.opts, args[:len(args)-1]
	}
	max := int64(-1)
	if o.max != nil {
		max = w.integer(*o.max)
	}
	lo, hi := any(tVoid{}), any(tVoid{})
	switch name {
	case "Range":
		lo, hi = w.arg(args[0]), w.arg(args[1])
	case "RangeFrom":
		lo = w.arg(args[0])
	case "RangeTo":
		hi = w.arg(args[0])
	default:
		max = w.integer(args[0])
	}
	in := func(k any) bool {
		if lo != (tVoid{}) {
			if c := tCompare(k, lo); c < 0 || c == 0 && o.excludeStart {
				return false
			}
		}
		if hi != (tVoid{}) {
			if c := tCompare(k, hi); c > 0 || c == 0 && !o.includeEnd {
				return false
			}
		}
		return true
	}
	cut := func(n int) (from, to int) {
		if max < 0 || max >= int64(n) {
			return 0, n
		}
		if name == "RangeTo" || name == "RangeToEnd" {
			return n - int(max), n
		}
		return 0, int(max)
	}
	if strings.HasPrefix(n.op.Name, "sortedSet") {
		s := tWant[tSet](at)
		part := tSet{}
		for _, e := range s {
			if in(e) {
				part = append(part, e)
			}
		}
		from, to := cut(len(part))
		part = part[from:to]
		return w.setPart(at, s, part, tPart[tSet](f(part, env)))
	}
	m := tWant[tMap](at)
	part := tMap{}
	for _, p := range m {
		if in(p.k) {
			part = append(part, p)
		}
	}
	from, to := cut(len(part))
	part = part[from:to]
	return w.mapPart(at, m, part, tPart[tMap](f(part, env)))
}

func (w *twin) filter(n Nav, at any, env tEnv, f tChange) any {
	ok := false
	compare := func() int { return tCompare(tNull(at), w.arg(n.args[0])) }
	switch n.op.Name {
	case "filterEqual":
		ok = compare() == 0
	case "filterNotEqual":
		ok = compare() != 0
	case "filterLessThan":
		ok = compare() < 0
	case "filterLessThanOrEqual":
		ok = compare() <= 0
	case "filterGreaterThan":
		ok = compare() > 0
	case "filterGreaterThanOrEqual":
		ok = compare() >= 0
	case "filterPred":
		ok = tTruthy(tCall(n.args[0].fn, tNull(at)))
	case "filterSelected":
		ok = w.reaches(n.args[0].path, at, env)
	case "filterNotSelected":
		ok = !w.reaches(n.args[0].path, at, env)
	}
	if !ok {
		return at
	}
	return f(at, env)
}
