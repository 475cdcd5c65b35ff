import type { PropertyMap, Provider } from "../../../../../plugins/common/rpc";
import { InitFailedError, Secret, startServer, UNKNOWN } from "../../../../../plugins/common/rpc";
import type { ProviderClient } from "../../../../support/rpc/provider-client";
import { connectProvider } from "../../../../support/rpc/provider-client";
import type { FakeEngine } from "../../../../support/rpc/fake-engine";
import { startFakeEngine } from "../../../../support/rpc/fake-engine";

const TYPE = "test:index:Thing";
const URN = `urn:pulumi:dev::proj::comp:a:B$${TYPE}::thing::one`;

let engine: FakeEngine;
const cleanups: (() => void)[] = [];

beforeEach(async () => {
  engine = await startFakeEngine();
});

afterEach(() => {
  cleanups.splice(0).forEach((cleanup) => cleanup());
  engine.close();
});

async function start(
  handler: Partial<Provider["resources"][string]>,
  rest: Partial<Provider> = {},
): Promise<ProviderClient> {
  const create = (): never => {
    throw new Error("not expected");
  };
  const provider: Provider = {
    name: "test",
    version: "1.2.3",
    resources: { [TYPE]: { create, ...handler } },
    ...rest,
  };
  const server = await startServer(provider, { engineAddress: engine.address });
  const client = connectProvider(server.port);
  cleanups.push(() => {
    client.close();
    server.close();
  });
  return client;
}

test("a handler gets the parts of the urn, the values, the preview flag", async () => {
  const seen: unknown[] = [];
  const client = await start({
    create(request) {
      seen.push(request);
      return { id: "id-1", outputs: { ...request.news, made: UNKNOWN } };
    },
  });
  const news = { password: new Secret("p"), later: UNKNOWN };
  const result = await client.create(URN, news, { preview: true, timeoutSeconds: 30 });
  expect(seen).toEqual([
    { urn: URN, name: "thing::one", type: TYPE, news, preview: true, timeoutSeconds: 30 },
  ]);
  expect(result).toEqual({ id: "id-1", outputs: { ...news, made: UNKNOWN } });
});

test("a provider hears of each change before it is made, and of no preview", async () => {
  const heard: string[] = [];
  const note = (line: string) => void heard.push(line);
  const client = await start(
    {
      create: ({ news }) => (note("create"), { id: "i", outputs: news }),
      update: ({ news }) => (note("update"), { outputs: news }),
      delete: () => note("delete"),
      read: ({ id, outputs, inputs }) => ({ id, outputs, inputs }),
    },
    { beforeChange: () => note("before") },
  );
  const change = { id: "i", oldInputs: {}, olds: {}, news: { a: 1 } };
  await client.check(URN, {}, {});
  await client.diff(URN, change);
  await client.read(URN, { id: "i", outputs: {}, inputs: {} });
  await client.create(URN, {}, { preview: true });
  await client.update(URN, { ...change, preview: true });
  expect(heard).toEqual(["create", "update"]);
  heard.length = 0;
  await client.create(URN, {});
  await client.update(URN, change);
  await client.delete(URN, "i", {});
  expect(heard).toEqual(["before", "create", "before", "update", "before", "delete"]);
});

test("says that it takes secrets and previews", async () => {
  const configs: PropertyMap[] = [];
  const client = await start({}, { configure: (config) => void configs.push(config) });
  const response = await client.configure({ servers: "a:1" });
  expect(response.getAcceptsecrets()).toBe(true);
  expect(response.getSupportspreview()).toBe(true);
  expect(configs).toEqual([{ servers: "a:1" }]);
  expect((await client.getPluginInfo()).getVersion()).toBe("1.2.3");
});

test("check failures name the property", async () => {
  const client = await start({
    check: ({ news }) => ({
      inputs: news,
      failures: [{ property: 'config["a.b"]', reason: "must be a number" }],
    }),
  });
  expect(await client.check(URN, {}, { a: 1 })).toEqual({
    inputs: { a: 1 },
    failures: [{ property: 'config["a.b"]', reason: "must be a number" }],
  });
});

describe("without handlers of their own", () => {
  test("check accepts, read echoes, delete forgets", async () => {
    const client = await start({});
    expect(await client.check(URN, {}, { a: 1 })).toEqual({ inputs: { a: 1 }, failures: [] });
    const state = { id: "i", outputs: { o: 1 }, inputs: { a: 1 } };
    expect(await client.read(URN, state)).toEqual(state);
    await client.delete(URN, "i", {});
  });

  test("diff compares inputs; a type that cannot update is replaced", async () => {
    const replaced = await start({});
    const updated = await start({ update: ({ news }) => ({ outputs: news }) });
    const change = { oldInputs: { a: 1, b: 2 }, olds: { a: 9 }, news: { a: 1, b: 3 } };
    expect((await replaced.diff(URN, change)).detailedDiff).toEqual({ b: 5 });
    expect((await replaced.diff(URN, change)).replaces).toEqual(["b"]);
    const diff = await updated.diff(URN, change);
    expect(diff).toMatchObject({ changes: 2, detailedDiff: { b: 4 }, diffs: ["b"], replaces: [] });
    expect(await updated.diff(URN, { ...change, news: { a: 1, b: 2 } })).toMatchObject({
      changes: 1,
      detailedDiff: {},
    });
  });

  test("a type that does not exist is an error that names those that do", async () => {
    const client = await start({});
    const call = client.check("urn:pulumi:dev::proj::test:index:Other::x", {}, {});
    await expect(call).rejects.toMatchObject({
      details: "test 1.2.3 has no resource test:index:Other; it has test:index:Thing",
    });
  });
});

test("a partial failure carries state and reasons", async () => {
  const outputs = { text: "x".repeat(20_000), key: new Secret("k") };
  const client = await start({
    create() {
      throw new InitFailedError({ id: "id-9", outputs, reasons: ["broker-2 did not start"] });
    },
  });
  const error: unknown = await client.create(URN, {}).catch((e: unknown) => e);
  expect(client.initFailure(error)).toEqual({
    id: "id-9",
    outputs,
    reasons: ["broker-2 did not start"],
  });
});

test("a very long error keeps its two ends", async () => {
  const client = await start({
    create() {
      throw new Error(`first${"x".repeat(1_000_000)}last`);
    },
  });
  const error = (await client.create(URN, {}).catch((e: unknown) => e)) as { details: string };
  expect(error.details).toMatch(/^first[^]*characters left out[^]*last$/);
  expect(error.details.length).toBeLessThan(20_000);
});

test("messages reach the engine in order, before the answer, under the resource's urn", async () => {
  const client = await start({
    create(_request, { log }) {
      log.info("one");
      log.status("two");
      log.warn("three");
      return { id: "i", outputs: {} };
    },
  });
  await client.create(URN, {});
  expect(engine.logs).toEqual([
    { severity: 1, message: "one", urn: URN, ephemeral: false },
    { severity: 1, message: "two", urn: URN, ephemeral: true },
    { severity: 2, message: "three", urn: URN, ephemeral: false },
  ]);
});

test("status messages that come faster than they are sent overtake each other", async () => {
  const client = await start({
    create(_request, { log }) {
      for (let i = 1; i <= 1_000; i++) log.status(`line ${i}`);
      log.info("end");
      return { id: "i", outputs: {} };
    },
  });
  await client.create(URN, {});
  expect(engine.logs.map(({ message }) => message)).toEqual(["line 1000", "end"]);
});

test("an engine that attaches later gets the messages", async () => {
  const second = await startFakeEngine();
  cleanups.push(() => second.close());
  const client = await start({
    create(_request, { log }) {
      log.info("hello");
      return { id: "i", outputs: {} };
    },
  });
  await client.handshake(second.address);
  await client.create(URN, {});
  expect(second.logs).toMatchObject([{ message: "hello" }]);
  expect(engine.logs).toEqual([]);
});

test("cancel aborts what is under way and refuses what comes after", async () => {
  let begun = (): void => undefined;
  const underWay = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const client = await start({
    create: (_request, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
        begun();
      }),
  });
  const call = client.create(URN, {});
  const failed = expect(call).rejects.toMatchObject({ details: "cancelled by the user" });
  await underWay;
  await client.cancel();
  await failed;
  await expect(client.create(URN, {})).rejects.toMatchObject({ details: "cancelled by the user" });
});

test("many calls under way at once are no reason for a warning", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on("warning", onWarning);
  let waiting = 0;
  const client = await start({
    create: (_request, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve({ id: "i", outputs: {} }));
        if (++waiting === 30) void client.cancel();
      }),
  });
  await Promise.all(Array.from({ length: 30 }, () => client.create(URN, {})));
  process.off("warning", onWarning);
  expect(warnings).toEqual([]);
});

test("messages beyond the 4 MB that gRPC allows by default pass", async () => {
  const client = await start({ create: ({ news }) => ({ id: "i", outputs: news }) });
  const text = "y".repeat(6 * 1024 * 1024);
  expect((await client.create(URN, { text })).outputs["text"]).toHaveLength(text.length);
});
