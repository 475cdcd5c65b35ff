import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

import { waitFor } from "./wait";

const CHECKOUT = join(__dirname, "../..");
/** A program that was told to stop takes 20 s at most. */
const STOP_MS = 30_000;

/** One of the programs that run on the hosts, as a process of its own. */
export class StartedProgram {
  /** What it has logged. */
  readonly lines: Readonly<Record<string, unknown>>[] = [];
  private readonly child: ChildProcess;
  private readonly exited: Promise<number | null>;
  private output = "";

  /**
   * @param name its folder below payloads/
   * @param port of its endpoint; 0 for one that has none
   */
  constructor(
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    private readonly port = 0,
  ) {
    const main = join(CHECKOUT, "payloads", name, "main.ts");
    this.child = spawn(process.execPath, ["--import", "tsx", main, ...args], {
      cwd: CHECKOUT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let rest = "";
    this.child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      this.output += chunk;
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.startsWith("{")) this.lines.push(asFields(line));
    });
    this.child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (this.output += chunk));
    this.exited = new Promise((resolve) => this.child.once("exit", resolve));
  }

  async awaitHealthy(): Promise<void> {
    let seen = "nothing";
    await waitFor(
      "a healthy program",
      async () => {
        if (this.child.exitCode !== null) throw new Error(`it has ended: ${this.output}`);
        const { status, body } = await this.health();
        seen = body;
        return status === 200 || undefined;
      },
      { deadlineMs: 60_000 },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; its health: ${seen}\n${this.output.slice(-2000)}`);
    });
  }

  async health(): Promise<{ readonly status: number; readonly body: string }> {
    const response = await fetch(`http://127.0.0.1:${this.port}/healthz`);
    return { status: response.status, body: await response.text() };
  }

  /** Its figures now: the sum over all labels of the one that is asked for, 0 where there is none. */
  async figures(): Promise<(name: string) => number> {
    const response = await fetch(`http://127.0.0.1:${this.port}/metrics`);
    const text = await response.text();
    return (name) =>
      text
        .split("\n")
        .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  }

  /** Waits for a line of its log with these fields. */
  async said(message: string, fields: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await waitFor(
      `the line ${message}`,
      () => {
        const found = this.lines.some(
          (line) =>
            line["message"] === message &&
            Object.entries(fields).every(([key, value]) => line[key] === value),
        );
        return Promise.resolve(found || undefined);
      },
      { deadlineMs: 60_000, pauseMs: 50 },
    );
  }

  /** Waits for its end. */
  async ended(): Promise<{ readonly code: number | null; readonly output: string }> {
    return { code: await this.exited, output: this.output };
  }

  /** As systemd stops it. */
  async stop(): Promise<{ readonly code: number | null; readonly output: string }> {
    this.child.kill("SIGTERM");
    const late = setTimeout(() => this.child.kill("SIGKILL"), STOP_MS);
    return this.ended().finally(() => clearTimeout(late));
  }

  async kill(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGKILL");
    await this.exited;
  }
}

const asFields = (line: string): Record<string, unknown> =>
  JSON.parse(line) as Record<string, unknown>;
