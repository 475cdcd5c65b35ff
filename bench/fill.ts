import { PlatformaticAdmin } from "../provider/admin/platformatic";
import { BRISK } from "../provider/admin/port";
import { bootstrapServers } from "../model";
import type { BenchLab } from "./bench-lab";
import type { PiShell } from "./pi-shell";

const RECORD_BYTES = 10_000;
/** A megabyte a second to three replicas would be a fault, not a slow machine. */
const LEAST_MIB_A_SECOND = 1;

/** Writes random records to a topic from one of the Pis, acknowledged by all replicas in sync. */
export async function fillTopic(
  lab: BenchLab,
  pi: PiShell,
  topic: string,
  mib: number,
): Promise<void> {
  const records = Math.ceil((mib * 1024 * 1024) / RECORD_BYTES);
  await pi.exec(
    [
      "kafka-producer-perf-test.sh",
      ...["--topic", topic, "--num-records", String(records)],
      ...["--record-size", String(RECORD_BYTES), "--throughput", "-1", "--producer-props"],
      `bootstrap.servers=${bootstrapServers(lab.lab)}`,
      "acks=all",
      "batch.size=500000",
      "linger.ms=5",
    ],
    { timeoutMs: 60_000 + (mib / LEAST_MIB_A_SECOND) * 1000 },
  );
}

/** What a broker's replicas come to, bytes. @param server `host:port` of its client listener */
export async function bytesHeld(server: string): Promise<number> {
  const admin = new PlatformaticAdmin([server], BRISK);
  try {
    const sizes = await admin.logSizes();
    return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  } finally {
    await admin.close();
  }
}
