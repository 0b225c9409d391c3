package worp

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
)

// Code is the number by which an error is known on the wire. A Code is an error
// itself, the sentinel of all errors that carry it: errors.Is(err,
// worp.CodeNotLeader) is true for an error of that code whether it was made in
// this process or came over a connection. Numbers are never reused.
type Code uint16

// The codes. Below 16 are faults of the protocol, below 48 of the request, below
// 64 of placement and replication, below 80 of depots and topologies, below 96
// conditions of the server, and from 96 on those of the caller's standing.
const (
	CodeBadFrame           Code = 1
	CodeFrameTooLong       Code = 2
	CodeUnsupportedVersion Code = 3
	CodeUnknownType        Code = 4
	CodeBadPayload         Code = 5
	CodeFlowControl        Code = 6

	CodeUnknownModule    Code = 16
	CodeUnknownObject    Code = 17
	CodeUnknownPath      Code = 18
	CodePathSyntax       Code = 19
	CodeUnknownNavigator Code = 20
	CodeUnknownFunction  Code = 21
	CodeArgument         Code = 22
	CodeType             Code = 23
	CodeRange            Code = 24
	CodeNotOne           Code = 25
	CodeLimit            Code = 26
	CodeSchema           Code = 27
	CodeHandle           Code = 28
	CodeEntryTooLarge    Code = 29
	CodeKeyTooLarge      Code = 30
	CodeValueTooLarge    Code = 31
	CodeRecordTooLarge   Code = 32

	CodeNotHere        Code = 48
	CodeNotLeader      Code = 49
	CodeUnavailable    Code = 50
	CodeTimeout        Code = 51
	CodeCancelled      Code = 52
	CodeUnknownOutcome Code = 53

	CodeAppendDisallowed Code = 64
	CodeSequenceGap      Code = 65
	CodeProducerExpired  Code = 66
	CodeTopologyFailed   Code = 67
	CodeThrottled        Code = 68

	CodeOverloaded   Code = 80
	CodeShuttingDown Code = 81
	CodeInternal     Code = 82

	CodeUnauthenticated Code = 96
	CodeForbidden       Code = 97
	CodeNotFound        Code = 98
	CodeConflict        Code = 99
)

// CodeInfo is what is known of a code.
type CodeInfo struct {
	Code Code
	Name string
	// Retryable says that the request had no effect, or none that a repeat could
	// double, and that a repeat, perhaps elsewhere or later, can succeed.
	Retryable bool
	// HTTP is the status by which the REST interface reports the error.
	HTTP int
	// Meaning is a sentence for people.
	Meaning string
}

// statusCancelled is what nginx made of a request whose caller went away; HTTP
// has no status for it.
const statusCancelled = 499

// codes is the single table of all codes. docs/PROTOCOL.md repeats it, and a
// test compares them.
var codes = []CodeInfo{
	{CodeBadFrame, "bad_frame", false, http.StatusBadRequest, "bytes that are no frame; the connection closes"},
	{CodeFrameTooLong, "frame_too_long", false, http.StatusRequestEntityTooLarge, "longer than max frame; if it came as a frame the connection closes"},
	{CodeUnsupportedVersion, "unsupported_version", false, http.StatusUpgradeRequired, "no protocol version or feature set in common"},
	{CodeUnknownType, "unknown_type", false, http.StatusBadRequest, "a request of a type that the receiver does not know"},
	{CodeBadPayload, "bad_payload", false, http.StatusBadRequest, "a whole frame whose payload does not have the layout of its type"},
	{CodeFlowControl, "flow_control", false, http.StatusBadRequest, "more sent than the receiver gave credit for; the connection closes"},

	{CodeUnknownModule, "unknown_module", false, http.StatusNotFound, "no such module or module instance"},
	{CodeUnknownObject, "unknown_object", false, http.StatusNotFound, "no such depot, PState or topology"},
	{CodeUnknownPath, "unknown_path", false, http.StatusNotFound, "a path id that was not prepared on this connection"},
	{CodePathSyntax, "path_syntax", false, http.StatusBadRequest, "a path that cannot be read"},
	{CodeUnknownNavigator, "unknown_navigator", false, http.StatusBadRequest, "a path names a navigator that does not exist"},
	{CodeUnknownFunction, "unknown_function", false, http.StatusBadRequest, "a path names a function that is not registered"},
	{CodeArgument, "argument", false, http.StatusBadRequest, "an argument that its receiver cannot take"},
	{CodeType, "type", false, http.StatusUnprocessableEntity, "an operation on a value of a kind that does not have it"},
	{CodeRange, "range", false, http.StatusUnprocessableEntity, "an index, offset or number beyond its range"},
	{CodeNotOne, "not_one", false, http.StatusUnprocessableEntity, "a select of exactly one value found none or several"},
	{CodeLimit, "limit", false, http.StatusUnprocessableEntity, "a configured limit was met"},
	{CodeSchema, "schema", false, http.StatusUnprocessableEntity, "against the schema of a PState"},
	{CodeHandle, "handle", false, http.StatusUnprocessableEntity, "a structure kept apart was asked for as a whole"},
	{CodeEntryTooLarge, "entry_too_large", false, http.StatusRequestEntityTooLarge, "the writes of one event are larger than a log entry may be"},
	{CodeKeyTooLarge, "key_too_large", false, http.StatusRequestEntityTooLarge, "a key longer than allowed"},
	{CodeValueTooLarge, "value_too_large", false, http.StatusRequestEntityTooLarge, "a value larger or deeper than allowed"},
	{CodeRecordTooLarge, "record_too_large", false, http.StatusRequestEntityTooLarge, "a depot record larger than allowed"},

	{CodeNotHere, "not_here", true, http.StatusMisdirectedRequest, "the task is not, or no longer, on this worker: DESCRIBE again"},
	{CodeNotLeader, "not_leader", true, http.StatusMisdirectedRequest, "this worker does not lead the task's group: DESCRIBE again"},
	{CodeUnavailable, "unavailable", true, http.StatusServiceUnavailable, "not enough replicas, or no way to the worker; nothing was done"},
	{CodeTimeout, "timeout", false, http.StatusGatewayTimeout, "not done in time; it may still be done"},
	{CodeCancelled, "cancelled", false, statusCancelled, "the caller gave up; it may have been done"},
	{CodeUnknownOutcome, "unknown_outcome", false, http.StatusGatewayTimeout, "it may have been done, or may still be"},

	{CodeAppendDisallowed, "append_disallowed", false, http.StatusForbidden, "the depot takes no records from clients"},
	{CodeSequenceGap, "sequence_gap", false, http.StatusConflict, "a producer's sequence number does not follow its last one"},
	{CodeProducerExpired, "producer_expired", false, http.StatusGone, "the producer was forgotten, so repeats cannot be told"},
	{CodeTopologyFailed, "topology_failed", false, http.StatusInternalServerError, "a topology failed on the record or the query; the record is stored"},
	{CodeThrottled, "throttled", false, http.StatusTooManyRequests, "a topology is behind; the record is stored but not waited for"},

	{CodeOverloaded, "overloaded", true, http.StatusServiceUnavailable, "no room for the request; nothing was done"},
	{CodeShuttingDown, "shutting_down", true, http.StatusServiceUnavailable, "the server takes no new requests; nothing was done"},
	{CodeInternal, "internal", false, http.StatusInternalServerError, "a fault of the server"},

	{CodeUnauthenticated, "unauthenticated", false, http.StatusUnauthorized, "the caller did not prove who it is"},
	{CodeForbidden, "forbidden", false, http.StatusForbidden, "the caller may not do this"},
	{CodeNotFound, "not_found", false, http.StatusNotFound, "what the request names does not exist"},
	{CodeConflict, "conflict", false, http.StatusConflict, "something else happened in the meantime"},
}

// find looks c up in the table, which is in the order of codes. (An index made at
// init could be asked by another variable's init before it is there.)
func (c Code) find() (CodeInfo, bool) {
	i, known := slices.BinarySearchFunc(codes, c, func(i CodeInfo, c Code) int { return cmp.Compare(i.Code, c) })
	if !known {
		return CodeInfo{}, false
	}
	return codes[i], true
}

// Codes returns what is known of every code, in the order of their numbers.
func Codes() []CodeInfo { return append([]CodeInfo(nil), codes...) }

// Info returns what is known of c. A code of a newer peer is known by its number
// only and counts as not retryable.
func (c Code) Info() CodeInfo {
	if i, ok := c.find(); ok {
		return i
	}
	return CodeInfo{Code: c, Name: fmt.Sprintf("code_%d", uint16(c)), HTTP: http.StatusInternalServerError}
}

// Error is the name of the code.
func (c Code) Error() string { return c.Info().Name }
