package engine

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// Catalogue says which number an object and a node of its schema have. Numbers
// stand in every key and every entry, so a number once given out means the same
// for ever: it stays over module updates, and is never used again after its object
// or node is gone, whose records may still lie in old files.
//
// A Catalogue is a value: Extend makes another one. The zero Catalogue is empty.
type Catalogue struct {
	objects []Object // in the order of their ids; removed ones too
	next    ObjectID // the id to give out next; 0 means firstObject
}

// firstObject is the first id that a catalogue gives out; those below are named by
// constants.
const firstObject ObjectID = 16

// Nodes of SystemObject. Numbers are never reused.
const (
	// NodeCatalogue holds the catalogue of the group, in the group's lowest task.
	NodeCatalogue NodeID = 1
)

// ObjectKind says what an object is.
type ObjectKind uint8

// The kinds of objects. Numbers are never reused.
const (
	ObjectDepot ObjectKind = iota + 1
	ObjectPState
	ObjectSystem // kept by the server beside those of the module
	objectKinds
)

func (k ObjectKind) String() string {
	switch k {
	case ObjectDepot:
		return "depot"
	case ObjectPState:
		return "pstate"
	case ObjectSystem:
		return "system"
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// ObjectDef is an object as a module defines it.
type ObjectDef struct {
	Name  string
	Kind  ObjectKind
	Owner string   // the topology that writes it; empty where none does
	Nodes []string // the paths of the schema's nodes, in any order
}

// Object is an object as a catalogue holds it.
type Object struct {
	ID      ObjectID
	Kind    ObjectKind
	Name    string
	Owner   string
	Removed bool // no definition names it any more
	nodes   []Node
	next    NodeID // the id to give out next
}

// Node is a node of an object's schema.
type Node struct {
	ID      NodeID
	Path    string
	Removed bool
}

// firstNode is the first id given out to a node of an object; 0 is left for
// records of the object as a whole.
const firstNode NodeID = 1

// maxName bounds a name, an owner and a path, in bytes.
const maxName = 4 << 10

// CatalogueKey is where a group keeps its catalogue; task is its lowest.
func CatalogueKey(task TaskID) []byte {
	return AppendPrefix(nil, task, SystemObject, NodeCatalogue)
}

// Object returns the object of that name, unless it was removed.
func (c *Catalogue) Object(name string) (Object, bool) {
	for _, o := range c.objects {
		if o.Name == name && !o.Removed {
			return o, true
		}
	}
	return Object{}, false
}

// ByID returns the object with that id, removed or not.
func (c *Catalogue) ByID(id ObjectID) (Object, bool) {
	i, ok := slices.BinarySearchFunc(c.objects, id, func(o Object, id ObjectID) int { return cmp.Compare(o.ID, id) })
	if !ok {
		return Object{}, false
	}
	return c.objects[i], true
}

// Objects returns all objects in the order of their ids, removed ones too.
func (c *Catalogue) Objects() []Object { return slices.Clone(c.objects) }

// Node returns the id of the node at path, unless it was removed.
func (o Object) Node(path string) (NodeID, bool) {
	for _, n := range o.nodes {
		if n.Path == path && !n.Removed {
			return n.ID, true
		}
	}
	return 0, false
}

// NodeIDs returns the ids of the nodes that were not removed, by their paths.
func (o Object) NodeIDs() map[string]NodeID {
	ids := make(map[string]NodeID, len(o.nodes))
	for _, n := range o.nodes {
		if !n.Removed {
			ids[n.Path] = n.ID
		}
	}
	return ids
}

// Nodes returns all nodes in the order of their ids, removed ones too.
func (o Object) Nodes() []Node { return slices.Clone(o.nodes) }

// Extend returns the catalogue for the definitions defs, all of a module's.
// What a definition still names keeps its id, what none names any more is
// removed, and what is new gets the next id, also where something removed had its
// name. The order of defs does not matter. changed is false where next equals c.
//
// It meets ErrInvalidCatalogue, with every fault, and then returns no catalogue:
// two definitions of one name, a name that is empty or too long, or a definition
// that makes something of another kind out of an object.
func (c *Catalogue) Extend(defs []ObjectDef) (next *Catalogue, changed bool, err error) {
	defs = slices.Clone(defs)
	slices.SortFunc(defs, func(a, b ObjectDef) int { return strings.Compare(a.Name, b.Name) })
	if err := c.checkDefs(defs); err != nil {
		return nil, false, err
	}
	next = &Catalogue{objects: slices.Clone(c.objects), next: max(c.next, firstObject)}
	byName := make(map[string]int, len(next.objects))
	for i, o := range next.objects {
		if !o.Removed {
			byName[o.Name] = i
		}
	}
	for _, d := range defs {
		i, ok := byName[d.Name]
		if !ok {
			i = len(next.objects)
			next.objects = append(next.objects, Object{ID: next.next, Kind: d.Kind, Name: d.Name, Owner: d.Owner, next: firstNode})
			next.next++
			changed = true
		}
		delete(byName, d.Name)
		if next.objects[i].redefine(d) {
			changed = true
		}
		if next.next == math.MaxUint32 || next.objects[i].next == math.MaxUint32 {
			return nil, false, fmt.Errorf("%w: no id is left for object %q or its nodes", ErrInvalidCatalogue, d.Name)
		}
	}
	for _, i := range byName { // no definition named them; the order does not matter
		o := &next.objects[i]
		o.Removed, changed = true, true
		o.redefine(ObjectDef{Owner: o.Owner})
	}
	return next, changed, nil
}

// redefine makes the owner and the nodes of o what d says.
func (o *Object) redefine(d ObjectDef) (changed bool) {
	changed = o.Owner != d.Owner
	o.Owner = d.Owner
	paths := slices.Sorted(slices.Values(d.Nodes))
	nodes := slices.Clone(o.nodes)
	for i := range nodes {
		if n := &nodes[i]; !n.Removed {
			if at, ok := slices.BinarySearch(paths, n.Path); ok {
				paths = slices.Delete(paths, at, at+1)
			} else {
				n.Removed, changed = true, true
			}
		}
	}
	for _, p := range paths {
		nodes = append(nodes, Node{ID: o.next, Path: p})
		o.next++
		changed = true
	}
	o.nodes = nodes
	return changed
}

// checkDefs reports every fault of sorted definitions.
func (c *Catalogue) checkDefs(defs []ObjectDef) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: %s", ErrInvalidCatalogue, fmt.Sprintf(format, args...)))
	}
	for i, d := range defs {
		if d.Name == "" || !validName(d.Name) || !validName(d.Owner) {
			fault("object %q of %q: name or owner is empty, too long or no UTF-8", d.Name, d.Owner)
		}
		if d.Kind == 0 || d.Kind >= objectKinds {
			fault("object %q: %s", d.Name, d.Kind)
		}
		if i > 0 && defs[i-1].Name == d.Name {
			fault("object %q is defined twice", d.Name)
		}
		if o, ok := c.Object(d.Name); ok && o.Kind != d.Kind {
			fault("object %q is a %s and cannot become a %s; remove it first", d.Name, o.Kind, d.Kind)
		}
		paths := slices.Sorted(slices.Values(d.Nodes))
		for j, p := range paths {
			if !validName(p) {
				fault("object %q: path %q of a node is too long or no UTF-8", d.Name, p)
			}
			if j > 0 && paths[j-1] == p {
				fault("object %q has two nodes %q", d.Name, p)
			}
		}
	}
	return errors.Join(faults...)
}

func validName(s string) bool { return len(s) <= maxName && utf8.ValidString(s) }
