import { setTimeout as sleep } from "node:timers/promises";
import { brokers, type BrokerHost, type Lab } from "../model";
import { PlatformaticAdmin } from "../provider/admin/platformatic";
import { BRISK, type Sasl } from "../provider/admin/port";
import { reasonOf } from "../scripts/lib/errors";
import { gatherStatus } from "../scripts/lib/lab-status";
import { statusPortsAs } from "../scripts/lib/status-ports";
import type { Log } from "../toolchain/log";

/** A broker that was killed waits for its former session's end (9 s), recovers its log and catches up. */
const DEADLINE_MS = 240_000;
const PAUSE_MS = 200;
const REMINDER_MS = 10_000;

/**
 * Waits until every broker itself says that all is well. The cluster's word alone is not enough: until the
 * session of a broker that was killed has ended, the others take it for one that serves.
 * @param sasl how to log in. Default: no login
 */
export async function waitUntilWell(
  lab: Lab,
  log: Log,
  signal: AbortSignal,
  sasl?: Sasl,
): Promise<void> {
  const begin = Date.now();
  let nextReminder = begin + REMINDER_MS;
  for (;;) {
    signal.throwIfAborted();
    const problems = await unwell(lab, sasl);
    if (problems.length === 0) return;
    const waited = Date.now() - begin;
    if (waited > DEADLINE_MS) {
      throw new Error(
        `waited ${DEADLINE_MS / 1000} s for ${lab.name} to be well:\n${problems.join("\n")}`,
      );
    }
    if (Date.now() >= nextReminder) {
      log(`  … not well yet (${Math.round(waited / 1000)} s): ${problems[0]}`);
      nextReminder = Date.now() + REMINDER_MS;
    }
    await sleep(PAUSE_MS, undefined, { signal });
  }
}

/** What is amiss, by the cluster's word and by each broker's own; nothing where all is well. */
async function unwell(lab: Lab, sasl: Sasl | undefined): Promise<string[]> {
  const { problems } = await gatherStatus(lab, statusPortsAs(sasl));
  if (problems.length > 0) return [...problems];
  return (await Promise.all(brokers(lab).map((broker) => amissAt(lab, broker, sasl)))).flat();
}

async function amissAt(
  lab: Lab,
  { name, machine }: BrokerHost,
  sasl: Sasl | undefined,
): Promise<string[]> {
  const client = `${machine.address}:${lab.cluster.clientPort}`;
  const admin = new PlatformaticAdmin([client], { ...BRISK, sasl });
  try {
    await admin.ping(`${machine.address}:${lab.cluster.controllerPort}`);
    const [all, topics] = await Promise.all([admin.listBrokers(), admin.listPartitions()]);
    return [
      ...all
        .filter(({ fenced }) => fenced)
        .map(({ id }) => `${name} takes broker ${id} for fenced`),
      ...topics.flatMap(({ topic, partitions }) =>
        partitions
          .filter(({ isr, replicas }) => isr.length < replicas.length)
          .map(({ partition }) => `${name} sees ${topic}-${partition} without all its replicas`),
      ),
    ];
  } catch (error) {
    return [`${name}: ${reasonOf(error)}`];
  } finally {
    await admin.close();
  }
}
