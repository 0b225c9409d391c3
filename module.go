package rama

import (
	"errors"
	"fmt"
	"strings"

	"rama/engine/value"
	"rama/pstate"
)

// Module is an application: a name and a function that defines it. The function
// runs once in every process that deals with the module, and must define the
// same each time.
type Module struct {
	name   string
	define func(*Setup)
}

// NewModule names a module and the function that defines it.
func NewModule(name string, define func(*Setup)) *Module { return &Module{name, define} }

// Name is the module's name.
func (m *Module) Name() string { return m.name }

// Definition is what a module is: the plain data of its declarations and the
// functions of its topologies. It does not change once it is made.
type Definition struct {
	Name    string
	Depots  []*DepotDef
	PStates []*PStateDef
	Streams []*StreamDef
	// Options are the dynamic options that the module sets at its launch.
	Options []OptionSetting
}

// OptionSetting is a dynamic option set by module code. Object is the topology,
// depot or PState; empty for the whole module.
type OptionSetting struct {
	Object, Name string
	Value        value.Value
}

// Setup collects the declarations of one module.
type Setup struct {
	def  *Definition
	errs []error
}

// Define runs the module's function. Errors wrap ErrDefinition, name every
// fault and where it is.
func (m *Module) Define() (*Definition, error) {
	s := &Setup{def: &Definition{Name: m.name}}
	if m.name == "" || strings.ContainsAny(m.name, " \t\n\x00") {
		s.fail("module", "the name %q is empty or has white space", m.name)
	}
	m.define(s)
	s.finish()
	if len(s.errs) > 0 {
		return nil, fmt.Errorf("module %s: %w", m.name, errors.Join(s.errs...))
	}
	return s.def, nil
}

func (s *Setup) fail(where, format string, args ...any) {
	s.errs = append(s.errs, fmt.Errorf("%w: %s: %s", ErrDefinition, where, fmt.Sprintf(format, args...)))
}

// SetOption sets a dynamic option for the launch of the module; object is a
// topology, depot or PState, or empty for the whole module. An operator's
// setting takes its place.
func (s *Setup) SetOption(object, name string, v any) {
	val, err := value.Of(v)
	if err != nil {
		s.fail("option "+name, "%v", err)
		return
	}
	s.def.Options = append(s.def.Options, OptionSetting{object, name, val})
}

// finish checks what only the whole can tell.
func (s *Setup) finish() {
	for _, st := range s.def.Streams {
		if len(st.Sources) == 0 {
			s.fail("stream "+st.Name, "has no source")
		}
	}
}

// name registers the name of a depot or PState, which must be new and begin with
// the prefix.
func (s *Setup) name(kind, prefix, name string) bool {
	where := kind + " " + name
	if !strings.HasPrefix(name, prefix) || len(name) == len(prefix) || strings.ContainsAny(name, "/ \t\n\x00") {
		s.fail(where, "its name must begin with %q and have no slash or white space", prefix)
		return false
	}
	if _, ok := s.def.Depot(name); ok {
		s.fail(where, "is declared twice")
		return false
	}
	if _, ok := s.def.PState(name); ok {
		s.fail(where, "is declared twice")
		return false
	}
	return true
}

// Depot is the depot with the name.
func (d *Definition) Depot(name string) (*DepotDef, bool) {
	for _, o := range d.Depots {
		if o.Name == name {
			return o, true
		}
	}
	return nil, false
}

// PState is the PState with the name.
func (d *Definition) PState(name string) (*PStateDef, bool) {
	for _, o := range d.PStates {
		if o.Name == name {
			return o, true
		}
	}
	return nil, false
}

// Stream is the stream topology with the name.
func (d *Definition) Stream(name string) (*StreamDef, bool) {
	for _, o := range d.Streams {
		if o.Name == name {
			return o, true
		}
	}
	return nil, false
}

// Describe returns the definition as plain data, without its functions: what can
// be stored, compared and shown.
func (d *Definition) Describe() Description {
	out := Description{Name: d.Name, Depots: []DepotDescription{}, PStates: []PStateDescription{}, Streams: []StreamDescription{}}
	for _, o := range d.Depots {
		out.Depots = append(out.Depots, DepotDescription{o.Name, o.Partitioner.Kind.String(), o.Partitioner.Global, o.Field})
	}
	for _, o := range d.PStates {
		out.PStates = append(out.PStates, PStateDescription{o.Name, o.Topology, o.Schema, o.Options.Global, o.Options.Private})
	}
	for _, o := range d.Streams {
		s := StreamDescription{Name: o.Name, Stages: len(o.Stages)}
		for _, src := range o.Sources {
			s.Sources = append(s.Sources, SourceDescription{src.Depot.Name, src.ID, src.Retry.String(), src.StartFrom.String()})
		}
		out.Streams = append(out.Streams, s)
	}
	return out
}

// Description is a module's definition as plain data.
type Description struct {
	Name    string              `json:"name"`
	Depots  []DepotDescription  `json:"depots"`
	PStates []PStateDescription `json:"pstates"`
	Streams []StreamDescription `json:"streams"`
}

// DepotDescription is a depot's declaration as plain data.
type DepotDescription struct {
	Name        string   `json:"name"`
	Partitioner string   `json:"partitioner"`
	Global      bool     `json:"global,omitempty"`
	Field       []string `json:"field,omitempty"`
}

// PStateDescription is a PState's declaration as plain data.
type PStateDescription struct {
	Name     string        `json:"name"`
	Topology string        `json:"topology"`
	Schema   pstate.Schema `json:"schema"`
	Global   bool          `json:"global,omitempty"`
	Private  bool          `json:"private,omitempty"`
}

// StreamDescription is a stream topology's declaration as plain data.
type StreamDescription struct {
	Name    string              `json:"name"`
	Sources []SourceDescription `json:"sources"`
	Stages  int                 `json:"stages"`
}

// SourceDescription is a source's declaration as plain data.
type SourceDescription struct {
	Depot     string `json:"depot"`
	ID        string `json:"id,omitempty"`
	Retry     string `json:"retry"`
	StartFrom string `json:"startFrom"`
}
