import { randomBytes } from "node:crypto";
import { hostname } from "node:os";

import { waitFor } from "../wait";
import type { NodeHost } from "./hosts";

/** How long a lease outlives a roller that was killed, seconds, and how often a living one renews it, ms. */
const LEASE_SECONDS = 30;
const RENEW_MS = 8_000;
const POLL_MS = 1_000;
/** Longer than a lease: whoever still holds it then is alive. */
const WAIT_MS = (LEASE_SECONDS + 10) * 1_000;

/** The right to start and restart, on all hosts together, until released. */
export class RollLease {
  private readonly timer: NodeJS.Timeout;
  private lost: string | undefined;

  private constructor(
    private readonly hosts: readonly NodeHost[],
    private readonly owner: string,
  ) {
    this.timer = setInterval(() => void this.renew(), RENEW_MS);
    this.timer.unref();
  }

  /**
   * Takes the lease of every host, in the order of their names, which is the same for all rollers. A lease
   * that a killed run left behind ends by itself within half a minute, and is waited for.
   */
  static async acquire(
    open: readonly NodeHost[],
    { signal, progress }: { signal: AbortSignal; progress: (line: string) => void },
  ): Promise<RollLease> {
    const owner = `${hostname().replaceAll(/\s/g, "-")}:${process.pid}:${randomBytes(4).toString("hex")}`;
    const hosts = [...open].sort((a, b) => (a.node.host < b.node.host ? -1 : 1));
    const wait = { timeoutMs: WAIT_MS, intervalMs: POLL_MS, signal, progress };
    try {
      for (const host of hosts) {
        const what = `the right to restart ${host.node.host}`;
        await waitFor({ ...wait, what }, async () => {
          const lease = await host.lease("acquire", owner, LEASE_SECONDS);
          if (lease === "ok") return { done: undefined };
          return {
            pending:
              `${lease.heldBy} (machine:process) has it for ${lease.secondsLeft} s more. ` +
              "Let that run end, or end it, then run `pulumi up` again",
          };
        });
      }
    } catch (error) {
      await releaseAll(hosts, owner);
      throw error;
    }
    const lease = new RollLease(hosts, owner);
    try {
      // While a later host was waited for, the first one's may have ended.
      await lease.assertHeld();
    } catch (error) {
      await lease.release();
      throw error;
    }
    return lease;
  }

  /**
   * Renews the lease of every host, and throws if another roller has taken one over meanwhile (this
   * one was silent for too long) or a host does not answer.
   */
  async assertHeld(): Promise<void> {
    await Promise.all(this.hosts.map((host) => this.renewAt(host)));
    if (this.lost !== undefined) throw new Error(this.lost);
  }

  async release(): Promise<void> {
    clearInterval(this.timer);
    await releaseAll(this.hosts, this.owner);
  }

  /** In the background. A host that does not answer now is asked again before the next restart. */
  private async renew(): Promise<void> {
    await Promise.allSettled(this.hosts.map((host) => this.renewAt(host)));
  }

  private async renewAt(host: NodeHost): Promise<void> {
    // A host that is starting anew has an empty /run: renewing is taking it again.
    const lease = await host.lease("renew", this.owner, LEASE_SECONDS);
    if (lease === "ok") return;
    this.lost = `${host.node.host}: ${lease.heldBy} has taken over its restarts; nothing more is done here`;
  }
}

/** Best effort, within moments: what is not given back ends by itself. */
async function releaseAll(hosts: readonly NodeHost[], owner: string): Promise<void> {
  const released = Promise.all(
    hosts.map((host) => host.lease("release", owner, 0).catch(() => undefined)),
  );
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, 2_000);
  });
  await Promise.race([released, limit]);
  clearTimeout(timer);
}
