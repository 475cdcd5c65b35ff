import { SshError } from "../../../plugins/common/ssh";
import type { Fingerprint } from "../../../provider/rollout/stamp";
import type { HostShell, Login } from "../../../provider/ssh/port";

/** Kafka's process on a machine. */
export interface SimProcess {
  readonly nodeId: number;
  readonly directoryId: string;
  readonly want: Fingerprint;
  readonly startedMs: number;
}

/** What machines have in common: the time, and what a test wants to see or to cut off. */
export interface SimWorld {
  now(): number;
  /** Called before and after everything that is done to a machine; throws where a run is cut off. */
  step(what: string, when: "before" | "after"): void;
  /** Called when the stack has started a process. */
  started(machine: SimMachine): void;
}

/** A host in memory, with the state that the provider's scripts read and change. */
export class SimMachine {
  isOn = true;
  /** Whether it lets us in: by its SSH, which answers in any case while it is on. */
  letsIn = true;
  process: SimProcess | undefined;
  /** Why Kafka may not start here. */
  hold: string | undefined;
  isEnabled = false;
  /** Directory id of its formatted disk. */
  disk: string | undefined;
  /** The cluster that its disk is formatted for. */
  clusterId = CLUSTER_ID;
  staged: { readonly want: Fingerprint; readonly hash: string } | undefined;
  dials = 0;
  private lease = { owner: "", untilMs: 0 };

  constructor(
    readonly name: string,
    readonly address: string,
    readonly hostKey: string,
    private readonly world: SimWorld,
  ) {}

  /** Its boot: systemd starts what is enabled and not held. */
  boot(): void {
    this.isOn = true;
    if (this.isEnabled && this.hold === undefined) this.start();
  }

  loseItsPower(): void {
    this.isOn = false;
    this.process = undefined;
  }

  open(login: Login, host: string): HostShell {
    this.dials++;
    if (!this.isOn) throw new SshError("unreachable", `${host}: ${this.address} is off`);
    if (login.hostKey !== this.hostKey) {
      throw new SshError("host_key_mismatch", `${host}: another host key`);
    }
    if (!this.letsIn) throw new SshError("auth_refused", `${host}: ${this.address} lets nobody in`);
    return {
      close: () => undefined,
      forwardIn: () => Promise.reject(new Error("nothing is forwarded here")),
      run: async (command, { label = "" } = {}) => {
        await Promise.resolve();
        const what = `${this.name}: ${label}`;
        this.world.step(what, "before");
        if (!this.isOn) throw new SshError("connection_lost", `${host}: ${this.address} is off`);
        const stdout = this.answer(label, argumentsOf(command));
        this.world.step(what, "after");
        return { stdout, stderr: "", code: 0 };
      },
    };
  }

  private answer(label: string, args: readonly string[]): string {
    switch (label) {
      case "looking at its Kafka":
        return [...this.unit(), ...this.fingerprints()].join("\n");
      case "watching its Kafka":
        return [...this.unit(), "recovery="].join("\n");
      case "starting Kafka":
        this.hold = undefined;
        this.isEnabled = true;
        this.process = undefined;
        this.start();
        this.world.started(this);
        return "";
      case "lifting the hold":
        this.hold = undefined;
        this.isEnabled = true;
        return "";
      case "holding Kafka":
        this.hold = args[1] ?? "";
        // The script is more than one step, and may be cut off with its connection.
        this.world.step(`${this.name}: stopping what is held`, "before");
        this.stop();
        return "";
      case "stopping Kafka":
        this.stop();
        return "";
      case "taking the lease":
        return this.leased(args);
      case "reading the journal":
        return "";
      default:
        if (!label.startsWith("reading ")) throw new Error(`${this.name}: unknown step ${label}`);
        return this.meta();
    }
  }

  private start(): void {
    if (this.staged === undefined || this.disk === undefined) {
      throw new Error(`${this.name}: started without files or a formatted disk`);
    }
    const { want } = this.staged;
    const nodeId = Number(want.properties["node.id"]);
    this.process = { nodeId, directoryId: this.disk, want, startedMs: this.world.now() };
  }

  private stop(): void {
    this.isEnabled = false;
    this.process = undefined;
  }

  private unit(): string[] {
    const state = this.process === undefined ? ["inactive", "dead"] : ["active", "running"];
    return [`ActiveState=${state[0]}`, `SubState=${state[1]}`, "MainPID=1", "NRestarts=0"];
  }

  private fingerprints(): string[] {
    const lines = this.hold === undefined ? [] : ["held=yes"];
    if (this.disk !== undefined) lines.push(`clusterId=${this.clusterId}`);
    const put = (key: string, text: string): void => {
      lines.push(`${key}=${Buffer.from(text).toString("base64")}`);
    };
    const all = [
      ["started", this.process?.want],
      ["staged", this.staged?.want],
    ] as const;
    for (const [prefix, of] of all) {
      if (of === undefined) continue;
      const settings = Object.entries(of.properties).map(([key, value]) => `${key}=${value}`);
      put(`${prefix}.properties`, settings.join("\n"));
      put(`${prefix}.manifest`, `bundle ${this.staged?.hash}\n`);
      put(`${prefix}.version`, of.version);
    }
    if (this.staged !== undefined) put("staged.sums", "");
    return lines;
  }

  private leased([doing, owner = "", seconds]: readonly string[]): string {
    const now = this.world.now();
    if (this.lease.owner !== owner && this.lease.untilMs > now) {
      return `held ${this.lease.owner} ${Math.ceil((this.lease.untilMs - now) / 1000)}`;
    }
    this.lease =
      doing === "release"
        ? { owner: "", untilMs: 0 }
        : { owner, untilMs: now + Number(seconds) * 1000 };
    return "ok";
  }

  private meta(): string {
    if (this.disk === undefined) return "";
    const nodeId = this.staged?.want.properties["node.id"] ?? "2";
    return `cluster.id=${this.clusterId}\nnode.id=${nodeId}\ndirectory.id=${this.disk}\n`;
  }
}

export const CLUSTER_ID = "BBBBBBBBBBBBBBBBBBBBBB";

/** The arguments of `bash -s -- 'a' 'b'`; none has a quote in it. */
const argumentsOf = (command: string): string[] =>
  [...command.replace(/^.* -- /, "").matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? "",
  );
