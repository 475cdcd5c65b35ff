import type { Percentiles } from "./percentiles";
import type { Stage } from "./schedule";

/** From the moment at which a message was due, by the schedule, not from the one at which it was sent. */
export interface Hops {
  /** Until it was sent: what the generator, a lost connection or a full window of the broker kept it waiting. */
  readonly sent: Percentiles | undefined;
  /** Until its PUBACK came. */
  readonly puback: Percentiles | undefined;
  /** Until the time stamp of its record in Kafka. */
  readonly kafka: Percentiles | undefined;
  /** Until a consumer on this machine had its record. */
  readonly read: Percentiles | undefined;
}

/** How much of the machine the generator took while it sent: a limit of its own is none of the lab's. */
export interface GeneratorUse {
  /** Of one core; the generator is one process, which can use one and a little more. */
  readonly cpuPercent: number;
  /** How late timers fired, ms. */
  readonly loopDelayMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Whether the figures tell of the generator rather than of the lab. */
  readonly limited: boolean;
}

/** Beyond these a stage's figures tell of the generator. */
export const GENERATOR_LIMIT = { cpuPercent: 85, loopDelayP99Ms: 25 };

/** How a stage ended: all that was acknowledged is back, nothing came any more, time was over, or Ctrl-C. */
export type StageEnd = "complete" | "silent" | "late" | "interrupted";

export interface StageResult extends Stage {
  /** In every message of the stage, and in no other's. */
  readonly session: string;
  readonly end: StageEnd;
  /** Messages that were due. */
  readonly due: number;
  readonly sent: number;
  readonly acknowledged: number;
  /** By MQTT's broker, with its reasons. */
  readonly refused: number;
  readonly refusals: readonly string[];
  /** Acknowledged by a broker that had nobody to give it to. */
  readonly unheard: number;
  /** Records: those read, and those that lay in the topic and were not. */
  readonly inKafka: number;
  /** Different messages that came back. */
  readonly read: number;
  /** Acknowledged and not read back. */
  readonly lost: number;
  /** The first of them: `load-17 number 4`. */
  readonly lostMessages: readonly string[];
  readonly duplicates: number;
  readonly disconnects: number;
  /** Why, with how often. */
  readonly disconnectReasons: readonly string[];
  /** Sent once more after a disconnect. */
  readonly resent: number;
  /** Records whose time lies before their message was due: clocks differ. */
  readonly beforeDue: number;
  /** From the last message's due time to the stage's end, ms. */
  readonly drainMs: number;
  readonly latencyMs: Hops;
  readonly generator: GeneratorUse;
}

export interface LoadResult {
  readonly stages: readonly StageResult[];
  /** Why no further stage was run, where one was asked for. */
  readonly stopped: string | undefined;
  readonly interrupted: boolean;
}

/** A lab that reads its last message so long after it was due has not kept up, ms. */
const KEPT_UP_MS = 5_000;

/** Why a ramp ends at a stage; undefined: it goes on. */
export function limitReached(stage: StageResult): string | undefined {
  const { sent, due, refused, drainMs, generator } = stage;
  const trouble = stageTrouble(stage);
  if (trouble !== undefined) return trouble;
  if (generator.limited) return "the generator is at its limit (see below the table)";
  if (refused > 0) return `${refused} messages were refused`;
  if (sent < due) return `${due - sent} messages that were due could not be sent`;
  if (stage.disconnects > 0) return `${stage.disconnects} disconnects`;
  if (drainMs > KEPT_UP_MS) {
    return `the lab has fallen behind: the last message was read ${(drainMs / 1000).toFixed(1)} s after it was due`;
  }
  return undefined;
}

/** Why the stages after this one would tell nothing: what it has left undone would go into their figures. */
export function stageTrouble(stage: StageResult): string | undefined {
  const { lost, end, due, sent, acknowledged, refused } = stage;
  if (lost > 0) return `${lost} acknowledged messages were not read back`;
  if (end === "complete" || end === "interrupted") return undefined;
  if (sent < due) return `${due - sent} messages that were due could not be sent`;
  return `${sent - acknowledged - refused} messages were not acknowledged`;
}

/** Exit code 1: something acknowledged was lost. Whoever interrupts a stage has not waited for the rest. */
export function hasLost({ stages }: LoadResult): boolean {
  return stages.some(({ lost, end }) => lost > 0 && end !== "interrupted");
}
