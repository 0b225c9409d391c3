// Package task runs the tasks of a module: single-threaded actors that own one
// partition of everything.
//
// A Thread is one goroutine that runs the events of its tasks, one at a time,
// each to its end. The tasks of one thread form a Group, the unit of
// replication: they share a store and a replication log, and what their events
// write is made durable together.
//
// # A turn
//
// Events wait in five queues, one a category (category.go). The thread takes the
// next from the category that is furthest behind its share of the thread's time,
// until none waits or enough have run, and then looks whether to cut the batch.
//
// An event's writes go to the overlay of its task (package engine), its appends
// and whatever must wait for them to the open batch (batch.go). The batch is cut
// when the log takes another, or when it is full: so the batches grow with the
// load, by themselves, and no timer decides. A cut batch becomes one entry of the
// replication log. While it is written the thread goes on with the next: overlays
// stack.
//
// When the entry commits it is applied to the store and to the depots, the
// overlay's layer is dropped, and what waited for it runs: acks, hops, and
// whatever else may only be seen once it cannot be lost.
//
// # Failure
//
// The unit is the event. An event that fails, or panics, leaves nothing: its
// writes are rolled back and what it wanted to send is forgotten, while the other
// events of the batch stay.
package task
