import { randomBytes } from "node:crypto";
import type { Log } from "../../../toolchain/log";
import { KafkaError } from "../../../provider/admin/port";
import { UserError } from "../errors";
import type { TopicClient } from "../records/port";
import type { LoadTarget } from "./mqtt-device";
import { nextOfRamp, type Ceiling } from "./plan";
import { ReadBack } from "./read-back";
import { limitReached, stageTrouble, type LoadResult, type StageResult } from "./result";
import type { Stage } from "./schedule";
import { runStage, type Wait } from "./stage-run";

export interface LoadOptions {
  readonly target: LoadTarget;
  /** The Kafka topic that the bridge carries the messages into. */
  readonly topic: TopicClient;
  /** One after the other; see `assertBounded`. */
  readonly stages: readonly Stage[];
  /** Goes on after the last stage, up to this, until the lab or the generator is at its limit. */
  readonly ramp?: Ceiling | undefined;
  /** Why a ramp ends at a stage; undefined: it goes on. Default: `limitReached`. */
  readonly rampEnds?: ((stage: StageResult) => string | undefined) | undefined;
  /** Default: `DEFAULT_WAIT`. */
  readonly wait?: Wait | undefined;
  /** Ends the run with what there is so far. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Told of each stage that has ended. */
  readonly onStage?: ((stage: StageResult) => void) | undefined;
}

/** Longer than an election, a restart of Mosquitto, and the session of a bridge that was killed. */
export const DEFAULT_WAIT: Wait = { silenceMs: 30_000, mostMs: 600_000 };

/**
 * Loads a lab: simulated devices publish numbered messages with MQTT's QoS 1, and every one of them is looked
 * for in Kafka. A stage after one that has lost something is not run.
 *
 * @throws UserError when the first stage cannot be begun; what ends a later one is told in `stopped`
 */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { stages: planned, ramp, rampEnds = limitReached, signal, log } = options;
  const stages: StageResult[] = [];
  const queue = [...planned];
  const ended = (stopped?: string): LoadResult => ({
    stages,
    stopped,
    interrupted: signal.aborted,
  });
  const readBack = await ReadBack.begin(options.topic, log, signal);
  try {
    const run = randomBytes(6).toString("hex");
    for (let stage = queue.shift(); stage !== undefined; stage = queue.shift()) {
      const result = await runStage(stage, {
        target: options.target,
        readBack,
        session: `${run}-${stages.length + 1}`,
        wait: options.wait ?? DEFAULT_WAIT,
        signal,
        log,
      });
      stages.push(result);
      options.onStage?.(result);
      if (signal.aborted) return ended("interrupted");
      const isRamp = ramp !== undefined && queue.length === 0;
      const why = isRamp ? rampEnds(result) : stageTrouble(result);
      if (why !== undefined) return ended(why);
      if (!isRamp) continue;
      const spent = stages.reduce((sum, { seconds }) => sum + seconds, 0);
      const next = nextOfRamp(result, ramp, spent);
      if (next === undefined) return ended("the ramp has reached the most that may be asked for");
      queue.push(next);
    }
    return ended();
  } catch (error) {
    if (signal.aborted) return ended("interrupted");
    // What the stages before have measured is not thrown away.
    if (stages.length === 0 || !isMendable(error)) throw error;
    return ended(error.message);
  } finally {
    await readBack.close();
  }
}

const isMendable = (error: unknown): error is Error =>
  error instanceof UserError || error instanceof KafkaError;
