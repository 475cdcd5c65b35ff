import { type Alert, Alerts, readAlert } from "../../../../payloads/status-page/alert";

const SINCE = "2026-11-28T20:00:00.000Z";
const MESSAGE = {
  ...{ id: "hot/client-1@1", status: "firing", rule: "hot", type: "threshold" },
  ...{ severity: "critical", subject: "client-1", summary: "client-1 is at 81 °C", value: 81 },
  ...{ since: SINCE, at: "2026-11-28T20:00:05.000Z", told: 1, members: [] },
};

const read = (message: unknown, timestampMs = 1_234) =>
  readAlert({ value: Buffer.from(JSON.stringify(message)), timestampMs });

test("reads what the alerting tells", () => {
  expect(read(MESSAGE)).toEqual({
    ...{ id: "hot/client-1@1", rule: "hot", severity: "critical", isFiring: true },
    ...{ summary: "client-1 is at 81 °C", subjects: ["client-1"], sinceMs: Date.parse(SINCE) },
    untilMs: undefined,
  });
  expect(read({ ...MESSAGE, status: "resolved", members: ["a", "b"] })).toMatchObject({
    ...{ isFiring: false, untilMs: Date.parse(MESSAGE.at), subjects: ["a", "b"] },
  });
});

test("does with less, by the record's own time", () => {
  const { id, status, rule } = MESSAGE;
  expect(read({ id, status, rule })).toMatchObject({
    ...{ severity: "warning", summary: "", subjects: [], sinceMs: 1_234 },
  });
});

test.each([9.2e18, -9.2e18])("has a time that a browser can show, also by the stamp %d", (ms) => {
  const { id, rule } = MESSAGE;
  const { sinceMs, untilMs } = read({ id, status: "resolved", rule }, ms)!;
  expect(new Date(sinceMs).getTime()).toBe(sinceMs);
  expect(new Date(untilMs!).getTime()).toBe(untilMs);
});

test.each([
  [null],
  ["text"],
  [{ ...MESSAGE, id: "" }],
  [{ ...MESSAGE, status: "lost" }],
  [{ ...MESSAGE, since: "yesterday" }],
  [{ ...MESSAGE, summary: 7 }],
])("%j is no alert", (message) => {
  expect(read(message)).toBeUndefined();
});

const alert = (id: string, untilMs?: number): Alert => ({
  ...{ id, rule: "hot", severity: "warning", summary: "", subjects: [], sinceMs: 0 },
  ...{ isFiring: untilMs === undefined, untilMs },
});

test("keeps the last that was told of each, and what is over for a day", () => {
  const alerts = new Alerts();
  alerts.take(alert("a"));
  alerts.take(alert("b"));
  alerts.take(alert("a", 1_000));
  expect(alerts.list(2_000).map(({ id, isFiring }) => [id, isFiring])).toEqual([
    ["b", true],
    ["a", false],
  ]);
  expect(alerts.list(1_001 + 24 * 3_600_000).map(({ id }) => id)).toEqual(["b"]);
});

test("is bounded: what is over goes first, then the oldest", () => {
  const alerts = new Alerts();
  for (let i = 0; i < 199; i++) alerts.take(alert(`firing-${i}`));
  alerts.take(alert("over", 1));
  alerts.take(alert("new-1"));
  expect(alerts.list(2).map(({ id }) => id)).not.toContain("over");
  alerts.take(alert("new-2"));
  const ids = alerts.list(2).map(({ id }) => id);
  expect(ids).toHaveLength(200);
  expect(ids).not.toContain("firing-0");
  expect(ids).toContain("new-2");
});
