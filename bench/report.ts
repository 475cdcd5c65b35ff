import { renderTable } from "../scripts/lib/table";
import type { Machine } from "./machine";
import { summarise, type Summary } from "./statistics";

/** What is measured, and what each is held against. */
export type MeasureId =
  | "script"
  | "cold"
  | "cold-with-preview"
  | "noop-preview"
  | "preview"
  | "noop-up"
  | "up"
  | "topic"
  | "six-cold"
  | "six-preview"
  | "six-up"
  | "drift-6"
  | "drift-60"
  | "drift-600";

export type Aim =
  | { readonly kind: "ratio"; readonly atMost: number }
  | { readonly kind: "seconds"; readonly below: number };

interface Measure {
  readonly title: string;
  /** Measured in the same run, under the same conditions. */
  readonly peer?: MeasureId;
  readonly aims: readonly Aim[];
}

/** In the order of the table. */
export const measures: Readonly<Record<MeasureId, Measure>> = {
  script: { title: "3 hosts: the shell script, from no container to full ISR", aims: [] },
  cold: {
    title: "3 hosts: cold up, as `npm run lab` runs it",
    peer: "script",
    aims: [{ kind: "ratio", atMost: 1.2 }],
  },
  "cold-with-preview": { title: "3 hosts: cold up with its preview", peer: "script", aims: [] },
  "noop-preview": { title: "3 hosts: unchanged preview, no-op plugins", aims: [] },
  preview: {
    title: "3 hosts: unchanged preview",
    peer: "noop-preview",
    aims: [
      { kind: "ratio", atMost: 1.3 },
      { kind: "seconds", below: 4 },
    ],
  },
  "noop-up": { title: "3 hosts: unchanged up with its preview, no-op plugins", aims: [] },
  up: {
    title: "3 hosts: unchanged up with its preview",
    peer: "noop-up",
    aims: [{ kind: "seconds", below: 7 }],
  },
  topic: { title: "3 hosts: up with its preview, one setting of one topic changed", aims: [] },
  "six-cold": { title: "6 hosts (the template): cold up", aims: [] },
  "six-preview": { title: "6 hosts (the template): unchanged preview", aims: [] },
  "six-up": { title: "6 hosts (the template): unchanged up with its preview", aims: [] },
  "drift-6": { title: "6 hosts (the template): drift", aims: [] },
  "drift-60": { title: "60 stand-ins for hosts: drift", aims: [] },
  "drift-600": { title: "600 stand-ins for hosts: drift", aims: [] },
};

/** Seconds, in the order of measuring. */
export type Samples = Readonly<Partial<Record<MeasureId, readonly number[]>>>;

export interface Results {
  /** ISO 8601. */
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  /** Cores that were busy just before each measurement, with what the lab itself does when idle. */
  readonly busyCores: readonly number[];
  readonly samples: Samples;
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
    `\`${results.command}\` at ${machine.commit}; ${machine.cores} cores (${machine.processor}), ${machine.memoryGib} GiB, ${machine.kernel}, Node.js ${machine.node}, Pulumi ${machine.pulumi}, Docker ${machine.docker}.`,
    "",
    line(HEAD),
    line(HEAD.map((_, i) => (i === 0 ? "---" : "---:"))),
    ...rows(results.samples).map(line),
    "",
    ...conclusions(results).map((text) => `- ${text}`),
    "",
  ].join("\n");
}

const HEAD = ["what", "median", "min", "max", "runs", "ratio to its peer"];

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

function ratioText(samples: Samples, id: MeasureId, summary: Summary): string {
  const ratio = ratioToPeer(samples, id, summary);
  return ratio === undefined ? "" : times(ratio);
}

/** By the medians; undefined where there is no peer or it was not measured. */
function ratioToPeer(samples: Samples, id: MeasureId, summary: Summary): number | undefined {
  const { peer } = measures[id];
  const values = peer === undefined ? undefined : samples[peer];
  return values === undefined ? undefined : summary.median / summarise(values).median;
}

function conclusions({ samples, busyCores }: Results): string[] {
  const verdicts = entries(samples).flatMap(([id, summary]) =>
    measures[id].aims.map((aim) => verdict(samples, id, summary, aim)),
  );
  if (busyCores.length === 0) return verdicts;
  const { median, max } = summarise(busyCores);
  return [
    ...verdicts,
    `Busy cores just before a measurement, the idle lab's own work included: median ${median.toFixed(1)}, at most ${max.toFixed(1)}.`,
  ];
}

function verdict(samples: Samples, id: MeasureId, summary: Summary, aim: Aim): string {
  const { title } = measures[id];
  switch (aim.kind) {
    case "ratio": {
      const wanted = `${title}: at most ${times(aim.atMost)} its peer`;
      const ratio = ratioToPeer(samples, id, summary);
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
