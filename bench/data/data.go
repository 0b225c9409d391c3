// Package data ships the data that demos and benchmarks run on.
package data

import _ "embed"

// DebianPackages is a slice of a Debian package index, compressed with zstd; see
// README.md beside it for source and licence.
//
//go:embed debian-packages.zst
var DebianPackages []byte
