const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;
/** A server that asks for more patience than this is asked again all the same. */
const LONGEST_ASKED_MS = 600_000;

/**
 * How long to wait before the next try, ms: doubled at each failure, spread by a quarter so that many labs do
 * not come at once, and at least what the server asks for.
 *
 * @param failures in a row, from 1 on
 * @param random in [0, 1)
 */
export function pauseMs(
  failures: number,
  askedMs: number | undefined,
  random: number,
  firstMs = FIRST_MS,
): number {
  const doubled = Math.min(firstMs * 2 ** Math.min(failures - 1, 30), LONGEST_MS);
  const spread = Math.ceil(doubled * (0.75 + random / 4));
  return Math.max(spread, Math.min(askedMs ?? 0, LONGEST_ASKED_MS));
}
