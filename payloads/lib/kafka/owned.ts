/** The partitions that are read, where each is, and what an answer holds of them. */
import { type StoredRecord, unpackBatches } from "../../../shared/kafka/batches";
import type { Log } from "../log";
import type { InRecord, Start } from "../records";
import { Code, nameOf } from "./codes";
import { type Fetched, logEnds, type Offset, type Place, type PlaceById } from "./fetch-request";
import type { KafkaLink } from "./link";

/** A partition that is read. Whoever gets it again later gets another object. */
export interface Owned extends PlaceById {
  /** The offset that is read next; undefined until it has been asked for. */
  position: bigint | undefined;
  /** The one that the next record gets, as last told; undefined until then. */
  end: bigint | undefined;
  /** Where it begins if nothing is committed. */
  readonly from: Start;
  /** Being asked for or handled. */
  busy: boolean;
  /** What was read of it cannot be committed: the group went on without us, or the log begins anew. */
  isVoid: boolean;
}

/** What an answer holds of one partition. */
export interface Taken {
  readonly owned: Owned;
  readonly records: readonly StoredRecord[];
  /** Where to go on. */
  readonly next: bigint;
}

export const keyOf = ({ topic, partition }: Place): string => `${topic} ${partition}`;

/**
 * Gives partitions their positions, as far as they are told: where the group had come to, else where each is
 * to begin.
 *
 * @param committed undefined where nobody keeps them
 */
export async function findPositions(
  link: KafkaLink,
  lost: readonly Owned[],
  committed: ((places: readonly PlaceById[]) => Promise<readonly Offset[]>) | undefined,
): Promise<void> {
  const told = await committed?.(lost);
  const known = new Map(
    told?.filter(({ errorCode }) => errorCode === Code.none).map((one) => [keyOf(one), one.offset]),
  );
  const fresh: Owned[] = [];
  for (const owned of lost) {
    const offset = known.get(keyOf(owned));
    if (offset !== undefined && offset >= 0n) owned.position = offset;
    // Nothing is committed; of what was not answered nobody knows.
    else if (told === undefined || offset !== undefined) fresh.push(owned);
  }
  for (const start of new Set(fresh.map(({ from }) => from))) {
    const wanted = fresh.filter(({ from }) => from === start);
    for (const [owned, offset] of await startsOf(link, wanted, start)) owned.position = offset;
  }
}

/**
 * A position that is not in the log any more: where retention has deleted it, what is left is read from its
 * first record; where the log is shorter than that, it was cut off, and begins as a new one does.
 */
async function moveInto(link: KafkaLink, owned: Owned, log: Log): Promise<void> {
  const [start] = (await startsOf(link, [owned], "earliest")).values();
  const [end] = (await startsOf(link, [owned], owned.from)).values();
  const { topic, partition, position } = owned;
  if (start === undefined || end === undefined || position === undefined) return;
  owned.position = position < start ? start : end;
  const words = `${topic}, partition ${partition}: offset ${position} is not in the log any more; going on at ${owned.position}`;
  log("warn", words);
}

async function startsOf(
  link: KafkaLink,
  wanted: readonly Owned[],
  start: Start,
): Promise<ReadonlyMap<Owned, bigint>> {
  const found = new Map<Owned, bigint>();
  if (wanted.length === 0) return found;
  // Where no record is as new as that it is the next one, also if it comes while we ask.
  const ends = typeof start === "object" ? await startsOf(link, wanted, "latest") : undefined;
  for (const one of await logEnds(link, wanted, start)) {
    const owned = wanted.find((each) => keyOf(each) === keyOf(one));
    if (owned === undefined || one.errorCode !== Code.none) continue;
    const offset = one.offset < 0n ? ends?.get(owned) : one.offset;
    if (offset !== undefined) found.set(owned, offset);
  }
  return found;
}

/**
 * Unpacks answers.
 * @throws Error for a batch that cannot be
 */
export async function unpackAnswers(
  link: KafkaLink,
  answers: readonly Fetched[],
  asked: readonly Owned[],
  log: Log,
): Promise<Taken[]> {
  const taken: Taken[] = [];
  for (const answer of answers) {
    const owned = asked.find(
      ({ topicId, partition }) => topicId === answer.topicId && partition === answer.partition,
    );
    if (owned?.position === undefined) continue;
    const where = `${owned.topic}, partition ${owned.partition}`;
    if (answer.errorCode === Code.offsetOutOfRange) await moveInto(link, owned, log);
    else if (answer.errorCode !== Code.none) log("debug", `${where}: ${nameOf(answer.errorCode)}`);
    else {
      const { position } = owned;
      owned.end = answer.end;
      const unpacked = await unpackBatches(answer.packed, owned.partition, position).catch(
        (error: unknown) => {
          const words = error instanceof Error ? error.message : String(error);
          throw new Error(`${where}: the batch at offset ${position} cannot be read: ${words}`);
        },
      );
      if (unpacked.next > position) taken.push({ owned, ...unpacked });
    }
  }
  return taken;
}

export function toInRecord(
  { topic, topicId }: Pick<PlaceById, "topic" | "topicId">,
  stored: StoredRecord,
): InRecord {
  const { partition, offset, timestampMs, key, value, headers } = stored;
  return {
    topic,
    topicId,
    partition,
    offset,
    timestampMs: Number(timestampMs),
    key: key ?? undefined,
    value: value ?? Buffer.alloc(0),
    headers: new Map(headers.map(([name, text]) => [String(name), text ?? Buffer.alloc(0)])),
  };
}
