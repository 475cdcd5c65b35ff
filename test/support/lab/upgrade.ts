import type { KafkaVersion } from "../../../model";
import { ensureKafka } from "../../../toolchain";
import type { Outcome, TestStack } from "../stack";
import { leadersOf, readFrom } from "./records";
import { startLoad, watchBrokers, type Sightings } from "./watch";

/** What an upgrade under load was seen to do. */
export interface Upgrade {
  readonly outcome: Outcome;
  /** Records that were acknowledged while it went on, and those of them that are there no more. */
  readonly acknowledged: readonly string[];
  readonly lost: readonly string[];
  readonly brokers: Sightings;
  /** From the start of `up` to its end. */
  readonly seconds: number;
}

/**
 * Edits the lab's `cluster.kafkaVersion` and runs one `up`, while records are written to all
 * partitions of `topic`, and reads them back. The archive is fetched first, as the user's commands do.
 */
export async function upgradeUnderLoad(
  stack: TestStack,
  version: KafkaVersion,
  topic: string,
): Promise<Upgrade> {
  await ensureKafka((line) => process.stderr.write(`${line}\n`), version);
  stack.edit((value) => (value.cluster["kafkaVersion"] = version));
  const lab = stack.lab();
  const partitions = lab.topics.find(({ name }) => name === topic)?.partitions ?? 1;
  const load = startLoad(lab, topic, partitions);
  const watch = watchBrokers(lab);
  const begun = Date.now();
  const outcome = await stack.run("up", "--yes", "--skip-preview");
  const seconds = (Date.now() - begun) / 1000;
  const brokers = await watch.stop();
  const acknowledged = await load.stop();
  const kept = new Set<string>();
  for (const [partition, leader] of (await leadersOf(lab, topic)).entries()) {
    for (const value of await readFrom(lab, leader, topic, partition)) kept.add(value);
  }
  const lost = acknowledged.filter((value) => !kept.has(value));
  return { outcome, acknowledged, lost, brokers, seconds };
}
