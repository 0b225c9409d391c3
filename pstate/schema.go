package pstate

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"rama/engine/value"
	"rama/paths"
)

// ErrBadSchema is met when a declared schema cannot be: it names the place and
// the rule.
var ErrBadSchema = errors.New("bad schema")

// Schema says what a PState holds at one location and below. It is plain data;
// its methods return altered copies.
//
// The rules of the reference system hold: the top level is a map, fixed keys or
// a leaf; keys of maps and elements of sets are leaves; maps, sets and lists
// below the top level may be subindexed, fixed keys not; a subindexed list
// always tracks its size. Null is legal at every location.
type Schema struct {
	kind      kind
	leaf      *leaf
	key, elem *Schema
	fields    []FieldSchema
	sub       bool
	untracked bool
}

type kind uint8

const (
	kindLeaf kind = iota
	kindMap
	kindSet
	kindList
	kindFixed
)

// FieldSchema is one key of a FixedKeys schema.
type FieldSchema struct {
	Name   string
	Schema Schema
}

// A leaf is a location that is stored and replaced as one value.
type leaf struct {
	name string
	ok   func(value.Value) bool
}

func leafOf(name string, kinds ...value.Kind) Schema {
	return Schema{leaf: &leaf{name, func(v value.Value) bool {
		for _, k := range kinds {
			if v.Kind() == k {
				return true
			}
		}
		return false
	}}}
}

// The leaves. A Float64 location takes integers too, and keeps them as they
// are: the two compare by what they are worth.
var (
	Any     = Schema{leaf: &leaf{"any", func(value.Value) bool { return true }}}
	Bool    = leafOf("bool", value.KindBool)
	Int64   = leafOf("int64", value.KindInt)
	Float64 = leafOf("float64", value.KindFloat, value.KindInt)
	String  = leafOf("string", value.KindString)
	Bytes   = leafOf("bytes", value.KindBytes)
	Time    = leafOf("time", value.KindTime)
	UUID    = leafOf("uuid", value.KindUUID)
	AnyMap  = leafOf("anyMap", value.KindMap)
	AnyList = leafOf("anyList", value.KindList)
	AnySet  = leafOf("anySet", value.KindSet)
)

var leaves = []Schema{Any, Bool, Int64, Float64, String, Bytes, Time, UUID, AnyMap, AnyList, AnySet}

// Map is a map from key, a leaf, to val.
func Map(key, val Schema) Schema { return Schema{kind: kindMap, key: &key, elem: &val} }

// Set is a set of elem, a leaf.
func Set(elem Schema) Schema { return Schema{kind: kindSet, elem: &elem} }

// List is a list of elem.
func List(elem Schema) Schema { return Schema{kind: kindList, elem: &elem} }

// FixedKeys is a record: a map with the given string keys, each with its own
// schema. Every key is optional.
func FixedKeys(fields ...FieldSchema) Schema { return Schema{kind: kindFixed, fields: fields} }

// Field is one key of FixedKeys.
func Field(name string, s Schema) FieldSchema { return FieldSchema{name, s} }

// Subindexed stores every element of the map, set or list apart, so that it may
// grow without bound and each element costs the same. Its size is tracked:
// reading it is O(1), and a write has to look whether the element is new.
func (s Schema) Subindexed() Schema {
	s.sub = true
	return s
}

// WithoutSizeTracking makes the size of a subindexed map or set cost a scan,
// and its writes need no read.
func (s Schema) WithoutSizeTracking() Schema {
	s.untracked = true
	return s
}

func (s Schema) String() string {
	var b strings.Builder
	s.write(&b)
	return b.String()
}

func (s Schema) write(b *strings.Builder) {
	switch s.kind {
	case kindLeaf:
		b.WriteString(s.leafName())
	case kindMap:
		fmt.Fprintf(b, "map(%s, %s)", s.key, s.elem)
	case kindSet:
		fmt.Fprintf(b, "set(%s)", s.elem)
	case kindList:
		fmt.Fprintf(b, "list(%s)", s.elem)
	case kindFixed:
		b.WriteString("fixedKeys(")
		for i, f := range s.fields {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(b, "%s: %s", f.Name, f.Schema)
		}
		b.WriteString(")")
	}
	if s.sub {
		b.WriteString(".subindexed")
	}
	if s.untracked {
		b.WriteString(".withoutSizeTracking")
	}
}

func (s Schema) leafName() string {
	if s.leaf == nil {
		return "nothing"
	}
	return s.leaf.name
}

// Validate reports what is wrong with s as the schema of a PState. Errors wrap
// ErrBadSchema.
func (s Schema) Validate() error {
	if s.kind == kindSet || s.kind == kindList {
		return fmt.Errorf("%w: the top level is %s; it must be a map, fixed keys or a leaf", ErrBadSchema, s)
	}
	if s.sub || s.untracked {
		return fmt.Errorf("%w: the top level cannot be subindexed: its elements are stored apart as it is", ErrBadSchema)
	}
	return s.validate("top level", 0)
}

// maxSchemaDepth bounds the nesting of a schema, so that a walk along it needs
// no bound of its own.
const maxSchemaDepth = 64

func (s Schema) validate(at string, depth int) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", ErrBadSchema, at, fmt.Sprintf(format, args...))
	}
	switch {
	case depth > maxSchemaDepth:
		return bad("nested deeper than %d", maxSchemaDepth)
	case s.kind == kindLeaf && s.leaf == nil:
		return bad("is empty")
	case s.sub && (s.kind == kindLeaf || s.kind == kindFixed):
		return bad("%s cannot be subindexed", s)
	case s.untracked && !s.sub:
		return bad("%s has no size tracking to leave out: it is not subindexed", s)
	case s.untracked && s.kind == kindList:
		return bad("a subindexed list needs its size tracked")
	case s.kind == kindMap && s.key.kind != kindLeaf:
		return bad("a map's key must be a leaf, not %s", s.key)
	case s.kind == kindSet && s.elem.kind != kindLeaf:
		return bad("a set's element must be a leaf, not %s", s.elem)
	}
	switch s.kind {
	case kindMap:
		if err := s.key.validate(at+" key", depth+1); err != nil {
			return err
		}
		return s.elem.validate(at+" value", depth+1)
	case kindSet, kindList:
		return s.elem.validate(at+" element", depth+1)
	}
	names := map[string]bool{}
	for _, f := range s.fields {
		if names[f.Name] || f.Name == "" {
			return bad("key %q is empty or there twice", f.Name)
		}
		names[f.Name] = true
		if err := f.Schema.validate(at+" key "+f.Name, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// schemaJSON is a schema as module definitions carry it.
type schemaJSON struct {
	Kind      string      `json:"kind"`
	Key       *Schema     `json:"key,omitempty"`
	Elem      *Schema     `json:"elem,omitempty"`
	Fields    []fieldJSON `json:"fields,omitempty"`
	Sub       bool        `json:"subindexed,omitempty"`
	Untracked bool        `json:"withoutSizeTracking,omitempty"`
}

type fieldJSON struct {
	Name   string `json:"name"`
	Schema Schema `json:"schema"`
}

var kindNames = [...]string{kindMap: "map", kindSet: "set", kindList: "list", kindFixed: "fixedKeys"}

// MarshalJSON writes the schema as module definitions carry it.
func (s Schema) MarshalJSON() ([]byte, error) {
	j := schemaJSON{Kind: kindNames[s.kind], Key: s.key, Elem: s.elem, Sub: s.sub, Untracked: s.untracked}
	if s.kind == kindLeaf {
		j.Kind = s.leafName()
	}
	for _, f := range s.fields {
		j.Fields = append(j.Fields, fieldJSON(f))
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Schema) UnmarshalJSON(b []byte) error {
	var j schemaJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("%w: %w", ErrBadSchema, err)
	}
	*s = Schema{key: j.Key, elem: j.Elem, sub: j.Sub, untracked: j.Untracked}
	for _, f := range j.Fields {
		s.fields = append(s.fields, FieldSchema(f))
	}
	for _, l := range leaves {
		if l.leaf.name == j.Kind {
			s.leaf = l.leaf
			return nil
		}
	}
	for k, name := range kindNames {
		if name == j.Kind && name != "" {
			s.kind = kind(k)
			wantsKey, wantsElem := s.kind == kindMap, s.kind != kindFixed
			if wantsKey == (s.key != nil) && wantsElem == (s.elem != nil) {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: kind %q", ErrBadSchema, j.Kind)
}

// valueKind is the kind of value that stands at a location of this schema.
func (s *Schema) valueKind() value.Kind {
	switch s.kind {
	case kindMap, kindFixed:
		return value.KindMap
	case kindSet:
		return value.KindSet
	case kindList:
		return value.KindList
	}
	return value.KindVoid
}

// shape is a schema as package paths checks paths against it.
type shape struct {
	s     *Schema
	apart bool
}

// Shape returns s for paths.CompileOptions, as the schema of a whole PState.
func (s Schema) Shape() paths.Shape { return shape{&s, s.kind == kindMap || s.kind == kindFixed} }

func (h shape) Kind() value.Kind { return h.s.valueKind() }
func (h shape) Apart() bool      { return h.apart }
func (h shape) String() string   { return h.s.String() }

func (h shape) Key() paths.Shape {
	if h.s.kind == kindMap {
		return shapeOf(h.s.key)
	}
	return nil
}

func (h shape) Elem(key *value.Value) (paths.Shape, bool) {
	switch h.s.kind {
	case kindMap, kindSet, kindList:
		if key != nil && h.s.kind == kindMap && !h.s.key.accepts(*key) {
			return nil, false
		}
		return shapeOf(h.s.elem), true
	case kindFixed:
		if key == nil {
			return nil, true
		}
		for i, f := range h.s.fields {
			if key.Kind() == value.KindString && key.AsString() == f.Name {
				return shapeOf(&h.s.fields[i].Schema), true
			}
		}
	}
	return nil, false
}

// shapeOf returns the shape of a schema; of a leaf that may hold anything,
// nothing is known.
func shapeOf(s *Schema) paths.Shape {
	if s.kind == kindLeaf && (s.leaf == Any.leaf || s.leaf == AnyMap.leaf || s.leaf == AnyList.leaf || s.leaf == AnySet.leaf) {
		return nil
	}
	return shape{s, s.sub}
}
