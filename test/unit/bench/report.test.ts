import type { Samples } from "../../../bench/measures";
import { renderReport, renderSection, type Results } from "../../../bench/report";
import { machineFixture } from "../../support/machine-fixture";

function results(samples: Samples, rest: Partial<Results> = {}): Results {
  return {
    date: "2030-01-02T03:04:05.678Z",
    command: "npm run bench -- --runs 3",
    machine: machineFixture,
    busyCores: [0.1, 1.26, 0.3],
    samples,
    notes: [],
    failures: [],
    ...rest,
  };
}

const line = (text: string, start: string): string | undefined =>
  text.split("\n").find((candidate) => candidate.startsWith(start));

describe("renderReport", () => {
  it("shows medians with their spread, and the ratio to the peer of the same run", () => {
    const text = renderReport(results({ script: [30, 20, 40], cold: [33, 36, 30] }));
    expect(line(text, "3 hosts: the shell script")).toMatch(/30\.00 s +20\.00 s +40\.00 s +3$/);
    expect(line(text, "3 hosts: cold up, as")).toMatch(
      /33\.00 s +30\.00 s +36\.00 s +3 +1\.1x the script$/,
    );
  });

  it("leaves out what was not measured", () => {
    const text = renderReport(results({ topic: [1] }));
    expect(text).toContain("one topic changed");
    expect(text).not.toContain("shell script");
    expect(text).not.toContain("6 hosts");
  });

  it("says of each aim whether it is met", () => {
    const text = renderReport(
      results({ script: [10], cold: [12], "noop-preview": [2], preview: [3.99], up: [7] }),
    );
    expect(text).toContain("at most 1.2x its peer: met (1.2x).");
    expect(text).toContain("3 hosts: unchanged preview: at most 1.3x its peer: NOT MET (2x).");
    expect(text).toContain("3 hosts: unchanged preview: under 4 s: met (3.99 s).");
    expect(text).toContain("up with its preview: under 7 s: NOT MET (7.00 s).");
  });

  it("never rounds a ratio down to an aim that it misses", () => {
    const text = renderReport(results({ script: [10], cold: [12.001] }));
    expect(text).toContain("NOT MET (1.21x)");
  });

  it("holds one figure against several peers, those that were measured", () => {
    const both = renderReport(results({ script: [10], ansible: [20], cold: [12] }));
    expect(line(both, "3 hosts: cold up, as")).toMatch(/1\.2x the script, 0\.6x Ansible$/);
    const one = renderReport(results({ ansible: [20], cold: [12] }));
    expect(line(one, "3 hosts: cold up, as")).toMatch(/1 +0\.6x Ansible$/);
  });

  it("tells what failed, how often and why, before all else", () => {
    const what = "roll of three brokers";
    const failures = [
      { what, reason: "it hung:\nfor long" },
      { what, reason: "it hung:\nfor long" },
      { what, reason: "it died" },
    ];
    const text = renderReport(results({ cold: [1] }, { failures, notes: ["a note."] }));
    const told = text.slice(text.indexOf("FAILED")).split("\n");
    expect(told.slice(0, 3)).toEqual([
      "FAILED 2 times: roll of three brokers: it hung:",
      "  for long",
      "FAILED: roll of three brokers: it died",
    ]);
    expect(told).toContain("a note.");
  });

  it("says what every round says once", () => {
    const text = renderReport(results({ swap: [1] }, { notes: ["same", "same"] }));
    expect(text.match(/same/g)).toHaveLength(1);
  });

  it("calls an aim unknown where the peer was not measured", () => {
    const text = renderReport(results({ preview: [3] }));
    expect(text).toContain("at most 1.3x its peer: unknown, its peer was not measured.");
  });

  it("says how busy the machine was", () => {
    const idle = renderReport(results({ topic: [1] }));
    expect(idle).toContain("median 0.3, at most 1.3.");
    expect(idle).not.toContain("prove no aim");
    const busy = renderReport(results({ topic: [1] }, { busyCores: [0.1, 0.6, 2] }));
    expect(busy).toContain("busy with other work: these figures prove no aim met or missed.");
  });
});

describe("renderSection", () => {
  const text = renderSection(results({ script: [30], cold: [33] }));

  it("is headed by the date and says how and where it was measured", () => {
    expect(text.split("\n").slice(0, 3)).toEqual([
      "## 2030-01-02 03:04 UTC",
      "",
      "`npm run bench -- --runs 3` at abc1234; 2 cores (Some Processor), 24 GiB, Linux 6.1, Node.js 20.19.0, Pulumi 3.230.0, Docker 20.10.",
    ]);
  });

  it("has a table of markdown with as many cells in each row", () => {
    const rows = text.split("\n").filter((row) => row.startsWith("|"));
    expect(rows).toHaveLength(4);
    expect(new Set(rows.map((row) => row.split(" | ").length))).toEqual(new Set([6]));
  });

  it("lists the verdicts", () => {
    expect(text).toContain(
      "- 3 hosts: cold up, as `npm run lab` runs it: at most 1.2x its peer: met",
    );
  });
});
