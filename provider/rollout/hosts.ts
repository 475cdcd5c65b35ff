/** A node's host, with what a rollout does on it. */
import type { HostShell, OpenShell } from "../ssh/port";
import { quote } from "../ssh/port";
import { abortable } from "../wait";
import type { RolloutNode } from "./node";
import * as scripts from "./scripts";
import type { HostProbe, Watch } from "./stamp";
import { parseProbe, parseWatch } from "./stamp";

/** For a look: a host answers such a script in well under a second. */
const LOOK_MS = 20_000;
/** A stop waits for Kafka's controlled shutdown: the unit's TimeoutStopSec, with room to spare. */
export const STOP_MS = 120_000;
const JOURNAL_LINES = 20;

/** Something on a host went wrong; the text names the host, the step and what was said. */
export class NodeError extends Error {
  override readonly name = "NodeError";
}

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

export type Lease = "ok" | { readonly heldBy: string; readonly secondsLeft: number };

export class NodeHost {
  private constructor(
    readonly node: RolloutNode,
    private readonly service: string,
    private readonly shell: HostShell,
    private readonly signal: AbortSignal,
  ) {}

  static async open(
    node: RolloutNode,
    service: string,
    open: OpenShell,
    options: {
      readonly signal: AbortSignal;
      readonly status: (line: string) => void;
      readonly retries: number;
      readonly dialTimeoutMs: number;
    },
  ): Promise<NodeHost> {
    const { signal, ...dial } = options;
    // The connection outlives an abort by a moment: there still is a lease to give back.
    const own = new AbortController();
    const opening = open(node.login, { host: node.host, ...dial, signal: own.signal });
    try {
      const shell = await abortable(opening, signal);
      return new NodeHost(node, service, shell, signal);
    } catch (error) {
      own.abort();
      opening.then((late) => late.close()).catch(() => undefined);
      throw error;
    }
  }

  close(): void {
    this.shell.close();
  }

  async probe(): Promise<HostProbe> {
    return parseProbe(await this.run("looking at its Kafka", scripts.PROBE_SCRIPT, [this.service]));
  }

  async watch(): Promise<Watch> {
    return parseWatch(await this.run("watching its Kafka", scripts.WATCH_SCRIPT, [this.service]));
  }

  /** Keeps what we have set while the broker runs; empty: nothing. */
  async record(text: string): Promise<void> {
    const encoded = Buffer.from(text).toString("base64");
    await this.run("noting what is set while Kafka runs", scripts.RECORD_SCRIPT, [encoded]);
  }

  start(): Promise<string> {
    return this.run("starting Kafka", scripts.START_SCRIPT, [this.service], STOP_MS);
  }

  /** Lets a process that runs be started again by a boot. */
  lift(): Promise<string> {
    return this.run("lifting the hold", scripts.LIFT_SCRIPT, [this.service]);
  }

  stop(): Promise<string> {
    return this.run("stopping Kafka", scripts.STOP_SCRIPT, [this.service], STOP_MS);
  }

  /** Stops Kafka and keeps it from starting until somebody starts it through here again. */
  hold(reason: string): Promise<string> {
    return this.run("holding Kafka", scripts.HOLD_SCRIPT, [this.service, reason], STOP_MS);
  }

  /** The last lines of the service's journal, indented; never fails. */
  async journal(): Promise<string> {
    const args = [this.service, String(JOURNAL_LINES)];
    const text = await this.run("reading the journal", scripts.JOURNAL_SCRIPT, args).catch(
      (error: unknown) => `(no journal: ${(error as Error).message})`,
    );
    return text
      .trimEnd()
      .split("\n")
      .map((line) => `    ${line}`)
      .join("\n");
  }

  async lease(
    doing: "acquire" | "renew" | "release",
    owner: string,
    seconds: number,
  ): Promise<Lease> {
    const args = [doing, owner, String(seconds)];
    const command = this.exec("taking the lease", scripts.LEASE_SCRIPT, args, LOOK_MS);
    // A lease is given back after an abort as well.
    const [word, heldBy = "", left = "0"] = (
      await (doing === "release" ? command : abortable(command, this.signal))
    ).split(/\s+/);
    return word === "held" ? { heldBy, secondsLeft: Number(left) } : "ok";
  }

  private run(
    step: string,
    script: string,
    args: readonly string[],
    timeoutMs = LOOK_MS,
  ): Promise<string> {
    return abortable(this.exec(step, script, args, timeoutMs), this.signal);
  }

  private async exec(
    step: string,
    script: string,
    args: readonly string[],
    timeoutMs: number,
  ): Promise<string> {
    const command = ["bash", "-s", "--", ...args.map(quote)].join(" ");
    const result = await this.shell.run(command, { stdin: script, timeoutMs, label: step });
    if (result.code === 0) return result.stdout;
    const said = `${result.stderr}\n${result.stdout}`.trim().split("\n").slice(-3).join("; ");
    throw new NodeError(`${this.node.host}: ${step} failed with status ${result.code}: ${said}`);
  }
}
