// Package rama is what an application imports: it says what a module is, and
// how a client talks to one.
//
// A module declares depots (durable partitioned logs), PStates (durable indexed
// structures of any nested shape) and topologies (code that runs beside the
// data). It is deployed on 2^n tasks; every task holds one partition of every
// depot and PState, and runs the code of every topology on its own data.
//
//	var Social = rama.NewModule("social", func(m *rama.Setup) {
//		follows := rama.DeclareDepot(m, "*follows", rama.HashBy(func(f Follow) int64 { return f.From }))
//		st := m.Stream("graph")
//		followees := rama.DeclarePState(st, "$$followees", pstate.Map(pstate.Int64, pstate.Set(pstate.Int64).Subindexed()))
//
//		f := rama.Source(st, follows)
//		rama.Each(f, func(t *rama.Task, f Follow) error { return followees.Transform(t, addFollowee, f.From, f.To) })
//	})
//
//	var addFollowee = rama.NewPath(paths.Key(paths.Arg(0)), paths.VoidSetElem(), paths.TermVal(paths.Arg(1)))
//
// The package is plain data and functions: nothing here runs a module. A
// definition (Definition) is what the server's runtime executes; the interfaces
// Cluster, DepotClient and PStateClient are what its clients implement.
package rama
