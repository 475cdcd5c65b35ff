import { Registry } from "prom-client";
import type { DatabricksConfig } from "../../../../model";
import { startDatabricks } from "../../../../payloads/databricks/databricks";
import type { Level } from "../../../../payloads/lib/log";
import type { Running } from "../../../../payloads/lib/program";
import type { InRecord } from "../../../../payloads/lib/records";
import { FakeDatabricks } from "../../../support/databricks/fake-databricks";
import { waitFor } from "../../../support/wait";

/** Kafka as the program sees it: hands over what is not committed, and commits once it was handled. */
class FakeSource {
  committed = 0;
  problem: string | undefined;
  private handling: Promise<void> = Promise.resolve();
  private closed: () => void = () => {};

  constructor(
    readonly log: readonly InRecord[],
    private readonly size: number,
  ) {}

  trouble = () => this.problem;
  backlog = () => Promise.resolve(BigInt(this.log.length - this.committed));

  async run(handle: (batch: readonly InRecord[]) => Promise<void>): Promise<void> {
    let open = true;
    const end = new Promise<void>((resolve) => (this.closed = resolve));
    void end.then(() => (open = false));
    while (open && this.committed < this.log.length) {
      const batch = this.log.slice(this.committed, this.committed + this.size);
      this.handling = handle(batch);
      await this.handling;
      this.committed += batch.length;
    }
    await end;
  }

  async close(): Promise<void> {
    this.closed();
    await this.handling.catch(() => {});
  }
}

const records = (count: number): InRecord[] =>
  Array.from({ length: count }, (_, i) => ({
    ...{ topic: "telemetry", topicId: "id", partition: i % 2, offset: BigInt(Math.floor(i / 2)) },
    ...{ timestampMs: i, key: undefined, value: Buffer.from(`{"n":${i}}`), headers: new Map() },
  }));

let server: FakeDatabricks;
let running: Running | undefined;
let stopping: AbortController;
let lines: string[];
let metrics: Registry;
let ended: number;

beforeEach(async () => {
  server = await FakeDatabricks.start();
  lines = [];
  ended = 0;
});
afterEach(async () => {
  await stop();
  await server.stop();
});

function start(
  source: FakeSource,
  access: Partial<DatabricksConfig> = {},
): { readonly health: () => string | undefined } {
  const config: DatabricksConfig = {
    ...{ host: "data-1", endpoint: { address: "127.0.0.1", port: 0 } },
    ...{ kafka: { bootstrapServers: ["127.0.0.1:1"] }, workspace: server.url },
    ...{ topics: ["telemetry"], everySeconds: 1, batchKib: 1, ...FakeDatabricks.access, ...access },
  };
  stopping = new AbortController();
  metrics = new Registry();
  const log = (_: Level, message: string, fields: object = {}) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const options = { onEnd: () => void ended++, firstPauseMs: 5 };
  const begun = startDatabricks(config, { log, metrics, signal: stopping.signal }, source, options);
  running = begun;
  return { health: () => begun.health() };
}

async function stop(): Promise<void> {
  stopping?.abort();
  await running?.stop();
  running = undefined;
}

const until = (what: string, probe: () => boolean) =>
  waitFor(what, () => Promise.resolve(probe() || undefined), { deadlineMs: 10_000, pauseMs: 10 });

const figure = async (name: string): Promise<number> => {
  const { values } = (await metrics.getSingleMetric(name)?.get()) ?? { values: [] };
  return values.reduce((sum, { value }) => sum + value, 0);
};

const numbers = () =>
  server
    .lines()
    .map(({ value }) => (JSON.parse(String(value)) as { n: number }).n)
    .sort((a, b) => a - b);
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

test("all records arrive once, and are committed after that", async () => {
  const source = new FakeSource(records(100), 10);
  const { health } = start(source);
  await until("all", () => source.committed === 100);
  expect(numbers()).toEqual(range(100));
  expect(health()).toBeUndefined();
  expect(await figure("pilab_databricks_records_total")).toBe(100);
  expect(await figure("pilab_databricks_files_total")).toBe(20);
  expect(await figure("pilab_databricks_skipped_offsets_total")).toBe(0);
});

test("through refusals, dropped connections and revoked tokens nothing is lost or doubled", async () => {
  const source = new FakeSource(records(60), 6);
  server.makesFolders = true;
  server.faults.push(
    { status: 503 },
    "dropped before",
    "dropped after",
    { status: 429, retryAfter: "0" },
    { status: 500 },
  );
  start(source);
  await until("half", () => source.committed >= 30);
  server.revokeTokens();
  server.faults.push("dropped after", { status: 502 });
  await until("all", () => source.committed === 60);
  expect(numbers()).toEqual(range(60));
  expect(await figure("pilab_databricks_failures_total")).toBe(7);
});

test("offline nothing is committed, the journal is told once, health tells why; then it goes on", async () => {
  const source = new FakeSource(records(20), 4);
  await server.stop();
  const { health } = start(source);
  await until("several tries", () => lines.length > 0 && health() !== undefined);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(source.committed).toBe(0);
  expect(health()).toMatch(
    /^nothing uploaded for \d+ s, the records wait in Kafka: .*ECONNREFUSED$/,
  );
  expect(lines).toHaveLength(1);
  await stop();
  server = await FakeDatabricks.start();
  start(source);
  await until("all", () => source.committed === 20);
  expect(numbers()).toEqual(range(20));
});

test.each([
  ["a wrong secret", { secret: "other" }, /401 invalid_client.*\. Set pi-lab:databricksSecret/],
  [
    "a volume that is not there",
    { volume: "/Volumes/a/b/c" },
    /404 NOT_FOUND.*\. Create the volume/,
  ],
] as const)("%s is told with its remedy, and tried again", async (_what, access, told) => {
  const source = new FakeSource(records(4), 4);
  const { health } = start(source, access);
  await until("the problem", () => health() !== undefined);
  expect(health()).toMatch(told);
  expect(`${health()} ${lines.join(" ")}`).not.toContain("other");
  expect(source.committed).toBe(0);
});

test("after a crash between upload and commit the same file is written over", async () => {
  const log = records(8);
  start(new FakeSource(log, 4));
  await until("all", () => server.files.size === 4);
  const before = new Map(server.files);
  await stop();
  const again = new FakeSource(log, 4);
  start(again);
  await until("all again", () => again.committed === 8);
  expect(server.files).toEqual(before);
});

test("offsets that retention took before they were read are counted", async () => {
  const source = new FakeSource(
    records(20).filter((_, i) => i < 4 || i >= 10),
    2,
  );
  start(source);
  await until("all", () => source.committed === 14);
  expect(await figure("pilab_databricks_skipped_offsets_total")).toBe(6);
});

test("a stop ends the tries, and commits nothing that was not uploaded", async () => {
  const source = new FakeSource(records(4), 4);
  server.faults.push(...Array.from({ length: 1000 }, () => ({ status: 503, retryAfter: "30" })));
  start(source);
  await until("a failure", () => lines.length > 0);
  const began = Date.now();
  await stop();
  expect(Date.now() - began).toBeLessThan(2000);
  expect(source.committed).toBe(0);
  expect(ended).toBe(0);
});

test("a reader that fails ends the program", async () => {
  const source = new FakeSource(records(1), 1);
  source.run = () => Promise.reject(new Error("a batch that cannot be unpacked"));
  const { health } = start(source);
  await until("the end", () => ended === 1);
  expect(health()).toBe("a batch that cannot be unpacked");
});
