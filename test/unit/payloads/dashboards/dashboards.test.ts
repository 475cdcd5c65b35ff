import { Registry } from "prom-client";
import type { DashboardsConfig } from "../../../../model";
import { startDashboards } from "../../../../payloads/dashboards/dashboards";
import { questions } from "../../../../payloads/dashboards/questions";
import type { Level } from "../../../../payloads/lib/log";
import type { Running } from "../../../../payloads/lib/program";
import { FakeMetabase, type Row } from "../../../support/metabase/fake-metabase";
import { waitFor } from "../../../support/wait";

const EMAIL = "pi-lab@lab.invalid";
const PASSWORD = "0123456789abcdefghijABCDEFGHIJ01";
const CARDS = questions.length;

let server: FakeMetabase;
let running: Running | undefined;
let stopping: AbortController;
let metrics: Registry;
let lines: string[];

beforeEach(async () => {
  server = await FakeMetabase.start();
  lines = [];
});
afterEach(async () => {
  await stop();
  await server.close();
});

function start(
  change: Partial<DashboardsConfig["store"]> = {},
  everySeconds = 3600,
): { readonly health: () => string | undefined } {
  const config: DashboardsConfig = {
    ...{ host: "data-1", endpoint: { address: "127.0.0.1", port: 0 }, lab: "gcn" },
    metabase: { address: "127.0.0.1", port: server.port, email: EMAIL, password: PASSWORD },
    store: {
      ...{ address: "10.0.42.7", port: 5432, database: "pilab", username: "dashboards" },
      ...{ password: "store-secret", ...change },
    },
    everySeconds,
  };
  stopping = new AbortController();
  metrics = new Registry();
  const log = (_: Level, message: string, fields: object = {}) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const pace = { startMs: 10, startDeadlineMs: 300, tellMs: 100, failureMs: 20 };
  const begun = startDashboards(config, { log, metrics, signal: stopping.signal }, pace);
  running = begun;
  return { health: () => begun.health() };
}

async function stop(): Promise<void> {
  stopping?.abort();
  await running?.stop();
  running = undefined;
}

const until = (what: string, probe: () => boolean) =>
  waitFor(what, () => Promise.resolve(probe() || undefined), { deadlineMs: 10_000, pauseMs: 5 });

async function converge(change: Partial<DashboardsConfig["store"]> = {}): Promise<string[]> {
  const before = server.writes().length;
  const { health } = start(change);
  await until(`all to be as wanted (${lines.join("; ")})`, () => health() === undefined);
  await stop();
  return server.writes().slice(before);
}

const dashcards = () => server.dashboards[0]?.["dashcards"] as Row[];
const cardOf = (mark: string) =>
  server.cards.find((card) => String(card["description"]).includes(`[pi-lab:${mark}]`))!;

test("the first time it makes everything, the second time it logs in and changes nothing", async () => {
  const first = await converge();
  expect(first).toEqual([
    "POST /api/setup",
    "POST /api/database",
    "POST /api/collection",
    ...Array.from({ length: CARDS }, () => "POST /api/card"),
    "POST /api/dashboard",
    expect.stringMatching(/^PUT \/api\/dashboard\/\d+$/),
  ]);
  expect(server.user).toEqual({ email: EMAIL, password: PASSWORD });
  expect(server.databases).toMatchObject([
    {
      ...{ name: "pi-lab store", engine: "postgres" },
      details: { host: "10.0.42.7", port: 5432, dbname: "pilab", user: "dashboards" },
    },
  ]);
  expect(server.cards.map(({ dataset_query }) => dataset_query)).toEqual(
    questions.map(({ sql }) => ({
      ...{ type: "native", native: { query: sql }, database: server.databases[0]!.id },
    })),
  );
  expect(
    dashcards().map(({ card_id, row, col, size_x, size_y }) => [card_id, row, col, size_x, size_y]),
  ).toEqual(
    questions.map(({ mark, place }) => [
      ...[cardOf(mark).id, place.row, place.col, place.size_x, place.size_y],
    ]),
  );
  expect(await converge()).toEqual(["POST /api/session"]);
  server.tellsStages = false;
  expect(await converge()).toEqual(["POST /api/session"]);
  expect(server.seen.filter(({ status }) => status >= 400)).toEqual([]);
});

test("no password is in the log", async () => {
  await converge();
  server.user = { email: EMAIL, password: "somebody changed it 1" };
  server.endSessions();
  const { health } = start();
  await until("the problem", () => health()?.includes("401") === true);
  expect(health()).toMatch(/did not match stored password\. Metabase knows pi-lab@lab.invalid/);
  expect(`${lines.join(" ")} ${health()}`).not.toMatch(/0123456789abcdef|store-secret/);
});

test("what was deleted comes back, what was changed is changed back, and nothing else is touched", async () => {
  await converge();
  const collection = server.collections[0]!.id;
  const foreign = {
    ...{ name: "Mine", description: null, display: "table", archived: false },
    ...{ dataset_query: { type: "native", database: 10, native: { query: "SELECT 1" } } },
    ...{ visualization_settings: {}, collection_id: collection },
  };
  const mine = server.add(server.cards, foreign);
  const copy = server.add(server.cards, { ...cardOf("load"), id: 900, name: "Copy of load" });
  server.add(server.databases, { name: "Other", engine: "postgres", details: {} });
  const text = { id: 700, card_id: null, row: 30, col: 0, size_x: 4, size_y: 2 };
  dashcards().push(text, { ...text, id: 701, card_id: mine.id, row: 32 });
  const moved = dashcards().find(({ card_id }) => card_id === cardOf("load").id)!;
  moved["row"] = 40;
  const gone = cardOf("hottest");
  server.cards.splice(server.cards.indexOf(gone), 1);
  Object.assign(cardOf("devices"), { archived: true });
  const bent = cardOf("temperature-now");
  bent["name"] = "Warm things";
  bent["dataset_query"] = { ...(bent["dataset_query"] as object), native: { query: "SELECT 2" } };
  bent["visualization_settings"] = { "graph.metrics": ["x"], "graph.show_goal": true };
  const before = structuredClone({ mine, copy, databases: server.databases });

  expect(await converge()).toEqual([
    "POST /api/session",
    "POST /api/card",
    "POST /api/card",
    `PUT /api/card/${bent.id}`,
    expect.stringMatching(/^PUT \/api\/dashboard\/\d+$/),
  ]);
  expect({ mine, copy, databases: server.databases }).toEqual(before);
  expect(bent).toMatchObject({
    name: "Temperature now",
    visualization_settings: {
      ...{ "graph.dimensions": ["device"], "graph.metrics": ["temperature_c"] },
      "graph.show_goal": true,
    },
  });
  const shown = new Map(dashcards().map((card) => [card.id, card]));
  expect(shown.get(700)).toMatchObject(text);
  expect(shown.get(701)).toMatchObject({ card_id: mine.id });
  expect(shown.get(moved.id)).toMatchObject({ row: 40 });
  // In the place that it had.
  const again = server.cards.find(
    (card) => String(card["description"]).includes("[pi-lab:hottest]") && card.id !== gone.id,
  )!;
  expect(dashcards()).toContainEqual(
    expect.objectContaining({ card_id: again.id, row: 0, col: 8, size_x: 4, size_y: 3 }),
  );
  expect(await converge()).toEqual(["POST /api/session"]);
});

test("a dashboard with tabs keeps them, and gets what is missing on the first", async () => {
  await converge();
  const [dashboard] = server.dashboards;
  dashboard!["tabs"] = [
    { id: 51, name: "One", position: 0 },
    { id: 52, name: "Two", position: 1 },
  ];
  for (const card of dashcards()) card["dashboard_tab_id"] = 52;
  const gone = cardOf("lag");
  server.cards.splice(server.cards.indexOf(gone), 1);
  await converge();
  expect(dashboard!["tabs"]).toEqual([
    { id: 51, name: "One" },
    { id: 52, name: "Two" },
  ]);
  const tabs = dashcards().map((card) => card["dashboard_tab_id"]);
  expect(tabs.filter((tab) => tab === 52)).toHaveLength(CARDS - 1);
  expect(tabs.filter((tab) => tab === 51)).toHaveLength(1);
});

test("a store with another address or password is followed", async () => {
  await converge();
  expect(await converge({ address: "10.0.42.8" })).toEqual([
    "POST /api/session",
    expect.stringMatching(/^PUT \/api\/database\/\d+$/),
  ]);
  expect(server.databases[0]).toMatchObject({ details: { host: "10.0.42.8" } });
  server.storePassword = "another";
  expect(await converge({ address: "10.0.42.8", password: "another" })).toEqual([
    "POST /api/session",
    expect.stringMatching(/^PUT \/api\/database\/\d+$/),
  ]);
});

test("a store that does not let itself be read is told, and tried again", async () => {
  server.storePassword = "another";
  const { health } = start();
  await until("the problem", () => health()?.includes("POST /api/database: 400") === true);
  expect(health()).toContain("Looks like the username or password is incorrect.");
  server.storePassword = "store-secret";
  await until("all to be as wanted", () => health() === undefined);
});

test("it waits while Metabase starts, says how far that is, and tells when it takes too long", async () => {
  server.progress = 0.4;
  const { health } = start();
  await until("the start to be told", () => lines.some((line) => line.includes("starting, 40 %")));
  await until("the deadline", () => health()?.startsWith("not started within") === true);
  server.progress = 1;
  await until("all to be as wanted", () => health() === undefined);
});

test("a session that has ended is opened again, and a restart in between is waited for", async () => {
  const { health } = start({}, 1);
  await until("all to be as wanted", () => health() === undefined);
  server.endSessions();
  const count = () => server.writes().filter((one) => one === "POST /api/session").length;
  await until("another login", () => count() === 1);
  await until("all to be as wanted", () => health() === undefined);
  const { port } = server;
  await server.close();
  await until("the problem", () => health()?.includes("does not") === true);
  const card = cardOf("rate");
  server.cards.splice(server.cards.indexOf(card), 1);
  server.progress = 0.9;
  await server.listen(port);
  await until("the start", () => health()?.includes("90 %") === true);
  server.progress = 1;
  await until("all to be as wanted", () => health() === undefined);
  expect(cardOf("rate")).toBeDefined();
  expect(count()).toBe(1);
});

test("it slows down when Metabase says that it tries too often", async () => {
  await converge();
  server.user = { email: EMAIL, password: "another1" };
  server.maxTries = 2;
  const { health } = start();
  await until("to be told", () => health()?.includes("Too many attempts") === true);
  const tries = server.seen.length;
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(server.seen.length).toBe(tries);
});

test("an answer in another form is told by its fields, and changes nothing", async () => {
  await converge();
  const writes = server.writes().length;
  Object.assign(cardOf("load"), { display: 7 });
  const { health } = start();
  await until("the problem", () => health()?.includes("form that is not known") === true);
  expect(health()).toContain("display");
  expect(server.writes().slice(writes)).toEqual(["POST /api/session"]);
});
