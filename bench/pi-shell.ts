import { run } from "../toolchain/process";

const TIMEOUT_MS = 120_000;

export interface PiCommand {
  readonly stdin?: string;
  /** Default 120,000. */
  readonly timeoutMs?: number;
}

/** A virtual Pi from below, past its sshd. */
export class PiShell {
  constructor(
    private readonly dockerHost: string,
    /** Name of its container. */
    readonly container: string,
  ) {}

  /** Runs a program as root and gives what it prints. @throws with its last lines where it fails */
  async exec(args: readonly string[], { stdin, timeoutMs }: PiCommand = {}): Promise<string> {
    const all = ["-H", this.dockerHost, "exec", "--interactive", this.container, ...args];
    const { stdout } = await run("docker", all, {
      timeoutMs: timeoutMs ?? TIMEOUT_MS,
      ...(stdin === undefined ? {} : { stdin }),
    });
    return stdout.trim();
  }

  /** The same with a command line of bash. */
  bash(command: string, options?: PiCommand): Promise<string> {
    return this.exec(["bash", "-c", command], options);
  }

  /** When systemd started Kafka's process last, in the time of `performance.now()`. */
  async kafkaStartedMs(): Promise<number> {
    const us = await this.bash(
      "systemctl show kafka --property=ExecMainStartTimestampMonotonic --value",
    );
    // The container's monotonic clock is this machine's, and so is Node.js's but for its zero.
    const zero = Number(process.hrtime.bigint()) / 1e6 - performance.now();
    return Number(us) / 1000 - zero;
  }
}
