import { compareNatural } from "../errors";
import { OWNED_BROKER_KEYS } from "./owned-keys";

/**
 * Broker settings that Kafka changes while a broker runs (its documentation calls them `per-broker` or
 * `cluster-wide`; either can be set for one broker), and the version from which on where that is
 * later than 4.1.1. Read from Kafka's own jars, 4.1.1 to 4.4.0
 * (`DynamicBrokerConfig.dynamicConfigUpdateModes`). Left out: what changes by listener alone (`ssl.*`,
 * `sasl.*`, `principal.builder.class`), `config.providers`, and quotas, which no file has.
 */
const RUN_TIME_SETTINGS = `
background.threads
compression.gzip.level
compression.lz4.level
compression.type
compression.zstd.level
cordoned.log.dirs since=4.3.0
errors.deadletterqueue.auto.create.topics.enable since=4.4.0
errors.deadletterqueue.topic.name.prefix since=4.4.0
follower.fetch.last.tiered.offset.enable since=4.3.0
group.consumer.assignment.interval.ms since=4.3.0
group.coordinator.cached.buffer.max.bytes since=4.3.0
group.share.assignment.interval.ms since=4.3.0
group.streams.assignment.interval.ms since=4.3.0
listener.security.protocol.map
listeners
log.cleaner.backoff.ms
log.cleaner.dedupe.buffer.size
log.cleaner.delete.retention.ms
log.cleaner.io.buffer.load.factor
log.cleaner.io.buffer.size
log.cleaner.io.max.bytes.per.second
log.cleaner.max.compaction.lag.ms
log.cleaner.min.cleanable.ratio
log.cleaner.min.compaction.lag.ms
log.cleaner.threads
log.cleanup.policy
log.flush.interval.messages
log.flush.interval.ms
log.index.interval.bytes
log.index.size.max.bytes
log.local.retention.bytes
log.local.retention.ms
log.message.timestamp.after.max.ms
log.message.timestamp.before.max.ms
log.message.timestamp.type
log.preallocate
log.remote.copy.lag.bytes since=4.4.0
log.remote.copy.lag.ms since=4.4.0
log.retention.bytes
log.retention.ms
log.roll.jitter.ms
log.roll.ms
log.segment.bytes
log.segment.delete.delay.ms
max.connection.creation.rate
max.connections
max.connections.per.ip
max.connections.per.ip.overrides
max.decompressed.message.bytes since=4.4.0
message.max.bytes
metric.reporters
min.insync.replicas
num.io.threads
num.network.threads
num.recovery.threads.per.data.dir
num.replica.fetchers
producer.id.expiration.ms
remote.fetch.max.wait.ms
remote.list.offsets.request.timeout.ms
remote.log.index.file.cache.total.size.bytes
remote.log.manager.copier.thread.pool.size
remote.log.manager.copy.max.bytes.per.second
remote.log.manager.expiration.thread.pool.size
remote.log.manager.fetch.max.bytes.per.second
remote.log.manager.follower.thread.pool.size since=4.2.0
remote.log.reader.threads
share.coordinator.cached.buffer.max.bytes since=4.3.0
transaction.partition.verification.enable
unclean.leader.election.enable
`;

/** By key: the version that brought it, undefined for one that all versions of the lab's have. */
const table: ReadonlyMap<string, string | undefined> = new Map(
  RUN_TIME_SETTINGS.trim()
    .split("\n")
    .map((line): [string, string | undefined] => {
      const [key = "", since] = line.split(" ");
      return [key, since?.slice("since=".length)];
    }),
);

export function runTimeSettingKeys(): string[] {
  return [...table.keys()];
}

/**
 * Whether a running broker of this version takes a change from one value to the other. Settings that the
 * lab makes itself are never changed so: an address or a port is more than a setting.
 */
export function changesWhileRunning(
  key: string,
  from: string,
  to: string,
  version: string,
): boolean {
  if (!table.has(key) || Object.hasOwn(OWNED_BROKER_KEYS, key)) return false;
  const since = table.get(key);
  if (since !== undefined && compareNatural(since, version) > 0) return false;
  return !THREADS.test(key) || withinDouble(Number(from), Number(to));
}

/** Pools that Kafka resizes by no more than half and double at once. */
const THREADS = /threads(\.per\.data\.dir)?$|fetchers$|thread\.pool\.size$/;

function withinDouble(from: number, to: number): boolean {
  return to >= Math.floor(from / 2) && to <= from * 2;
}
