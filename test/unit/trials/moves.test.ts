import type { EngineEvent } from "../../../scripts/lib/engine-events";
import { amiss, leftText, type Seen } from "../../../trials/moves/cluster";
import {
  CANCEL_AT,
  comesLate,
  killsAt,
  killText,
  momentsOf,
  momentsOfCancelled,
  MoveMoments,
} from "../../../trials/moves/moments";

const urn = "urn:pulumi:dev::topics::pilab:kafka/topic:Topic::red";
const told = (message: string): EngineEvent => ({
  sequence: 1,
  timestamp: 1,
  diagnosticEvent: { urn, message, severity: "info", ephemeral: true },
});
const moving = (done: number, behind: string): EngineEvent =>
  told(
    `<{%reset%}>waiting for replicas of topic red to move (3 s): ${done} of 12 partitions done, ${behind} behind<{%reset%}>\n`,
  );
const THROTTLING = told("waiting for brokers to throttle topic red (0 s): broker 1 does not tell");
const DROPPING = told("waiting for brokers to drop their limits for topic red (0 s): broker 1 has");
const TAKING_BACK = told("topic red: taking back what is under way");
const BEGUN = "portion 1 of the moves, begun";

describe("the moments of a move", () => {
  it("are the begin of each portion and the middle of its bytes, beside those of any change", () => {
    expect(
      momentsOf([
        THROTTLING,
        moving(0, "20 MiB"),
        moving(0, "11 MiB"),
        moving(3, "10 MiB"),
        moving(9, "100 KiB"),
        moving(10, "4 MiB"),
        moving(11, "2 MiB"),
        DROPPING,
      ]),
    ).toEqual([
      "red, waiting for brokers to throttle topic red",
      BEGUN,
      CANCEL_AT,
      "portion 2 of the moves, begun",
      "portion 2 of the moves, half copied",
      "red, waiting for brokers to drop their limits for topic red",
    ]);
  });

  it("are no middle where nothing is behind, or more and more is", () => {
    const moments = new MoveMoments();
    const seen = ["0 B", "900 KiB", "1.5 MiB", "1 MiB"].map((behind) =>
      moments.at(moving(0, behind)),
    );
    expect(seen).toEqual([BEGUN, BEGUN, BEGUN, BEGUN]);
    expect(moments.at(moving(0, "700 KiB"))).toBe(CANCEL_AT);
  });

  it("are those behind the middle of the first portion alone where it is cancelled", () => {
    const events = [THROTTLING, moving(0, "20 MiB"), moving(0, "9 MiB"), TAKING_BACK, DROPPING];
    expect(momentsOfCancelled(events)).toEqual([
      "taking back what is under way",
      "red, waiting for brokers to drop their limits for topic red",
    ]);
  });
});

test("a move ends with the step itself", () => {
  const metadata = { op: "update", urn, type: "t", old: null, new: null, detailedDiff: null };
  const done = { sequence: 1, timestamp: 1, resOutputsEvent: { metadata } };
  expect(momentsOf([done])).toEqual(["red updated"]);
  const same = { ...done, resOutputsEvent: { metadata: { ...metadata, op: "same" } } };
  expect(momentsOf([same])).toEqual([]);
});

test("the user comes late where both were killed, and nothing was cancelled", () => {
  const late = killsAt([BEGUN, CANCEL_AT], ["x"]).filter(comesLate).map(killText);
  expect(late).toEqual([
    `the engine and plugin at "${BEGUN}"`,
    `the engine and plugin at "${CANCEL_AT}"`,
  ]);
});

test("each victim is killed at each moment", () => {
  expect(killsAt(["a", "b"], ["c"]).map(killText)).toEqual([
    'the engine at "a"',
    'the engine and plugin at "a"',
    'the plugin at "a"',
    'the engine at "b"',
    'the engine and plugin at "b"',
    'the plugin at "b"',
    'the engine at "c" after a cancellation',
    'the engine and plugin at "c" after a cancellation',
    'the plugin at "c" after a cancellation',
  ]);
});

describe("what is amiss after a move", () => {
  const partition = { partition: 0, leader: 3, replicas: [3, 4], isr: [4, 3] };
  const seen: Seen = {
    topic: {
      topic: "red",
      topicId: "id",
      config: { "retention.ms": "1" },
      minInsyncReplicas: 2,
      partitions: [partition],
    },
    reassignments: [],
    throttles: new Map(),
  };
  const withPartition = (change: object, config: Record<string, string> = {}): Seen => ({
    ...seen,
    topic: { ...seen.topic, config, partitions: [{ ...partition, ...change }] },
  });

  it("is nothing where all is as wanted", () => {
    expect(amiss([[3, 4]], seen)).toEqual([]);
  });

  it("is a replica elsewhere, in another order, or out of sync, and another leader", () => {
    expect(amiss([[4, 3]], seen)).toEqual([
      "partition 0 is on 3,4, not 4,3",
      "partition 0 is led by 3, not 4",
    ]);
    expect(amiss([[3, 4]], withPartition({ leader: 4, isr: [4] }))).toEqual([
      "partition 0 is led by 4, not 3",
      "partition 0 has 4 in sync alone",
    ]);
    expect(amiss([[3, 4], [1]], seen)).toEqual(["it has 1 partition"]);
  });

  it("is what still moves, and what is left of the throttle", () => {
    const key = "leader.replication.throttled.replicas";
    const left: Seen = {
      ...withPartition({}, { [key]: "0:3" }),
      reassignments: [
        { topic: "blue", partition: 5, replicas: [1, 2], adding: [1], removing: [2] },
      ],
      throttles: new Map([[2, 1000]]),
    };
    expect(amiss([[3, 4]], left)).toEqual([
      "partition 5 of blue still moves",
      `the topic still has ${key}`,
      "broker 2 is still limited to 1000 bytes a second",
    ]);
    expect(leftText(left)).toBe("1 partition moving, 1 broker limited, throttled replicas named");
    expect(leftText(seen)).toBe(
      "0 partitions moving, 0 brokers limited, no throttled replica named",
    );
  });
});
