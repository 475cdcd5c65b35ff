import { setTimeout as sleep } from "node:timers/promises";
import { accepts } from "../provider/reachable";

const INTERVAL_MS = 50;
const DIAL_MS = 1000;

/** Dials a TCP port over and over, and notes when it begins to accept connections and when it ceases to. */
export class PortWatch {
  private readonly changes: { readonly atMs: number; readonly open: boolean }[] = [];
  private stopped = false;
  private readonly ended: Promise<void>;

  constructor(
    private readonly address: string,
    private readonly port: number,
  ) {
    this.ended = this.watch();
  }

  /**
   * When it last began to accept connections between two moments, as `performance.now()` tells the time.
   * @throws Error where it did not
   */
  openedMs(fromMs: number, toMs: number): number {
    const found = this.changes.findLast(({ atMs, open }) => open && atMs >= fromMs && atMs <= toMs);
    if (found !== undefined) return found.atMs;
    throw new Error(
      `${this.address}:${this.port} was not seen to begin to serve while the broker was started`,
    );
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.ended;
  }

  private async watch(): Promise<void> {
    for (let last: boolean | undefined; !this.stopped; await sleep(INTERVAL_MS)) {
      const open = await accepts(`${this.address}:${this.port}`, DIAL_MS);
      if (open !== last) this.changes.push({ atMs: performance.now(), open });
      last = open;
    }
  }
}

/** Waits until a port accepts connections. @throws Error after `limitMs` */
export async function untilAccepts(address: string, port: number, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await accepts(`${address}:${port}`, DIAL_MS))) {
    if (performance.now() > deadline) {
      throw new Error(`waited ${limitMs / 1000} s in vain for ${address}:${port} to serve`);
    }
    await sleep(INTERVAL_MS);
  }
}
