import type { CallContext, PropertyMap } from "../../../../plugins/common/rpc";
import { CancelledError, InitFailedError, Secret } from "../../../../plugins/common/rpc";
import type { KafkaAdmin } from "../../../../provider/admin/port";
import { KafkaError } from "../../../../provider/admin/port";
import { ClusterAccess } from "../../../../provider/cluster";
import { TopicHandler } from "../../../../provider/topic/handler";
import { adminWith } from "../../../support/kafka/admin-with";
import { ModelCluster } from "../../../support/kafka/model-cluster";

const target = { urn: "urn", name: "red", type: "pilab:kafka/topic:Topic" };

interface Call {
  readonly method: string;
  readonly args: readonly unknown[];
}

/** A handler on a model cluster, with all that it asks for. */
function handlerOn(
  model: ModelCluster,
  onCall: (call: Call) => void = () => undefined,
  liveChecks = true,
) {
  const calls: Call[] = [];
  const admin = new Proxy(model.admin(), {
    get:
      (inner, method: keyof KafkaAdmin) =>
      (...args: never[]) => {
        const call = { method, args };
        calls.push(call);
        onCall(call);
        return (inner[method] as (...args: never[]) => unknown)(...args);
      },
  });
  const cluster = new ClusterAccess(() => admin);
  cluster.configure({ bootstrapServers: "one:9092", liveChecks });
  return { handler: new TopicHandler(cluster), calls };
}

const mute = () => undefined;
const context = (signal = new AbortController().signal): CallContext => ({
  signal,
  log: { debug: mute, info: mute, warn: mute, error: mute, status: mute },
});

const state = (partitions: number, changes: PropertyMap = {}): PropertyMap => ({
  name: "red",
  topicId: "id",
  partitions,
  replicationFactor: 1,
  config: {},
  deletionProtection: true,
  ...changes,
});

const update = (handler: TopicHandler, olds: PropertyMap, news: PropertyMap, call = context()) => {
  const request = { ...target, id: "red", olds, oldInputs: olds, news, ignoreChanges: [] };
  return handler.update({ ...request, preview: false, timeoutSeconds: 0 }, call);
};

test("cancelled between two portions, the state keeps what is true, and the next update goes on", async () => {
  const partitions = Array.from({ length: 13 }, (_, i) => [1 + (i % 3)]);
  const model = new ModelCluster([1, 2, 3], partitions, 1, 100);
  const abort = new AbortController();
  let reassigned = 0;
  const { handler } = handlerOn(model, ({ method }) => {
    if (method === "reassign" && ++reassigned === 2) abort.abort(new CancelledError("cancelled"));
  });
  const olds = state(13);
  const news = state(13, { replicationFactor: 2 });
  const failure: unknown = await update(handler, olds, news, context(abort.signal)).catch(
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(InitFailedError);
  const { outputs, reasons } = (failure as InitFailedError).state;
  expect(reasons).toEqual([
    "topic red: cancelled",
    "topic red: the move of partition 10, 11, 12 was taken back",
    "topic red: The next `pulumi up` goes on from what is there.",
  ]);
  expect(outputs).toMatchObject({
    replicationFactor: 1,
    unfinished: ["replicas differ between partitions: 2 in 10, 1 in 3 of them"],
  });
  expect(model.config).toEqual({});
  expect([...model.rates]).toEqual([]);

  const next = handlerOn(model);
  const done = await update(next.handler, outputs, news);
  expect(done.outputs).toEqual(news);
  expect(next.calls.filter(({ method }) => method === "reassign")).toHaveLength(1);
  expect(model.placement.map((replicas) => replicas.length)).toEqual(partitions.map(() => 2));
});

test("a higher min.insync.replicas is written once the replicas are there, other settings before", async () => {
  const model = new ModelCluster([1, 2, 3], [[1]], 1);
  const { handler, calls } = handlerOn(model);
  const config = { "min.insync.replicas": "2", "retention.ms": "5" };
  await update(handler, state(1), state(1, { replicationFactor: 3, config }));
  const written = calls.flatMap(({ method, args }) =>
    method === "reassign"
      ? ["moved"]
      : method === "alterTopicConfig"
        ? Object.keys(args[1] as object).filter((key) => !key.includes("throttled"))
        : [],
  );
  expect(written).toEqual(["retention.ms", "moved", "min.insync.replicas"]);
});

test("a min.insync.replicas that goes waits for the replicas, and is still owned where they do not come", async () => {
  const model = new ModelCluster([1, 2, 3], [[1]], 1, 100);
  const config = { "min.insync.replicas": "1", "retention.ms": "5" };
  Object.assign(model.config, config);
  const abort = new AbortController();
  const removed: string[] = [];
  const { handler } = handlerOn(model, ({ method, args }) => {
    if (method === "reassign") abort.abort(new CancelledError("cancelled"));
    if (method === "alterTopicConfig") removed.push(...(args[2] as string[]));
  });
  const news = state(1, { replicationFactor: 3 });
  const failure: unknown = await update(
    handler,
    state(1, { config }),
    news,
    context(abort.signal),
  ).catch((error: unknown) => error);
  const { outputs } = (failure as InitFailedError).state;
  expect(removed).not.toContain("min.insync.replicas");
  expect(outputs["config"]).toEqual({ "min.insync.replicas": "1" });

  const done = await update(handlerOn(model).handler, outputs, news);
  expect(done.outputs).toEqual(news);
  expect(model.config).toEqual({});
});

test("what is refused is refused before anything is written", async () => {
  const model = new ModelCluster([1, 2, 3], [[1, 2, 3]], 2);
  const { handler, calls } = handlerOn(model);
  const olds = state(1, { replicationFactor: 3 });
  const news = state(1, { replicationFactor: 1, config: { "retention.ms": "5" } });
  await expect(update(handler, olds, news)).rejects.toThrow(
    /below the topic's min\.insync\.replicas/,
  );
  expect(calls.map(({ method }) => method)).toEqual(
    expect.not.arrayContaining(["alterTopicConfig", "reassign"]),
  );
});

test("an update that is about something else moves nothing, however the replicas are", async () => {
  const model = new ModelCluster([1, 2, 3], [[1]], 1);
  const { handler, calls } = handlerOn(model);
  // The state believes in three replicas.
  const olds = state(1, { replicationFactor: 3 });
  await update(handler, olds, { ...olds, config: { "retention.ms": "5" } });
  expect(calls.map(({ method }) => method)).not.toContain("reassign");
  expect(model.config).toEqual({ "retention.ms": "5" });
});

const remove = (handler: TopicHandler, outputs: PropertyMap, call = context()) =>
  handler.delete({ ...target, id: "red", outputs, oldInputs: outputs, timeoutSeconds: 0 }, call);

test("a topic that a new resource has taken over in this run is not deleted with the old one", async () => {
  const model = new ModelCluster([1, 2, 3], [[1]], 1);
  const { handler, calls } = handlerOn(model);
  const free = state(1, { deletionProtection: false });
  const request = { ...target, news: free, preview: false, timeoutSeconds: 0 };
  await handler.create(request, context());
  await remove(handler, free);
  expect(calls.map(({ method }) => method)).not.toContain("deleteTopic");
});

test("a topic that was made again does not go by a consent to the former one, counted or not", async () => {
  const live = { ...new ModelCluster([1], [[1]], 1).live(), topicId: "B".repeat(22) };
  const known = "A".repeat(22);
  const admin = adminWith({
    describeTopic: () => Promise.resolve(live),
    offsets: () => Promise.reject(new KafkaError("unreachable", "partition 0 has no leader")),
    replicaSizes: () => Promise.resolve(new Map()),
  });
  const cluster = new ClusterAccess(() => admin);
  cluster.configure({ bootstrapServers: "one:9092", deletionConsents: [known] });
  await expect(remove(new TopicHandler(cluster), state(1, { topicId: known }))).rejects.toThrow(
    /another one than the stack knows/,
  );
});

test("a refresh that loses the cluster half way keeps what is known", async () => {
  const short = { partition: 0, leader: 1, replicas: [1, 2], isr: [1] };
  const admin = adminWith({
    describeTopic: () =>
      Promise.resolve({ ...new ModelCluster([1], [[1]], 1).live(), partitions: [short] }),
    listReassignments: () => Promise.reject(new KafkaError("unreachable", "no controller")),
  });
  const cluster = new ClusterAccess(() => admin);
  cluster.configure({ bootstrapServers: "one:9092" });
  const outputs = state(1, { replicationFactor: 2 });
  const read = await new TopicHandler(cluster).read(
    { ...target, id: "red", outputs, inputs: outputs },
    context(),
  );
  expect(read).toEqual({ id: "red", outputs, inputs: outputs });
});

test("a refresh asks for the settings that the state has and for those of moves, an import for all", async () => {
  const model = new ModelCluster([1], [[1]], 1);
  const { handler, calls } = handlerOn(model);
  const outputs = state(1, { config: new Secret({ "retention.ms": "5" }) });
  await handler.read({ ...target, id: "red", outputs, inputs: outputs }, context());
  await handler.read({ ...target, id: "red", outputs: {}, inputs: {} }, context());
  const asked = [
    "retention.ms",
    "follower.replication.throttled.replicas",
    "leader.replication.throttled.replicas",
  ];
  expect(calls.map(({ method, args }) => [method, ...args])).toEqual([
    ["describeTopic", "red", asked],
    ["describeTopic", "red", undefined],
  ]);
});

test("a setting that is secret is so after a refresh", async () => {
  const model = new ModelCluster([1], [[1]], 1);
  Object.assign(model.config, { "retention.ms": "6", "segment.ms": "70000" });
  const outputs = state(1, {
    config: { "retention.ms": new Secret("5"), "segment.ms": "70000" },
  });
  const request = { ...target, id: "red", outputs, inputs: outputs };
  const read = await handlerOn(model).handler.read(request, context());
  const config = { "retention.ms": new Secret("6"), "segment.ms": "70000" };
  expect(read.outputs["config"]).toEqual(config);
  expect(read.inputs["config"]).toEqual(config);
});

test("brokers that have given a topic an id since it was made: it is the same one", async () => {
  const model = new ModelCluster([1, 2, 3], [[1]], 1);
  const { handler } = handlerOn(model);
  const olds = state(1, { topicId: "" });
  const { outputs } = await update(handler, olds, state(1, { config: { "retention.ms": "5" } }));
  expect(outputs).toMatchObject({ topicId: "id", config: { "retention.ms": "5" } });
});

/** One resource through the engine's calls of a preview: the check hands its inputs on to the diff. */
async function preview(
  handler: TopicHandler,
  state: { readonly inputs: PropertyMap; readonly outputs: PropertyMap },
  program: PropertyMap,
  call = context(),
) {
  const { inputs: olds, outputs } = state;
  const checked = await handler.check({ ...target, olds, news: program }, call);
  const { inputs: news, failures = [] } = checked;
  if (failures.length > 0) return { failures };
  const request = { ...target, id: "red", olds: outputs, oldInputs: olds, news, ignoreChanges: [] };
  return { news, ...(await handler.diff(request, call)) };
}

const inputsOf = (partitions: number, changes: PropertyMap = {}): PropertyMap => {
  const inputs = state(partitions, changes);
  delete inputs["topicId"];
  return inputs;
};

/** A context that keeps what is said. */
function listening(): { readonly call: CallContext; readonly said: string[] } {
  const said: string[] = [];
  const call = context();
  const warn = (line: string): void => void said.push(line);
  return { call: { ...call, log: { ...call.log, warn } }, said };
}

test("a refresh shows partitions that others have added; a preview that wants fewer is refused", async () => {
  const { handler } = handlerOn(new ModelCluster([1, 2, 3], [[1], [2], [3]], 1));
  const [inputs, outputs] = [inputsOf(1), state(1)];
  const read = await handler.read({ ...target, id: "red", outputs, inputs }, context());
  expect(read.outputs).toMatchObject({ partitions: 3 });
  // As the engine asks for what a refresh shows: no check, and the inputs of before as new ones.
  const shown = { olds: read.outputs, oldInputs: read.inputs, news: inputs, ignoreChanges: [] };
  const { detailedDiff } = await handler.diff({ ...target, id: "red", ...shown }, context());
  expect(detailedDiff).toMatchObject({ partitions: { kind: "update" } });

  expect(await preview(handler, read, inputs)).toEqual({
    failures: [
      {
        property: "partitions",
        reason: expect.stringMatching(/^3 cannot become 1: .*Keep 3; or/) as string,
      },
    ],
  });
  expect(await preview(handler, read, inputsOf(3))).toMatchObject({ detailedDiff: {} });
  expect(await preview(handler, read, inputsOf(4))).toHaveProperty("detailedDiff.partitions");
});

test("what a failed update has written is what the next edit begins from", async () => {
  const model = new ModelCluster([1], [[1]], 1);
  model.config["retention.ms"] = "9000";
  model.records = 50n;
  const config = (retentionMs: string) => ({ config: { "retention.ms": retentionMs } });
  // The engine keeps the outputs of what failed, and the inputs of before.
  const failed = { inputs: inputsOf(1, config("60")), outputs: state(1, config("9000")) };
  const back = listening();
  const { handler } = handlerOn(model);
  const seen = await preview(handler, failed, inputsOf(1, config("60")), back.call);
  expect(seen).toHaveProperty(["detailedDiff", 'config["retention.ms"]']);
  expect(back.said).toEqual([
    expect.stringMatching(/^topic red: destroys: retention\.ms 9000 => 60; 50 records/),
  ]);
  const fewer = { ...failed, outputs: state(2, config("60")) };
  await expect(preview(handler, fewer, inputsOf(1, config("60")))).rejects.toThrow(
    /topic red: partitions: 2 cannot become 1/,
  );
});

test("where nobody is asked, what a failed update has written is what the next edit begins from all the same", async () => {
  const config = (retentionMs: string) => ({ config: { "retention.ms": retentionMs } });
  const failed = { inputs: inputsOf(1, config("60")), outputs: state(1, config("9000")) };
  const { handler } = handlerOn(new ModelCluster([1], [[1]], 1), undefined, false);
  // Longer than what was declared last, and shorter than what the topic has by now.
  const longer = listening();
  await preview(handler, failed, inputsOf(1, config("100")), longer.call);
  expect(longer.said).toContainEqual(
    expect.stringMatching(/^topic red: may destroy: retention\.ms 9000 => 100; .*not counted/),
  );
  // What the inputs and the state agree on is said once.
  const plain = { inputs: inputsOf(1, config("9000")), outputs: state(1, config("9000")) };
  const once = listening();
  await preview(handler, plain, inputsOf(1, config("100")), once.call);
  expect(once.said.filter((line) => line.includes("may destroy"))).toHaveLength(1);
});

test("a topic that was made again is refused in the preview of an edit, as the update would", async () => {
  const { handler } = handlerOn(new ModelCluster([1], [[1]], 1));
  const known = { inputs: inputsOf(1), outputs: state(1, { topicId: "former" }) };
  const edit = inputsOf(1, { config: { "segment.ms": "60000" } });
  await expect(preview(handler, known, edit)).rejects.toThrow(
    /another one than the stack knows: its id is id, not former.*pulumi refresh/,
  );
  // Its guard alone is in the state, and an unchanged one is asked of nobody.
  await preview(handler, known, inputsOf(1, { deletionProtection: false }));
  await expect(preview(handler, known, inputsOf(1))).resolves.toMatchObject({ detailedDiff: {} });
});

test("settings alone wait for no replica; that one is away is a warning", async () => {
  const model = new ModelCluster([1, 2, 3], [[1, 2, 3]], 1);
  model.stop(3);
  const { handler } = handlerOn(model);
  const olds = state(1, { replicationFactor: 3 });
  const news = { ...olds, config: { "retention.ms": "5" } };
  const { call, said } = listening();
  const { outputs } = await update(handler, olds, news, call);
  expect(outputs).toEqual(news);
  expect(model.config).toEqual({ "retention.ms": "5" });
  expect(said).toEqual([
    "topic red: its settings are in force; it does not serve in full: replicas out of sync in partition 0",
  ]);
});

test("partitions that are refused after the settings were written: the state has those", async () => {
  const model = new ModelCluster([1], [[1]], 1);
  const { handler } = handlerOn(model, ({ method }) => {
    if (method === "raisePartitions") throw new KafkaError("refused", "no.", "INVALID_PARTITIONS");
  });
  const news = state(2, { config: { "retention.ms": "5" } });
  const failure: unknown = await update(handler, state(1), news).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(InitFailedError);
  const { outputs, reasons } = (failure as InitFailedError).state;
  expect(outputs).toMatchObject({ partitions: 1, config: { "retention.ms": "5" } });
  expect(reasons[0]).toBe("topic red: no.");
});

test("partitions that are refused after replicas have moved: the state has where those are", async () => {
  const model = new ModelCluster([1, 2, 3], [[1]], 1);
  const { handler } = handlerOn(model, ({ method }) => {
    if (method === "raisePartitions") throw new KafkaError("refused", "no.", "INVALID_PARTITIONS");
  });
  const news = state(2, { replicationFactor: 2 });
  const failure: unknown = await update(handler, state(1), news).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(InitFailedError);
  const { outputs } = (failure as InitFailedError).state;
  expect(outputs).toMatchObject({ partitions: 1, replicationFactor: 2 });
});
