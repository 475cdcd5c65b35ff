/** What bounds a trial: one that goes on for longer has failed, and says so. */

/** Records are offered for so long at most. A change that is killed at many moments is cut into parts. */
const LONGEST_MS = 2 * 60 * 60_000;

/** So many records are offered at most: each is remembered until all are read back. */
export const MOST_RECORDS = 3_000_000;

/** For how long records can be offered at a rate (records a second), ms. */
export function longestOfferMs(rate: number): number {
  return Math.min(LONGEST_MS, Math.floor((MOST_RECORDS / rate) * 1000));
}

/** Reading back begins with a batch of marks; both take seconds after a recovery. */
const READ_BACK_MS = 120_000;

/** Records a second, read and decoded. Slow even for a machine that is busy with other things. */
const LEAST_READ_RATE = 10_000;

/** How long reading so many records back may take, ms. */
export function readBackMs(records: number): number {
  return READ_BACK_MS + Math.ceil((records / LEAST_READ_RATE) * 1000);
}
