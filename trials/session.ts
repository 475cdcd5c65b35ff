import { join } from "node:path";
import { BenchLab, Interrupted } from "../bench/bench-lab";
import type { OwnLabs } from "../bench/own-labs";
import { formatDuration, type Log } from "../toolchain/log";
import { reasonOf } from "../scripts/lib/errors";
import { recoverProcesses } from "../scripts/lib/recover";
import { Ground, PARTITIONS, TOPIC } from "./ground";
import type { Choice } from "./kill/points";
import { underWatch } from "./load";
import { outcomeLine } from "./report";
import { runTrial } from "./run-trial";
import { isOnBrokers, passed, type AnyTrial, type BrokerTrial, type Outcome } from "./trial";

/** Machines of the template on which no broker plays: each can take one over. */
const SPARES = ["pi-4", "pi-5", "pi-7"];

export interface SessionOptions {
  /** Records a second. */
  readonly rate: number;
  /** At which moments of a change its engine is killed. */
  readonly kills: Choice;
  /** Told of each trial as soon as it has ended. */
  readonly onOutcome: (outcome: Outcome) => void;
}

/** Runs trials one after another, on one lab as long as it comes back well from each. */
export class Session {
  private current: BenchLab | undefined;
  private count = 0;

  constructor(
    private readonly own: OwnLabs,
    private readonly options: SessionOptions,
    private readonly log: Log,
  ) {}

  async run(trials: readonly AnyTrial[]): Promise<void> {
    try {
      for (const [index, trial] of trials.entries()) {
        this.log(`\n[${index + 1}/${trials.length}] ${trial.name}: ${trial.title}`);
        const began = Date.now();
        const outcome = await underWatch(() => this.runOne(trial));
        this.options.onOutcome(outcome);
        const took = formatDuration(Date.now() - began);
        this.log(`  ${outcomeLine(outcome)} (the trial took ${took})`);
        const spoilt = !isOnBrokers(trial) && (trial.spoilsLab === true || !passed(outcome));
        if (spoilt) await this.removeLab();
      }
    } finally {
      await this.removeLab();
    }
  }

  private async runOne(trial: AnyTrial): Promise<Outcome> {
    const { signal, dockerHost } = this.own;
    const notes: string[] = [];
    try {
      if (signal.aborted) throw new Interrupted();
      if (isOnBrokers(trial)) return await this.tryOut(trial, notes);
      const lab = this.current ?? (await this.bringUp(notes));
      const { rate, kills } = this.options;
      const ground = new Ground(lab, dockerHost, signal, this.log, kills, notes);
      return await runTrial(trial, ground, rate);
    } catch (error) {
      if (signal.aborted) throw new Interrupted();
      const { name, title } = trial;
      const recordless = isOnBrokers(trial) && trial.writesRecords !== true;
      return { name, title, recordless, notes, moments: {}, problem: reasonOf(error) };
    }
  }

  private async tryOut(trial: BrokerTrial, notes: string[]): Promise<Outcome> {
    const { name, title, writesRecords = false } = trial;
    const { rate, kills } = this.options;
    // It may want the subnet for a lab of its own.
    await this.removeLab();
    const note = (text: string): void => {
      notes.push(text);
      this.log(`  ${text}`);
    };
    const bench = { ...this.own, rate, kills, log: this.log, note };
    const endured = (await trial.tryOut(bench)) ?? { moments: {} };
    return { name, title, recordless: !writesRecords, notes, ...endured };
  }

  private async bringUp(notes: string[]): Promise<BenchLab> {
    const { name, folder, subnet, engine, dockerHost } = this.own;
    this.count += 1;
    const lab = await BenchLab.create({
      name: `${name}-${this.count}`,
      labsDir: join(folder, "labs"),
      subnet,
      hosts: "brokers",
      spares: SPARES,
      engine,
      dockerHost,
      log: this.log,
    });
    // At once: what a failed `up` leaves is removed with it, since the next lab has the same subnet.
    this.current = lab;
    lab.set(["topics", TOPIC, "partitions"], PARTITIONS);
    this.log("  bringing up a lab for it");
    try {
      await lab.run("up", "--yes", "--skip-preview");
    } catch (error) {
      if (this.own.signal.aborted) throw error;
      // As a user would: a machine that is busy may boot its containers too slowly for the first one.
      this.log(`  ${reasonOf(error)}\n  once more`);
      notes.push(`its lab came up with a second \`up\`, after ${reasonOf(error)}`);
      await lab.run("up", "--yes", "--skip-preview");
    }
    return lab;
  }

  /** With what an engine that was killed has left: it must not work on the next lab, whose subnet is the same. */
  private async removeLab(): Promise<void> {
    const lab = this.current;
    this.current = undefined;
    if (lab === undefined) return;
    await recoverProcesses(lab.folder, this.log);
    await lab.remove();
  }
}
