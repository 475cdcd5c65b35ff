import { figure } from "./limits";
import type { Percentiles } from "./percentiles";
import { panel, type Series } from "./svg-panel";
import type { Hops, StageResult } from "./result";

const PANEL = { width: 440, height: 270 };
const TOP = 64;
const MARGIN = 16;

/** Light by default, dark where the reader's system is; viewers that know no media queries show it light. */
const STYLE = `
  .ground{fill:#ffffff} text{fill:#1f2328;font:12px system-ui,-apple-system,"Segoe UI",sans-serif}
  .title{font-size:16px;font-weight:600} .panel{font-size:13px;font-weight:600} .faint{fill:#59636e}
  .axis{stroke:#59636e;fill:none} .grid{stroke:#d1d9e0;fill:none}
  .line{fill:none;stroke-width:2} .dashed{stroke-dasharray:5 4}
  .s0{stroke:#0b5fad} .m0{fill:#0b5fad} .s1{stroke:#0a7a5c} .m1{fill:#0a7a5c}
  .s2{stroke:#b34a00} .m2{fill:#b34a00} .s3{stroke:#7b3aa0} .m3{fill:#7b3aa0}
  @media (prefers-color-scheme:dark){
    .ground{fill:#0d1117} text{fill:#e6edf3} .faint{fill:#9198a1} .axis{stroke:#9198a1} .grid{stroke:#2f363d}
    .s0{stroke:#6cb6ff} .m0{fill:#6cb6ff} .s1{stroke:#4fd1a5} .m1{fill:#4fd1a5}
    .s2{stroke:#f2a365} .m2{fill:#f2a365} .s3{stroke:#d2a8ff} .m3{fill:#d2a8ff}
  }`;

/**
 * The plot of a run: the latency of each hop, and how much was carried, by the number of devices. Both axes are
 * logarithmic. Each line has a mark of its own, so that it is known without its colour. Stages whose figures tell
 * of the generator bear a `*`, as in the table.
 *
 * @param title of the lab, say
 */
export function renderPlot(stages: readonly StageResult[], title: string): string {
  const hop = (of: (hops: Hops) => Percentiles | undefined): Series[] =>
    (["p50", "p95", "p99", "max"] as const).map((name) => ({
      name,
      values: stages.map(({ latencyMs }) => of(latencyMs)?.[name]),
      dashed: name === "max",
    }));
  // What was due lies on top, dashed: mostly both are one line.
  const throughput: Series[] = [
    { name: "read back from Kafka", values: stages.map(carried) },
    { name: "due", values: stages.map(offered), dashed: true },
  ];
  const xs = stages.map(offered);
  const rates = new Set(stages.map(({ ratePerSecond }) => ratePerSecond));
  const [rate = 1] = rates;
  const isSteady = rates.size <= 1;
  const xLabel = isSteady
    ? `devices, ${figure(rate)} message${rate === 1 ? "" : "s"} a second each`
    : "devices × messages a second of each";
  const xLabels = stages.map(({ devices, ratePerSecond, generator }) => {
    const many = isSteady ? figure(devices) : `${figure(devices)}×${figure(ratePerSecond)}`;
    return generator.limited ? `*${many}` : many;
  });
  const panels = [
    { title: "until PUBACK", yLabel: "ms since due", series: hop(({ puback }) => puback) },
    { title: "until in Kafka", yLabel: "ms since due", series: hop(({ kafka }) => kafka) },
    { title: "until read by a consumer", yLabel: "ms since due", series: hop(({ read }) => read) },
    { title: "throughput", yLabel: "messages a second", series: throughput },
  ];
  const width = 2 * PANEL.width + 3 * MARGIN;
  const height = TOP + 2 * (PANEL.height + MARGIN);
  const placed = panels.map((one, i) => {
    const x = MARGIN + (i % 2) * (PANEL.width + MARGIN);
    const y = TOP + Math.floor(i / 2) * (PANEL.height + MARGIN);
    return `<g transform="translate(${x} ${y})">${panel({ ...one, ...PANEL, xs, xLabels, xLabel })}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeText(title)}">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    `<text class="title" x="${MARGIN}" y="28">${escapeText(title)}</text>`,
    `<text class="faint" x="${MARGIN}" y="48">${escapeText(subtitle(stages))}</text>`,
    ...placed,
    "</svg>",
    "",
  ].join("\n");
}

const offered = ({ devices, ratePerSecond }: StageResult): number => devices * ratePerSecond;

/** Messages a second that came back, from the first one's due time until the last one was there. */
function carried({ read, seconds, drainMs }: StageResult): number | undefined {
  return read === 0 ? undefined : read / (seconds + drainMs / 1000);
}

function subtitle(stages: readonly StageResult[]): string {
  const sum = (of: (stage: StageResult) => number): string =>
    figure(stages.reduce((total, stage) => total + of(stage), 0));
  const isLimited = stages.some(({ generator }) => generator.limited);
  const star = isLimited ? "; * limited by the generator" : "";
  return `${sum(({ sent }) => sent)} sent, ${sum(({ acknowledged }) => acknowledged)} acknowledged, ${sum(({ read }) => read)} read back, ${sum(({ lost }) => lost)} lost, ${sum(({ duplicates }) => duplicates)} duplicates, ${sum(({ disconnects }) => disconnects)} disconnects${star}`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

export function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
