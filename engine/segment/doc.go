// Package segment keeps an append-only log of records in a directory of files.
//
// Records have dense offsets: the first is 0, each later one the offset before
// it plus one. An append writes one block of records to the last file with one
// write and no sync; Sync makes all of it durable and says up to where. Reads go
// by offset, find their place by a sparse index, and run beside the appends.
//
// # Who remembers what is durable
//
// The log cannot tell by itself where it ends after a crash. What lies behind
// the last sync may be whole, torn, zeros, or whole and yet void, because the
// owner begins again at an earlier point and writes something else. So the owner
// keeps the Position that Sync returned, in its own store, together with the
// state that goes with it, and hands it to Open. Below that position everything
// must be there: damage is ErrCorrupt, with file and byte. Above it nothing is
// believed, and the owner appends it again from its own log.
//
// # Bytes are written once
//
// The file systems of package vfs cannot cut a file. Writing over the void tail
// would do, as long as every reader knows where the file ends; but then a file
// linked into a checkpoint would change under it, and a block of the void tail
// could come to lie exactly where the next block is looked for, with the right
// offset and a good checksum. So a file with bytes behind the position is never
// written again: the next append opens a new segment. A segment ends where the
// next one begins, by offset, whatever lies behind. Only the bytes of an append
// that failed, which no reader ever saw, are written over.
//
// # Life of a segment
//
//	active        the last one. Its index is in memory
//	sealed, raw   full, or cut by Open. Its index is in its footer
//	sealed, packed  SealNext copied it into large compressed blocks
//	gone          TrimBefore removed it
//
// Packing changes positions in the file and trimming removes it, and a crash may
// throw the owner's store back to the position before. So both leave alone what
// is not wholly below the position that the owner called Recorded.
//
// # Words
//
//	record    a string of bytes; what it means is not known here
//	block     records under one header and one checksum; see format.go
//	segment   a file of blocks, named by the offset of its first record
//	position  up to where the log is durable: segment, byte, offset, time
//	start     the first offset that can be read; lower ones were trimmed
//	end       the offset that the next record gets
//	seal      to write no more to a segment; to pack, to rewrite it in its
//	          final form
package segment
