package paths

import (
	"fmt"
	"strings"

	"rama/engine/value"
)

// AppendJSON appends the JSON form of a path to dst; ParseJSON with Params reads
// it. A path with functions or navigators that have no name is ErrArgument.
func AppendJSON(dst []byte, p Path) ([]byte, error) {
	w := jsonWriter{out: dst}
	err := w.path(p, "")
	if err != nil {
		return nil, err
	}
	return w.out, nil
}

type jsonWriter struct{ out []byte }

func (w *jsonWriter) text(s string) { w.out = append(w.out, s...) }

func (w *jsonWriter) value(v value.Value) { w.out = value.AppendJSON(w.out, v, value.Tagged) }

func (w *jsonWriter) path(p Path, prefix string) error {
	w.text("[")
	if err := w.navs(p, prefix, false); err != nil {
		return err
	}
	w.text("]")
	return nil
}

// navs writes navigators behind commas; more says that something stands before
// the first.
func (w *jsonWriter) navs(p Path, prefix string, more bool) error {
	for i, n := range p {
		if more || i > 0 {
			w.text(",")
		}
		if err := w.nav(n, stepAt(prefix, i)); err != nil {
			return err
		}
	}
	return nil
}

func (w *jsonWriter) nav(n Nav, at string) error {
	if err := n.sendable(); err != nil {
		return locate(err, at, n.name())
	}
	if n.op.Code == codeKey && len(n.args) == 1 && n.args[0].kind == argValue {
		if v := n.args[0].val; v.Kind() == value.KindString && !strings.HasPrefix(v.AsString(), "#__") {
			w.value(v)
			return nil
		}
	}
	w.text(`["` + n.op.Name + `"`)
	for i, a := range n.args {
		p, err := n.op.param(i)
		if err != nil {
			return locate(err, at, n.op.Name)
		}
		if p.Kind == ParamNavs {
			if err := w.navs(a.path, at+".", true); err != nil {
				return err
			}
			break
		}
		w.text(",")
		if err := w.argument(a, inner(n.op, at, i)); err != nil {
			return err
		}
	}
	w.text("]")
	return nil
}

func (w *jsonWriter) argument(a Argument, prefix string) error {
	switch a.kind {
	case argParam:
		w.out = fmt.Appendf(w.out, `["arg",%d]`, a.param)
	case argPath:
		return w.path(a.path, prefix)
	case argFunc:
		w.out = value.AppendJSON(w.out, value.String("#__f"+a.fn.name), value.Plain)
	case argOptions:
		w.options(a.opts)
	default:
		v := a.val
		if v.Kind() == value.KindList && v.Len() == 2 && (isText(v.Index(0), "arg") || isText(v.Index(0), "const")) {
			v = value.List(value.String("const"), v)
		}
		w.value(v)
	}
	return nil
}

func (w *jsonWriter) options(o *rangeOpts) {
	sep := "{"
	for _, f := range []struct {
		set  bool
		text string
	}{{o.excludeStart, `"inclusive-start?":false`}, {o.includeEnd, `"inclusive-end?":true`}, {o.max != nil, `"max-amt":`}} {
		if f.set {
			w.text(sep + f.text)
			sep = ","
		}
	}
	if o.max != nil {
		_ = w.argument(*o.max, "") // a value: no error
	} else if sep == "{" {
		w.text(sep)
	}
	w.text("}")
}

func (n Nav) name() string {
	if n.op == nil {
		return ""
	}
	return n.op.Name
}

// sendable reports whether the navigator can leave the process.
func (n Nav) sendable() error {
	if n.op == nil {
		return fail(ErrSyntax, "no navigator")
	}
	if n.err != nil {
		return n.err
	}
	for _, a := range n.args {
		if (a.kind == argFunc && a.fn.name == "") || a.kind == argBuilder {
			return fail(ErrArgument, "a Go function has no name by which it could be sent")
		}
		if a.kind == argValue && hasUnsendable(a.val) {
			return fail(ErrArgument, "a handle or void in an argument")
		}
	}
	return nil
}

// hasUnsendable reports whether a value holds what has no encoding.
func hasUnsendable(v value.Value) bool {
	switch {
	case v.Kind() >= value.KindVoid:
		return true
	case v.Kind() == value.KindMap:
		for _, e := range v.Pairs() {
			if hasUnsendable(e) {
				return true
			}
		}
	case v.Kind() == value.KindList:
		for e := range v.All() {
			if hasUnsendable(e) {
				return true
			}
		}
	}
	return false
}
