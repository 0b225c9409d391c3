package paths

import (
	"rama/engine/value"
)

// Select calls emit for every value that the path navigates to from root, in the
// order of navigation. Where values were collected on the way a result is the
// list of them and the value. An error of emit ends the evaluation and is
// returned as it is.
//
// root is a plain value or the handle of a Stored. Errors wrap ErrTerm, ErrType,
// ErrRange, ErrLimit and others of this package, or come from the Stored.
func (p *Program) Select(e *Eval, root value.Value, emit func(value.Value) error) (err error) {
	defer value.Recover(&err)
	if !p.IsSelect() {
		return fail(ErrTerm, "the path transforms")
	}
	if err := e.begin(p); err != nil {
		return err
	}
	e.emit = emit
	err = p.head.Select(e, root)
	e.emit = nil
	if a, ok := err.(abort); ok {
		return a.error
	}
	return err
}

// SelectAll returns what Select emits.
func (p *Program) SelectAll(e *Eval, root value.Value) ([]value.Value, error) {
	var out []value.Value
	err := p.Select(e, root, func(v value.Value) error { out = append(out, v); return nil })
	return out, err
}

// SelectOne returns the one value that the path navigates to. None or several
// are ErrNotOne.
func (p *Program) SelectOne(e *Eval, root value.Value) (value.Value, error) {
	e.kept, e.keptN = value.Nil, 0
	err := p.Select(e, root, e.keep)
	v := e.kept
	e.kept = value.Nil
	if err != nil && err != errFound {
		return value.Nil, err
	}
	if e.keptN != 1 {
		return value.Nil, NotOne(e.keptN)
	}
	return v, nil
}

// Transform returns what root becomes when the terms of the path are applied.
// Where root is plain it stays as it was and another value is returned; where it
// is a handle it changes in place, an error can leave some of the changes done,
// and the handle is returned, or a plain value that is to take its place.
func (p *Program) Transform(e *Eval, root value.Value) (v value.Value, err error) {
	defer value.Recover(&err)
	if err := e.begin(p); err != nil {
		return value.Nil, err
	}
	v, err = p.head.Transform(e, root)
	if a, ok := err.(abort); ok {
		err = a.error
	}
	if err != nil {
		return value.Nil, err
	}
	if v.IsVoid() && !root.IsVoid() {
		return value.Nil, fail(ErrNotWritable, "the top level cannot be removed")
	}
	return e.stow(v)
}
