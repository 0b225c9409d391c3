// Package value holds what a database location can hold: the values, their
// one total order, and their two encodings.
//
// A value is null, a boolean, a 64-bit integer, a 64-bit float, a string,
// bytes, a time, a UUID, or a list, set or map of values. Values never change:
// an operation that alters a collection returns another one that shares the
// rest.
//
// There are three forms of a value, and no user of the package can tell them
// apart. A scalar lies in the Value itself. A decoded collection is a sorted
// slice. An encoded collection is a slice of the bytes that lie on disk or came
// over the wire: it is navigated where it lies, and only what is asked for is
// looked at. So a select reads one field of a record without decoding the
// record, and copies bytes from the store to the connection.
//
// # The order
//
// Null, false, true, numbers, strings, bytes, times, UUIDs, lists, sets, maps.
// Integers and floats are compared by what they are worth, exactly: 1 equals
// 1.0, and 2^53+1 lies above the float 2^53. NaN equals itself and lies below
// every other number. Strings compare by their UTF-8 bytes. Collections compare
// element by element and a prefix lies before what it begins.
//
// # The encodings
//
// A key (key.go) is a string of bytes whose byte order is the order above and
// no key is the prefix of another. Equal values have one key, so keys can be
// hashed, and a range of keys is a range of values.
//
// A value (cbor.go) is CBOR, RFC 8949, so that any language reads it, with maps
// and sets sorted in the order above, so that the ranges of a blob and of a
// structure whose elements are stored apart agree.
//
// # Words
//
//	canonical  the form a value has as a map key or a set element: a float that
//	           is a whole number of 64 bits is that integer, at any depth
//	void       no value at all; what a transform returns to remove a location
//	handle     a structure whose elements are stored apart; see package paths
//	tagged     the JSON form that keeps every kind apart (json.go)
package value
