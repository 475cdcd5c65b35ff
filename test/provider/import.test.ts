import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { asking, PATIENT } from "../../provider/admin/port";
import { ensurePulumi } from "../../toolchain";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { testRunDir } from "../support/test-run";
import { TopicStack } from "../support/topics/stack";
import { waitFor } from "../support/wait";

jest.setTimeout(180_000);

const TOPIC = "pilab:kafka/topic:Topic";
/** The language host that we have writes no code. */
const WITHOUT_CODE = "--generate-code=false";

let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;

beforeAll(async () => {
  cluster = await StartedKafkaCluster.start();
  admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
});

afterAll(async () => {
  await admin?.close();
  await cluster?.stop();
});

/** An empty stack whose default provider is configured as a user does it; null: it is not. */
async function newStack(
  bootstrapServers: string | null = cluster.bootstrapServers,
): Promise<TopicStack> {
  const stack = await TopicStack.create({
    folder: mkdtempSync(join(testRunDir(), "import-")),
    engine: await ensurePulumi((line) => process.stderr.write(`${line}\n`)),
  });
  if (bootstrapServers !== null) {
    await stack.ask("config", "set", "pilab:bootstrapServers", bootstrapServers);
  }
  return stack;
}

test("an imported topic is what a program declares, and is changed by it from then on", async () => {
  const config = { "retention.ms": "86400000", "cleanup.policy": "compact" };
  const red = { name: "red", partitions: 2, replicationFactor: 3 };
  await admin.createTopic({ ...red, config });
  const stack = await newStack();

  const imported = await stack.run("import", TOPIC, "red", "red", WITHOUT_CODE);
  expect(imported).toMatchObject({ exitCode: 0, steps: ["import red"], errors: "" });
  expect(imported.resources["red"]).toMatchObject({
    id: "red",
    inputs: { ...red, config, deletionProtection: true },
  });

  const declared = { ...red, config, deletionProtection: true };
  stack.declare({ topics: { red: declared } });
  await expect(stack.run("preview")).resolves.toMatchObject({ exitCode: 0, steps: [] });
  await expect(stack.run("up")).resolves.toMatchObject({ exitCode: 0, steps: [] });
  await expect(stack.run("refresh")).resolves.toMatchObject({ exitCode: 0, errors: "" });

  const changed = { "retention.ms": "3600000", "cleanup.policy": "compact" };
  stack.declare({ topics: { red: { ...declared, config: changed } } });
  await expect(stack.run("up")).resolves.toMatchObject({ exitCode: 0, steps: ["update red"] });
  expect((await admin.describeTopic("red"))?.config).toEqual(changed);
});

test("partitions that somebody added are drift: only what wants fewer is refused, and declaring them is the way out", async () => {
  const grown = { name: "grown", partitions: 1, replicationFactor: 3, config: {} };
  const declared = { ...grown, deletionProtection: true };
  const other = { ...declared, name: "other" };
  const stack = await newStack();
  stack.declare({ topics: { grown: declared, other } });
  await expect(stack.run("up")).resolves.toMatchObject({ exitCode: 0 });
  await admin.raisePartitions("grown", 3);
  await waitFor("every broker to know", async () => {
    const views = cluster.bootstrapServers
      .split(",")
      .map((server) =>
        asking(new PlatformaticAdmin([server], PATIENT), (one) => one.describeTopic("grown")),
      );
    const counts = (await Promise.all(views)).map((live) => live?.partitions.length);
    return counts.every((count) => count === 3) ? true : undefined;
  });

  // The way out first, straight from the state that knows of one: then by a refresh of its own.
  const as = (partitions: number) =>
    stack.declare({ topics: { grown: { ...declared, partitions }, other } });
  as(3);
  const eased = await stack.run("preview", "--refresh");
  expect(eased).toMatchObject({ exitCode: 0, errors: "" });
  as(1);
  await expect(stack.run("refresh")).resolves.toMatchObject({ exitCode: 0, errors: "" });
  const refused = await stack.run("preview");
  expect(refused.exitCode).not.toBe(0);
  expect(refused.everything).toMatch(/3 cannot become 1: Kafka cannot take partitions away/);
  expect((await stack.run("up")).exitCode).not.toBe(0);
  as(3);
  await expect(stack.run("up", "--refresh")).resolves.toMatchObject({ exitCode: 0, errors: "" });
  expect((await admin.describeTopic("grown"))?.partitions).toHaveLength(3);
});

test("a resource with another name in the program, or one that is replaced, keeps its topic", async () => {
  const config = { "retention.ms": "86400000" };
  const kept = { name: "kept", partitions: 2, replicationFactor: 3, config };
  const declared = { ...kept, deletionProtection: false };
  const stack = await newStack();
  stack.declare({ topics: { former: declared } });
  await expect(stack.run("up")).resolves.toMatchObject({ exitCode: 0, steps: ["create former"] });
  const live = await admin.describeTopic("kept");
  expect(live).toBeDefined();

  stack.declare({ topics: { latter: declared } });
  await expect(stack.run("up")).resolves.toMatchObject({ exitCode: 0, errors: "" });
  expect(await admin.describeTopic("kept")).toEqual(live);

  const urn = `urn:pulumi:dev::topics::${TOPIC}::latter`;
  await expect(stack.run("up", "--replace", urn)).resolves.toMatchObject({
    exitCode: 0,
    errors: "",
  });
  expect(await admin.describeTopic("kept")).toEqual(live);
  await expect(stack.run("preview")).resolves.toMatchObject({ exitCode: 0, steps: [] });
});

test("a program reads topics that it does not own, and leaves them as they are", async () => {
  const config = { "segment.ms": "70000" };
  await admin.createTopic({ name: "theirs", partitions: 3, replicationFactor: 2, config });
  const stack = await newStack();
  stack.declare({ got: { seen: "theirs" }, gotCluster: true });
  await expect(stack.run("up")).resolves.toMatchObject({ exitCode: 0, errors: "" });
  const live = await admin.describeTopic("theirs");
  expect(JSON.parse(await stack.ask("stack", "output", "found", "--json"))).toEqual({
    seen: { name: "theirs", topicId: live?.topicId, partitions: 3, replicationFactor: 2, config },
  });
  expect(JSON.parse(await stack.ask("stack", "output", "cluster", "--json"))).toEqual({
    minInsyncReplicas: 2,
    metadataVersion: "4.1-IV1",
  });
  await expect(stack.run("preview")).resolves.toMatchObject({ exitCode: 0, errors: "" });
  await expect(stack.run("destroy")).resolves.toMatchObject({ exitCode: 0 });
  expect(await admin.describeTopic("theirs")).toEqual(live);
});

test("what cannot be imported is said: no such topic, no cluster, nothing configured", async () => {
  const stack = await newStack();
  const missing = await stack.run("import", TOPIC, "none", "no-such-topic", WITHOUT_CODE);
  expect(missing.exitCode).not.toBe(0);
  expect(missing.errors).toMatch(/topic no-such-topic: the cluster has none of that name/);

  const lost = await newStack("127.0.0.1:1");
  const unreachable = await lost.run("import", TOPIC, "red", "red", WITHOUT_CODE);
  expect(unreachable.exitCode).not.toBe(0);
  expect(unreachable.errors).toMatch(/no broker answers at 127\.0\.0\.1:1.*bootstrapServers/s);

  const unset = await (await newStack(null)).run("import", TOPIC, "red", "red", WITHOUT_CODE);
  expect(unset.exitCode).not.toBe(0);
  expect(unset.errors).toMatch(/bootstrapServers.*is missing; write the brokers' client listeners/);
});
