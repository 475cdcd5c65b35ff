import { nameOfUrn, shortType, type EngineEvent } from "../scripts/lib/engine-events";
import { renderTable } from "../scripts/lib/table";

/** An event of the engine with the time at which it came, since the engine was started. */
export interface TimedEvent {
  readonly atMs: number;
  readonly event: EngineEvent;
}

/** When one step of the engine began and ended, since the engine was started. */
export interface StepTime {
  readonly name: string;
  readonly type: string;
  readonly op: string;
  readonly beginMs: number;
  readonly endMs: number;
}

/** The steps of the engine's last phase (the update; with a preview alone, that), by their begin. */
export function stepTimes(events: readonly TimedEvent[]): StepTime[] {
  const begun = new Map<string, number>();
  const steps: StepTime[] = [];
  const phase = lastPhase(events);
  for (const { atMs, event } of phase) {
    const [begin, end] = [event.resourcePreEvent?.metadata, event.resOutputsEvent?.metadata];
    if (begin) begun.set(`${begin.op} ${begin.urn}`, atMs);
    if (!end) continue;
    steps.push({
      name: nameOfUrn(end.urn),
      type: shortType(end.type),
      op: end.op,
      beginMs: begun.get(`${end.op} ${end.urn}`) ?? atMs,
      endMs: atMs,
    });
  }
  return steps.sort((a, b) => a.beginMs - b.beginMs || a.endMs - b.endMs);
}

/** An `up` with its preview prints the preview's events first, then their summary. */
function lastPhase(events: readonly TimedEvent[]): readonly TimedEvent[] {
  const previewEnd = events.findIndex(({ event }) => event.summaryEvent?.isPreview === true);
  const isLast = previewEnd === -1 || previewEnd >= events.length - 2;
  return isLast ? events : events.slice(previewEnd + 1);
}

/** The steps that took a while, as a table. @param leastMs shorter ones are left out; default 50 */
export function renderTimeline(steps: readonly StepTime[], leastMs = 50): string {
  const long = steps.filter(({ beginMs, endMs }) => endMs - beginMs >= leastMs);
  const s = (ms: number): string => (ms / 1000).toFixed(2).padStart(6);
  return renderTable(
    [" begin", "   end", "  took", "step", "resource"],
    long.map(({ beginMs, endMs, op, name, type }) => [
      s(beginMs),
      s(endMs),
      s(endMs - beginMs),
      op,
      `${name} (${type})`,
    ]),
  );
}

/**
 * The steps of one host that took a while, in a line, in the order in which they began; they may overlap.
 * @param host its resources' names begin with it, a dash between
 */
export function stepsOfHost(steps: readonly StepTime[], host: string, leastMs = 50): string {
  return (
    steps
      .filter(({ name }) => name.startsWith(`${host}-`))
      // What a replaced resource of the former machine leaves in the state is dropped at the end.
      .filter(({ op, beginMs, endMs }) => op !== "delete-replaced" && endMs - beginMs >= leastMs)
      .map(({ name, beginMs, endMs }) => {
        return `${name.slice(host.length + 1)} ${((endMs - beginMs) / 1000).toFixed(1)} s`;
      })
      .join(", ")
  );
}
