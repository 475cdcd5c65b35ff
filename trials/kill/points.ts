import { nameOfUrn, type EngineEvent } from "../../scripts/lib/engine-events";
import { UserError } from "../../scripts/lib/errors";
import { plain } from "../../scripts/lib/progress";

/** One of several runs that share a change's moments between them. */
export interface Part {
  /** Which one, from 1. */
  readonly index: number;
  readonly of: number;
}

export const WHOLE: Part = { index: 1, of: 1 };

/** Which of a change's moments are tried. */
export interface Choice {
  /** No more than so many of the part's. */
  readonly most: number;
  readonly part: Part;
}

/**
 * Reads `I/N`.
 * @throws UserError for anything else
 */
export function parsePart(text: string): Part {
  const [, index, of] = (/^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? []).map(Number);
  if (index !== undefined && of !== undefined && index >= 1 && index <= of) return { index, of };
  throw new UserError(
    `--part: ${text} is no part. Give its number and how many there are, e.g. 2/5 for the second of five.`,
  );
}

/** Every Nth from the Ith: each part goes through the whole change. */
export function choose<T>(all: readonly T[], { most, part }: Choice): T[] {
  return evenly(
    all.filter((_, i) => i % part.of === part.index - 1),
    most,
  );
}

/** Versions that differ from run to run: what a change goes to is another one each time. */
const VERSIONS = / \d+\.\d+-IV\d+\b/g;

/**
 * The moment in a run of the engine that an event marks, in words that are the same in each run: the begin
 * of a step, or what our provider does or waits for within one (a roll is one long step). Undefined for other events.
 */
export function momentOf({ resourcePreEvent, diagnosticEvent }: EngineEvent): string | undefined {
  if (resourcePreEvent !== undefined && resourcePreEvent.planning !== true) {
    const { op, urn, provider } = resourcePreEvent.metadata;
    // A component's own step begins and ends with those of its children.
    if (op === "same" || op === "read" || provider === "") return undefined;
    return `${op} ${nameOfUrn(urn)}`;
  }
  if (diagnosticEvent?.urn?.includes("pilab:") !== true) return undefined;
  const [, done] =
    /(?:^|: )((?:waiting for|formatting|finalizing) .*?)(?: \(\d+ s\).*)?$/s.exec(
      plain(diagnosticEvent.message).trim(),
    ) ?? [];
  if (done === undefined) return undefined;
  return `${nameOfUrn(diagnosticEvent.urn)}, ${done.replace(VERSIONS, "")}`;
}

/** At most so many of them, evenly spread; the first and the last are among them where there are two or more. */
function evenly<T>(all: readonly T[], most: number): T[] {
  if (most >= all.length) return [...all];
  if (most <= 1) return all.slice(0, most);
  return Array.from(
    { length: most },
    (_, i) => all[Math.round((i * (all.length - 1)) / (most - 1))]!,
  );
}

/** All moments of a run at which it can be killed, each once, in the order in which they came. */
export function killPoints(events: readonly EngineEvent[]): string[] {
  return [...new Set(events.flatMap((event) => momentOf(event) ?? []))];
}
