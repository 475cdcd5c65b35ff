import type { LiveTopic } from "../../../provider/admin/port";
import { PATIENT } from "../../../provider/admin/port";
import { PlatformaticAdmin } from "../../../provider/admin/platformatic";
import { bootstrapServers } from "../../../model";
import { askAll, brokerPis, type UnitState } from "../../support/lab/pi";
import { waitFor } from "../../support/wait";
import type { Outcome, TestStack } from "../../support/stack";
import type { GetLab } from "./shared";

const TOPIC = "pilab:kafka/topic:Topic";
const TOPIC_SET = "pilab:kafka/topicSet:TopicSet";
const RECORDS = 40;

const alerts = (partitions: number, placement: readonly (readonly string[])[]) => ({
  ...{ partitions, placement },
  replicationFactor: 2,
});

/** Where the replicas are, the preferred leader first; leaders beside them. */
const places = ({ partitions }: LiveTopic): (readonly [number, readonly number[]])[] =>
  partitions.map(({ leader, replicas }) => [leader, replicas] as const);

/** Why a preview was refused, in one text. */
const told = ({ errors }: Outcome): string => errors.join("\n");

/** What the edits of a topic do is said before it happens, and then happens, on the brokers themselves. */
export function describeTopics(lab: GetLab): void {
  const live = (name: string) => topicOf(lab().stack, name);

  test("a topic is made where it is placed", async () => {
    const { stack } = lab();
    stack.edit(({ topics }) => (topics["alerts"] = alerts(1, [["broker-2", "broker-1"]])));
    await stack.up();
    expect(places((await live("alerts"))!)).toEqual([[2, [2, 1]]]);
    const values = Array.from({ length: RECORDS }, (_, i) => ["--value", `alert ${i}`]).flat();
    const written = await stack.script("produce", "alerts", "--key", "sky", ...values).ended;
    expect(written.exitCode).toBe(0);
  });

  test("a partition more is said to send keys elsewhere, and is there after `up`; no host is touched", async () => {
    const { stack } = lab();
    const before = await units(stack);
    stack.edit(({ topics }) => {
      topics["alerts"] = alerts(2, [
        ["broker-2", "broker-1"],
        ["broker-3", "broker-2"],
      ]);
    });
    const preview = await stack.preview();
    expect(preview.errors).toEqual([]);
    expect(changesOf(preview, "alerts")).toContainEqual(
      expect.stringMatching(/^remaps keys: 1 => 2 partitions/),
    );
    const up = await stack.up();
    expect(up.steps.map(({ op, type, name }) => [op, type, name])).toEqual([
      ["update", TOPIC, "alerts"],
    ]);
    expect(places((await live("alerts"))!)).toEqual([
      [2, [2, 1]],
      [3, [3, 2]],
    ]);
    expect(await units(stack)).toEqual(before);
  });

  test("another placement moves the records, and says so before; the first broker then leads, nothing stays throttled", async () => {
    const { stack } = lab();
    stack.edit(({ topics }) => {
      topics["alerts"] = alerts(2, [
        ["broker-3", "broker-1"],
        ["broker-3", "broker-2"],
      ]);
    });
    const preview = await stack.preview();
    expect(changesOf(preview, "alerts")).toContainEqual(
      expect.stringMatching(/^moves data: .* to copy, about .* at 10 MiB\/s/),
    );
    await stack.up();
    expect(places((await live("alerts"))!)).toEqual([
      [3, [3, 1]],
      [3, [3, 2]],
    ]);
    expect(Object.keys((await live("alerts"))!.config)).not.toEqual(
      expect.arrayContaining([expect.stringContaining("throttled")]),
    );
    const read = await stack.script("consume", "alerts", "--from-beginning", "--json").ended;
    expect(read.stdout.trim().split("\n")).toHaveLength(RECORDS);
    const again = await stack.up();
    expect(again.steps).toEqual([]);
  });

  test("what was moved by hand is drift, and is moved back", async () => {
    const { stack } = lab();
    const [pi] = brokerPis(stack);
    const json = JSON.stringify({
      version: 1,
      partitions: [{ topic: "alerts", partition: 1, replicas: [1, 2] }],
    });
    await pi!.run(
      `cat >/tmp/move.json && ${tool("kafka-reassign-partitions.sh")} --reassignment-json-file /tmp/move.json --execute`,
      json,
    );
    await waitFor("the move by hand to end", async () =>
      String(places((await live("alerts"))!)[1]?.[1]) === "1,2" ? true : undefined,
    );
    await stack.refresh();
    const preview = await stack.preview();
    expect(preview.steps.map(({ op, name }) => [op, name])).toEqual([["update", "alerts"]]);
    await stack.up();
    expect(places((await live("alerts"))!)[1]).toEqual([3, [3, 2]]);
  });

  test("a topic that goes is refused in the preview with what would be lost, renamed ones as well", async () => {
    const { stack } = lab();
    const { topicId } = (await live("alerts"))!;
    const { topics } = stack.value();
    const { alerts: gone, ...others } = topics;
    stack.edit((value) => (value.topics = others));
    const removed = await stack.preview();
    stack.edit((value) => (value.topics = { ...others, alarms: gone! }));
    const renamed = await stack.preview();
    stack.edit((value) => (value.topics = topics));
    for (const refusal of [removed, renamed]) {
      expect(refusal.exitCode).not.toBe(0);
      expect(told(refusal)).toContain(`${RECORDS} records`);
      expect(told(refusal)).toContain(`add ${topicId} to \`deleteTopics\``);
    }
    expect(told(renamed)).toContain("alarms would be made in the same edit: if a rename is meant");
    expect(await stack.preview()).toMatchObject({ steps: [], exitCode: 0 });
  });

  test("with a consent to its very id it goes, and everything else stays", async () => {
    const { stack } = lab();
    const { topicId } = (await live("alerts"))!;
    stack.edit((value) => {
      delete value.topics["alerts"];
      value["deleteTopics"] = [topicId];
    });
    const preview = await stack.preview();
    expect(preview.exitCode).toBe(0);
    expect(preview.warnings.join("\n")).toContain(`its ${RECORDS} records`);
    const up = await stack.up();
    const ops = up.steps.map(({ op, type, name }) => `${op} ${type} ${name}`);
    expect(ops).toEqual(
      expect.arrayContaining([`delete ${TOPIC} alerts`, `update ${TOPIC_SET} topics`]),
    );
    expect(ops.filter((step) => step.startsWith("delete")).sort()).toEqual([
      `delete ${TOPIC} alerts`,
      "delete pilab:kafka:ReplicatedTopic alerts",
    ]);
    expect(await live("alerts")).toBeUndefined();
    stack.edit((value) => delete value["deleteTopics"]);
    await stack.up();
    expect((await stack.up()).steps).toEqual([]);
  });
}

/** One of Kafka's own tools on a broker's host. */
const tool = (name: string): string => `${name} --bootstrap-server broker-1:9092`;

/** What the preview says that an edit does to a topic: the lines of its input `changes`. */
function changesOf({ steps }: Outcome, topic: string): readonly string[] {
  const step = steps.find(({ type, name }) => type === TOPIC && name === topic);
  const { changes } = (step?.metadata.new?.inputs ?? {}) as { changes?: string[] };
  return changes ?? [];
}

async function units(stack: TestStack): Promise<Record<string, UnitState>> {
  return askAll(brokerPis(stack), (pi) => pi.unit());
}

async function topicOf(stack: TestStack, name: string): Promise<LiveTopic | undefined> {
  const admin = new PlatformaticAdmin(bootstrapServers(stack.lab()).split(","), PATIENT);
  try {
    return await admin.describeTopic(name);
  } finally {
    await admin.close();
  }
}
