import { renderTable } from "../scripts/lib/table";
import { type Machine, ranOn } from "./machine";
import { measures, type Aim, type Failure, type MeasureId, type Samples } from "./measures";
import { summarise, type Summary } from "./statistics";

export interface Results {
  /** ISO 8601. */
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  /** Cores that were busy just before each measurement, with what the lab itself does when idle. */
  readonly busyCores: readonly number[];
  readonly samples: Samples;
  /** What else a reader must know: sizes, versions. */
  readonly notes: readonly string[];
  readonly failures: readonly Failure[];
}

/** The table for the terminal, and below it each aim with whether it is met. */
export function renderReport(results: Results): string {
  return [renderTable(HEAD, rows(results.samples)), "", ...conclusions(results)].join("\n");
}

/** A section of RESULTS.md. */
export function renderSection(results: Results): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const { machine } = results;
  return [
    `## ${results.date.slice(0, 16).replace("T", " ")} UTC`,
    "",
    ranOn(results.command, machine),
    "",
    line(HEAD),
    line(HEAD.map((_, i) => (i === 0 ? "---" : "---:"))),
    ...rows(results.samples).map(line),
    "",
    ...conclusions(results).map((text) => `- ${text}`),
    "",
  ].join("\n");
}

const HEAD = ["what", "median", "min", "max", "runs", "ratio"];

function rows(samples: Samples): string[][] {
  return entries(samples).map(([id, summary]) => [
    measures[id].title,
    seconds(summary.median),
    seconds(summary.min),
    seconds(summary.max),
    String(summary.count),
    ratioText(samples, id, summary),
  ]);
}

function ratioText(samples: Samples, id: MeasureId, { median }: Summary): string {
  return (measures[id].peers ?? [])
    .flatMap((peer) => {
      const ratio = ratioTo(samples, peer.id, median);
      return ratio === undefined ? [] : `${times(ratio)} ${peer.called}`;
    })
    .join(", ");
}

/** By the medians; undefined where the peer was not measured. */
function ratioTo(
  samples: Samples,
  peer: MeasureId | undefined,
  median: number,
): number | undefined {
  const values = peer === undefined ? undefined : samples[peer];
  return values === undefined ? undefined : median / summarise(values).median;
}

function conclusions({ samples, busyCores, machine, notes, failures }: Results): string[] {
  const verdicts = entries(samples).flatMap(([id, summary]) =>
    (measures[id].aims ?? []).map((aim) => verdict(samples, id, summary, aim)),
  );
  const told = [...failed(failures), ...verdicts, ...new Set(notes)];
  if (busyCores.length === 0) return told;
  const { median, max } = summarise(busyCores);
  return [
    ...told,
    `Busy cores just before a measurement, the idle lab's own work included: median ${median.toFixed(1)}, at most ${max.toFixed(1)}.`,
    ...(median > machine.cores * BUSY
      ? ["The machine was busy with other work: these figures prove no aim met or missed."]
      : []),
  ];
}

/** Of all cores; three idle brokers take a tenth of one. */
const BUSY = 1 / 4;

/** Each failure once, with how often it came. */
function failed(failures: readonly Failure[]): string[] {
  const counts = new Map<string, number>();
  for (const { what, reason } of failures) {
    const text = `${what}: ${reason.trim().replaceAll("\n", "\n  ")}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => `FAILED${count > 1 ? ` ${count} times` : ""}: ${text}`);
}

function verdict(samples: Samples, id: MeasureId, summary: Summary, aim: Aim): string {
  const { title } = measures[id];
  switch (aim.kind) {
    case "ratio": {
      const wanted = `${title}: at most ${times(aim.atMost)} its peer`;
      const ratio = ratioTo(samples, measures[id].peers?.[0]?.id, summary.median);
      if (ratio === undefined) return `${wanted}: unknown, its peer was not measured.`;
      return `${wanted}: ${ratio <= aim.atMost ? "met" : "NOT MET"} (${times(ratio)}).`;
    }
    case "seconds": {
      const met = summary.median < aim.below ? "met" : "NOT MET";
      return `${title}: under ${aim.below} s: ${met} (${seconds(summary.median)}).`;
    }
    default:
      return aim satisfies never;
  }
}

function entries(samples: Samples): [MeasureId, Summary][] {
  return (Object.keys(measures) as MeasureId[]).flatMap((id) => {
    const values = samples[id];
    return values === undefined || values.length === 0 ? [] : [[id, summarise(values)]];
  });
}

function seconds(value: number): string {
  return `${value.toFixed(2)} s`;
}

/** Two decimals, so that 1.204 is not shown as the 1.20 that it exceeds. */
function times(value: number): string {
  return `${Math.ceil(value * 100 - 1e-9) / 100}x`;
}
