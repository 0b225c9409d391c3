// Package engine keeps the data of one task group: a log-structured store on
// disk, and above it the writes that are not committed yet.
//
// # One entry's way through
//
// Topology code of a task writes into the task's Overlay. A batch of such writes
// is cut into a body, which becomes a section of a log entry. When the log says
// that the entry is committed, Store.Apply moves its sections into the store and
// the overlay drops its layer. So the store holds committed writes only, readers
// of the store see nothing else, and the owner of the overlay sees its own writes
// before they are committed:
//
//	Put, Delete --> open layer --Cut--> body --> Entry --> the log
//	                    |                                    |
//	                cut layers  <-------Drop-------  Store.Apply(index)
//	                    |
//	                  store
//
// The body is written once. The bytes that Put appends are the section of the
// entry, the frame in the log and the input of Apply.
//
// # What survives a crash
//
// The store writes no log of its own; the log of entries is its log. Every Apply
// writes the index of its entry in the same atomic batch, and Pebble flushes
// batches in order. So after any crash the store holds the entries 1 to Applied,
// each of them whole, and replay goes on at Applied+1. Flushed tells what a
// crash would leave, and thereby which entries the log may drop.
//
// # What happens when the disk fails
//
// The first failed write, sync or background job makes the store fail: the
// cause goes to Options.Fatal, nothing is written any more, every write is
// refused with ErrFailed, and reads go on. Nothing is tried again, for a second
// sync can report a success that it is not. Reopening starts afresh from what the
// disk holds.
//
// # Words
//
//	task group  tasks that one thread runs and one log replicates; one Store
//	key         task, object, node and the keys of values: keys.go
//	body        writes as bytes: body.go
//	entry       what the log replicates: bodies and depot records: entry.go
//	layer       the uncommitted writes between two cuts
//	mark        a savepoint inside the open layer
//	catalogue   which object and which node of its schema has which number
//	local       a record about this replica alone, not replicated
package engine
