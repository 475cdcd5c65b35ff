import { nameOfUrn, type EngineEvent } from "../../scripts/lib/engine-events";
import { plain } from "../../scripts/lib/progress";

/**
 * The moment in a run of the engine that an event marks, in words that are the same in each run: the begin
 * of a step, or what our provider waits for within one (a roll is one long step). Undefined for other events.
 */
export function momentOf({ resourcePreEvent, diagnosticEvent }: EngineEvent): string | undefined {
  if (resourcePreEvent !== undefined && resourcePreEvent.planning !== true) {
    const { op, urn, provider } = resourcePreEvent.metadata;
    // A component's own step begins and ends with those of its children.
    if (op === "same" || op === "read" || provider === "") return undefined;
    return `${op} ${nameOfUrn(urn)}`;
  }
  if (diagnosticEvent?.urn?.includes("pilab:") !== true) return undefined;
  const waited = /(?:^|: )(waiting for .*?)(?: \(\d+ s\).*)?$/s.exec(
    plain(diagnosticEvent.message).trim(),
  );
  return waited === null ? undefined : `${nameOfUrn(diagnosticEvent.urn)}, ${waited[1]}`;
}

/** At most so many of them, evenly spread; the first and the last are among them where there are two or more. */
export function evenly<T>(all: readonly T[], most: number): T[] {
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
