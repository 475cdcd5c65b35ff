import { Registry } from "prom-client";

import { type OutRecord, RefusedRecords } from "../../../../payloads/lib/records";
import { readAlert } from "../../../../payloads/ring/alert";
import { makeFigures } from "../../../../payloads/ring/figures";
import { Receiver } from "../../../../payloads/ring/receiver";
import { Sender } from "../../../../payloads/ring/sender";

/** A producer whose answers are given by hand. */
function setUp() {
  const metrics = new Registry();
  const figures = makeFigures(metrics);
  const lines: (readonly [string, unknown])[] = [];
  const waiting: { record: OutRecord; resolve: () => void; reject: (error: Error) => void }[] = [];
  const producer = {
    send: ([record]: readonly OutRecord[]) =>
      new Promise<void>((resolve, reject) => {
        waiting.push({ record: record!, resolve, reject });
      }),
  };
  const log = (_level: string, message: string, fields?: unknown) =>
    void lines.push([message, fields]);
  const options = { host: "client-1", topic: "red", session: "s", random: () => 0.5 };
  const sender = new Sender(options, producer, figures, log);
  const value = async (name: string): Promise<number> =>
    (await metrics.getSingleMetric(`pilab_ring_${name}`)?.get())?.values.reduce(
      (sum, one) => sum + one.value,
      0,
    ) ?? 0;
  return { sender, waiting, lines, value, figures, log };
}

test("an alert says who, which, when and where, and is keyed by its sender", async () => {
  const { sender, waiting, lines } = setUp();
  const before = Date.now();
  const pressed = sender.send("button");
  const { record, resolve } = waiting[0]!;
  expect(record).toMatchObject({ topic: "red", key: "client-1" });
  const alert = JSON.parse(String(record.value)) as Record<string, unknown>;
  expect(alert).toEqual({
    from: "client-1",
    session: "s",
    seq: 1,
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    rightAscension: 180,
    declination: 0,
  });
  expect(Date.parse(alert["time"] as string)).toBeGreaterThanOrEqual(before);
  expect(readAlert({ value: record.value })).toEqual(alert);
  expect(lines).toEqual([]);
  resolve();
  expect(await pressed).toEqual({ kind: "acknowledged", seq: 1 });
  expect(lines).toEqual([["SEND", { topic: "red", from: "client-1", seq: 1, ra: 180, dec: 0 }]]);
});

test("while nothing is acknowledged no more than fifty are made; the rest is counted, not kept", async () => {
  const { sender, waiting, lines, value } = setUp();
  for (let i = 0; i < 60; i++) void sender.send(i < 55 ? "pace" : "button");
  expect(waiting).toHaveLength(50);
  expect(await sender.send("button")).toMatchObject({ kind: "held-back" });
  expect(await value("held_back_total")).toBe(11);
  expect(lines.map(([message]) => message)).toEqual([
    "sending no more: 50 alerts are not acknowledged yet",
  ]);
  for (const { resolve } of waiting) resolve();
  expect(await sender.ended()).toBe(0);
  void sender.send("pace");
  expect(lines.filter(([message]) => message === "sending again")).toEqual([
    ["sending again", { heldBack: 11 }],
  ]);
  // Numbers are given to what is sent alone: what was held back is no loss.
  expect(readAlert({ value: waiting[50]!.record.value })?.seq).toBe(51);
  expect(await value("sent_total")).toBe(51);
  expect(await value("acknowledged_total")).toBe(50);
});

test("a refusal is told and counted; what nobody answered is told at the end", async () => {
  const { sender, waiting, value } = setUp();
  const [first, second] = [sender.send("button"), sender.send("button")];
  waiting[0]!.reject(new RefusedRecords("TOPIC_AUTHORIZATION_FAILED", "not allowed"));
  waiting[1]!.reject(new Error("not acknowledged within 12 s of the stop"));
  expect(await first).toEqual({ kind: "refused", words: "not allowed" });
  expect(await second).toMatchObject({ kind: "refused" });
  expect(await value("refused_total")).toBe(1);
  expect(await sender.ended()).toBe(1);
});

test("a receiver counts what others sent, passes its own over, and bears what is no alert", async () => {
  const { figures, log, lines, value } = setUp();
  const receiver = new Receiver("client-1", figures, log, () =>
    Date.parse("2026-11-28T20:00:01.000Z"),
  );
  const record = (value: string) => ({
    topic: "green",
    topicId: "green-id",
    partition: 0,
    offset: 0n,
    timestampMs: 0,
    key: undefined,
    value: Buffer.from(value),
    headers: new Map(),
  });
  const alert = (from: string, seq: number) =>
    record(
      JSON.stringify({
        ...{ from, session: "s", seq, time: "2026-11-28T20:00:00.500Z" },
        ...{ rightAscension: 10.5, declination: -3 },
      }),
    );
  receiver.take([
    alert("client-2", 1),
    alert("client-1", 1),
    record("hello"),
    record('{"from":"client-2"}'),
    alert("client-2", 4),
    alert("client-2", 4),
    alert("client-2", 3),
  ]);
  expect(await value("received_total")).toBe(3);
  expect(await value("lost")).toBe(1);
  expect(await value("duplicated_total")).toBe(1);
  // Two of them: others' loads are thousands a second, and the journal takes one line.
  expect(lines.filter(([message]) => message.includes("no alert"))).toHaveLength(1);
  expect(await value("malformed_total")).toBe(2);
  expect(lines[0]).toEqual([
    "RECV",
    { topic: "green", from: "client-2", seq: 1, ra: 10.5, dec: -3 },
  ]);
  const latency = await figures.latency.get();
  const sum = latency.values.find(({ metricName }) => metricName?.endsWith("_sum"));
  expect(sum?.value).toBeCloseTo(1.5);
});
