/** What a checker has noted while it wrote, and what that comes to beside what was read back. Pure. */

/** One acknowledgement: of one request, hence of several records. */
export interface Ack {
  /** Since the checker's start. */
  readonly atMs: number;
  readonly partition: number;
  readonly ids: readonly number[];
  /** The server that gave it, `host:port`. */
  readonly server: string;
  /** Offset of the first of the records. */
  readonly offset: bigint;
}

/** All that a checker has done, once it has ended. */
export interface Ledger {
  /** Marks this checker's records among others in the same topic. */
  readonly run: string;
  readonly partitions: number;
  /** Records 0 to `offered - 1` were to be written; record N to partition N modulo `partitions`. */
  readonly offered: number;
  /** In the order in which they came. */
  readonly acks: readonly Ack[];
  /** From the checker's start to the last acknowledgement, or to where it gave the rest up. */
  readonly endedMs: number;
  /** Why no more records were offered from some time on, though nobody had asked for an end; else undefined. */
  readonly endedEarly: string | undefined;
  /** How often a try to write failed, by the reason: Kafka's name of the error, or `connection`. */
  readonly failures: Readonly<Record<string, number>>;
}

/** What was found of the records of one ledger: ids in the log's order, by partition. */
export type ReadBack = readonly (readonly number[])[];

/** A record that was acknowledged and is not there. */
export interface LostRecord {
  readonly id: number;
  readonly ack: Ack;
}

/** A time without any acknowledgement while records waited for one. */
export interface Stall {
  readonly ms: number;
  /** Since the checker's start. */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Verdict {
  readonly offered: number;
  readonly acknowledged: number;
  /** Must be empty. */
  readonly lost: readonly LostRecord[];
  /** Copies beyond the first of a record: a write was tried again whose first try had arrived. */
  readonly duplicates: number;
  /** Never acknowledged, however long they were tried. */
  readonly unacknowledged: number;
  /** Of those, how many are there all the same. */
  readonly unacknowledgedPresent: number;
  /** The longest one of any partition. */
  readonly longestStall: Stall & { readonly partition: number };
  /** The longest one of all partitions together: some may be served while others wait. */
  readonly longestStallOfAll: Stall;
  /** As in the ledger. What was done after that end was seen by no record. */
  readonly endedEarly: string | undefined;
  readonly failures: Readonly<Record<string, number>>;
}

/** Holds what was written against what was read back. */
export function judge(ledger: Ledger, found: ReadBack): Verdict {
  const copies = new Map<number, number>();
  for (const id of found.flat()) copies.set(id, (copies.get(id) ?? 0) + 1);
  const acknowledged = new Map<number, Ack>();
  for (const ack of ledger.acks) for (const id of ack.ids) acknowledged.set(id, ack);

  const lost = [...acknowledged].flatMap(([id, ack]) => (copies.has(id) ? [] : [{ id, ack }]));
  const waiting = unacknowledgedIds(ledger, acknowledged);
  return {
    offered: ledger.offered,
    acknowledged: acknowledged.size,
    lost: lost.sort((a, b) => a.id - b.id),
    duplicates: [...copies.values()].reduce((sum, count) => sum + count - 1, 0),
    unacknowledged: waiting.length,
    unacknowledgedPresent: waiting.filter((id) => copies.has(id)).length,
    longestStall: longestOf(
      Array.from({ length: ledger.partitions }, (_, partition) => ({
        ...longestStall(
          ledger.acks.filter((ack) => ack.partition === partition),
          waiting.some((id) => id % ledger.partitions === partition) ? ledger.endedMs : undefined,
        ),
        partition,
      })),
    ),
    longestStallOfAll: longestStall(ledger.acks, waiting.length > 0 ? ledger.endedMs : undefined),
    endedEarly: ledger.endedEarly,
    failures: ledger.failures,
  };
}

function unacknowledgedIds(ledger: Ledger, acknowledged: ReadonlyMap<number, Ack>): number[] {
  return Array.from({ length: ledger.offered }, (_, id) => id).filter(
    (id) => !acknowledged.has(id),
  );
}

/**
 * The longest time between two acknowledgements, the checker's start standing for the one before the first.
 * @param openUntilMs where records still waited at the end: the time after the last one counts too
 */
function longestStall(acks: readonly Ack[], openUntilMs: number | undefined): Stall {
  const ends = [
    ...acks.map(({ atMs }) => atMs),
    ...(openUntilMs === undefined ? [] : [openUntilMs]),
  ];
  let [longest, fromMs]: [Stall, number] = [{ ms: 0, fromMs: 0, toMs: 0 }, 0];
  for (const toMs of ends) {
    if (toMs - fromMs > longest.ms) longest = { ms: toMs - fromMs, fromMs, toMs };
    fromMs = toMs;
  }
  return longest;
}

function longestOf<T extends Stall>(stalls: readonly T[]): T {
  const [first, ...rest] = stalls;
  if (first === undefined) throw new Error("a log without partitions");
  return rest.reduce((longest, next) => (next.ms > longest.ms ? next : longest), first);
}
