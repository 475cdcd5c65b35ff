import { distance } from "fastest-levenshtein";

/**
 * The known name that a mistyped one most likely meant; undefined when none is near.
 *
 * Near: at most a third of the letters differ (two for short names), or it is the only one that
 * begins so. More gives suggestions that puzzle rather than help.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  const limit = Math.max(2, Math.floor(name.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of known) {
    const edits = distance(wanted, candidate.toLowerCase());
    if (edits < bestDistance && edits < candidate.length) [best, bestDistance] = [candidate, edits];
  }
  if (best !== undefined) return best;
  const begun = [...known].filter((each) => wanted.length > 2 && each.startsWith(wanted));
  return begun.length === 1 ? begun[0] : undefined;
}

/** `Did you mean x?`, or the sentence given when nothing is near. */
export function didYouMean(name: string, known: readonly string[], otherwise: string): string {
  const near = nearest(name, known);
  return near === undefined ? otherwise : `Did you mean ${near}?`;
}
