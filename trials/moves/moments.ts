/** At which moments of a topic's move something is killed, and what. Pure. */
import { BATCH } from "../../provider/topic/assignment";
import { nameOfUrn, type EngineEvent } from "../../scripts/lib/engine-events";
import { plain } from "../../scripts/lib/progress";
import { momentOf } from "../kill/points";

/** What is killed with -9, all of it in one go. */
export const VICTIMS = ["engine", "engine and plugin", "plugin"] as const;
export type Victim = (typeof VICTIMS)[number];

/** One kill. */
export interface MoveKill {
  readonly victim: Victim;
  readonly moment: string;
  /** Whether the user has cancelled before, while a portion was half copied. */
  readonly cancelled: boolean;
}

/** The moment at which a run that is to be cancelled is. */
export const CANCEL_AT = "portion 1 of the moves, half copied";

/**
 * Whether the next `up` is run only once all that moves has ended by itself, and its throttle alone is left:
 * the user comes late. After other kills it comes at once, and meets what is under way.
 */
export const comesLate = ({ victim, cancelled }: MoveKill): boolean =>
  !cancelled && victim === "engine and plugin";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** As the mover tells it: how many partitions are done, and how far the others are behind. */
const PROGRESS = /: (\d+) of \d+ partitions done, ([\d.]+) (\w+) behind/;

/**
 * Tells the moments of one run, event by event: those of any change, and within the wait for replicas to
 * move, which is one wait for each portion, its begin and the middle of its bytes; and the end of the step.
 */
export class MoveMoments {
  private portion = 0;
  /** The most that this portion was behind, bytes. */
  private most = 0;

  /** Undefined for events that mark none. */
  at(event: EngineEvent): string | undefined {
    const text = plain(event.diagnosticEvent?.message ?? "").trim();
    const { op, urn } = event.resOutputsEvent?.metadata ?? {};
    if (op === "update" && urn !== undefined) return `${nameOfUrn(urn)} updated`;
    const [, done, amount, unit] = PROGRESS.exec(text) ?? [];
    if (done === undefined) {
      return /: taking back what is under way$/.test(text)
        ? "taking back what is under way"
        : momentOf(event);
    }
    const behind = Number(amount) * 1024 ** UNITS.indexOf(unit ?? "B");
    const portion = Math.floor(Number(done) / BATCH) + 1;
    if (portion !== this.portion) [this.portion, this.most] = [portion, 0];
    this.most = Math.max(this.most, behind);
    const half = behind > 0 && behind <= this.most / 2;
    return `portion ${portion} of the moves, ${half ? "half copied" : "begun"}`;
  }
}

/** Where a run can be killed: each of its moments once, in the order in which they came. */
export function momentsOf(events: readonly EngineEvent[]): string[] {
  const moments = new MoveMoments();
  return [...new Set(events.flatMap((event) => moments.at(event) ?? []))];
}

/** Those moments that came after the cancellation alone, as far as the run is undone then. */
export function momentsOfCancelled(events: readonly EngineEvent[]): string[] {
  const all = momentsOf(events);
  return all.slice(all.indexOf(CANCEL_AT) + 1);
}

/** Every kill: each victim at each moment. */
export function killsAt(moments: readonly string[], cancelled: readonly string[]): MoveKill[] {
  const at = (list: readonly string[], isCancelled: boolean): MoveKill[] =>
    list.flatMap((moment) => VICTIMS.map((victim) => ({ victim, moment, cancelled: isCancelled })));
  return [...at(moments, false), ...at(cancelled, true)];
}

export const killText = ({ victim, moment, cancelled }: MoveKill): string =>
  `the ${victim} at "${moment}"${cancelled ? " after a cancellation" : ""}`;
