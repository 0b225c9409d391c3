// Package paths is the path language: how reads and writes name locations inside
// nested data.
//
// A path is a list of navigators. Each gets from a location to others: key to
// the value at a key, all to each element, a filter to the location itself or
// nowhere. A select returns what the whole path reaches. A transform replaces
// each location that it reaches by what a term, the path's last navigator, makes
// of it, and gives back the data with these replaced:
//
//	paths.New("users", paths.Key(paths.Arg(0)), "visits", paths.NullToVal(0), paths.Term("INC"))
//
// # Two operations
//
// Select and Transform of Navigator carry everything, as in Specter, from which
// the semantics come (github.com/redplanetlabs/specter). A select calls the next
// step for each location; a transform puts what the next step returns in the
// location's place. Neither knows what comes behind. So a path can be as long as
// it likes, and a navigator is a small value of its own: one file that enters it
// into the register with its names, its number, its arguments and how it runs.
// The compiler, the JSON form and the binary form are made of the register; the
// one navigator they know is key, for which a string alone stands.
//
// Navigators that go on with several paths (multiPath, ifPath) are linked to
// the steps behind them when the path is compiled: each of their paths ends in
// the one copy of what follows. Paths that are run for what they find alone, as
// a filter's, are linked to an end of their own.
//
// # One layer below
//
// Data lies in three ways: as decoded values, as encoded ones, and kept apart,
// one element at a time, behind a Stored. All navigators see it through coll
// and the Eval's functions on it (coll.go, write.go, rebuild.go, span.go), and
// none looks around them. So a path means the same wherever the data is, and
// the tests run every case on all of them.
//
// They differ in what a transform does. A plain value never changes: the
// transform returns another one that shares what stayed. A structure kept apart
// changes in place, element by element, and its handle is returned; the handle
// is then put back into what holds it, for that may have to know. Two rules keep
// the two the same. A structure is never written while it is scanned: elements
// are taken out by the chunk, and those that get another key arrive when all
// have left. And what moves is read whole before anything is written, because
// a handle names a place and not a value.
//
// # Null, absent, void
//
// Null is a value. What is absent reads as null, save that must, setElem and
// mapKey reach it not. Void is no value: it is where afterElem and voidSetElem
// lead, and what a term returns to remove a location. A navigator that looks at
// void takes it for null; one that reaches nothing returns what it was given,
// void as void. A structure kept apart that does not exist counts as null.
//
// # Words
//
//	location    a place in the data that a path reaches, and the value there
//	navigator   a way from a location to others; as written, a Nav
//	step        a navigator of a compiled path, with what follows it
//	term        a navigator that ends a transform: it says what a location becomes
//	branch      one way through a path; a branch carries its collected values
//	closed path a path among a navigator's arguments that is run for what it finds
//	handle      a Value that stands for a Stored, a structure kept apart
//	plain       a Value that is no handle and holds none
//	part        a sub-collection that a navigator takes out and puts back
//	blind       a step is, if what it makes of a location does not depend on it
package paths
