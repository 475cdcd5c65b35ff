import { figure } from "./limits";

/** One line of a panel; undefined where there is no value. */
export interface Series {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
  readonly dashed?: boolean;
}

export interface Panel {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Of each point, greater than zero. */
  readonly xs: readonly number[];
  /** What is written below each point. */
  readonly xLabels: readonly string[];
  readonly series: readonly Series[];
}

const LEFT = 62;
const RIGHT = 14;
const TOP = 46;
const BOTTOM = 44;
/** A character is about so wide, px: labels that would touch are left out. */
const CHARACTER = 6.6;

/** A line chart with both axes logarithmic, as the inside of a `<g>`. */
export function panel(chart: Panel): string {
  const { width, height, xs, series } = chart;
  const x = logScale(domain(xs, 1.15), [LEFT, width - RIGHT]);
  const shown = series.flatMap(({ values }) => values.filter((value) => value !== undefined));
  const decades = wholeDecades(shown);
  const y = logScale(decades, [height - BOTTOM, TOP]);
  return [
    `<text class="panel" x="${LEFT}" y="14">${chart.title}</text>`,
    legend(series),
    ...yAxis(decades, y, width),
    ...xAxis(chart, x),
    `<path class="axis" d="M${LEFT} ${TOP}V${height - BOTTOM}H${width - RIGHT}"/>`,
    `<text class="faint" transform="rotate(-90)" x="${-(height - BOTTOM + TOP) / 2}" y="12" text-anchor="middle">${chart.yLabel}</text>`,
    `<text class="faint" x="${(LEFT + width - RIGHT) / 2}" y="${height - 6}" text-anchor="middle">${chart.xLabel}</text>`,
    ...series.map((one, i) => line(one, i, xs.map(x), y)),
  ].join("");
}

type Scale = (value: number) => number;
type Range = readonly [number, number];

/** @param range where the domain's ends lie, px */
export function logScale([low, high]: Range, [from, to]: Range): Scale {
  const span = Math.log(high) - Math.log(low);
  return (value) => round(from + ((Math.log(value) - Math.log(low)) / span) * (to - from));
}

/** From the least to the greatest, and a little more on both sides; never empty. */
function domain(values: readonly number[], margin: number): Range {
  if (values.length === 0) return [1, 10];
  return [Math.min(...values) / margin, Math.max(...values) * margin];
}

/** The powers of ten around the values. What is below a tenth of a millisecond is drawn there. */
export function wholeDecades(values: readonly number[]): Range {
  if (values.length === 0) return [1, 10];
  const low = 10 ** Math.floor(Math.log10(Math.max(LEAST, Math.min(...values))));
  const high = 10 ** Math.ceil(Math.log10(Math.max(LEAST, ...values)));
  return [low, high > low ? high : low * 10];
}

const LEAST = 0.1;

function yAxis([low, high]: Range, y: Scale, width: number): string[] {
  const parts: string[] = [];
  for (let decade = low; decade <= high * 1.001; decade *= 10) {
    const at = y(decade);
    parts.push(
      `<path class="grid" d="M${LEFT} ${at}H${width - RIGHT}"/>`,
      `<text class="faint" x="${LEFT - 6}" y="${at + 4}" text-anchor="end">${figure(decade)}</text>`,
    );
  }
  return parts;
}

/** Where labels would touch the greater one's is written: the last is the limit that a load came to. */
function xAxis({ height, xs, xLabels }: Panel, x: Scale): string[] {
  const parts: string[] = [];
  let free = Infinity;
  const ordered = xs.map((value, i) => ({ at: x(value), text: xLabels[i] ?? "" }));
  for (const { at, text } of ordered.sort((a, b) => b.at - a.at)) {
    parts.push(`<path class="axis" d="M${at} ${height - BOTTOM}v4"/>`);
    const half = (text.length * CHARACTER) / 2;
    if (at + half > free) continue;
    free = at - half - CHARACTER;
    parts.push(
      `<text class="faint" x="${at}" y="${height - BOTTOM + 18}" text-anchor="middle">${text}</text>`,
    );
  }
  return parts;
}

function line({ values, dashed }: Series, index: number, xs: readonly number[], y: Scale): string {
  const points = values.flatMap((value, i) =>
    value === undefined ? [] : [{ x: xs[i] ?? 0, y: y(Math.max(LEAST, value)) }],
  );
  points.sort((a, b) => a.x - b.x);
  const path = points.map((point, i) => `${i === 0 ? "M" : "L"}${point.x} ${point.y}`).join("");
  const style = `line s${index}${dashed === true ? " dashed" : ""}`;
  const marks = points.map((point) => mark(index, point.x, point.y)).join("");
  return `<path class="${style}" d="${path || "M0 0"}"/>${marks}`;
}

function legend(series: readonly Series[]): string {
  let at = LEFT;
  return series
    .map(({ name, dashed }, i) => {
      const style = `line s${i}${dashed === true ? " dashed" : ""}`;
      const text = `<path class="${style}" d="M${at} 29h24"/>${mark(i, at + 12, 29)}<text x="${at + 30}" y="33">${name}</text>`;
      at += 30 + name.length * CHARACTER + 18;
      return text;
    })
    .join("");
}

/** Each line's own shape: circle, square, triangle, diamond. */
function mark(index: number, x: number, y: number): string {
  const style = `class="m${index}"`;
  switch (index % 4) {
    case 0:
      return `<circle ${style} cx="${x}" cy="${y}" r="4"/>`;
    case 1:
      return `<path ${style} d="M${x - 4} ${y - 4}h8v8h-8z"/>`;
    case 2:
      return `<path ${style} d="M${x} ${y - 5}l5 9h-10z"/>`;
    default:
      return `<path ${style} d="M${x} ${y - 5}l5 5l-5 5l-5 -5z"/>`;
  }
}

const round = (value: number): number => Math.round(value * 10) / 10;
