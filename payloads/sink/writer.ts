import type { InRecord } from "../lib/records";
import type { Connection } from "./database";
import { type Clock, type Day, dayOfRecord, partitionOf, textOfDay } from "./days";
import { type Inserted, insertRows } from "./insert";
import { judge, type Place, skipped } from "./place";
import { findPlace, lockPosition, movePosition } from "./positions";
import { refusedRow, type Row, rowOf } from "./rows";

/** Rows of one statement at most: a fault in one has so many stored one by one. */
const ROWS = 500;
/** Bytes of their values at most, unless one alone has more: they are held several times over on the way. */
const ROWS_BYTES = 1 << 20;

/** What came of the records of one partition. */
export interface Outcome {
  readonly place: Place;
  readonly stored: number;
  readonly duplicates: number;
  /** Not stored, since what is of their day is dropped. */
  readonly expired: number;
  /** Stored as they are, since they are no telemetry, or PostgreSQL refuses their values. */
  readonly bad: Readonly<Record<BadKind, number>>;
  /** Offsets before them that no record came for. */
  readonly skipped: bigint;
  /** Tells this move of the position from any other: PostgreSQL's time of its transaction. */
  readonly movedAt: string;
}

export type BadKind = "not_json" | "not_telemetry" | "refused";

/** What is known when records are written. */
export interface Grounds {
  readonly connection: Connection;
  readonly clock: () => Clock;
  /** The first day that is kept. */
  readonly firstKept: () => Day;
  /** Days that have a partition. */
  readonly hasDay: (day: Day) => boolean;
  /** Told of a partition that was made, in the transaction that makes it. */
  readonly madeDay: (day: Day) => void;
  /** The log's end as Kafka tells it now. */
  readonly endOf: (place: Place) => bigint | undefined;
}

/** Somebody else has moved the position: what is known here is not true any more. */
export class PositionMoved extends Error {
  public override readonly name = "PositionMoved";
  constructor({ topic, partition, next }: Place, found: string) {
    super(
      `${topic}, partition ${partition}: the store is at offset ${found}, and this sink left it at ${next}: somebody else has moved it`,
    );
  }
}

/**
 * Stores records of one partition and moves its position behind them, within a transaction.
 *
 * @param records in their order, at least one
 * @throws PositionMoved
 */
export async function writeRecords(
  grounds: Grounds,
  place: Place,
  records: readonly InRecord[],
): Promise<readonly Outcome[]> {
  const { connection } = grounds;
  const [first] = records;
  const last = records.at(-1);
  if (first === undefined || last === undefined) return [];
  const found = await lockPosition(connection, place);
  if (found !== (place.next ?? null)) throw new PositionMoved(place, String(found));

  const stored =
    first.offset < place.highest
      ? await storedTimes(connection, place, first, last)
      : new Map<bigint, undefined>();
  const { fresh, duplicates, afterCut } = judge(place, records, stored);
  const tally = await store(grounds, place, fresh);
  const behind = afterCut[0]?.offset ?? last.offset + 1n;
  const moved: Place = {
    ...place,
    next: behind,
    highest: behind > place.highest ? behind : place.highest,
  };
  const movedAt = await movePosition(grounds, moved, records[records.length - afterCut.length - 1]);
  const outcome: Outcome = {
    ...tally,
    place: moved,
    duplicates: duplicates + tally.duplicates,
    skipped: skipped(place, first.offset),
    movedAt,
  };
  if (afterCut.length === 0) return [outcome];
  const next = await findPlace(connection, place, place.generation + 1);
  return [outcome, ...(await writeRecords(grounds, next, afterCut))];
}

/**
 * Kafka's time stamps of what is stored where these records stand. What a cut left of a log stays in the
 * generation before, so that all of them are looked through; where several have a record the newest counts.
 */
async function storedTimes(
  connection: Connection,
  { topic, topicId, generation, partition }: Place,
  first: InRecord,
  last: InRecord,
): Promise<ReadonlyMap<bigint, number | undefined>> {
  const { rows } = await connection.ask<{ offset: string; ms: string | null }>(
    `SELECT DISTINCT ON ("offset") "offset", (extract(epoch FROM record_time) * 1000)::bigint AS ms FROM records
     WHERE source_id = ANY (ARRAY(
         SELECT id FROM sources WHERE topic = $1 AND topic_id = $2 AND generation <= $3))
       AND partition = $4 AND "offset" BETWEEN $5 AND $6
     ORDER BY "offset", source_id DESC`,
    [topic, topicId, generation, partition, first.offset, last.offset],
  );
  return new Map(
    rows.map(({ offset, ms }) => [BigInt(offset), ms === null ? undefined : Number(ms)]),
  );
}

type Tally = Pick<Outcome, "stored" | "duplicates" | "expired" | "bad">;

async function store(
  grounds: Grounds,
  { source }: Place,
  records: readonly InRecord[],
): Promise<Tally> {
  const tally = {
    ...{ stored: 0, duplicates: 0, expired: 0 },
    bad: { not_json: 0, not_telemetry: 0, refused: 0 },
  };
  const keep: Kept[] = [];
  for (const record of records) {
    const day = dayOfRecord(record.timestampMs, grounds.clock());
    if (day < grounds.firstKept()) {
      tally.expired += 1;
      continue;
    }
    await ensureDay(grounds, day);
    keep.push({ record, row: rowOf(record, day) });
  }
  for (const portion of portions(keep)) {
    const { stored, raw, other, refused } = await storePortion(grounds.connection, source, portion);
    tally.stored += stored;
    tally.duplicates += portion.length - stored;
    tally.bad.not_json += raw - refused;
    tally.bad.not_telemetry += other;
    tally.bad.refused += refused;
  }
  return tally;
}

interface Kept {
  readonly record: InRecord;
  readonly row: Row;
}

/** All at once; where the values of one are refused, one by one. */
async function storePortion(
  connection: Connection,
  source: number,
  portion: readonly Kept[],
): Promise<Inserted & { readonly refused: number }> {
  let all: Inserted | undefined;
  await connection.attempt(async () => {
    all = await insertRows(
      connection,
      source,
      portion.map(({ row }) => row),
    );
  });
  if (all !== undefined) return { ...all, refused: 0 };
  const sum = { stored: 0, raw: 0, other: 0, refused: 0 };
  const add = ({ stored, raw, other }: Inserted): void => {
    sum.stored += stored;
    sum.raw += raw;
    sum.other += other;
  };
  for (const { record, row } of portion) {
    const refusal = await connection.attempt(async () => {
      add(await insertRows(connection, source, [row]));
    });
    if (refusal === undefined) continue;
    const asBytes = refusedRow(record, row.day, refusal.message);
    const inserted = await insertRows(connection, source, [asBytes]);
    add(inserted);
    sum.refused += inserted.stored;
  }
  return sum;
}

/** Makes a day's partition in a way that no reader waits for. */
async function ensureDay({ connection, hasDay, madeDay }: Grounds, day: Day): Promise<void> {
  if (hasDay(day)) return;
  const name = partitionOf(day);
  await connection.ask(
    `CREATE TABLE ${name} (LIKE records INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE)`,
  );
  await connection.ask(
    `ALTER TABLE records ATTACH PARTITION ${name} FOR VALUES FROM ('${textOfDay(day)}') TO ('${textOfDay(day + 1)}')`,
  );
  madeDay(day);
}

/** In their order, bounded in number and bytes. */
export function portions(kept: readonly Kept[]): Kept[][] {
  const found: Kept[][] = [];
  let bytes = Infinity;
  for (const one of kept) {
    const size = one.record.value.length;
    const open = found.at(-1);
    if (open === undefined || open.length >= ROWS || bytes + size > ROWS_BYTES) {
      found.push([one]);
      bytes = size;
    } else {
      open.push(one);
      bytes += size;
    }
  }
  return found;
}
