package pstate

import (
	"fmt"
	"strings"

	"rama/engine"
	"rama/engine/value"
)

// The layout of a PState on the engine, drawn. A schema node is a location of
// the schema; those whose elements are stored apart (the top level, and what is
// subindexed) have a node id and with it a key space of their own. Of an
// element at path k1, k2, ..., kn of such a node:
//
//	task, object, node | k1 k2 ... kn      -> record
//	task, object, node | k1 ... k(n-1)     -> header of the structure it lies in
//
// The part before the bar is engine.AppendPrefix, each k a key of package
// value. Only choices that data makes are part of the path: a key of a map, an
// element of a set, the id of a list's element. A fixed key is none, the node
// says it; save at the top level, where the fixed key names the record.
//
//	record of a map or fixed keys  the value, encoded; Ref where a structure
//	                               stored apart stands
//	record of a set                empty
//	record of a list               the value, under the id of the element;
//	                               the order of the ids: list.go
//	header of map and set          the number of elements, where it is tracked
//	header of a top-level leaf     the value
//
// A structure stored apart exists where its place in the record above holds
// Ref. So the records of a map lie together and the elements of the structures
// below them lie elsewhere, together too; and what lies below any location is,
// in every node below it, one range of keys: a delete never has to look for
// what to delete.
//
// Inside a blob, a list below which something is stored apart is kept as a list
// of pairs [id, element], so that elements have ids there as well.

// node is a location of a schema with its place on the engine.
type node struct {
	schema  *Schema
	id      engine.NodeID // 0: within the blob of the node above
	tracked bool
	inside  bool // something below is stored apart
	elem    *node
	fields  map[string]*node
	below   []*node // the nodes with an id from here down, this one included
}

func (n *node) apart() bool { return n.id != 0 }

// child is the node at key k; nil where the schema knows no such key.
func (n *node) child(k value.Value) *node {
	if n.schema.kind != kindFixed {
		return n.elem
	}
	if k.Kind() != value.KindString {
		return nil
	}
	return n.fields[k.AsString()]
}

// NodePaths lists the schema nodes that need ids, as the catalogue names them:
// "" is the top level, "/*" an element, "/name" a fixed key.
func (s Schema) NodePaths() []string {
	var paths []string
	s.walk("", true, func(path string, _ *Schema) { paths = append(paths, path) })
	return paths
}

func (s *Schema) walk(path string, apart bool, fn func(path string, s *Schema)) {
	if apart {
		fn(path, s)
	}
	switch s.kind {
	case kindMap, kindSet, kindList:
		s.elem.walk(path+"/*", s.elem.sub, fn)
	case kindFixed:
		for i := range s.fields {
			f := &s.fields[i]
			f.Schema.walk(path+"/"+escapeField(f.Name), f.Schema.sub, fn)
		}
	}
}

// escapeField keeps a fixed key from looking like several steps or like "*".
func escapeField(name string) string {
	return strings.NewReplacer("%", "%25", "/", "%2F", "*", "%2A").Replace(name)
}

// build makes the node tree of a schema with the ids of the catalogue.
func build(s *Schema, path string, apart bool, ids map[string]engine.NodeID) (*node, error) {
	n := &node{schema: s, tracked: s.sub && !s.untracked}
	if apart {
		id, ok := ids[path]
		if !ok || id == 0 {
			return nil, fmt.Errorf("%w: no id for schema node %q", ErrBadSchema, path)
		}
		n.id = id
		n.below = append(n.below, n)
	}
	add := func(s *Schema, path string) (*node, error) {
		c, err := build(s, path, s.sub, ids)
		if err == nil {
			n.inside = n.inside || c.apart() || c.inside
			n.below = append(n.below, c.below...)
		}
		return c, err
	}
	var err error
	switch s.kind {
	case kindMap, kindSet, kindList:
		n.elem, err = add(s.elem, path+"/*")
	case kindFixed:
		n.fields = map[string]*node{}
		for i := range s.fields {
			f := &s.fields[i]
			if n.fields[f.Name], err = add(&f.Schema, path+"/"+escapeField(f.Name)); err != nil {
				break
			}
		}
	}
	return n, err
}
