import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import type { ConnectAdmin } from "../../provider/admin/port";
import { PATIENT } from "../../provider/admin/port";
import { pilabProvider } from "../../provider/provider";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { awaitLeader, writeRecords } from "../support/kafka/write-records";
import type { ResourceDriver } from "../support/provider-driver";
import { ProviderDriver } from "../support/provider-driver";
import { waitFor } from "../support/wait";

/** How topics are destroyed, and are not, on three real brokers: the set in the preview, the topic in the act. */

const TOPIC = "pilab:kafka/topic:Topic";
const SET = "pilab:kafka/topicSet:TopicSet";
/** The engine's own numbers. */
const WARNING = 2;
const [UPDATE_REPLACE] = [5];

jest.setTimeout(180_000);

let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;
let driver: ProviderDriver;
const others: ProviderDriver[] = [];

const openShell = () => Promise.reject(new Error("dialled a host"));

async function run(
  config: { consents?: string[]; liveChecks?: boolean; bootstrapServers?: string } = {},
  connectAdmin: ConnectAdmin = (servers, options) => new PlatformaticAdmin(servers, options),
): Promise<ProviderDriver> {
  const started = await ProviderDriver.start(pilabProvider({ connectAdmin, openShell }), {
    bootstrapServers: config.bootstrapServers ?? cluster.bootstrapServers,
    deletionConsents: JSON.stringify(config.consents ?? []),
    liveChecks: String(config.liveChecks ?? true),
  });
  others.push(started);
  return started;
}

const spec = (name: string, changes: object = {}) => ({
  name,
  partitions: 3,
  replicationFactor: 3,
  config: {},
  deletionProtection: false,
  ...changes,
});

async function write(topic: string, count: number): Promise<void> {
  const leader = await awaitLeader(admin, topic);
  const batch = Array.from({ length: count }, () => ({ value: "x".repeat(100) }));
  await writeRecords(cluster.broker(leader).address, topic, 0, batch);
}

/** Topics that are there, with so many records, and the set of them in the state. */
async function topicsWith(
  counts: Record<string, number>,
  unprotected: string[] = [],
): Promise<{ ids: Record<string, string>; state: NonNullable<ResourceDriver["state"]> }> {
  const ids: Record<string, string> = {};
  for (const [name, count] of Object.entries(counts)) {
    const topic = driver.resource(TOPIC, name);
    await topic.up(spec(name));
    if (count > 0) await write(name, count);
    ids[name] = topic.known().outputs["topicId"] as string;
  }
  const set = driver.resource(SET, "topics");
  await set.up({ topics: ids, unprotected });
  return { ids, state: set.known() };
}

/** The set as a run of its own meets it. */
function setIn(one: ProviderDriver, state: NonNullable<ResourceDriver["state"]>): ResourceDriver {
  const set = one.resource(SET, "topics");
  set.state = state;
  return set;
}

const warnings = (one: ProviderDriver): string[] =>
  one.logs.filter(({ severity }) => severity === WARNING).map(({ message }) => message);

beforeAll(async () => {
  cluster = await StartedKafkaCluster.start();
  admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
  driver = await ProviderDriver.start(
    pilabProvider({
      connectAdmin: (servers, options) => new PlatformaticAdmin(servers, options),
      openShell,
    }),
    { bootstrapServers: cluster.bootstrapServers },
  );
});

afterEach(async () => {
  await Promise.all(others.splice(0).map((one) => one.stop()));
});

afterAll(async () => {
  await driver?.stop();
  await admin?.close();
  await cluster?.stop();
});

test("a set in which nothing changes, and one that grows, connects nowhere", async () => {
  const { ids, state } = await topicsWith({ calm: 1 });
  const quiet = await run({ consents: [ids["calm"]!] }, () => {
    throw new Error("connected");
  });
  const set = setIn(quiet, state);
  await expect(set.diff({ topics: ids, unprotected: [] })).resolves.toEqual({});
  await expect(
    set.diff({ topics: { ...ids, more: "M".repeat(22) }, unprotected: [] }),
  ).resolves.toHaveProperty(["topics.more"]);
  expect(warnings(quiet)).toEqual([]);
});

test("all that leave are judged at once: what holds records or is protected stays", async () => {
  const { ids, state } = await topicsWith({ full: 5, small: 1, empty: 0, bare: 0 }, ["bare"]);
  const refusal = await setIn(await run(), state)
    .diff({ topics: {} })
    .then(
      () => "none",
      (error: Error) => error.message.split("\n"),
    );
  const consent = (name: string) => `To do so add ${ids[name]} to`;
  expect(refusal).toEqual([
    expect.stringContaining("nothing was changed:"),
    expect.stringMatching(/^ {2}topics\.empty: it is empty .*, and its deletionProtection is on/),
    expect.stringMatching(
      `^  topics\\.full: destroying it \\(id ${ids["full"]}\\) would lose 5 records, \\d+ B in 3 partitions\\. ${consent("full")}`,
    ),
    expect.stringMatching(
      `^  topics\\.small: destroying it .* would lose 1 record, .*${consent("small")}`,
    ),
  ]);
  const one = await run();
  const rest = Object.fromEntries(Object.entries(ids).filter(([name]) => name !== "bare"));
  await expect(setIn(one, state).diff({ topics: rest, unprotected: [] })).resolves.toHaveProperty([
    "topics.bare",
  ]);
  expect(warnings(one)).toEqual(["destroys: topics.bare: it is empty"]);
});

test("a consent is for one id; one that is idle is told", async () => {
  const { ids, state } = await topicsWith({ wanted: 3 });
  const wrong = await run({ consents: ["W".repeat(22)] });
  await expect(setIn(wrong, state).diff({ topics: {} })).rejects.toThrow(/would lose 3 records/);
  const right = await run({ consents: [ids["wanted"]!] });
  await expect(setIn(right, state).diff({ topics: {} })).resolves.toHaveProperty(["topics.wanted"]);
  expect(warnings(right)).toEqual([
    expect.stringMatching(
      /^destroys: topics\.wanted: its 3 records, .* are lost; its id .* has consent$/,
    ),
  ]);
  const later = await run({ consents: [ids["wanted"]!] });
  const after = { id: "topics", inputs: { topics: {} }, outputs: { topics: {} } };
  await expect(setIn(later, after).diff({ topics: {} })).resolves.toEqual({});
  expect(warnings(later)).toEqual([
    expect.stringMatching(/^deleteTopics has .*of no topic that the/),
  ]);
});

test("a rename is said to be a destroy and a create", async () => {
  const { state } = await topicsWith({ before: 2 });
  await expect(
    setIn(await run(), state).diff({ topics: { after: "A".repeat(22) } }),
  ).rejects.toThrow(
    /would lose 2 records[\s\S]*after would be made .* the records of before do not move/,
  );
});

test("gone, or made again: judged by what is there, and a refresh takes it in", async () => {
  const { ids, state } = await topicsWith({ gone: 2, again: 2 });
  for (const name of ["gone", "again"]) {
    await admin.deleteTopic({ topic: name, topicId: ids[name]! });
    await waitFor(`${name} to be gone`, async () =>
      (await admin.describeTopic(name)) === undefined ? true : undefined,
    );
  }
  await admin.createTopic({ name: "again", partitions: 1, replicationFactor: 3, config: {} });
  await write("again", 4);
  const one = await run({ consents: [ids["again"]!] });
  const set = setIn(one, state);
  await expect(set.diff({ topics: {} })).rejects.toThrow(
    /^(?!.*topics\.gone)[\s\S]*topics\.again: it was deleted and made again.*it holds 4 records.*pulumi refresh/,
  );
  await set.refresh();
  const live = await admin.describeTopic("again");
  expect(set.known().outputs["topics"]).toEqual({ again: live?.topicId });
  // The consent was for the former one.
  await expect(set.diff({ topics: {} })).rejects.toThrow(
    /topics\.again: destroying it .*lose 4 records/,
  );

  const alone = await run();
  const { gone } = ids;
  const missing = { id: "topics", inputs: {}, outputs: { topics: { gone: gone! } } };
  await expect(setIn(alone, missing).diff({ topics: {} })).resolves.toHaveProperty(["topics.gone"]);
  expect(warnings(alone)).toEqual(["topics.gone: it is gone from the cluster already"]);
});

test("with nobody to ask, a consent is wanted", async () => {
  const { ids, state } = await topicsWith({ unseen: 0 }, ["unseen"]);
  const away = "127.0.0.1:1";
  await expect(
    setIn(await run({ bootstrapServers: away }), state).diff({ topics: {} }),
  ).rejects.toThrow(/was not counted, since no broker answers\. To do so all the same add/);
  await expect(setIn(await run({ liveChecks: false }), state).diff({ topics: {} })).rejects.toThrow(
    /since live checks are off/,
  );
  const consents = [ids["unseen"]!];
  const blind = await run({ bootstrapServers: away, consents });
  await expect(setIn(blind, state).diff({ topics: {} })).resolves.toHaveProperty(["topics.unseen"]);
  const refreshed = await setIn(blind, state).refresh();
  expect(refreshed?.outputs).toEqual(state.outputs);
});

test("the act itself asks again: records that came since are not lost", async () => {
  const { ids } = await topicsWith({ late: 0, kept: 2 });
  const late = driver.resource(TOPIC, "late");
  late.state = {
    id: "late",
    inputs: spec("late"),
    outputs: { ...spec("late"), topicId: ids["late"]! },
  };
  await write("late", 1);
  await expect(late.delete()).rejects.toThrow(
    /^[\s\S]*topic late: not deleted: destroying it \(id .*\) would lose 1 record/,
  );
  const consented = await run({ consents: [ids["late"]!] });
  const same = consented.resource(TOPIC, "late");
  same.state = late.known();
  await same.delete();
  expect(await admin.describeTopic("late")).toBeUndefined();
  expect(await admin.describeTopic("kept")).toBeDefined();
});

test("another name is another topic: judged by the same rule", async () => {
  const { ids } = await topicsWith({ red: 2, blank: 0 });
  const state = (name: string) => ({
    id: name,
    inputs: spec(name),
    outputs: { ...spec(name), topicId: ids[name]! },
  });
  const one = await run();
  const red = one.resource(TOPIC, "red");
  red.state = state("red");
  await expect(red.diff(spec("crimson"))).rejects.toThrow(
    /name: red cannot become crimson: Kafka cannot rename a topic.*would lose 2 records/,
  );
  const blank = one.resource(TOPIC, "blank");
  blank.state = state("blank");
  await expect(blank.diff(spec("white"))).resolves.toMatchObject({ name: UPDATE_REPLACE });
  const consented = (await run({ consents: [ids["red"]!] })).resource(TOPIC, "red");
  consented.state = state("red");
  await expect(consented.diff(spec("crimson"))).resolves.toMatchObject({ name: UPDATE_REPLACE });
  expect((await consented.checked(spec("crimson")))["changes"]).toEqual([
    expect.stringMatching(/^destroys: name red => crimson: .* red is destroyed with its 2 records/),
  ]);
});
