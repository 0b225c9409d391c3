package rama

import (
	"errors"

	"rama/depot"
	"rama/paths"
	"rama/pstate"
)

// The errors that a client can meet, for errors.Is. The message says what was
// wrong and where. Errors of paths and schemas are those of their packages:
// paths.ErrNotOne, pstate.ErrSchema and so on.
var (
	// ErrDefinition: the module cannot be: the message names topology and step.
	ErrDefinition = errors.New("bad module definition")
	// ErrUnknownModule: no such module is deployed, or it is not alive.
	ErrUnknownModule = errors.New("unknown module")
	// ErrUnknownObject: the module has no such depot or PState.
	ErrUnknownObject = errors.New("unknown object")
	// ErrUnknownOption: there is no such option, or not at this level.
	ErrUnknownOption = errors.New("unknown option")
	// ErrPrivate: the PState may only be read by its topology.
	ErrPrivate = errors.New("private PState")
	// ErrNeedsKey: a path must begin with a key, or the call name a partition key.
	ErrNeedsKey = errors.New("path does not begin with a key")
	// ErrUnavailable: nobody serves the task at the moment. May be tried again.
	ErrUnavailable = errors.New("unavailable")
	// ErrTimeout: the operation took longer than it may. An append may have
	// happened.
	ErrTimeout = errors.New("timeout")
	// ErrUnknownOutcome: the connection was lost; an append may have happened.
	ErrUnknownOutcome = errors.New("outcome unknown")
	// ErrTopologyFailed: the record is stored, but a topology failed on it.
	ErrTopologyFailed = errors.New("topology failed")
	// ErrThrottled: the record is stored, but a topology has too many pending.
	ErrThrottled = errors.New("topology throttled")
	// ErrTooLarge: the record, value or entry is beyond its limit.
	ErrTooLarge = errors.New("too large")
	// ErrOverloaded: the server has no room for the call. May be tried again.
	ErrOverloaded = errors.New("overloaded")
	// ErrShuttingDown: the server stops. May be tried elsewhere.
	ErrShuttingDown = errors.New("shutting down")
	// ErrClosed: the client or cluster was closed.
	ErrClosed = errors.New("closed")
	// ErrBadInput: a request that makes no sense; the message says why.
	ErrBadInput = errors.New("bad input")

	// ErrDisallowed: clients may not append to the depot.
	ErrDisallowed = depot.ErrDisallowed
	// ErrSchema: a value does not fit the schema of its location.
	ErrSchema = pstate.ErrSchema
	// ErrNotOne: a select for one value navigated to none or several.
	ErrNotOne = paths.ErrNotOne
)
