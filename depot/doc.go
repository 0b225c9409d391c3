// Package depot keeps one partition of a depot: a durable log of records that
// clients and topologies append to, and that topologies and clients read.
//
// # A partition
//
// A Partition stands on a segment log (package engine/segment) and on what the
// replication log tells it: Apply is called with the records of committed
// entries, in order, with the offsets that the leader gave them. So a partition
// decides nothing. After a restart entries come again; records that are already
// there are skipped, and a gap means that the caller's reasoning failed.
//
// The newest records are also kept in memory, some hundred kilobytes of them, so
// that consumers who are up to date touch no file.
//
// # Where a record goes
//
// A Partitioner says on which partition a record of a client belongs. It is plain
// data and, for keys and free choice, a Go function that client and module both
// have. Topologies append where they stand and ask no partitioner.
//
// # Appending once
//
// A client that got no answer repeats its append. Producers remembers, for each
// producer, which sequence numbers were accepted and at which offsets, from the
// moment the leader takes them, committed or not. What it remembers travels in
// the same entry as the records, as small key/value pairs, so that the next
// leader knows as much.
//
// # Words
//
//	offset     the number of a record in its partition; dense, from 0 on
//	start      the first offset that can be read; trimming raises it
//	end        the offset that the next record gets
//	tail       the newest records, kept in memory
//	producer   a client's identity towards one partition, 128 bits
//	sequence   the number of a record of one producer, from 1 on
//	run        consecutive sequences with consecutive offsets
package depot
