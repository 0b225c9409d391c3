package paths

import (
	"strings"

	"rama/engine/value"
)

// Functions of collections, texts and kinds.

func collectionOps() {
	handleOps("SIZE count", 1, 1, func(a []value.Value) (value.Value, error) {
		if k := a[0].Kind(); k == value.KindString {
			return value.Int(int64(len([]rune(a[0].AsString())))), nil
		} else if k == value.KindBytes {
			return value.Int(int64(a[0].Len())), nil
		}
		c, err := open(a[0], collections)
		if err != nil {
			return value.Nil, err
		}
		n, err := c.size()
		return value.Int(n), err
	})
	handleOps("CONTAINS contains?", 2, 2, func(a []value.Value) (value.Value, error) {
		ok, err := contains(a[0], a[1])
		return value.Bool(ok), err
	})
	handleOps("GET get", 2, 3, getOp)
	handleOps("FIRST first", 1, 1, func(a []value.Value) (value.Value, error) { return edgeOf(a[0], false) })
	handleOps("LAST last", 1, 1, func(a []value.Value) (value.Value, error) { return edgeOf(a[0], true) })
	ops("TUPLE vector", 0, -1, func(a []value.Value) (value.Value, error) {
		return value.List(append([]value.Value(nil), a...)...), nil
	}).makes = true
	ops("RANGE range>", 2, 2, rangeOp)
	ops("TO_STRING str", 0, -1, func(a []value.Value) (value.Value, error) {
		var b strings.Builder
		for _, v := range a {
			b.WriteString(text(v))
			if b.Len() > maxText {
				return value.Nil, &LimitError{"bytes of a TO_STRING", maxText}
			}
		}
		return value.String(b.String()), nil
	})
	handleOps("CLASS_OF class-of", 1, 1, func(a []value.Value) (value.Value, error) {
		name, err := className(a[0])
		return value.String(name), err
	})
	// The class comes first, so a structure kept apart is read whole.
	ops("IS_INSTANCE_OF instance?", 2, 2, func(a []value.Value) (value.Value, error) {
		return isInstance(a[0], a[1])
	})
	for _, k := range []value.Kind{value.KindList, value.KindSet, value.KindMap, value.KindString} {
		handleOps("IS_"+strings.ToUpper(k.String())+" "+k.String()+"?", 1, 1, func(a []value.Value) (value.Value, error) {
			name, err := className(a[0])
			return value.Bool(name == k.String()), err
		})
	}
}

// maxText bounds the length of the string that TO_STRING makes.
const maxText = 16 << 20

// contains reports whether a map has a key, or a set or list an element.
func contains(in, v value.Value) (bool, error) {
	c, err := open(in, collections)
	if err != nil {
		return false, err
	}
	if c.kind != value.KindList {
		_, ok, err := c.has(value.Canonical(v))
		return ok, err
	}
	found := false
	err = c.walk(func(_, e value.Value) (bool, error) {
		if e.Kind() != value.KindHandle {
			found = value.Equal(e, v)
		}
		return !found, nil
	})
	return found, err
}

// getOp is the value at a key of a map or a position of a list, or an element of
// a set; the third argument, or null, where there is none.
func getOp(a []value.Value) (value.Value, error) {
	c, err := open(a[0], collections)
	if err != nil {
		return value.Nil, err
	}
	v, ok, err := c.has(value.Canonical(a[1]))
	if err != nil || ok {
		return v, err
	}
	if len(a) == 3 {
		return a[2], nil
	}
	return value.Nil, nil
}

// edgeOf is the first or last element, or entry of a map as a list; null where
// there is none.
func edgeOf(in value.Value, last bool) (value.Value, error) {
	c, err := open(in, collections)
	if err != nil {
		return value.Nil, err
	}
	k, v, ok, err := c.first(last)
	switch {
	case err != nil || !ok:
		return value.Nil, err
	case c.kind == value.KindMap:
		return value.List(k, v), nil
	}
	return v, nil
}

// maxRange bounds the length of the list that RANGE makes.
const maxRange = 1 << 20

func rangeOp(a []value.Value) (value.Value, error) {
	from, err := toInt(a[0])
	if err != nil {
		return value.Nil, err
	}
	to, err := toInt(a[1])
	if err != nil {
		return value.Nil, err
	}
	if to <= from {
		return value.EmptyList, nil
	}
	if uint64(to)-uint64(from) > maxRange {
		return value.Nil, &LimitError{"elements of a RANGE", maxRange}
	}
	out := make([]value.Value, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, value.Int(i))
	}
	return value.List(out...), nil
}

// text is a value as TO_STRING writes it: a string as it is, null as nothing,
// anything else as plain JSON.
func text(v value.Value) string {
	switch v.Kind() {
	case value.KindString:
		return v.AsString()
	case value.KindNil:
		return ""
	}
	if b := value.AppendJSON(nil, v, value.Plain); b[0] != '"' {
		return string(b)
	} else if s, err := value.ParseJSON(b, value.Plain); err == nil {
		return s.AsString()
	}
	return v.String()
}

// className is the kind of a value, or of what a handle stands for.
func className(v value.Value) (string, error) {
	null, err := isNull(v)
	if null {
		return value.KindNil.String(), err
	}
	return kindName(v), err
}

// classes are the names by which IS_INSTANCE_OF knows kinds, besides the kinds'
// own: those of Java, without their packages.
var classes = map[string][]value.Kind{
	"Boolean": {value.KindBool}, "boolean": {value.KindBool},
	"Long": {value.KindInt}, "long": {value.KindInt}, "Integer": {value.KindInt}, "integer": {value.KindInt},
	"Double": {value.KindFloat}, "double": {value.KindFloat}, "Float": {value.KindFloat},
	"Number": {value.KindInt, value.KindFloat}, "number": {value.KindInt, value.KindFloat},
	"String": {value.KindString}, "UUID": {value.KindUUID}, "Instant": {value.KindTime},
	"List": {value.KindList}, "Set": {value.KindSet}, "Map": {value.KindMap},
	"Collection": {value.KindList, value.KindSet}, "Object": nil,
}

func isInstance(class, v value.Value) (value.Value, error) {
	if class.Kind() != value.KindString {
		return value.Nil, fail(ErrType, "a class is named by a string, not %s", brief(class))
	}
	name := class.AsString()
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	kinds, ok := classes[name]
	for k := value.KindBool; k <= value.KindMap && !ok; k++ {
		if k.String() == name {
			kinds, ok = []value.Kind{k}, true
		}
	}
	if !ok {
		return value.Nil, fail(ErrArgument, "unknown class %q", clip(name))
	}
	if name == "Object" {
		return value.Bool(!v.IsNil()), nil
	}
	for _, k := range kinds {
		if v.Kind() == k {
			return value.Bool(true), nil
		}
	}
	return value.Bool(false), nil
}
