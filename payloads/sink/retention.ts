import { DatabaseError } from "pg";
import type { Connection } from "./database";
import { type Day, dayOfPartition, partitionOf, textOfDay } from "./days";

/** What one pass does at most: the sink stores nothing meanwhile. */
const DAYS = 4;
const ROWS = 10_000;
/** How long a pass stands in line behind whoever reads, and others behind it, ms. */
const LOCK_MS = 2_000;

/** The days that have a partition. */
export async function daysOf(connection: Connection): Promise<Set<Day>> {
  const { rows } = await connection.ask<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'records'::regclass`,
  );
  return new Set(rows.flatMap(({ name }) => dayOfPartition(name) ?? []));
}

/** The days that one pass drops: the oldest. */
export function daysToDrop(days: Iterable<Day>, firstKept: Day): Day[] {
  return [...days]
    .filter((day) => day < firstKept)
    .sort((a, b) => a - b)
    .slice(0, DAYS);
}

/** What a pass has done. */
export interface Pass {
  readonly dropped: readonly Day[];
  /** Whether there may be more to do. */
  readonly more: boolean;
}

/**
 * Drops what is older than the first day that is kept.
 *
 * @throws also when somebody reads for longer than it waits: see `isBusy`
 */
export async function prune(
  connection: Connection,
  days: ReadonlySet<Day>,
  firstKept: Day,
): Promise<Pass> {
  const due = daysToDrop(days, firstKept);
  for (const day of due) {
    await connection.transaction(async () => {
      await connection.ask(`SET LOCAL lock_timeout = ${LOCK_MS}`);
      await connection.ask(`DROP TABLE ${partitionOf(day)}`);
    });
  }
  const first = textOfDay(firstKept);
  const minutes = await connection.ask(
    `DELETE FROM minutes WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM minutes WHERE minute < $1::date AT TIME ZONE 'UTC' ORDER BY minute LIMIT ${ROWS}))`,
    [first],
  );
  const latest = await connection.ask(
    `DELETE FROM latest WHERE device = ANY (ARRAY(SELECT device FROM latest WHERE day < $1::date LIMIT ${ROWS}))`,
    [first],
  );
  const deleted = Math.max(minutes.rowCount ?? 0, latest.rowCount ?? 0);
  return { dropped: due, more: due.length === DAYS || deleted === ROWS };
}

/** Whether somebody read for longer than a pass waits: the next one tries again. */
export function isBusy(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === "55P03";
}
