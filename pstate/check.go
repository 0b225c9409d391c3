package pstate

import (
	"errors"
	"fmt"

	"rama/engine/value"
)

// ErrSchema is met when a write does not fit the schema of its location. The
// error names the PState, the path within it, and what was found there.
var ErrSchema = errors.New("schema violation")

// SchemaError is the detail of an ErrSchema.
type SchemaError struct {
	PState string // name of the PState
	Path   string // the location within the value written, as keys: .name[3]
	Want   string // the schema of the location
	Got    string // the Go type found, and the value where it is short
}

func (e *SchemaError) Error() string {
	at := e.Path
	if at == "" {
		at = "the location itself"
	}
	return fmt.Sprintf("%v: %s at %s: want %s, got %s", ErrSchema, e.PState, at, e.Want, e.Got)
}

// Is makes errors.Is(err, ErrSchema) true.
func (e *SchemaError) Is(target error) bool { return target == ErrSchema }

// accepts reports whether a leaf may hold v.
func (s *Schema) accepts(v value.Value) bool {
	return v.IsNil() || (s.kind == kindLeaf && s.leaf.ok(v))
}

// check walks the plain value v along s. With deep unset it looks at the first
// level only.
func (s *Schema) check(v value.Value, deep bool) *SchemaError {
	if v.IsNil() || (s.kind == kindLeaf && s.leaf.ok(v)) {
		return nil
	}
	if s.kind == kindLeaf || v.Kind() != s.valueKind() {
		return &SchemaError{Want: s.String(), Got: describe(v)}
	}
	if !deep && s.kind != kindFixed {
		return nil
	}
	switch s.kind {
	case kindMap, kindFixed:
		for k, e := range v.Pairs() {
			if err := s.checkPair(k, e, deep); err != nil {
				return err
			}
		}
	case kindSet, kindList:
		i := 0
		for e := range v.All() {
			if err := s.elem.check(e, deep); err != nil {
				return err.below(fmt.Sprintf("[%d]", i))
			}
			i++
		}
	}
	return nil
}

func (s *Schema) checkPair(k, e value.Value, deep bool) *SchemaError {
	elem, err := s.elemFor(k)
	if err != nil || !deep {
		return err
	}
	if err := elem.check(e, deep); err != nil {
		return err.below(keyName(k))
	}
	return nil
}

// elemFor is the schema of what lies at key k.
func (s *Schema) elemFor(k value.Value) (*Schema, *SchemaError) {
	if s.kind != kindFixed {
		if s.kind == kindMap && !s.key.accepts(k) {
			return nil, (&SchemaError{Want: "a key of " + s.key.String(), Got: describe(k)}).below(keyName(k))
		}
		return s.elem, nil
	}
	for i := range s.fields {
		if k.Kind() == value.KindString && k.AsString() == s.fields[i].Name {
			return &s.fields[i].Schema, nil
		}
	}
	return nil, (&SchemaError{Want: "a key of " + s.String(), Got: describe(k)}).below(keyName(k))
}

func (e *SchemaError) below(step string) *SchemaError {
	e.Path = step + e.Path
	return e
}

func keyName(k value.Value) string {
	switch k.Kind() {
	case value.KindString:
		return "." + clip(k.AsString())
	case value.KindHandle, value.KindVoid:
		return "[" + k.Kind().String() + "]"
	}
	return "[" + clip(k.String()) + "]"
}

// goTypes names the Go type of each kind, as a module's author wrote it.
var goTypes = map[value.Kind]string{
	value.KindInt: "int64", value.KindFloat: "float64", value.KindBytes: "[]byte",
	value.KindTime: "time.Time", value.KindUUID: "UUID",
}

// describe names the Go type of a value and, of small scalars, the value.
func describe(v value.Value) string {
	name := v.Kind().String()
	if t, ok := goTypes[v.Kind()]; ok {
		name = t
	}
	switch v.Kind() {
	case value.KindBool, value.KindInt, value.KindFloat, value.KindString:
		return name + " " + clip(v.String())
	}
	return name
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
