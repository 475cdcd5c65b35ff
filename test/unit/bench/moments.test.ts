import { restartsTold, restartTimes, swapTimes } from "../../../bench/moments";
import type { TimedEvent } from "../../../bench/timeline";
import type { StepMetadata } from "../../../scripts/lib/engine-events";

const ROLLOUT = "pilab:kafka/rollout:Rollout";

const event = (atMs: number, rest: Partial<TimedEvent["event"]>): TimedEvent => ({
  atMs,
  event: { sequence: 0, timestamp: 0, ...rest },
});
const metadata = (name: string, type: string): StepMetadata => ({
  op: "update",
  urn: `urn:pulumi:s::p::${type}::${name}`,
  type,
  old: null,
  new: null,
  detailedDiff: null,
});
const begin = (atMs: number, name: string, type = "t:i:T"): TimedEvent =>
  event(atMs, { resourcePreEvent: { metadata: metadata(name, type) } });
const planned = (atMs: number, name: string, type = "t:i:T"): TimedEvent =>
  event(atMs, { resourcePreEvent: { metadata: metadata(name, type), planning: true } });
const end = (atMs: number, name: string, type = "t:i:T"): TimedEvent =>
  event(atMs, { resOutputsEvent: { metadata: metadata(name, type) } });
const said = (atMs: number, message: string, type = ROLLOUT): TimedEvent =>
  event(atMs, {
    diagnosticEvent: {
      urn: `urn:pulumi:s::p::pilab:kafka:Cluster$${type}::kafka-rollout`,
      message: `<{%reset%}>${message}<{%reset%}>\n`,
      severity: "info",
    },
  });
const summary = (atMs: number, isPreview: boolean): TimedEvent =>
  event(atMs, { summaryEvent: { durationSeconds: 1, resourceChanges: {}, isPreview } });

describe("swapTimes", () => {
  const run = [
    planned(500, "broker-2-storage"),
    end(600, "broker-2-storage"),
    summary(2000, true),
    begin(2500, "broker-2-prepare"),
    end(20_000, "broker-2-prepare"),
    begin(22_000, "broker-2-storage"),
    end(24_000, "broker-2-storage"),
    begin(24_100, "kafka-rollout", ROLLOUT),
    said(26_000, "broker-2: stopping Kafka where it may run (10.0.0.2)"),
    said(28_000, "broker-2: being started"),
    said(30_000, "waiting for broker-2 to serve (2 s): the unit is activating"),
    said(45_000, "broker-2: started, and in sync"),
    said(46_000, "broker-2: voter 2 (directory old) left the quorum"),
    said(48_500, "broker-2: voter 2 (directory new) joined the quorum"),
    summary(50_000, false),
  ];

  it("cuts the run into parts that follow each other and are all of it", () => {
    const times = swapTimes(run, "broker-2", 34_000, 51_000);
    expect(times).toEqual({
      preview: 2,
      prepare: 20,
      format: 2,
      gate: 2,
      fence: 2,
      start: 6,
      fill: 11,
      voters: 3.5,
      rest: 2.5,
    });
    expect(Object.values(times).reduce((sum, one) => sum + one)).toBe(51);
  });

  it("bears that the listener answers a moment after the rollout has seen it", () => {
    const times = swapTimes(run, "broker-2", 45_100, 51_000);
    expect([times.start, times.fill, times.voters]).toEqual([17.1, 0, 3.4]);
    expect(Object.values(times).reduce((sum, one) => sum + one)).toBeCloseTo(51);
  });

  it.each([
    ["the end of the preview", 2],
    ["the begin of broker-2-storage", 5],
    ['"broker-2: being started"', 9],
    ["joined the quorum", 13],
  ])("names the moment that did not come: %s", (what, missing) => {
    const cut = run.filter((_event, index) => index !== missing);
    expect(() => swapTimes(cut, "broker-2", 34_000, 51_000)).toThrow(what);
  });

  it("does not take another broker's moments for this one's", () => {
    expect(() => swapTimes(run, "broker-1", 34_000, 51_000)).toThrow("broker-1-storage");
  });
});

describe("restartsTold", () => {
  const run = [
    planned(100, "kafka-rollout", ROLLOUT),
    summary(2000, true),
    begin(3000, "kafka-rollout", ROLLOUT),
    said(3500, "broker-3: being restarted"),
    said(9000, "broker-3: restarted, and in sync"),
    said(9800, "waiting for it to be safe that broker-1 is restarted (0 s): voter 3 lags"),
    said(10_800, "broker-1: being restarted"),
    said(17_000, "broker-1: restarted, and in sync"),
  ];

  it("tells the brokers in the order of the roll, each gate from the former one's return", () => {
    expect(restartsTold(run)).toEqual([
      { host: "broker-3", gateMs: 3000, beginMs: 3500, backMs: 9000 },
      { host: "broker-1", gateMs: 9000, beginMs: 10_800, backMs: 17_000 },
    ]);
  });

  it("takes no broker's return for another one's", () => {
    expect(() => restartsTold(run.slice(0, -1))).toThrow('"broker-1: restarted, and in sync"');
  });

  it("finds none in a run that restarted none", () => {
    expect(restartsTold(run.slice(0, 3))).toEqual([]);
  });
});

describe("restartTimes", () => {
  const told = { host: "broker-1", gateMs: 1000, beginMs: 3000, backMs: 12_000 };

  it("cuts a restart at the process's start and at its first answer", () => {
    expect(restartTimes(told, { startedMs: 4500, servesMs: 10_000 })).toEqual({
      gate: 2,
      stop: 1.5,
      start: 5.5,
      sync: 2,
    });
  });

  it.each([
    { startedMs: 2000, servesMs: 10_000 },
    { startedMs: 4500, servesMs: 13_000 },
  ])("refuses what was seen of another restart: %j", (seen) => {
    expect(() => restartTimes(told, seen)).toThrow("broker-1: what was seen");
  });
});
