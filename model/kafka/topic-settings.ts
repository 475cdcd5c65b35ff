/**
 * Settings of a topic: key, kind, legal values, and the version that brought it where that is later
 * than 2.6. Read from the definitions in Kafka's own jars, 2.6.0, 3.9.1 and 4.1.1 to 4.4.0
 * (`LogConfig`); internal settings are left out. ./settings.ts has the grammar.
 */
export const TOPIC_SETTINGS = `
cleanup.policy list compact|delete
compression.gzip.level int -1|1..9 since=3.8.0
compression.lz4.level int 1..17 since=3.8.0
compression.type text uncompressed|zstd|lz4|snappy|gzip|producer
compression.zstd.level int -131072..22 since=3.8.0
delete.retention.ms long 0..
errors.deadletterqueue.group.enable boolean since=4.4.0
file.delete.delay.ms long 0..
flush.messages long 1..
flush.ms long 0..
follower.replication.throttled.replicas list
index.interval.bytes int 0..
leader.replication.throttled.replicas list
local.retention.bytes long -2.. since=3.6.0
local.retention.ms long -2.. since=3.6.0
max.compaction.lag.ms long 1..
max.decompressed.message.bytes int 1..2147483639 since=4.4.0
max.message.bytes int 0..
message.timestamp.after.max.ms long 0.. since=3.6.0
message.timestamp.before.max.ms long 0.. since=3.6.0
message.timestamp.type text CreateTime|LogAppendTime
min.cleanable.dirty.ratio double 0..1
min.compaction.lag.ms long 0..
min.insync.replicas int 1..
preallocate boolean
remote.copy.lag.bytes long -1.. since=4.4.0
remote.copy.lag.ms long -1.. since=4.4.0
remote.log.copy.disable boolean since=3.9.0
remote.log.delete.on.disable boolean since=3.9.0
remote.storage.enable boolean since=3.6.0
retention.bytes long
retention.ms long -1..
segment.bytes int 1048576..
segment.index.bytes int 4..
segment.jitter.ms long 0..
segment.ms long 1..
unclean.leader.election.enable boolean
`;

/** What Kafka 4.0 took away or made narrower: as 2.6 to 3.9 have it. The lab runs none of those; the provider may meet one. */
export const FORMER_TOPIC_SETTINGS = `
message.downconversion.enable boolean
message.format.version text
message.timestamp.difference.max.ms long 0..
segment.bytes int 14..
`;
