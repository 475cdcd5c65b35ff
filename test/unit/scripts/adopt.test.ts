import fc from "fast-check";
import { parse } from "yaml";
import { parseLab } from "../../../model";
import type { LiveTopic } from "../../../provider/admin/port";
import { isEmptyChange, planConfig } from "../../../provider/topic/config-change";
import * as topic from "../../../provider/topic/plan";
import { gatherTopics } from "../../../scripts/lib/adopt/gather";
import { planAdoption, type AdoptionOptions } from "../../../scripts/lib/adopt/plan";
import { remarks, topicsProgram, topicsYaml } from "../../../scripts/lib/adopt/text";
import { adminWith } from "../../support/kafka/admin-with";
import { change, physicalConfig, type RawConfig } from "../../support/lab-config";

/** Three brokers with the nodes 1 to 3, and no topic that anybody needs. */
function labConfig(): RawConfig {
  const config = physicalConfig();
  for (const client of ["client-1", "client-2"]) change(config, ["hosts", client], undefined);
  return change(config, ["topics"], {});
}

const hosts = new Map([1, 2, 3].map((id) => [id, `broker-${id}`]));

const underLab = (lab: unknown = labConfig(), placement = false): AdoptionOptions => ({
  placement,
  rules: { lab, hosts },
});

const none: ReadonlySet<string> = new Set();

/** @param replicas of each partition */
function live(
  name: string,
  replicas: readonly (readonly number[])[] = [[1, 2, 3]],
  config: Readonly<Record<string, string>> = {},
): LiveTopic {
  const partitions = replicas.map((nodes, partition) => ({
    partition,
    leader: nodes[0] ?? -1,
    replicas: nodes,
    isr: nodes,
  }));
  return {
    topic: name,
    topicId: "AAAAAAAAAAAAAAAAAAAAAA",
    partitions,
    config,
    minInsyncReplicas: 2,
  };
}

test("what is set on a topic is declared, but for what belongs to reassignments", () => {
  const config = {
    "retention.ms": "604800000",
    "cleanup.policy": "compact,delete",
    "leader.replication.throttled.replicas": "0:1",
  };
  const topics = [
    live("red.2", [
      [2, 3, 1],
      [3, 1, 2],
    ]),
    live("blue", [[1, 2]], config),
  ];
  const plan = planAdoption({ topics, moving: none }, underLab());
  expect(topicsYaml(plan.topics)).toBe(
    [
      "topics:",
      "  blue:",
      "    partitions: 1",
      "    replicationFactor: 2",
      "    config:",
      '      cleanup.policy: "compact,delete"',
      '      retention.ms: "604800000"',
      "  red.2:",
      "    partitions: 2",
      "    replicationFactor: 3",
      "",
    ].join("\n"),
  );
  expect(remarks(plan)).toEqual([]);
  expect(topicsYaml([])).toBe("topics: {}\n");
});

test("the replicas' places are told by hosts in a lab, by node ids in a program", () => {
  const topics = [
    live("red", [
      [2, 3],
      [3, 1],
    ]),
  ];
  const inLab = planAdoption({ topics, moving: none }, underLab(labConfig(), true));
  expect(topicsYaml(inLab.topics)).toMatch(
    "    placement:\n      - [broker-2, broker-3]\n      - [broker-3, broker-1]\n",
  );
  const inProgram = planAdoption({ topics, moving: none }, { placement: true, rules: "provider" });
  expect(topicsProgram(inProgram.topics)).toMatch("  placement: [[2,3],[3,1]],\n");
  const strange = [live("red", [[1, 7]])];
  const stranger = planAdoption({ topics: strange, moving: none }, underLab(labConfig(), true));
  expect(remarks(stranger)).toEqual([
    "red: left out. A replica of it lies on node 7, which no host of the lab is. Give a broker that nodeId, or leave --placement out.",
  ]);
});

test("a program of one's own gets statements and the commands that import", () => {
  const topics = [live("red", [[1, 2, 3]], { "retention.ms": "1", "of.later": "x" })];
  const plan = planAdoption({ topics, moving: none }, { placement: false, rules: "provider" });
  expect(topicsProgram(plan.topics)).toBe(
    [
      "// pulumi import --generate-code=false pilab:kafka/topic:Topic red red",
      'new Topic("red", {',
      '  name: "red",',
      "  partitions: 1,",
      "  replicationFactor: 3,",
      '  config: {"retention.ms":"1"},',
      "  deletionProtection: true,",
      "});",
      "",
    ].join("\n"),
  );
  expect(remarks(plan)).toEqual([
    expect.stringMatching(/^red: a setting is not declared, and stays as it is\. of\.later: is no/),
  ]);
});

test("what cannot be declared is told with the reason and what to do", () => {
  const topics = [
    live("__consumer_offsets"),
    live("uneven", [
      [1, 2, 3],
      [1, 2],
    ]),
    live("moving", [[1, 2, 3, 4]]),
    live("single", [[1]]),
    live("tiny", [[1, 2, 3]], { "segment.bytes": "1000", "retention.ms": "1" }),
    live("strict", [[1, 2]], { "min.insync.replicas": "3" }),
    live("a.b"),
    live("a_b"),
  ];
  const lab = change(labConfig(), ["topics"], { red: {}, tiny: {}, single: {} });
  const plan = planAdoption({ topics, moving: new Set(["moving"]) }, underLab(lab));
  expect(plan.topics.map(({ name, config }) => [name, config])).toEqual([
    ["a.b", {}],
    ["strict", {}],
    ["tiny", { "retention.ms": "1" }],
  ]);
  expect(remarks(plan)).toEqual([
    expect.stringMatching(/^a_b: left out\. lab\.topics\.a_b: collides with a\.b.*Rename one/),
    expect.stringMatching(/^moving: left out\. Replicas of it are on their way.*run this again/),
    expect.stringMatching(
      /^single: left out\. lab\.topics\.single\.replicationFactor: 1 is less.*give the topic/,
    ),
    expect.stringMatching(/^uneven: left out\. .*: 3 in partition 0, 2 in partition 1\. Give all/),
    expect.stringMatching(
      /^strict: a setting is not declared.*min\.insync\.replicas.*: 3 is more than/,
    ),
    expect.stringMatching(
      /^tiny: a setting is not declared.*segment\.bytes.*1000 is not what Kafka/,
    ),
    "Kafka's own topics are left out: __consumer_offsets.",
    "The lab has topics that are not in the cluster: red. Keep their lines to have them made.",
  ]);
});

const topicName = fc
  .stringMatching(/^[A-Za-z0-9.-]{1,12}$/)
  .filter((name) => name !== "." && name !== "..");
const nodes = fc.constantFrom([1, 2], [2, 3], [3, 1], [1, 2, 3], [3, 2, 1]);
const settings = fc
  .record(
    {
      "retention.ms": fc.nat().map(String),
      "cleanup.policy": fc.constantFrom("compact", "delete", "delete,compact"),
      "min.cleanable.dirty.ratio": fc.constantFrom("0.5", "0.50", "1", "0"),
      "unclean.leader.election.enable": fc.constantFrom("true", "false"),
      "follower.replication.throttled.replicas": fc.constantFrom("*", "0:1"),
    },
    { requiredKeys: [] },
  )
  .map((some) => Object.fromEntries(Object.entries(some).map(([k, v]) => [k, String(v)])));
const clusterTopics = fc.uniqueArray(
  fc
    .tuple(topicName, fc.integer({ min: 1, max: 4 }), nodes, settings)
    .map(([name, count, at, config]) =>
      live(
        name,
        Array.from({ length: count }, () => at),
        config,
      ),
    ),
  { selector: ({ topic: name }) => name, maxLength: 8 },
);

test("what is printed is read back as topics that are taken over without a change", () => {
  fc.assert(
    fc.property(clusterTopics, fc.boolean(), (topics, placement) => {
      const lab = labConfig();
      const plan = planAdoption({ topics, moving: none }, underLab(lab, placement));
      expect(plan.refused).toEqual([]);
      const text = topicsYaml(plan.topics.map((each) => ({ ...each, placement: undefined })));
      const parsed = parseLab({ ...lab, ...(parse(text) as object) });
      expect(parsed.topics).toHaveLength(topics.length);
      for (const want of parsed.topics) {
        const found = topics.find((each) => each.topic === want.name)!;
        expect(topic.adoptionRefusals(want, found)).toEqual([]);
        expect(isEmptyChange(planConfig([], want.config, found.config))).toBe(true);
        const kept = Object.keys(found.config).filter((key) => !key.includes("throttled"));
        expect(Object.keys(want.config).sort()).toEqual(kept.sort());
      }
    }),
  );
});

test("names that YAML might take for something else stay text in every reader", () => {
  const names = ["null", "on", "Yes", "0x1F", "1_000", "2020-01-01", "~", "1e3", ".5", "-", "y"];
  const text = topicsYaml(
    names.map((name) => ({
      name,
      partitions: 1,
      replicationFactor: 3,
      config: {},
      placement: undefined,
    })),
  );
  for (const name of names) expect(text).toContain(`  ${JSON.stringify(name)}:\n`);
});

test("a topic that is deleted while the cluster is looked at is left out", async () => {
  const admin = adminWith({
    listPartitions: () => Promise.resolve([live("red"), live("gone")]),
    listReassignments: () =>
      Promise.resolve([{ topic: "red", partition: 0, replicas: [1], adding: [1], removing: [] }]),
    describeTopic: (name) => Promise.resolve(name === "gone" ? undefined : live(name)),
  });
  const found = await gatherTopics(admin);
  expect(found).toEqual({ topics: [live("red")], moving: new Set(["red"]) });
});
