import { gapsOf } from "../../../trials/data-plane/counting-reader";
import type { DataEndured } from "../../../trials/data-plane/ordeal";
import { remarks, shortcomings } from "../../../trials/data-plane/verdict";
import { stageResult } from "../../support/load/stage-result";

const percentiles = (p99: number) => ({ count: 100, p50: 1, p95: 2, p99, max: 2 * p99 });

function endured(changes: Partial<DataEndured> = {}): DataEndured {
  return {
    stage: stageResult(),
    incidents: [{ what: "the bridge killed (-9)", fellMs: 1_900_000_000_000, recoveryMs: 5123 }],
    readers: { steady: 300, stopped: 300 },
    steadyMs: { before: percentiles(100), meanwhile: percentiles(120) },
    telemetry: { hosts: ["broker-1", "data-1"], gaps: [] },
    ...changes,
  };
}

const HOSTS = ["broker-1", "data-1"];

test("all is as it must be where each message was read by everybody", () => {
  expect(shortcomings(endured(), HOSTS)).toEqual([]);
  // On a machine that is busy: as late as before.
  const busy = { before: percentiles(2603), meanwhile: percentiles(2623) };
  expect(shortcomings(endured({ steadyMs: busy }), HOSTS)).toEqual([]);
  // At least once.
  const twice = endured({ stage: stageResult({ inKafka: 304, duplicates: 4 }) });
  expect(shortcomings(twice, HOSTS)).toEqual([]);
  expect(remarks(twice)).toEqual([
    "the bridge killed (-9): all well 5.1 s later",
    "messages came to a consumer within 100 ms (p99) before another one was stopped, and within 120 ms meanwhile; both have read 300 and 300",
    "sent = acknowledged = in Kafka = read, by id: 300, 300, 300 and 4 duplicates",
    "telemetry of broker-1, data-1: no gap",
  ]);
});

test.each<[string, Partial<DataEndured>, string[]]>([
  [
    "a message that was acknowledged and is not there",
    {
      stage: stageResult({ read: 299, lost: 1, lostMessages: ["load-3 number 7"], end: "silent" }),
    },
    [
      "of 300 messages 299 were read back",
      "LOST: 1, among them load-3 number 7",
      "the load's end was silent",
    ],
  ],
  [
    "one that was not acknowledged",
    { stage: stageResult({ acknowledged: 298 }) },
    ["of 300 messages 298 were acknowledged"],
  ],
  [
    "consumers that missed some",
    { readers: { steady: 299, stopped: 250 } },
    [
      "of 300 messages 299 were read by a consumer that was there all the time",
      "of 300 messages 250 were read by a consumer that was stopped for a while",
    ],
  ],
  [
    "a consumer that was kept up by another's stop",
    { steadyMs: { before: percentiles(100), meanwhile: percentiles(2500.4) } },
    ["a consumer that read on was 2500 ms late (p99) while another was stopped"],
  ],
  [
    "one that read nothing meanwhile",
    { steadyMs: { before: percentiles(100), meanwhile: undefined } },
    ["a consumer that read on got nothing while another was stopped"],
  ],
  [
    "a fault that was not over in time",
    {
      incidents: [
        { what: "Mosquitto restarted", fellMs: 0, recoveryMs: undefined, problem: "waited 60 s" },
      ],
    },
    ["Mosquitto restarted: waited 60 s"],
  ],
  [
    "telemetry that is missing",
    { telemetry: { hosts: ["data-1"], gaps: ["data-1 17 to 19"] } },
    ["no telemetry of broker-1 was heard", "telemetry is missing: data-1 17 to 19"],
  ],
])("%s is told", (_, changes, told) => {
  expect(shortcomings(endured(changes), HOSTS)).toEqual(told);
});

test("numbers that are missing between others are gaps; where they begin and end is none", () => {
  expect(gapsOf("a", new Set([7, 5, 6]))).toEqual([]);
  expect(gapsOf("a", new Set())).toEqual([]);
  expect(gapsOf("a", new Set([2, 9, 3, 5]))).toEqual(["a 4 to 4", "a 6 to 8"]);
});
