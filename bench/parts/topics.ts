import { join } from "node:path";
import { StartedKafkaCluster } from "../../test/support/kafka/kafka-cluster";
import { TopicStack, type DeclaredTopic } from "../../test/support/topics/stack";
import { BareTopics } from "../bare-topics";
import type { TopicWork } from "../measures";
import type { Measuring } from "../measuring";
import { makeNoopHome } from "../noop/home";

const BROKERS = 3;
const REPLICATION_FACTOR = 3;
/**
 * Of one broker. Each log has two indexes, 10 MiB each by default, which are laid out in advance: a
 * thousand topics in three copies would want 60 GB of addresses.
 */
const BROKER_SETTINGS = { "log.index.size.max.bytes": "65536" };
/**
 * Of each broker. A thousand topics in three copies take up 220 MiB of it: in 256 MiB the brokers collect garbage
 * all the time, and that is what would be measured. As much as on a Pi.
 */
const HEAP_MIB = 1024;

/** A stack whose topics are made, looked at, refreshed and destroyed. */
interface Subject {
  readonly kind: "noop" | "own";
  readonly stack: TopicStack;
}

/**
 * Many topics in one stack, on real brokers, beside the same program on a plugin that does nothing and a
 * client that asks for the same with as few requests as Kafka has for it.
 */
export async function topics(measuring: Measuring): Promise<void> {
  const { folder, topics: count, runs, log } = measuring.options;
  measuring.note(
    `Topics: ${count} in one stack with their guard, one partition each, replication factor ${REPLICATION_FACTOR}, on ` +
      `${BROKERS} brokers of this machine without containers, ${HEAP_MIB} MiB of heap each, which share its cores with the engine. ` +
      "The bare client sends one request for all topics.",
  );
  const { pilabFolder } = await makeNoopHome(join(folder, "noop-topics"));
  log(`Starting ${BROKERS} brokers`);
  const cluster = await StartedKafkaCluster.start(BROKER_SETTINGS, {
    count: BROKERS,
    heapMib: HEAP_MIB,
  });
  try {
    for (let round = 1; round <= runs; round++) {
      // Others than the last round's, which may still be on their way out.
      const declared = declare(count, `topic-${round}`);
      await bareRound(measuring, cluster, declare(count, `bare-${round}`));
      for (const kind of ["noop", "own"] as const) {
        const stack = await newStack(measuring, cluster, `${kind}-${round}`, kind, pilabFolder);
        await measuring.trying(`topics (${kind})`, () =>
          stackRound(measuring, { kind, stack }, declared),
        );
      }
    }
  } finally {
    await cluster.stop();
  }
}

function declare(count: number, prefix: string): DeclaredTopic[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `${prefix}-${String(index + 1).padStart(5, "0")}`,
    partitions: 1,
    replicationFactor: REPLICATION_FACTOR,
    config: { "retention.ms": "86400000" },
    deletionProtection: false,
  }));
}

async function newStack(
  { options: { folder, engine, signal, deadlineMs } }: Measuring,
  cluster: StartedKafkaCluster,
  name: string,
  kind: Subject["kind"],
  noopFolder: string,
): Promise<TopicStack> {
  const stack = await TopicStack.create({
    folder: join(folder, `topics-${name}`),
    engine,
    signal,
    deadlineMs,
    ...(kind === "noop" ? { pilabFolder: noopFolder } : {}),
  });
  await stack.ask("config", "set", "pilab:bootstrapServers", cluster.bootstrapServers);
  return stack;
}

async function bareRound(
  measuring: Measuring,
  { bootstrapServers }: StartedKafkaCluster,
  declared: readonly DeclaredTopic[],
): Promise<void> {
  const client = await BareTopics.connect(bootstrapServers.split(",")[0]!);
  try {
    await measuring.take("topics-bare-create", () => client.create(declared));
    await measuring.take("topics-bare-refresh", () => client.describe(declared));
    await measuring.take("topics-bare-destroy", () => client.delete(declared));
  } finally {
    await client.close();
  }
}

async function stackRound(
  measuring: Measuring,
  { kind, stack }: Subject,
  declared: readonly DeclaredTopic[],
): Promise<void> {
  const guard = "all";
  stack.declare({
    topics: Object.fromEntries(declared.map((topic) => [topic.name, topic])),
    guard,
  });
  const all = (op: string): readonly string[] =>
    [...declared.map(({ name }) => name), guard].map((name) => `${op} ${name}`);
  const take = async (work: TopicWork, operation: string, steps: readonly string[]) => {
    const done = await measuring.take(
      kind === "noop" ? `topics-noop-${work}` : `topics-${work}`,
      () => timed(stack, operation, steps),
    );
    // What comes next would measure something else.
    if (done === undefined)
      throw new Error(`the rest of the round is left out, since ${work} failed`);
  };
  await take("create", "up", all("create"));
  await take("preview", "preview", []);
  await take("up", "up", []);
  await take("refresh", "refresh", []);
  await take("destroy", "destroy", all("delete"));
}

/** @throws Error where other steps than these were taken */
async function timed(
  stack: TopicStack,
  operation: string,
  steps: readonly string[],
): Promise<{ readonly seconds: number }> {
  const begin = performance.now();
  const run = await stack.run(operation);
  const seconds = (performance.now() - begin) / 1000;
  if (run.exitCode !== 0) throw new Error(`pulumi ${operation} failed: ${run.errors}`);
  const taken = new Set(run.steps);
  const odd = [
    ...steps.filter((step) => !taken.has(step)).map((step) => `no ${step}`),
    ...[...taken].filter((step) => !steps.includes(step)),
  ];
  if (odd.length === 0) return { seconds };
  throw new Error(
    `pulumi ${operation} was to take ${steps.length} steps and took others: ${odd.slice(0, 5).join(", ")}`,
  );
}
