package task

// Log is a group's replication log as the group uses it: on the thread, never
// waiting. Package replog's Replica is one.
type Log interface {
	// Propose appends an entry. It commits later, or not at all.
	Propose(payload []byte) (index uint64, err error)
	// Poll hands over the entries that have committed since the last call, in order.
	Poll(apply func(index, epoch uint64, payload []byte) error) error
	// Idle reports whether an entry proposed now would be written at once.
	Idle() bool
}

// Deferred is something that must not happen before what it depends on is
// committed: an answer, a hop. Release runs on the group's thread, once. Drop runs
// instead where that will never be known: the replica halted or stepped down.
type Deferred interface {
	Release()
	Drop(err error)
}

// ReleaseFunc is a Deferred without anything to do when it is dropped.
type ReleaseFunc func()

// Release calls f.
func (f ReleaseFunc) Release() { f() }

// Drop does nothing.
func (f ReleaseFunc) Drop(error) {}
