package stream

import "rama/server/option"

// The options of stream topologies, with the reference system's names. Where it
// publishes no default, the reason for ours stands behind it.
var (
	// MaxExecuting bounds memory: a pending record costs its bytes and some 200 more.
	MaxExecuting = option.Int("topology.stream.max.executing.per.task", option.Topology, 10_000, 1, 10_000_000,
		"records of a depot partition that a topology processes at once; beyond, it is throttled")
	// Timeout is longer than a failover, so that a slow hop is not taken for a lost
	// one.
	Timeout = option.Int("topology.stream.timeout.seconds", option.Topology, 30, 1, 86_400,
		"time after which a record whose events have not all finished is tried again")
	// CheckpointRecords costs one small write in a thousand records.
	CheckpointRecords = option.Int("topology.stream.checkpoint.progress.threshold", option.Topology, 1000, 1, 10_000_000,
		"records that are done before the progress is saved")
	// CheckpointSeconds bounds what an idle topology runs again after a restart.
	CheckpointSeconds = option.Int("topology.stream.periodic.checkpoint.seconds", option.Topology, 5, 1, 86_400,
		"time after which progress is saved however few records are done")
	// FetchRecords bounds one event that reads a depot partition.
	FetchRecords = option.Int("depot.max.fetch", option.Depot, 250, 1, 1_000_000,
		"records that one event reads of a depot partition to catch up")
	// FailFirst is the reference system's rule.
	FailFirst = option.Bool("depot.ack.failure.on.any.streaming.failure", option.Depot, true,
		"an append with ack fails as soon as a topology fails on it once, even if it is tried again")
	// MaxAcked bounds the appends that wait for topologies.
	MaxAcked = option.Int("depot.max.pending.streaming.per.partition", option.Depot, 100_000, 1, 10_000_000,
		"appends with ack that wait for stream topologies at once, for each partition")
)
