import type { BenchLab } from "./bench-lab";
import type { PiShell } from "./pi-shell";
import { untilAccepts } from "./port-watch";

/** A broker may take so long to serve again. */
const SERVE_MS = 180_000;

/** A restart as by hand, without a gate, seconds. */
export interface BareRestart {
  readonly stop: number;
  /** From the new process's start until its client listener answers. */
  readonly start: number;
  /** From then until every replica of the lab is in sync. */
  readonly sync: number;
}

export async function bareRestart(
  lab: BenchLab,
  pi: PiShell,
  address: string,
): Promise<BareRestart> {
  const begin = performance.now();
  await pi.bash("systemctl restart kafka");
  await untilAccepts(address, lab.lab.cluster.clientPort, SERVE_MS);
  const serves = performance.now();
  // Not what the wait says: its first look takes its time as well.
  await lab.waitUntilWell();
  const back = performance.now();
  const started = await pi.kafkaStartedMs();
  return {
    stop: (started - begin) / 1000,
    start: (serves - started) / 1000,
    sync: (back - serves) / 1000,
  };
}
