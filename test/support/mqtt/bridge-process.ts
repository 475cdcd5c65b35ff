import { spawn, type ChildProcess } from "node:child_process";
import { openSync, closeSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { endChild, hasEnded } from "../child";
import type { BridgeConfig } from "../../../model";
import { waitFor } from "../wait";

const ROOT = join(__dirname, "../../..");

/** A bridge as a host runs it: a process of its own, with its configuration in a file. */
export class BridgeProcess {
  private static count = 0;
  private child: ChildProcess | undefined;
  /** Its own: what a former bridge of the same host has said is not this one's. */
  private readonly name: string;

  private constructor(
    readonly config: BridgeConfig,
    private readonly folder: string,
  ) {
    this.name = `${config.host}-${++BridgeProcess.count}`;
  }

  static async start(config: BridgeConfig, folder: string): Promise<BridgeProcess> {
    const bridge = new BridgeProcess(config, folder);
    await bridge.start();
    return bridge;
  }

  async start(): Promise<void> {
    const file = join(this.folder, `${this.name}.json`);
    await writeFile(file, JSON.stringify(this.config), { mode: 0o600 });
    const out = openSync(join(this.folder, `${this.name}.log`), "a");
    // One process, so that a signal reaches the bridge itself.
    const args = ["--import", "tsx", join(ROOT, "payloads/bridge/main.ts"), file];
    this.child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", out, out] });
    closeSync(out);
  }

  /** @returns its exit code; null after SIGKILL */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<number | null> {
    const child = this.child;
    if (child === undefined || hasEnded(child)) return null;
    await endChild("the bridge", child, signal).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await this.log()}`, { cause: error });
    });
    return child.exitCode;
  }

  log(): Promise<string> {
    return readFile(join(this.folder, `${this.name}.log`), "utf8").catch(() => "");
  }

  /** The lines of its log with such a message. */
  async told(message: string): Promise<Record<string, unknown>[]> {
    const lines = (await this.log()).split("\n").filter((line) => line.startsWith("{"));
    return lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line["message"] === message);
  }

  async health(): Promise<{ status: string; problem?: string }> {
    const { address, port } = this.config.endpoint;
    const answer = await fetch(`http://${address}:${port}/healthz`);
    return (await answer.json()) as { status: string; problem?: string };
  }

  /** A figure's value by its name, with labels where it has some. */
  async figure(name: string): Promise<number> {
    const { address, port } = this.config.endpoint;
    const text = await (await fetch(`http://${address}:${port}/metrics`)).text();
    const line = text.split("\n").find((one) => one.startsWith(`${name} `));
    if (line === undefined) throw new Error(`there is no figure ${name}`);
    return Number(line.slice(name.length + 1));
  }

  async awaitSubscribed(): Promise<void> {
    await waitFor(`a subscription of ${this.config.host}`, async () => {
      const connected = await this.figure('pilab_bridge_sessions{state="connected"}');
      return connected > 0 ? true : undefined;
    });
  }
}
