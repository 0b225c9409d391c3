// Package option holds the dynamic options of a module: settings that change
// while it runs, at four levels. A setting for one topology, depot or PState
// counts before one for the module, and that before the default; a setting by an
// operator counts before one that the module's code made at the same place.
//
// Readers ask once for a Live, which a hot path reads with one atomic load and
// which follows every later change.
package option

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"rama/engine/value"
)

// Level is what an option belongs to. It may be set there or for the module.
type Level uint8

// The levels.
const (
	Module Level = iota
	Topology
	Depot
	PState
)

func (l Level) String() string { return [...]string{"module", "topology", "depot", "pstate"}[l] }

// Errors of Set.
var (
	ErrUnknown = errors.New("unknown option")
	ErrBad     = errors.New("bad option value")
)

// Def defines an option. Definitions are package variables of the packages that
// read them, and all registered before a Registry is made.
type Def struct {
	Name    string
	Level   Level
	Default value.Value
	Doc     string
	check   func(value.Value) error
}

var (
	defsMu sync.Mutex
	defs   = map[string]*Def{}
)

func define(d *Def) *Def {
	defsMu.Lock()
	defer defsMu.Unlock()
	if defs[d.Name] != nil {
		panic("option " + d.Name + " is defined twice")
	}
	defs[d.Name] = d
	return d
}

// Int defines an integer option from lo to hi.
func Int(name string, l Level, def, lo, hi int64, doc string) *Def {
	return define(&Def{name, l, value.Int(def), doc, func(v value.Value) error {
		if v.Kind() != value.KindInt || v.AsInt() < lo || v.AsInt() > hi {
			return fmt.Errorf("%w: %s wants an integer from %d to %d, not %s", ErrBad, name, lo, hi, v)
		}
		return nil
	}})
}

// Bool defines an option that is true or false.
func Bool(name string, l Level, def bool, doc string) *Def {
	return define(&Def{name, l, value.Bool(def), doc, func(v value.Value) error {
		if v.Kind() != value.KindBool {
			return fmt.Errorf("%w: %s wants true or false, not %s", ErrBad, name, v)
		}
		return nil
	}})
}

// Weights defines an option that gives each of the names a positive number.
func Weights(name string, l Level, def map[string]float64, doc string) *Def {
	b := value.NewBuilder(value.KindMap, len(def))
	for n, w := range def {
		b.Put(value.String(n), value.Float(w))
	}
	return define(&Def{name, l, b.Done(), doc, func(v value.Value) error {
		if v.Kind() != value.KindMap {
			return fmt.Errorf("%w: %s wants a map of weights, not %s", ErrBad, name, v)
		}
		for k, w := range v.Pairs() {
			if _, ok := def[keyOf(k)]; !ok {
				return fmt.Errorf("%w: %s knows no %s", ErrBad, name, k)
			}
			if !w.IsNumber() || !(w.AsNumber() > 0) || math.IsInf(w.AsNumber(), 0) {
				return fmt.Errorf("%w: %s: the weight of %s must be above zero, not %s", ErrBad, name, k, w)
			}
		}
		return nil
	}})
}

func keyOf(k value.Value) string {
	if k.Kind() != value.KindString {
		return ""
	}
	return k.AsString()
}

// Defs lists all options by name.
func Defs() []*Def {
	defsMu.Lock()
	defer defsMu.Unlock()
	all := make([]*Def, 0, len(defs))
	for _, d := range defs {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *Def) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return all
}

// Source is who made a setting.
type Source uint8

// The sources; the later counts before the earlier at the same place.
const (
	Code Source = iota
	Operator
)

// Setting is one setting of an option. Object is empty for the module's.
type Setting struct {
	Object, Name string
	Source       Source
	Value        value.Value
}

// Registry holds the settings of one module. It may be used by several
// goroutines.
type Registry struct {
	mu       sync.Mutex
	levels   map[string]Level // of the module's objects
	settings map[place]value.Value
	lives    map[string][]*Live
}

type place struct {
	object, name string
	source       Source
}

// NewRegistry returns a registry for a module whose objects have the levels.
func NewRegistry(objects map[string]Level) *Registry {
	return &Registry{levels: objects, settings: map[place]value.Value{}, lives: map[string][]*Live{}}
}

// Live is the present value of an option for one object.
type Live struct {
	def    *Def
	object string
	now    atomic.Pointer[value.Value]
	num    atomic.Int64
}

// Int is the value of an integer option, or 1 and 0 of a Bool.
func (l *Live) Int() int64 { return l.num.Load() }

// Bool is the value of a Bool option.
func (l *Live) Bool() bool { return l.num.Load() != 0 }

// Value is the value of any option.
func (l *Live) Value() value.Value { return *l.now.Load() }

func (l *Live) set(v value.Value) {
	l.now.Store(&v)
	switch v.Kind() {
	case value.KindInt:
		l.num.Store(v.AsInt())
	case value.KindBool:
		n := int64(0)
		if v.AsBool() {
			n = 1
		}
		l.num.Store(n)
	}
}

// Live returns the value of the option for an object, or for the module where
// object is empty, as it is and will be.
func (r *Registry) Live(d *Def, object string) *Live {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lives[d.Name] {
		if l.object == object {
			return l
		}
	}
	l := &Live{def: d, object: object}
	l.set(r.resolve(d, object))
	r.lives[d.Name] = append(r.lives[d.Name], l)
	return l
}

// resolve finds the setting that counts.
func (r *Registry) resolve(d *Def, object string) value.Value {
	for _, o := range []string{object, ""} {
		for _, s := range []Source{Operator, Code} {
			if v, ok := r.settings[place{o, d.Name, s}]; ok {
				return v
			}
		}
	}
	return d.Default
}

// Check reports what is wrong with a setting: ErrUnknown or ErrBad.
func (r *Registry) Check(s Setting) error {
	d := lookup(s.Name)
	if d == nil {
		return fmt.Errorf("%w: %s%s", ErrUnknown, s.Name, suggest(s.Name))
	}
	if s.Object != "" {
		l, ok := r.levels[s.Object]
		if !ok {
			return fmt.Errorf("%w: the module has no object %s", ErrUnknown, s.Object)
		}
		if l != d.Level {
			return fmt.Errorf("%w: %s is an option of a %s, and %s is a %s", ErrUnknown, s.Name, d.Level, s.Object, l)
		}
	}
	return d.check(s.Value)
}

func lookup(name string) *Def {
	defsMu.Lock()
	defer defsMu.Unlock()
	return defs[name]
}

// Set makes a setting; with a void value it takes one back. Whoever holds a Live
// sees it at once.
func (r *Registry) Set(s Setting) error {
	if !s.Value.IsVoid() {
		if err := r.Check(s); err != nil {
			return err
		}
	} else if lookup(s.Name) == nil {
		return fmt.Errorf("%w: %s%s", ErrUnknown, s.Name, suggest(s.Name))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := place{s.Object, s.Name, s.Source}
	if s.Value.IsVoid() {
		delete(r.settings, p)
	} else {
		r.settings[p] = value.Clone(s.Value)
	}
	for _, l := range r.lives[s.Name] {
		l.set(r.resolve(l.def, l.object))
	}
	return nil
}

// Settings lists the settings in a stable order.
func (r *Registry) Settings() []Setting {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Setting
	for p, v := range r.settings {
		out = append(out, Setting{p.object, p.name, p.source, v})
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.Name != b.Name {
			return a.Name < b.Name
		}
		if a.Object != b.Object {
			return a.Object < b.Object
		}
		return a.Source < b.Source
	})
	return out
}

// suggest names the option whose name is nearest, if one is near.
func suggest(name string) string {
	best, bestAt := "", 4
	for _, d := range Defs() {
		if n := distance(name, d.Name); n < bestAt {
			best, bestAt = d.Name, n
		}
	}
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// distance is the number of edits between two names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diag, row[j] = row[j], min(row[j]+1, row[j-1]+1, diag+cost)
		}
	}
	return row[len(b)]
}
