import type { InRecord } from "../lib/records";
import type { Connection } from "./database";
import type { Place } from "./place";
import { recordTime } from "./rows";
import type { Grounds, Outcome } from "./writer";

/**
 * Finds a source and its position, or makes them. Logs are of partitions: one that was cut off has left the
 * topic's others in the generation that they were in.
 *
 * @param generation default: the newest that the partition has a position in
 */
export async function findPlace(
  connection: Connection,
  { topic, topicId, partition }: Pick<Place, "topic" | "topicId" | "partition">,
  generation?: number,
): Promise<Place> {
  const known = await connection.ask<{ id: number; generation: number }>(
    `INSERT INTO sources (topic, topic_id, generation)
     SELECT $1, $2, coalesce($3::int, (
       SELECT max(s.generation) FROM sources s JOIN positions p ON p.source_id = s.id
       WHERE s.topic = $1 AND s.topic_id = $2 AND p.partition = $4::int), 0)
     ON CONFLICT (topic_id, topic, generation) DO UPDATE SET topic = excluded.topic
     RETURNING id, generation`,
    [topic, topicId, generation ?? null, partition],
  );
  const source = known.rows[0];
  if (source === undefined) throw new Error("bug: a source was neither found nor made");
  const { rows } = await connection.ask<{ next: string | null; highest: string }>(
    `INSERT INTO positions (source_id, partition) VALUES ($1, $2)
     ON CONFLICT (source_id, partition) DO UPDATE SET partition = excluded.partition
     RETURNING next_offset AS next, highest_offset AS highest`,
    [source.id, partition],
  );
  const { next, highest } = rows[0]!;
  return {
    ...{ topic, topicId, partition, source: source.id, generation: source.generation },
    next: next === null ? undefined : BigInt(next),
    highest: BigInt(highest),
  };
}

export async function lockPosition(
  connection: Connection,
  { source, partition }: Place,
): Promise<bigint | null> {
  const { rows } = await connection.ask<{ next: string | null }>(
    "SELECT next_offset AS next FROM positions WHERE source_id = $1 AND partition = $2 FOR UPDATE",
    [source, partition],
  );
  const [row] = rows;
  return row === undefined || row.next === null ? null : BigInt(row.next);
}

/** @returns what tells this move from any other */
export async function movePosition(
  { connection, endOf }: Grounds,
  place: Place,
  last: InRecord | undefined,
): Promise<string> {
  const { source, partition, next, highest } = place;
  const time = last && rowTime(last);
  const { rows } = await connection.ask<{ at: string }>(
    `UPDATE positions SET next_offset = $3, highest_offset = $4, log_end = $5,
       last_record_time = coalesce($6, last_record_time), updated_at = now()
     WHERE source_id = $1 AND partition = $2 RETURNING ${MOVED_AT}`,
    [source, partition, next, highest, endOf(place) ?? null, time ?? null],
  );
  return rows[0]!.at;
}

const MOVED_AT = "extract(epoch FROM updated_at)::text AS at";

/**
 * Whether transactions that were to move positions did so; nobody else moves them meanwhile. Where a position
 * is does not tell: a log that was cut off and written anew may have it where it was before.
 */
export async function isCommitted(
  connection: Connection,
  outcomes: readonly Outcome[],
): Promise<boolean> {
  for (const { place, movedAt } of outcomes) {
    const { rows } = await connection.ask<{ at: string }>(
      `SELECT ${MOVED_AT} FROM positions WHERE source_id = $1 AND partition = $2`,
      [place.source, place.partition],
    );
    if (rows[0]?.at !== movedAt) return false;
  }
  return true;
}

const rowTime = (record: InRecord): Date | undefined => {
  const ms = recordTime(record.timestampMs);
  return ms === undefined ? undefined : new Date(ms);
};
