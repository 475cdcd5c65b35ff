import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import type { Verdict } from "../../../trials/checker/ledger";
import { outcomeLine, renderReport, renderSection, type Results } from "../../../trials/report";
import { trials } from "../../../trials/table";
import { passed, type Outcome } from "../../../trials/trial";
import { machineFixture } from "../../support/machine-fixture";

const verdict: Verdict = {
  offered: 1000,
  acknowledged: 1000,
  lost: [],
  duplicates: 3,
  unacknowledged: 0,
  unacknowledgedPresent: 0,
  longestStall: { ms: 9876, fromMs: 5100, toMs: 14_976, partition: 1 },
  longestStallOfAll: { ms: 40, fromMs: 0, toMs: 40 },
  endedEarly: undefined,
  failures: { NOT_LEADER_OR_FOLLOWER: 2 },
};
const outcome: Outcome = {
  name: "leader-killed",
  title: "leader killed",
  notes: ["broker-2 leads red-1"],
  verdict,
  moments: { fellMs: 5000, healedMs: 5050, wellMs: 17_300 },
};
const lost = {
  ...outcome,
  verdict: {
    ...verdict,
    lost: [
      {
        id: 8,
        ack: { atMs: 1234, partition: 1, ids: [5, 8], server: "10.0.0.1:9092", offset: 70n },
      },
    ],
  },
};

function results(...outcomes: Outcome[]): Results {
  return {
    date: "2030-01-02T03:04:05.678Z",
    command: "npm run trials -- --only leader-killed",
    machine: machineFixture,
    rate: 350,
    missing: [],
    outcomes,
  };
}

test("the table places the longest stall by the fault, and counts the recovery from its end", () => {
  expect(renderReport(results(outcome))).toMatch(
    /leader killed +1000 +0 +3 +9\.88 s +partition 1, from 0\.10 s after the fault +0\.04 s +12\.25 s\n/,
  );
});

test("it tells who was hit and which tries failed", () => {
  const text = renderReport(results(outcome));
  expect(text).toContain("- leader killed: broker-2 leads red-1.");
  expect(text).toContain("- leader killed: tries that failed: 2 NOT_LEADER_OR_FOLLOWER.");
  expect(text).toContain("1 of 1 trials passed.");
});

test("a lost record is told with its acknowledgement and its own offset, and fails the trial", () => {
  expect(passed(lost)).toBe(false);
  expect(renderReport(results(outcome, lost))).toContain(
    "LOST: record 8, acknowledged by 10.0.0.1:9092 after 1.23 s (partition 1 at offset 71)",
  );
  expect(renderReport(results(outcome, lost))).toContain(
    "1 of 2 trials passed; FAILED: leader-killed.",
  );
  expect(outcomeLine(lost)).toMatch(/^✗ 1000 acknowledged, 1 lost/);
});

test("a record that was never acknowledged fails the trial too, as does a lab that did not come back", () => {
  expect(passed(outcome)).toBe(true);
  expect(passed({ ...outcome, verdict: { ...verdict, unacknowledged: 1 } })).toBe(false);
  const stuck = { ...outcome, moments: { fellMs: 1 }, problem: "waited 240 s:\nbroker-1 is down" };
  expect(passed(stuck)).toBe(false);
  expect(renderReport(results(stuck))).toMatch(/ never\n/);
  expect(renderReport(results(stuck))).toContain("FAILED: waited 240 s:\n  broker-1 is down.");
});

test("a trial whose records ended before it did has failed, whatever became of them", () => {
  const short = { ...outcome, verdict: { ...verdict, endedEarly: "records were offered for 9 s" } };
  expect(passed(short)).toBe(false);
  expect(outcomeLine(short)).toContain("FAILED: ended early: records were offered for 9 s");
  expect(renderReport(results(short))).toContain(
    "- leader killed: FAILED: ended early: records were offered for 9 s.",
  );
});

test("trials of a run that have not ended are named, and count as not passed", () => {
  const text = renderSection({ ...results(outcome), missing: ["swap-dead", "upgrade"] });
  expect(text).toContain("1 of 3 trials passed; not run to their end: swap-dead, upgrade.");
});

test("the load of the machine stands beside the latencies", () => {
  const text = renderSection(results({ ...outcome, load: { busyCores: 1.84, most: 6.25 } }));
  expect(text).toContain(
    "- leader killed: 1.8 of 2 cores busy on average, load average 6.3 at most.",
  );
});

test("records that could not be read back are unknown, not none", () => {
  const unread = { ...outcome, verdict: undefined, problem: "could not be read back" };
  expect(passed(unread)).toBe(false);
  expect(renderReport(results(unread))).toMatch(/leader killed +unknown +unknown/);
});

test("a section of the results is formatted as the repository's check wants it", () => {
  const stuck = { ...outcome, problem: "waited 240 s:\nbroker-1 is down\n  a *_* and a <b>" };
  const text = renderSection(results(outcome, lost, stuck));
  // Its library cannot be loaded by a CommonJS test.
  const prettier = join(dirname(require.resolve("prettier/package.json")), "bin", "prettier.cjs");
  const file = join(__dirname, "..", "..", "..", "bench", "RESULTS.md");
  const formatted = execFileSync(process.execPath, [prettier, "--stdin-filepath", file], {
    input: text,
    encoding: "utf8",
  });
  expect(formatted).toBe(text);
});

test("a section of the results says when, how and where, and has as many cells in each row", () => {
  const text = renderSection(results(outcome, lost));
  expect(text).toMatch(
    /^## Trials, 2030-01-02 03:04 UTC\n\n`npm run trials -- --only leader-killed` at abc1234; 2 cores/,
  );
  const rows = text.split("\n").filter((line) => line.startsWith("|"));
  expect(rows).toHaveLength(4);
  expect(new Set(rows.map((row) => row.split(" | ").length))).toEqual(new Set([8]));
});

test("each trial has a name of its own that can be typed", () => {
  const names = trials.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z][a-z-]*(\d+\.\d+\.\d+)?$/);
});

test("a trial without records passes by its own word, and its row has no figures", () => {
  const notes = ["made, changed, deleted"];
  const named = { name: "topic-2.6.0", title: "a topic on 2.6.0" };
  const recordless: Outcome = { ...named, notes, recordless: true, moments: {} };
  expect(passed(recordless)).toBe(true);
  expect(outcomeLine(recordless)).toBe("✓ all as it should be");
  const text = renderReport(results(recordless));
  expect(text).toMatch(/^a topic on 2\.6\.0( +–){7}$/m);
  expect(text).toContain("- a topic on 2.6.0: made, changed, deleted.");
  expect(text).toMatch("1 of 1 trials passed.");

  const failed = { ...recordless, problem: "three replicas: 2 !== 3" };
  expect(passed(failed)).toBe(false);
  expect(outcomeLine(failed)).toBe("✗ FAILED: three replicas: 2 !== 3");
  expect(renderReport(results(failed))).toMatch("FAILED: topic-2.6.0");
});
