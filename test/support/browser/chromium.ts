import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

import { ensureChromium } from "../../../toolchain/chromium";
import { BrowserPage } from "./page";
import { DevToolsPipe } from "./pipe";

const END_MS = 5_000;

/**
 * Software rendering on whatever machine: no sandbox where root runs the tests (Chromium refuses that), no use
 * of a small /dev/shm, and none of what a browser asks its maker for.
 */
const FLAGS = [
  "--headless",
  "--remote-debugging-pipe",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-breakpad",
  "--no-first-run",
  "--hide-scrollbars",
  "--mute-audio",
  "--force-color-profile=srgb",
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
];

/** A headless Chromium with a profile of its own. */
export class Chromium {
  private constructor(
    private readonly child: ChildProcess,
    private readonly pipe: DevToolsPipe,
    private readonly profile: string,
  ) {}

  static async start(): Promise<Chromium> {
    const program = await ensureChromium((line) => process.stderr.write(`${line}\n`));
    const profile = mkdtempSync(join(tmpdir(), "pi-lab-chromium-"));
    const child = spawn(program, [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], {
      stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
    });
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (said += text));
    const pipe = new DevToolsPipe(child.stdio[3] as Writable, child.stdio[4] as Readable);
    const chromium = new Chromium(child, pipe, profile);
    try {
      await pipe.send("Browser.getVersion");
    } catch (error) {
      await chromium.stop();
      throw new Error(`Chromium does not start: ${said.slice(-2000)}`, { cause: error });
    }
    return chromium;
  }

  /** A page in a context of its own: nothing is cached, nothing else is open. */
  async open(
    url: string,
    view: { readonly width: number; readonly height: number },
  ): Promise<BrowserPage> {
    const { browserContextId } = await this.pipe.send("Target.createBrowserContext");
    const { targetId } = await this.pipe.send("Target.createTarget", {
      url: "about:blank",
      browserContextId,
    });
    const { sessionId } = await this.pipe.send("Target.attachToTarget", {
      targetId,
      flatten: true,
    });
    return BrowserPage.load(this.pipe, sessionId as string, targetId as string, url, view);
  }

  async stop(): Promise<void> {
    const isRunning = this.child.exitCode === null && this.child.signalCode === null;
    if (isRunning) {
      const ended = once(this.child, "exit");
      // As its user closes it, so that its helpers end before it does.
      void this.pipe.send("Browser.close").catch(() => {});
      const late = setTimeout(() => this.child.kill("SIGKILL"), END_MS);
      await ended;
      clearTimeout(late);
    }
    // Helpers of it may still write for a moment.
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
