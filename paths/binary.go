package paths

import (
	"errors"
	"fmt"

	"rama/engine/value"
)

// The binary form of a path, drawn. It is one value of package value in its
// encoding, CBOR:
//
//	path  := [version, nav...]     version is 1
//	nav   := [code, arg...]        code is Op.Code
//	arg   := [0, value]            a constant
//	       | [1, i]                Arg(i)
//	       | [2, [nav...]]         a path; also for a path of all arguments
//	       | [3, name]             a function, or a custom navigator's name
//	       | [4, bits]             range options: 1 excludes the start, 2 includes the end
//	       | [4, bits, arg]        the same with a maximal amount
//
// The numbers of versions, navigators and arguments are never used again for
// something else. key("a"), all, term(INC) is
//
//	84                             list of 4
//	   01                          version
//	   82 01 82 00 61 61           key, constant "a"
//	   81 06                       all
//	   82 18 65 82 03              term, function
//	         67 4f 70 73 2e 49 4e 43    "Ops.INC"
//
// A decoder refuses what it does not know. The format is frozen: codec_test.go
// holds golden bytes.
const binaryVersion = 1

const (
	tagConst = iota
	tagParam
	tagPath
	tagFunc
	tagOptions
)

// AppendBinary appends the binary form of a path to dst. A path with functions or
// navigators that have no name is ErrArgument.
func AppendBinary(dst []byte, p Path) ([]byte, error) {
	navs, err := binaryNavs(p, "")
	if err != nil {
		return nil, err
	}
	return value.Append(dst, value.List(append([]value.Value{value.Int(binaryVersion)}, navs...)...)), nil
}

func binaryNavs(p Path, prefix string) ([]value.Value, error) {
	out := make([]value.Value, len(p))
	for i, n := range p {
		at := stepAt(prefix, i)
		if err := n.sendable(); err != nil {
			return nil, locate(err, at, n.name())
		}
		nav := []value.Value{value.Int(int64(n.op.Code))}
		for j, a := range n.args {
			v, err := binaryArg(a, inner(n.op, at, j))
			if err != nil {
				return nil, err
			}
			nav = append(nav, v)
		}
		out[i] = value.List(nav...)
	}
	return out, nil
}

func binaryArg(a Argument, prefix string) (value.Value, error) {
	tag := func(t int64, vs ...value.Value) value.Value {
		return value.List(append([]value.Value{value.Int(t)}, vs...)...)
	}
	switch a.kind {
	case argParam:
		return tag(tagParam, value.Int(int64(a.param))), nil
	case argPath:
		navs, err := binaryNavs(a.path, prefix)
		return tag(tagPath, value.List(navs...)), err
	case argFunc:
		return tag(tagFunc, value.String(a.fn.name)), nil
	case argOptions:
		if a.opts.max == nil {
			return tag(tagOptions, value.Int(a.opts.bits())), nil
		}
		max, err := binaryArg(*a.opts.max, prefix)
		return tag(tagOptions, value.Int(a.opts.bits()), max), err
	}
	return tag(tagConst, a.val), nil
}

// DecodeBinary reads a path in its binary form from an untrusted source. Errors
// wrap ErrSyntax, ErrUnknownNavigator, ErrArgument or ErrLimit and name the
// step. b must not change afterwards, for constants of the path lie in it.
func DecodeBinary(b []byte, o ParseOptions) (Path, error) {
	o = o.filled()
	if len(b) > o.MaxBytes {
		return nil, &LimitError{"bytes of a path", int64(o.MaxBytes)}
	}
	v, err := value.Decode(b)
	if err != nil {
		if errors.Is(err, value.ErrTooLarge) {
			return nil, fmt.Errorf("%w: %w", ErrLimit, err)
		}
		return nil, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	if v.Kind() != value.KindList || v.Len() == 0 || v.Index(0).Kind() != value.KindInt {
		return nil, fail(ErrSyntax, "a path is a list that begins with its version")
	}
	if n := v.Index(0).AsInt(); n != binaryVersion {
		return nil, fail(ErrSyntax, "version %d of the binary form; this side knows %d", n, binaryVersion)
	}
	d := binaryReader{o: o}
	return d.navs(v, 1, "", 1)
}

type binaryReader struct {
	o     ParseOptions
	steps int
}

func (d *binaryReader) navs(v value.Value, from int, prefix string, depth int) (Path, error) {
	if depth > d.o.MaxDepth {
		return nil, &LimitError{"levels of paths in paths", int64(d.o.MaxDepth)}
	}
	if d.steps += v.Len() - from; d.steps > d.o.MaxSteps {
		return nil, &LimitError{"steps of a path", int64(d.o.MaxSteps)}
	}
	p := make(Path, 0, v.Len()-from)
	i := 0
	for e := range v.All() {
		if i++; i <= from {
			continue
		}
		n, err := d.nav(e, stepAt(prefix, len(p)), depth)
		if err != nil {
			return nil, err
		}
		p = append(p, n)
	}
	return p, nil
}

func (d *binaryReader) nav(v value.Value, at string, depth int) (Nav, error) {
	if v.Kind() != value.KindList || v.Len() == 0 || v.Index(0).Kind() != value.KindInt {
		return Nav{}, locate(fail(ErrSyntax, "a navigator is a list that begins with its number"), at, "")
	}
	code := v.Index(0).AsInt()
	op := navigators.byCode[uint16(code)]
	if op == nil || int64(op.Code) != code {
		return Nav{}, locate(fail(ErrUnknownNavigator, "number %d", code), at, "")
	}
	n := Nav{op: op}
	i := 0
	for e := range v.All() {
		if i++; i == 1 {
			continue
		}
		p, err := op.param(i - 2)
		if err != nil {
			return Nav{}, locate(err, at, op.Name)
		}
		a, err := d.arg(e, inner(op, at, i-2), depth)
		if err == nil {
			err = a.fits(p.Kind)
		}
		if err != nil {
			return Nav{}, locate(err, at, op.Name)
		}
		n.args = append(n.args, a)
	}
	var err error
	if n.args, err = op.complete(n.args); err != nil {
		return Nav{}, locate(err, at, op.Name)
	}
	return n, nil
}

func (d *binaryReader) arg(v value.Value, prefix string, depth int) (Argument, error) {
	bad := fail(ErrSyntax, "an argument is a list of its kind and what that demands")
	if v.Kind() != value.KindList || v.Len() < 2 || v.Index(0).Kind() != value.KindInt {
		return Argument{}, bad
	}
	tag, body := v.Index(0).AsInt(), v.Index(1)
	if v.Len() > 2 && (tag != tagOptions || v.Len() > 3) {
		return Argument{}, bad
	}
	switch {
	case tag == tagConst:
		return constArg(body), nil
	case tag == tagParam && body.Kind() == value.KindInt:
		i := body.AsInt()
		if i < 0 || i >= maxArg {
			i = -1
		}
		return paramArg(int(i))
	case tag == tagPath && body.Kind() == value.KindList:
		p, err := d.navs(body, 0, prefix, depth+1)
		return pathArg(p), err
	case tag == tagFunc && body.Kind() == value.KindString && body.Len() > 0:
		return funcArg(Named(body.AsString())), nil
	case tag == tagOptions && body.Kind() == value.KindInt:
		return d.options(v, body.AsInt())
	}
	return Argument{}, bad
}

func (d *binaryReader) options(v value.Value, bits int64) (Argument, error) {
	o, err := optsOfBits(bits)
	if err != nil {
		return Argument{}, err
	}
	if v.Len() == 3 {
		max, err := d.amount(v.Index(2))
		if err != nil {
			return Argument{}, err
		}
		o.max = &max
	}
	return Argument{kind: argOptions, opts: o}, o.check()
}

// amount reads a maximal amount: a constant or a parameter.
func (d *binaryReader) amount(v value.Value) (Argument, error) {
	if v.Kind() == value.KindList && v.Len() == 2 && v.Index(0).Kind() == value.KindInt {
		if tag := v.Index(0).AsInt(); tag == tagConst || tag == tagParam {
			return d.arg(v, "", 0)
		}
	}
	return Argument{}, fail(ErrSyntax, "a maximal amount is a constant or an Arg")
}
