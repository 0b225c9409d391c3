package paths

import (
	"rama/engine/value"
)

// Navigator is one way to get from a location to others. Two operations carry
// everything, as in Specter.
//
// at is the location: null, a scalar, a plain collection or a handle; or void,
// where a value can be put but none is. Void counts as null for whoever looks at
// it.
type Navigator interface {
	// Select calls next.Select for each location that the navigator reaches.
	Select(e *Eval, at value.Value, next *Step) error
	// Transform returns what at becomes when each location that the navigator
	// reaches becomes what next.Transform makes of it; value.Void removes it. A
	// navigator that reaches none returns at itself. A plain value never changes:
	// what it becomes is another value. What is kept apart changes in place, and
	// the handle is returned.
	Transform(e *Eval, at value.Value, next *Step) (value.Value, error)
}

// Effect says how much the result of a step's Transform depends on the location
// it is given.
type Effect uint8

// The effects.
const (
	// EffectReads: the result depends on the location.
	EffectReads Effect = iota
	// EffectBlind: it does not. Then a location need not be read to be transformed.
	EffectBlind
	// EffectRemoves: the location is removed, whatever it is. Then not even
	// whether it is there need be known.
	EffectRemoves
)

// An Effecter is a Navigator that knows the effect of a step of it. Others read.
type Effecter interface {
	Effect(next *Step) Effect
}

// Step is one step of a compiled path: a navigator and the steps that follow it.
// A step may follow several others. Steps never change.
type Step struct {
	nav    Navigator
	next   *Step
	effect Effect
	visits int    // locations visited from here on, at most; many: depends on data
	at     string // position, for errors
	name   string // of the navigator
}

// many is the number of visits that depends on the data, or is beyond counting.
const many = 1 << 30

// Effect is the effect of transforming a location by the step.
func (s *Step) Effect() Effect { return s.effect }

// Select goes on from the location at. What the navigator gathers is let go of
// when it is done.
func (s *Step) Select(e *Eval, at value.Value) error {
	if e.visits++; e.visits >= e.due {
		if err := e.pause(); err != nil {
			return err
		}
	}
	live := e.live
	if err := s.nav.Select(e, at, s.next); err != nil {
		return locate(err, s.at, s.name)
	}
	e.live = live
	return nil
}

// Transform returns what the location at becomes.
func (s *Step) Transform(e *Eval, at value.Value) (value.Value, error) {
	if e.visits++; e.visits >= e.due {
		if err := e.pause(); err != nil {
			return value.Nil, err
		}
	}
	live := e.live
	v, err := s.nav.Transform(e, at, s.next)
	if err != nil {
		return value.Nil, locate(err, s.at, s.name)
	}
	e.live = live
	return v, nil
}

// The ends of paths. An end is a navigator that reaches nothing more: it takes
// the location itself.

// emitEnd ends a whole path.
type emitEnd struct{}

func (emitEnd) Select(e *Eval, at value.Value, _ *Step) error { return e.result(at) }

func (emitEnd) Transform(*Eval, value.Value, *Step) (value.Value, error) {
	return value.Nil, ErrNoTerm
}

// foundEnd ends a path of which only counts whether it reaches anything.
type foundEnd struct{}

func (foundEnd) Select(*Eval, value.Value, *Step) error { return errFound }

func (foundEnd) Transform(*Eval, value.Value, *Step) (value.Value, error) {
	return value.Nil, ErrNoTerm
}

// gatherEnd ends a path whose locations are gathered in a list.
type gatherEnd struct{}

func (gatherEnd) Select(e *Eval, at value.Value, _ *Step) error { return e.gather(at) }

func (gatherEnd) Transform(*Eval, value.Value, *Step) (value.Value, error) {
	return value.Nil, ErrNoTerm
}
