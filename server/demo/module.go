package demo

import (
	"slices"

	"rama"
	"rama/paths"
	"rama/pstate"
)

// Names of the module and its objects.
const (
	ModuleName   = "packages"
	Packages     = "*packages"
	ByName       = "$$packages"
	ReverseDeps  = "$$rdeps"
	Maintainers  = "$$maintainers"
	BySize       = "$$bySize"
	previousName = "$$previous"
	ownedName    = "$$maintainerPackages"
)

var packageSchema = pstate.FixedKeys(
	pstate.Field("version", pstate.String),
	pstate.Field("section", pstate.String),
	pstate.Field("maintainer", pstate.String),
	pstate.Field("installedSize", pstate.Int64),
	pstate.Field("depends", pstate.List(pstate.String)),
)

// Module is the demo's module. Its PStates:
//
//	$$packages     name -> version, section, maintainer, installedSize, depends
//	$$rdeps        name -> set of the packages that depend on it
//	$$maintainers  maintainer -> packages (how many), installedSize (KiB in all)
//	$$bySize       section -> installed size -> set of names
//
// Two more are its own: what a record replaced, so that what the old one caused
// can be taken back even if the record is processed again, and which packages a
// maintainer's figures are made of, so that none counts twice.
var Module = rama.NewModule(ModuleName, define)

// change is a record on its way: what a package is now and what it was before.
type change struct {
	Name     string
	Now, Old *Package
}

func define(m *rama.Setup) {
	depot := rama.DeclareDepot(m, Packages, rama.HashByField[Record]("Package"))
	st := m.Stream("index")
	byName := rama.DeclarePState(st, ByName, pstate.Map(pstate.String, packageSchema))
	previous := rama.DeclarePState(st, previousName, pstate.Map(pstate.String, packageSchema), rama.Private())
	records := rama.Map(rama.Source(st, depot), func(t *rama.Task, r Record) (change, error) {
		now, err := r.Package()
		if err != nil {
			return change{}, err
		}
		return replace(t, byName, previous, r.Name(), now)
	})
	defineReverse(st, records)
	defineMaintainers(st, records)
	defineBySize(st, records)
}

var (
	atKey     = rama.NewPath(paths.Key(paths.Arg(0)))
	setKey    = rama.NewPath(paths.Key(paths.Arg(0)), paths.TermVal(paths.Arg(1)))
	addTo     = rama.NewPath(paths.Key(paths.Arg(0)), paths.VoidSetElem(), paths.TermVal(paths.Arg(1)))
	dropOf    = rama.NewPath(paths.Key(paths.Arg(0)), paths.SetElem(paths.Arg(1)), paths.TermVoid())
	addTo2    = rama.NewPath(paths.Key(paths.Arg(0), paths.Arg(1)), paths.VoidSetElem(), paths.TermVal(paths.Arg(2)))
	dropOf2   = rama.NewPath(paths.Key(paths.Arg(0)), paths.Must(paths.Arg(1)), paths.SetElem(paths.Arg(2)), paths.TermVoid())
	dropEmpty = rama.NewPath(paths.Must(paths.Arg(0), paths.Arg(1)),
		paths.FilterSelected(paths.View(paths.Named("SIZE")), paths.FilterEqual(0)), paths.TermVoid())
)

// replace makes now the package of the name, and says what it replaced: this
// time, or, if the record is processed again, the time before.
func replace(t *rama.Task, byName, previous *rama.PState, name string, now Package) (change, error) {
	c := change{Name: name, Now: &now}
	cur, err := rama.SelectOneAs[*Package](t, byName, atKey, name)
	if err != nil {
		return c, err
	}
	if cur != nil && cur.equal(now) {
		c.Old, err = rama.SelectOneAs[*Package](t, previous, atKey, name)
		return c, err
	}
	if c.Old = cur; cur != nil {
		if err := previous.Transform(t, setKey, name, *cur); err != nil {
			return c, err
		}
	}
	return c, byName.Transform(t, setKey, name, now)
}

func (p Package) equal(o Package) bool {
	return p.Version == o.Version && p.Section == o.Section && p.Maintainer == o.Maintainer &&
		p.InstalledSize == o.InstalledSize && slices.Equal(p.Depends, o.Depends)
}

// link is that a package depends on another, or no longer does.
type link struct {
	On, From string
	Gone     bool
}

func defineReverse(st *rama.Stream, records rama.Flow[change]) {
	rdeps := rama.DeclarePState(st, ReverseDeps, pstate.Map(pstate.String, pstate.Set(pstate.String).Subindexed()))
	links := rama.FlatMap(records, func(_ *rama.Task, c change, emit func(link) error) error {
		if c.Old != nil {
			for _, d := range c.Old.Depends {
				if !slices.Contains(c.Now.Depends, d) {
					if err := emit(link{d, c.Name, true}); err != nil {
						return err
					}
				}
			}
		}
		for _, d := range c.Now.Depends {
			if err := emit(link{d, c.Name, false}); err != nil {
				return err
			}
		}
		return nil
	})
	links = rama.HashPartition(links, func(l link) string { return l.On })
	rama.Each(links, func(t *rama.Task, l link) error {
		if l.Gone {
			return rdeps.Transform(t, dropOf, l.On, l.From)
		}
		return rdeps.Transform(t, addTo, l.On, l.From)
	})
}

// share is what a package adds to its maintainer's figures, or no longer does.
type share struct {
	Maintainer, Name string
	Size             int64
	Gone             bool
}

func defineMaintainers(st *rama.Stream, records rama.Flow[change]) {
	figures := rama.DeclarePState(st, Maintainers, pstate.Map(pstate.String, pstate.FixedKeys(
		pstate.Field("packages", pstate.Int64), pstate.Field("installedSize", pstate.Int64))))
	owned := rama.DeclarePState(st, ownedName,
		pstate.Map(pstate.String, pstate.Map(pstate.String, pstate.Int64).Subindexed()), rama.Private())
	shares := rama.FlatMap(records, func(_ *rama.Task, c change, emit func(share) error) error {
		if c.Old != nil && c.Old.Maintainer != c.Now.Maintainer {
			if err := emit(share{c.Old.Maintainer, c.Name, 0, true}); err != nil {
				return err
			}
		}
		return emit(share{c.Now.Maintainer, c.Name, c.Now.InstalledSize, false})
	})
	shares = rama.HashPartition(shares, func(s share) string { return s.Maintainer })
	rama.Each(shares, func(t *rama.Task, s share) error { return count(t, figures, owned, s) })
}

var (
	ownedSize = rama.NewPath(paths.Key(paths.Arg(0), paths.Arg(1)))
	setOwned  = rama.NewPath(paths.Key(paths.Arg(0), paths.Arg(1)), paths.TermVal(paths.Arg(2)))
	dropOwned = rama.NewPath(paths.Must(paths.Arg(0), paths.Arg(1)), paths.TermVoid())
	addFigure = rama.NewPath(paths.Key(paths.Arg(0)), paths.MultiPath(
		paths.New(paths.Key("packages"), paths.NullToVal(0), paths.Term(paths.Named("PLUS"), paths.Arg(1))),
		paths.New(paths.Key("installedSize"), paths.NullToVal(0), paths.Term(paths.Named("PLUS"), paths.Arg(2)))))
	dropFigure = rama.NewPath(paths.Must(paths.Arg(0)),
		paths.FilterSelected(paths.Key("packages"), paths.FilterEqual(0)), paths.TermVoid())
)

// count brings a maintainer's figures up to date with one package, by what the
// package counted before.
func count(t *rama.Task, figures, owned *rama.PState, s share) error {
	before, err := rama.SelectOneAs[*int64](t, owned, ownedSize, s.Maintainer, s.Name)
	if err != nil {
		return err
	}
	number, size := int64(0), s.Size
	switch {
	case s.Gone && before == nil, !s.Gone && before != nil && *before == s.Size:
		return nil
	case s.Gone:
		number, size = -1, -*before
		err = owned.Transform(t, dropOwned, s.Maintainer, s.Name)
	case before == nil:
		number = 1
		err = owned.Transform(t, setOwned, s.Maintainer, s.Name, s.Size)
	default:
		size -= *before
		err = owned.Transform(t, setOwned, s.Maintainer, s.Name, s.Size)
	}
	if err != nil {
		return err
	}
	if err := figures.Transform(t, addFigure, s.Maintainer, number, size); err != nil {
		return err
	}
	return figures.Transform(t, dropFigure, s.Maintainer)
}

// slot is the place of a package in its section, or where it no longer is.
type slot struct {
	Section, Name string
	Size          int64
	Gone          bool
}

func defineBySize(st *rama.Stream, records rama.Flow[change]) {
	bySize := rama.DeclarePState(st, BySize, pstate.Map(pstate.String,
		pstate.Map(pstate.Int64, pstate.Set(pstate.String).Subindexed()).Subindexed()))
	slots := rama.FlatMap(records, func(_ *rama.Task, c change, emit func(slot) error) error {
		if o := c.Old; o != nil && (o.Section != c.Now.Section || o.InstalledSize != c.Now.InstalledSize) {
			if err := emit(slot{o.Section, c.Name, o.InstalledSize, true}); err != nil {
				return err
			}
		}
		return emit(slot{c.Now.Section, c.Name, c.Now.InstalledSize, false})
	})
	slots = rama.HashPartition(slots, func(s slot) string { return s.Section })
	rama.Each(slots, func(t *rama.Task, s slot) error {
		if !s.Gone {
			return bySize.Transform(t, addTo2, s.Section, s.Size, s.Name)
		}
		if err := bySize.Transform(t, dropOf2, s.Section, s.Size, s.Name); err != nil {
			return err
		}
		return bySize.Transform(t, dropEmpty, s.Section, s.Size)
	})
}
