import type { EngineEvent } from "../../../scripts/lib/engine-events";
import { twoLives } from "../../../trials/kill/one-life";
import { evenly, killPoints, momentOf } from "../../../trials/kill/points";

const urn = (type: string, name: string): string => `urn:pulumi:s::pi-lab::${type}::${name}`;
const event = (change: object): EngineEvent => ({ sequence: 1, timestamp: 1, ...change });
const step = (op: string, type: string, name: string, change: object = {}): EngineEvent =>
  event({
    resourcePreEvent: {
      metadata: { op, urn: urn(type, name), type, provider: "p", ...change },
    },
  });
const told = (message: string, type = "pilab:kafka/rollout:Rollout"): EngineEvent =>
  event({
    diagnosticEvent: {
      urn: urn(type, "kafka-rollout"),
      message,
      severity: "info",
      ephemeral: true,
    },
  });

describe("the moments of a run", () => {
  it("are the begins of its steps", () => {
    expect(momentOf(step("update", "command:remote:Command", "broker-1-files"))).toBe(
      "update broker-1-files",
    );
  });

  it("are no steps that do nothing, no components, nothing of a preview", () => {
    expect(momentOf(step("same", "a:b:C", "x"))).toBeUndefined();
    expect(momentOf(step("update", "a:b:C", "x", { provider: "" }))).toBeUndefined();
    const { resourcePreEvent } = step("update", "a:b:C", "x");
    expect(
      momentOf(event({ resourcePreEvent: { ...resourcePreEvent, planning: true } })),
    ).toBeUndefined();
  });

  it("are what the provider waits for within a step, however long it has waited", () => {
    const want = "kafka-rollout, waiting for broker-2 to serve";
    expect(momentOf(told("waiting for broker-2 to serve (0 s): the unit is activating"))).toBe(
      want,
    );
    expect(momentOf(told("waiting for broker-2 to serve (12 s): a; b (c)\nmore"))).toBe(want);
    const marked = "<{%reset%}>waiting for broker-2 to serve (3 s): starting<{%reset%}>\n";
    expect(momentOf(told(marked))).toBe(want);
    expect(momentOf(told("broker-2: restarted, and in sync"))).toBeUndefined();
    expect(momentOf(told("waiting for x (1 s): y", "command:remote:Command"))).toBeUndefined();
  });

  it("count once each, in their order", () => {
    const events = [
      step("update", "a:b:C", "one"),
      told("waiting for two (0 s): x"),
      told("waiting for two (1 s): y"),
      step("update", "a:b:C", "three"),
    ];
    expect(killPoints(events)).toEqual([
      "update one",
      "kafka-rollout, waiting for two",
      "update three",
    ]);
  });
});

test("fewer moments are spread over all of them", () => {
  const all = [0, 1, 2, 3, 4, 5, 6, 7];
  expect(evenly(all, Infinity)).toEqual(all);
  expect(evenly(all, 8)).toEqual(all);
  expect(evenly(all, 3)).toEqual([0, 4, 7]);
  expect(evenly(all, 1)).toEqual([0]);
  for (let most = 2; most < all.length; most++) {
    const some = evenly(all, most);
    expect(new Set(some).size).toBe(most);
    expect([some[0], some.at(-1)]).toEqual([0, 7]);
  }
});

test("a node that runs on two machines is told with both", () => {
  expect(
    twoLives(
      new Map([
        ["pi-1", "1"],
        ["pi-2", "2"],
      ]),
    ),
  ).toEqual([]);
  expect(
    twoLives(
      new Map([
        ["pi-7", "1"],
        ["pi-2", "2"],
        ["pi-1", "1"],
      ]),
    ),
  ).toEqual([{ nodeId: "1", machines: ["pi-1", "pi-7"] }]);
});
