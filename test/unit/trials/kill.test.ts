import type { EngineEvent } from "../../../scripts/lib/engine-events";
import { choose, killPoints, momentOf, parsePart, WHOLE } from "../../../trials/kill/points";
import { Rounds, timeProblem } from "../../../trials/kill/rounds";

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

  it("are what it does to a disk or finalizes, whichever version it is of", () => {
    expect(momentOf(told("finalizing the metadata version 4.2-IV0"))).toBe(
      "kafka-rollout, finalizing the metadata version",
    );
    expect(
      momentOf(told("waiting for all brokers to take over the metadata version 4.4-IV2 (1 s): x")),
    ).toBe("kafka-rollout, waiting for all brokers to take over the metadata version");
    expect(momentOf(told("formatting /var/lib/kafka/data, to join the cluster"))).toBe(
      "kafka-rollout, formatting /var/lib/kafka/data, to join the cluster",
    );
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

describe("the choice among moments", () => {
  const all = [0, 1, 2, 3, 4, 5, 6, 7];

  it("is all of them, or fewer that are spread over all", () => {
    const some = (most: number): number[] => choose(all, { most, part: WHOLE });
    expect(some(Infinity)).toEqual(all);
    expect(some(8)).toEqual(all);
    expect(some(3)).toEqual([0, 4, 7]);
    expect(some(1)).toEqual([0]);
    for (let most = 2; most < all.length; most++) {
      expect(new Set(some(most)).size).toBe(most);
      expect([some(most)[0], some(most).at(-1)]).toEqual([0, 7]);
    }
  });

  it("in parts leaves none out and takes none twice", () => {
    for (let of = 1; of <= 10; of++) {
      const parts = Array.from({ length: of }, (_, i) =>
        choose(all, { most: Infinity, part: { index: i + 1, of } }),
      );
      expect(parts.flat().sort()).toEqual(all);
    }
    expect(choose(all, { most: Infinity, part: { index: 2, of: 3 } })).toEqual([1, 4, 7]);
    expect(choose(all, { most: 2, part: { index: 2, of: 3 } })).toEqual([1, 7]);
  });

  it("is typed as I/N", () => {
    expect(parsePart("2/5")).toEqual({ index: 2, of: 5 });
    for (const text of ["0/5", "6/5", "5", "/5", "1/0", "a/b", "1/2/3", "-1/2"]) {
      expect(() => parsePart(text)).toThrow(`--part: ${text} is no part.`);
    }
  });
});

describe("the rounds of a change that is killed", () => {
  it("tell what was not reached and what was not tried", () => {
    const rounds = new Rounds(["a", "b", "c"]);
    rounds.ended("a", true);
    rounds.ended("b", false);
    expect(rounds.notes()).toEqual([
      "killed at 1 of 3 moments",
      '"b" did not come by again: not killed there',
      '"c" was not tried any more',
    ]);
    expect(rounds.problems()).toEqual([]);
  });

  it("have failed where nothing was killed", () => {
    const missed = new Rounds(["a"]);
    missed.ended("a", false);
    expect(missed.problems()).toEqual([
      "the engine was never killed: none of 1 moments came by again",
    ]);
    expect(new Rounds([]).problems()).toEqual([
      "the engine was never killed: there was no moment to choose (fewer than --part has parts?)",
    ]);
  });

  it("are not begun where the records would end before them", () => {
    expect(timeProblem(10, 60_000, 600_000)).toBeUndefined();
    expect(timeProblem(11, 60_000, 600_000)).toMatch(
      /^11 kills take 11 minutes at the least, and records are written for 10 more\. .*--part I\/N/,
    );
  });
});
