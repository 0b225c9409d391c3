// Package demo is the module that rama-server dev --demo runs: the package index
// of a Debian distribution, queried by name, by what depends on what, by
// maintainer and by size.
//
// The depot *packages takes records as they stand in the index, field by field.
// One stream topology builds four PStates of them. Every step may be run again
// for the same record, after a crash or because a record is appended twice, and
// changes nothing then: what it writes says what is, not what to add.
package demo
