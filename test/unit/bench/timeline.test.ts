import { renderTimeline, stepsOfHost, stepTimes, type TimedEvent } from "../../../bench/timeline";
import type { StepMetadata, SummaryEvent } from "../../../scripts/lib/engine-events";

const metadata = (name: string, op = "create"): StepMetadata => ({
  op,
  urn: `urn:pulumi:s::p::docker:index/container:Container::${name}`,
  type: "docker:index/container:Container",
  old: null,
  new: null,
  detailedDiff: null,
});
const event = (atMs: number, rest: Partial<TimedEvent["event"]>): TimedEvent => ({
  atMs,
  event: { sequence: 0, timestamp: 0, ...rest },
});
const begin = (atMs: number, name: string, op?: string): TimedEvent =>
  event(atMs, { resourcePreEvent: { metadata: metadata(name, op) } });
const end = (atMs: number, name: string, op?: string): TimedEvent =>
  event(atMs, { resOutputsEvent: { metadata: metadata(name, op) } });
const summary = (atMs: number, isPreview: boolean): TimedEvent => {
  const summaryEvent: SummaryEvent = { durationSeconds: 1, resourceChanges: {}, isPreview };
  return event(atMs, { summaryEvent });
};

describe("stepTimes", () => {
  it("pairs the begin and the end of each step, ordered by the begin", () => {
    const steps = stepTimes([begin(10, "a"), begin(20, "b"), end(30, "b"), end(50, "a")]);
    expect(steps).toEqual([
      { name: "a", type: "Container", op: "create", beginMs: 10, endMs: 50 },
      { name: "b", type: "Container", op: "create", beginMs: 20, endMs: 30 },
    ]);
  });

  it("tells apart the halves of a replacement", () => {
    const steps = stepTimes([
      begin(1, "a", "delete-replaced"),
      end(2, "a", "delete-replaced"),
      begin(3, "a", "create-replacement"),
      end(9, "a", "create-replacement"),
    ]);
    expect(steps.map(({ op, beginMs }) => [op, beginMs])).toEqual([
      ["delete-replaced", 1],
      ["create-replacement", 3],
    ]);
  });

  it("leaves out the preview of an up", () => {
    const steps = stepTimes([
      begin(1, "a"),
      end(2, "a"),
      summary(3, true),
      begin(5, "a"),
      end(9, "a"),
      summary(10, false),
    ]);
    expect(steps).toMatchObject([{ beginMs: 5, endMs: 9 }]);
  });

  it("keeps the steps of a preview alone", () => {
    expect(stepTimes([begin(1, "a"), end(2, "a"), summary(3, true)])).toHaveLength(1);
  });
});

describe("renderTimeline", () => {
  it("shows seconds, without the steps that took no time", () => {
    const steps = stepTimes([
      begin(1000, "slow"),
      begin(1000, "quick"),
      end(1010, "quick"),
      end(3500, "slow"),
    ]);
    const text = renderTimeline(steps);
    expect(text).toMatch(/1\.00 +3\.50 +2\.50 +create +slow \(Container\)/);
    expect(text).not.toContain("quick");
  });
});

test("stepsOfHost tells one host's steps by their short names, in their order", () => {
  const steps = stepTimes([
    begin(0, "broker-1-prepare"),
    begin(1000, "broker-1-kafka-archive"),
    begin(1500, "broker-10-prepare"),
    end(3000, "broker-1-kafka-archive"),
    begin(3000, "broker-1-quick"),
    end(3001, "broker-1-quick"),
    end(9000, "broker-1-prepare"),
    end(9500, "broker-10-prepare"),
    begin(9500, "broker-1-prepare", "delete-replaced"),
    end(9600, "broker-1-prepare", "delete-replaced"),
  ]);
  expect(stepsOfHost(steps, "broker-1")).toBe("prepare 9.0 s, kafka-archive 2.0 s");
});
