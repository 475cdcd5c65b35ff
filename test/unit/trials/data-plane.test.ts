import { gapsOf } from "../../../trials/data-plane/counting-reader";
import type { Alert } from "../../../payloads/alerting/core/ledger";
import type { DataEndured, Incident } from "../../../trials/data-plane/ordeal";
import { lateAlerts, remarks, shortcomings } from "../../../trials/data-plane/verdict";
import { stageResult } from "../../support/load/stage-result";

const percentiles = (p99: number) => ({ count: 100, p50: 1, p95: 2, p99, max: 2 * p99 });

const FELL_MS = Date.parse("2026-11-29T06:00:00.000Z");

const BRIDGE_KILLED: Incident = {
  what: "the bridge killed (-9)",
  fellMs: FELL_MS,
  recoveryMs: 5123,
  mayTell: ["bridge-lag"],
};

const BROKER_KILLED: Incident = {
  ...BRIDGE_KILLED,
  what: "broker-2 killed (-9)",
  alert: { name: "broker-down/broker-2", afterMs: 321.4 },
};

function alert(status: Alert["status"], name: string, afterMs: number): Alert {
  const [rule = "", subject = ""] = name.split("/");
  return {
    ...{
      id: `${name}@1`,
      status,
      rule,
      type: rule as Alert["type"],
      severity: "critical",
      subject,
    },
    ...{ summary: `${subject} is bad`, value: null, since: "", told: 1, members: [] },
    at: new Date(FELL_MS + afterMs).toISOString(),
  };
}

const DOWN = [
  alert("firing", "broker-down/broker-2", 321),
  alert("resolved", "broker-down/broker-2", 9000),
];

function endured(changes: Partial<DataEndured> = {}): DataEndured {
  return {
    stage: stageResult(),
    incidents: [BRIDGE_KILLED],
    readers: { steady: 300, stopped: 300 },
    steadyMs: { before: percentiles(100), meanwhile: percentiles(120) },
    alerts: { told: [], quietMs: 55_400 },
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
    "0 alerts in the 55 s before the first of that; told in all: none",
    "telemetry of broker-1, data-1: no gap",
  ]);
});

test("an alert that was due, or may come with what befell the lab, is none too many", () => {
  const lag = [
    alert("firing", "bridge-lag/data-1", 2000),
    alert("resolved", "bridge-lag/data-1", 8000),
  ];
  const all = endured({
    incidents: [BROKER_KILLED],
    alerts: { told: [...DOWN, ...lag], quietMs: 55_400 },
  });
  expect(shortcomings(all, HOSTS)).toEqual([]);
  expect(lateAlerts(all, 2000)).toEqual([]);
  expect(lateAlerts(all, 300)).toEqual(["the alert broker-down/broker-2 was told after 321 ms"]);
  expect(remarks(all)).toContain(
    "broker-2 killed (-9): all well 5.1 s later; alert broker-down/broker-2 321 ms after its condition",
  );
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
        {
          ...BRIDGE_KILLED,
          what: "Mosquitto restarted",
          recoveryMs: undefined,
          problem: "waited 60 s",
        },
      ],
    },
    ["Mosquitto restarted: waited 60 s"],
  ],
  [
    "telemetry that is missing",
    { telemetry: { hosts: ["data-1"], gaps: ["data-1 17 to 19"] } },
    ["no telemetry of broker-1 was heard", "telemetry is missing: data-1 17 to 19"],
  ],
  [
    "an alert in the quiet",
    {
      incidents: [BROKER_KILLED],
      alerts: { told: DOWN.map((one) => ({ ...one, at: "2026-11-29T05:59:00.000Z" })), quietMs: 1 },
    },
    ["an alert without a reason: broker-2 is bad (2026-11-29T05:59:00.000Z)"],
  ],
  [
    "an alert that has nothing to do with what befell the lab",
    {
      incidents: [BROKER_KILLED],
      alerts: {
        told: [
          ...DOWN,
          alert("firing", "silence/client-1", 500),
          alert("resolved", "silence/client-1", 600),
        ],
        quietMs: 1,
      },
    },
    ["an alert without a reason: client-1 is bad (2026-11-29T06:00:00.500Z)"],
  ],
  [
    "an alert told twice, and never to be over",
    {
      incidents: [BROKER_KILLED],
      alerts: {
        told: [DOWN[0]!, { ...DOWN[0]!, id: "another" }, { ...DOWN[1]!, id: "another" }],
        quietMs: 1,
      },
    },
    [
      "the alert broker-down/broker-2 was told twice",
      "the alert broker-down/broker-2 was not told to be over",
    ],
  ],
])("%s is told", (_, changes, told) => {
  expect(shortcomings(endured(changes), HOSTS)).toEqual(told);
});

test("numbers that are missing between others are gaps; where they begin and end is none", () => {
  expect(gapsOf("a", new Set([7, 5, 6]))).toEqual([]);
  expect(gapsOf("a", new Set())).toEqual([]);
  expect(gapsOf("a", new Set([2, 9, 3, 5]))).toEqual(["a 4 to 4", "a 6 to 8"]);
});
