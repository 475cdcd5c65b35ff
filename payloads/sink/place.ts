import type { InRecord } from "../lib/records";
import { recordTime } from "./rows";

/** How far the store has come in one partition of a source. */
export interface Place {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  /** The source's id in the store, and which log of that topic id it stands for: 0 for the first. */
  readonly source: number;
  readonly generation: number;
  /** The offset that is read next; undefined before the first. */
  readonly next: bigint | undefined;
  /** All below it was looked at before: to store one of them again would be a second time. */
  readonly highest: bigint;
}

/** What becomes of records that were read. */
export interface Judgement {
  /** Stored, unless their day is over. */
  readonly fresh: readonly InRecord[];
  /** In the store already. */
  readonly duplicates: number;
  /**
   * Records that stand where others stood: the log was cut off behind the ones before, and written anew. They
   * belong to another generation.
   */
  readonly afterCut: readonly InRecord[];
}

/**
 * @param records of one partition, in their order
 * @param stored the time stamps that the store has at offsets below `highest`
 */
export function judge(
  { highest }: Pick<Place, "highest">,
  records: readonly InRecord[],
  stored: ReadonlyMap<bigint, number | undefined>,
): Judgement {
  const fresh: InRecord[] = [];
  let duplicates = 0;
  for (const [i, record] of records.entries()) {
    const { offset, timestampMs } = record;
    if (offset >= highest || !stored.has(offset)) fresh.push(record);
    else if (stored.get(offset) === recordTime(timestampMs)) duplicates += 1;
    else return { fresh, duplicates, afterCut: records.slice(i) };
  }
  return { fresh, duplicates, afterCut: [] };
}

/** Offsets between what was read and what comes now: nothing is stored for them. */
export function skipped({ next }: Pick<Place, "next">, first: bigint): bigint {
  return next !== undefined && first > next ? first - next : 0n;
}
