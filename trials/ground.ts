import { setTimeout as sleep } from "node:timers/promises";
import type { BenchLab, MeasuredRun } from "../bench/bench-lab";
import { brokers, type Lab } from "../model";
import { kafkaPaths } from "../render";
import { gatherStatus, type LabStatus } from "../scripts/lib/lab-status";
import { statusPorts } from "../scripts/lib/status-ports";
import { Pi } from "../test/support/lab/pi";
import type { Log } from "../toolchain/log";
import { run } from "../toolchain/process";
import type { Choice } from "./kill/points";
import { waitUntilWell } from "./well";

/** The topic that the records are written to; it has a partition for each broker to lead. */
export const TOPIC = "red";
export const PARTITIONS = 3;

const DOCKER_MS = 60_000;

/** What a trial works on: a lab that is up, its Pis seen from below, and the engine. */
export class Ground {
  /** For how long records will still be written, ms; set once the first one is. */
  leftMs: () => number = () => Infinity;
  /** Whom its preparation has chosen. */
  chosen: Pi | undefined;

  constructor(
    readonly own: BenchLab,
    private readonly dockerHost: string,
    readonly signal: AbortSignal,
    readonly log: Log,
    /** At which of a run's moments its engine is killed. */
    readonly kills: Choice,
    /** What the trial tells of itself, for its outcome. */
    readonly notes: string[],
  ) {}

  /** As the configuration has it now. */
  get lab(): Lab {
    return this.own.lab;
  }

  note(text: string): void {
    this.notes.push(text);
    this.log(`  ${text}`);
  }

  brokerPis(): Pi[] {
    return brokers(this.lab).map(
      (host) => new Pi(this.dockerHost, `${this.lab.name}-${host.machine.name}`, host),
    );
  }

  /** The Pi of a broker, by its host name. */
  pi(hostName: string): Pi {
    const found = this.brokerPis().find(({ host }) => host.name === hostName);
    if (found === undefined) throw new Error(`the lab has no broker ${hostName}`);
    return found;
  }

  /** One that leads a partition and does not lead the controllers. */
  async leader(): Promise<Pi> {
    const { quorumLeader, topics } = await this.status();
    const partitions = topics.find(({ name }) => name === TOPIC)?.partitions ?? [];
    const found = partitions.find(({ leader }) => leader !== undefined && leader !== quorumLeader);
    if (found?.leader === undefined) {
      throw new Error("no broker leads a partition without leading the controllers as well");
    }
    this.note(`${found.leader} leads ${TOPIC}-${found.partition}`);
    return this.pi(found.leader);
  }

  /** The active controller, which leads a partition too. */
  async controller(): Promise<Pi> {
    const { quorumLeader, topics } = await this.status();
    if (quorumLeader === undefined) throw new Error("the controllers have no leader");
    const partitions = topics.find(({ name }) => name === TOPIC)?.partitions ?? [];
    const led = partitions.filter(({ leader }) => leader === quorumLeader);
    const also = led.map(({ partition }) => ` and ${TOPIC}-${partition}`).join("");
    this.note(`${quorumLeader} leads the controllers${also}`);
    return this.pi(quorumLeader);
  }

  /** A machine on which no host plays, and none has played. */
  async spare(): Promise<string> {
    const taken = new Set(this.lab.hosts.map(({ machine }) => machine.name));
    for (const { name } of this.lab.machines.filter((machine) => !taken.has(machine.name))) {
      const container = `${this.lab.name}-${name}`;
      const state = await this.docker("inspect", "--format", "{{.State.Running}}", container);
      if (state !== "true") continue;
      const look = `ls -A ${kafkaPaths.data} 2>/dev/null || true`;
      if ((await this.docker("exec", container, "sh", "-c", look)) === "") return name;
    }
    throw new Error("the lab has no blank machine left");
  }

  /** Gives each broker its partition back: after a fault the others lead in its place for minutes. */
  async spreadLeaders(): Promise<void> {
    const [first] = this.brokerPis();
    const server = `${first!.host.machine.address}:${this.lab.cluster.clientPort}`;
    await first!.run(
      `kafka-leader-election.sh --bootstrap-server ${server} --election-type preferred --all-topic-partitions`,
    );
  }

  async docker(...args: string[]): Promise<string> {
    const { stdout } = await run("docker", ["-H", this.dockerHost, ...args], {
      timeoutMs: DOCKER_MS,
    });
    return stdout.trim();
  }

  up(): Promise<MeasuredRun> {
    return this.own.run("up", "--yes");
  }

  async hold(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.signal });
  }

  waitUntilWell(): Promise<void> {
    return waitUntilWell(this.lab, this.log, this.signal);
  }

  private status(): Promise<LabStatus> {
    return gatherStatus(this.lab, statusPorts);
  }
}
