package engine

import (
	"fmt"
	"math"
)

// A catalogue, drawn. Numbers are ordered numbers (keys.go); a text is its length
// and its bytes.
//
//	01 next count object*
//
//	object  id kind1 removed1 name owner next count node*    in the order of ids
//	node    id removed1 path                                 in the order of ids
//
// next is the id to be given out next; all ids are below it.
const catalogueVersion = 1

// Append appends the bytes of the catalogue to dst.
func (c *Catalogue) Append(dst []byte) []byte {
	dst = append(dst, catalogueVersion)
	dst = AppendOrdered(dst, uint64(max(c.next, firstObject)))
	dst = AppendOrdered(dst, uint64(len(c.objects)))
	for _, o := range c.objects {
		dst = AppendOrdered(dst, uint64(o.ID))
		dst = append(dst, byte(o.Kind), removedByte(o.Removed))
		dst = appendText(appendText(dst, o.Name), o.Owner)
		dst = AppendOrdered(dst, uint64(o.next))
		dst = AppendOrdered(dst, uint64(len(o.nodes)))
		for _, n := range o.nodes {
			dst = AppendOrdered(dst, uint64(n.ID))
			dst = appendText(append(dst, removedByte(n.Removed)), n.Path)
		}
	}
	return dst
}

func removedByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func appendText(dst []byte, s string) []byte {
	return append(AppendOrdered(dst, uint64(len(s))), s...)
}

// DecodeCatalogue takes b, which may hold anything, apart. It meets ErrCorrupt and
// ErrNewerFormat.
func DecodeCatalogue(b []byte) (*Catalogue, error) {
	if len(b) > 0 && b[0] > catalogueVersion {
		return nil, fmt.Errorf("%w: catalogue of version %d, this program knows %d", ErrNewerFormat, b[0], catalogueVersion)
	}
	d := catalogueReader{rest: b}
	if d.byte(catalogueVersion) != catalogueVersion {
		d.fail("unknown version")
	}
	c := &Catalogue{next: ObjectID(d.number())}
	if c.next < firstObject || c.next == math.MaxUint32 {
		d.fail("next id out of range")
	}
	live := map[string]bool{}
	// An object takes seven bytes at least, so a short catalogue cannot ask for much.
	for n := d.number(); n > 0 && d.err == nil; n-- {
		o := d.object()
		if len(c.objects) > 0 && o.ID <= c.objects[len(c.objects)-1].ID || o.ID < firstObject || o.ID >= c.next {
			d.fail("object ids out of order")
		}
		if !o.Removed {
			if live[o.Name] {
				d.fail("two objects of one name")
			}
			live[o.Name] = true
		}
		c.objects = append(c.objects, o)
	}
	if d.err == nil && len(d.rest) > 0 {
		d.fail("bytes behind it")
	}
	if d.err != nil {
		return nil, d.err
	}
	return c, nil
}

// catalogueReader reads fields until something is wrong.
type catalogueReader struct {
	rest []byte
	err  error
}

func (d *catalogueReader) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: catalogue: %s", ErrCorrupt, what)
	}
	d.rest = nil
}

func (d *catalogueReader) byte(limit byte) byte {
	if len(d.rest) == 0 || d.rest[0] > limit {
		d.fail("ends early, or a field is out of range")
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *catalogueReader) number() uint32 {
	x, rest, err := DecodeOrdered(d.rest)
	if err != nil || x > math.MaxUint32 {
		d.fail("bad number")
		return 0
	}
	d.rest = rest
	return uint32(x)
}

func (d *catalogueReader) text() string {
	n := d.number()
	if uint64(n) > uint64(len(d.rest)) {
		d.fail("text ends early")
		return ""
	}
	s := string(d.rest[:n])
	if !validName(s) {
		d.fail("text too long or no UTF-8")
		return ""
	}
	d.rest = d.rest[n:]
	return s
}

func (d *catalogueReader) object() Object {
	o := Object{ID: ObjectID(d.number()), Kind: ObjectKind(d.byte(byte(objectKinds - 1))), Removed: d.byte(1) == 1}
	o.Name, o.Owner = d.text(), d.text()
	o.next = NodeID(d.number())
	if o.Kind == 0 || o.Name == "" || o.next < firstNode || o.next == math.MaxUint32 {
		d.fail("object without kind or name, or next node id out of range")
	}
	live := map[string]bool{}
	for n := d.number(); n > 0 && d.err == nil; n-- {
		node := Node{ID: NodeID(d.number()), Removed: d.byte(1) == 1, Path: d.text()}
		if len(o.nodes) > 0 && node.ID <= o.nodes[len(o.nodes)-1].ID || node.ID < firstNode || node.ID >= o.next {
			d.fail("node ids out of order")
		}
		if !node.Removed {
			if o.Removed || live[node.Path] {
				d.fail("two nodes of one path, or a node of a removed object")
			}
			live[node.Path] = true
		}
		o.nodes = append(o.nodes, node)
	}
	return o
}
