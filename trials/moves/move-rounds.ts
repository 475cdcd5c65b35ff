import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaAdmin } from "../../provider/admin/port";
import { counted } from "../../provider/topic/amounts";
import type { Placement } from "../../provider/topic/assignment";
import {
  endProcesses,
  isAlive,
  processId,
  signalProcess,
  waitForEnd,
  type ProcessId,
} from "../../scripts/lib/processes";
import type { StartedEngine, TopicStack } from "../../test/support/topics/stack";
import { choose } from "../kill/points";
import { Rounds, timeProblem } from "../kill/rounds";
import { watchUp, type WatchedUp, type WatchOptions } from "../kill/watched-up";
import type { Bench } from "../trial";
import { amiss, leftText, look } from "./cluster";
import {
  CANCEL_AT,
  comesLate,
  killsAt,
  killText,
  momentsOf,
  momentsOfCancelled,
  MoveMoments,
  type MoveKill,
  type Victim,
} from "./moments";

export const TOPIC = "red";

/** The longest that an `up` may take. */
const UP_MS = 5 * 60_000;
/** A plugin whose engine has died ends by itself. */
const ORPHAN_MS = 5000;
/** The rest of a portion takes some seconds. */
const STANDSTILL_MS = 60_000;
/** What an `up` has seen done each broker hears of in its own time. */
const HEARD_MS = 10_000;

export interface MoveGround {
  readonly stack: TopicStack;
  readonly admin: KafkaAdmin;
  readonly bench: Bench;
  /** The topic goes from one to the other and back. */
  readonly places: readonly [Placement, Placement];
}

/** A topic that moves to and fro, while what moves it is killed. */
export class MoveRounds {
  /** Where it is wanted. */
  private wanted: Placement;
  /** Kills that left partitions on their way. */
  private metMoves = 0;

  constructor(private readonly ground: MoveGround) {
    this.wanted = ground.places[0];
  }

  /** Makes the topic. */
  async make(): Promise<void> {
    this.declare();
    await this.finish();
  }

  /**
   * Moves it once undisturbed and once cancelled, to learn the moments; then again for each of them.
   * @throws Error at the first kill after which the next `up` does not bring all to its end
   */
  async all(leftMs: () => number): Promise<void> {
    const { bench } = this.ground;
    const began = Date.now();
    const kills = await this.learn();
    const onceMs = (Date.now() - began) / 2;
    const chosen = choose(kills, bench.kills);
    bench.note(`${kills.length} kills are possible, of which ${chosen.length} are to be tried`);
    const tooLong = timeProblem(chosen.length, onceMs, leftMs());
    if (tooLong !== undefined) throw new Error(tooLong);
    const rounds = new Rounds(chosen.map(killText));
    try {
      for (const [i, kill] of chosen.entries()) {
        if (leftMs() <= 0) throw new Error("no more records are written: it took too long");
        bench.log(`  killing ${killText(kill)} (${i + 1} of ${chosen.length})`);
        rounds.ended(killText(kill), await this.round(kill));
      }
    } finally {
      for (const note of rounds.notes()) bench.note(note);
      bench.note(`partitions on their way were left by ${counted(this.metMoves, "kill")}`);
    }
    const problems = rounds.problems();
    if (this.metMoves === 0) problems.push("no kill has met a partition that moved");
    const found = await this.changesOf("preview", "--refresh");
    if (found.length > 0) problems.push(`a refresh would have ${found.join(", ")}`);
    if (problems.length > 0) throw new Error(problems.join("\n"));
  }

  /** Resolves once the cluster is as it is wanted, and nothing of a move is left. */
  async converged(): Promise<void> {
    const { admin, bench } = this.ground;
    for (const end = Date.now() + HEARD_MS; ; await sleep(100)) {
      bench.signal.throwIfAborted();
      const left = amiss(this.wanted, await look(admin, TOPIC));
      if (left.length === 0) return;
      if (Date.now() > end) throw new Error(left.join("\n"));
    }
  }

  /** Ends what is left of all runs. */
  async end(): Promise<void> {
    await endProcesses(this.ground.stack.processes(), "SIGKILL");
  }

  private async learn(): Promise<MoveKill[]> {
    this.turn();
    const undisturbed = await this.up({});
    if (undisturbed.exitCode !== 0) throw new Error(`a move failed:\n${undisturbed.output}`);
    await this.converged();
    this.turn();
    const cancelled = await this.up({ cancelAt: at(CANCEL_AT) });
    if (cancelled.exitCode === 0) throw new Error(`"${CANCEL_AT}" did not come by again`);
    await this.finish();
    return killsAt(momentsOf(undisturbed.events), momentsOfCancelled(cancelled.events));
  }

  /** @returns whether the moment came by, and it was killed there */
  private async round(kill: MoveKill): Promise<boolean> {
    const { stack, admin, bench } = this.ground;
    const began = Date.now();
    let hit = false;
    this.turn();
    const engine = stack.startUp();
    // Looked for beforehand: some moments are over by the time that it takes.
    const plugins: ProcessId[] = [];
    const isMoment = at(kill.moment);
    const cut = await this.up(
      {
        ...(kill.cancelled ? { cancelAt: at(CANCEL_AT) } : {}),
        killAt: (event) => {
          if (plugins.length === 0) plugins.push(...stack.processes().filter(isPlugin));
          return isMoment(event);
        },
        kill: () => {
          hit = true;
          for (const one of victims(kill.victim, engine, plugins)) signalProcess(one, "SIGKILL");
        },
      },
      engine,
    );
    if (cut.timedOut) throw new Error(`killing ${killText(kill)}: ${cut.output}`);
    // The last moments of a run may be over before it can be killed.
    const engineDied = cut.exitCode === undefined;
    const killed = hit && plugins.length > 0 && (kill.victim === "plugin" || engineDied);
    try {
      await this.assertEnded(kill.victim, plugins);
      const left = await look(admin, TOPIC);
      if (killed && comesLate(kill)) await this.standstill();
      // As a user would: an engine that was killed has left its lock.
      if (engineDied) await stack.ask("cancel", "--yes");
      await this.finish();
      if (!killed) return false;
      if (left.reassignments.length > 0) this.metMoves++;
      const seconds = Math.round((Date.now() - began) / 1000);
      bench.note(`killed ${killText(kill)}: ${leftText(left)}; as wanted after ${seconds} s`);
      return true;
    } catch (error) {
      bench.signal.throwIfAborted();
      const reason = (error as Error).message;
      throw new Error(`after killing ${killText(kill)}: ${reason}`, { cause: error });
    }
  }

  private async assertEnded(victim: Victim, plugins: readonly ProcessId[]): Promise<void> {
    if (await waitForEnd(plugins, ORPHAN_MS)) return;
    const pids = plugins.filter(isAlive).map(({ pid }) => pid);
    const what = victim === "engine" ? "its engine" : "SIGKILL";
    throw new Error(`plugin ${pids.join()} has outlived ${what} by ${ORPHAN_MS / 1000} s`);
  }

  /** Resolves once nothing moves any more, without anybody's doing. */
  private async standstill(): Promise<void> {
    const { admin, bench } = this.ground;
    for (const end = Date.now() + STANDSTILL_MS; ; await sleep(200)) {
      bench.signal.throwIfAborted();
      const moving = (await admin.listReassignments()).length;
      if (moving === 0) return;
      if (Date.now() > end) throw new Error(`${moving} partitions did not end their moves`);
    }
  }

  /** The next `up`: all is as wanted afterwards, and a preview shows nothing. */
  private async finish(): Promise<void> {
    const { exitCode, output } = await this.up({});
    if (exitCode !== 0)
      throw new Error(`the \`up\` ended with ${exitCode ?? "a kill"}:\n${output}`);
    await this.converged();
    const left = await this.changesOf("preview");
    if (left.length > 0) throw new Error(`the next preview would still ${left.join(", ")}`);
  }

  private up(
    options: Omit<WatchOptions, "deadlineMs" | "signal">,
    engine: StartedEngine = this.ground.stack.startUp(),
  ): Promise<WatchedUp> {
    return watchUp(engine, { ...options, deadlineMs: UP_MS, signal: this.ground.bench.signal });
  }

  private async changesOf(operation: string, ...args: readonly string[]): Promise<string[]> {
    const run = await this.ground.stack.run(operation, ...args);
    if (run.exitCode !== 0) throw new Error(`pulumi ${operation} failed: ${run.everything}`);
    return run.steps.filter((step) => !step.startsWith("refresh "));
  }

  /** From now on the topic is wanted in the other place. */
  private turn(): void {
    const [here, there] = this.ground.places;
    this.wanted = this.wanted === here ? there : here;
    this.declare();
  }

  private declare(): void {
    const [first = []] = this.wanted;
    this.ground.stack.declare({
      topics: {
        [TOPIC]: {
          name: TOPIC,
          partitions: this.wanted.length,
          replicationFactor: first.length,
          placement: this.wanted.map((replicas) => [...replicas]),
          config: {},
          deletionProtection: true,
        },
      },
    });
  }
}

/** True at the first event that marks this moment of a run. */
function at(moment: string): NonNullable<WatchOptions["killAt"]> {
  const moments = new MoveMoments();
  return (event) => moments.at(event) === moment;
}

/** The plugin before the engine: it must not notice the other's death. */
function victims(
  victim: Victim,
  engine: StartedEngine,
  plugins: readonly ProcessId[],
): readonly ProcessId[] {
  const engines = [processId(engine.pid ?? 0) ?? []].flat();
  switch (victim) {
    case "engine":
      return engines;
    case "plugin":
      return plugins;
    case "engine and plugin":
      return [...plugins, ...engines];
    default:
      return victim satisfies never;
  }
}

/** Told by its command: the engine, the program and the language host carry the same variables. */
function isPlugin({ pid }: ProcessId): boolean {
  try {
    const told = execFileSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
    return told.includes("pulumi-resource-pilab");
  } catch {
    return false; // it has ended in the meantime
  }
}
