import { type Machine, ranOn } from "../bench/machine";
import { renderMarkdownTable, renderTable } from "../scripts/lib/table";
import type { Load } from "./load";
import type { Stall, Verdict } from "./checker/ledger";
import { passed, type Moments, type Outcome } from "./trial";

export interface Results {
  /** ISO 8601. */
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  /** Records a second. */
  readonly rate: number;
  /** Those trials that were to run and have not ended yet, by name. */
  readonly missing: readonly string[];
  readonly outcomes: readonly Outcome[];
}

const HEAD = [
  "fault",
  "acknowledged",
  "lost",
  "duplicates",
  "longest stall",
  "where",
  "all stalled",
  "recovery",
];

/** The table for the terminal, and below it what was told of each trial. */
export function renderReport(results: Results): string {
  const { outcomes, machine } = results;
  return [
    renderTable(HEAD, outcomes.map(row)),
    "",
    ...outcomes.flatMap((outcome) => remarks(outcome, machine)).map(plainItem),
    summary(results),
  ].join("\n");
}

/** A section of RESULTS.md. */
export function renderSection(results: Results): string {
  const { date, command, machine, rate, outcomes } = results;
  return [
    `## Trials, ${date.slice(0, 16).replace("T", " ")} UTC`,
    "",
    outcomes.every(({ recordless }) => recordless === true)
      ? ranOn(command, machine)
      : `${ranOn(command, machine)} ${rate} records a second with acks=all over all partitions of a topic, from 5 s before each fault to 5 s after the recovery; then all read back.`,
    "",
    renderMarkdownTable(HEAD, outcomes.map(row), new Set([0, 5])),
    "",
    ...outcomes.flatMap((outcome) => remarks(outcome, machine)).map(markdownItem),
    "",
    summary(results),
    "",
  ].join("\n");
}

/** What became of one trial, in a line. */
export function outcomeLine(outcome: Outcome): string {
  const { verdict, recordless } = outcome;
  const problem = outcome.problem ?? (verdict?.endedEarly && `ended early: ${verdict.endedEarly}`);
  if (recordless === true) {
    return problem === undefined ? "✓ all as it should be" : `✗ FAILED: ${problem}`;
  }
  const records =
    verdict === undefined
      ? "the records were not read back"
      : `${verdict.acknowledged} acknowledged, ${verdict.lost.length} lost, ${verdict.duplicates} duplicates, stalled for ${seconds(verdict.longestStall.ms)} at most`;
  return `${passed(outcome) ? "✓" : "✗"} ${records}${problem === undefined ? "" : `; FAILED: ${problem}`}`;
}

function row({ title, verdict, moments, recordless }: Outcome): string[] {
  if (recordless === true) return [title, ...HEAD.slice(1).map(() => "–")];
  if (verdict === undefined) return [title, ...HEAD.slice(1).map(() => "unknown")];
  return [
    title,
    String(verdict.acknowledged),
    String(verdict.lost.length),
    String(verdict.duplicates),
    seconds(verdict.longestStall.ms),
    `partition ${verdict.longestStall.partition}, ${place(verdict.longestStall, moments)}`,
    seconds(verdict.longestStallOfAll.ms),
    recovery(moments),
  ];
}

/** Relative to the fault: that is what a stall is looked at for. */
function place({ fromMs }: Stall, { fellMs }: Partial<Moments>): string {
  if (fellMs === undefined) return `from ${seconds(fromMs)}`;
  const after = fromMs - fellMs;
  return `from ${seconds(Math.abs(after))} ${after < 0 ? "before" : "after"} the fault`;
}

/** From the end of the fault until every broker says that all is well. */
function recovery({ healedMs, wellMs }: Partial<Moments>): string {
  return healedMs === undefined || wellMs === undefined ? "never" : seconds(wellMs - healedMs);
}

function remarks({ title, notes, verdict, load, problem }: Outcome, { cores }: Machine): string[] {
  return [
    ...notes,
    ...(verdict ? records(verdict) : []),
    ...(load ? [loadText(load, cores)] : []),
    ...(verdict?.endedEarly ? [`FAILED: ended early: ${verdict.endedEarly}`] : []),
    ...(problem ? [`FAILED: ${problem}`] : []),
  ].map((text) => `${title}: ${text}`);
}

function plainItem(text: string): string {
  return `- ${text.replaceAll("\n", "\n  ")}.`;
}

/** What commands have printed goes as it is: nothing in it is to be taken for Markdown. */
function markdownItem(text: string): string {
  const [first = "", ...printed] = text.split("\n").map((line) => line.trimEnd());
  if (printed.length === 0) return `- ${first}.`;
  return [`- ${first}`, "```", ...printed, "```"].join("\n  ").replace(/ +$/gm, "");
}

function loadText({ busyCores, most }: Load, cores: number): string {
  return `${busyCores.toFixed(1)} of ${cores} cores busy on average, load average ${most.toFixed(1)} at most`;
}

/** What the table has no room for. */
function records(verdict: Verdict): string[] {
  const { lost, unacknowledged, unacknowledgedPresent, failures } = verdict;
  const shown = lost.slice(0, 10).map(({ id, ack }) => {
    const at = `${ack.partition} at offset ${ack.offset + BigInt(ack.ids.indexOf(id))}`;
    return `LOST: record ${id}, acknowledged by ${ack.server} after ${seconds(ack.atMs)} (partition ${at})`;
  });
  const more =
    lost.length > shown.length ? [`LOST: ${lost.length - shown.length} more records`] : [];
  const open =
    unacknowledged === 0
      ? []
      : [
          `${unacknowledged} records were never acknowledged, of which ${unacknowledgedPresent} are there`,
        ];
  const tries = Object.entries(failures).map(([reason, count]) => `${count} ${reason}`);
  return [
    ...shown,
    ...more,
    ...open,
    ...(tries.length > 0 ? [`tries that failed: ${tries.join(", ")}`] : []),
  ];
}

function summary({ outcomes, missing }: Results): string {
  const failed = outcomes.filter((outcome) => !passed(outcome)).map(({ name }) => name);
  const all = outcomes.length + missing.length;
  return [
    `${outcomes.length - failed.length} of ${all} trials passed`,
    ...(failed.length > 0 ? [`; FAILED: ${failed.join(", ")}`] : []),
    ...(missing.length > 0 ? [`; not run to their end: ${missing.join(", ")}`] : []),
    ".",
  ].join("");
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
