/** Amounts as people read them. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** Three digits at most: `513 MiB`, `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : Number(value.toFixed(1))} ${UNITS[unit]}`;
}

/** `1 s`, `2 min 34 s`, `3 h 10 min`; never less than a second. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return joined(minutes, "min", whole % 60, "s");
  return joined(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

const joined = (large: number, unit: string, small: number, smaller: string): string =>
  small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smaller}`;

/** `12,345`, whatever the machine's locale. */
export const formatCount = (count: bigint | number): string =>
  String(count).replace(/\B(?=(\d{3})+$)/g, ",");

/** `1 record`, `12,345 records`. */
export const counted = (count: bigint | number, noun: string): string =>
  `${formatCount(count)} ${noun}${BigInt(count) === 1n ? "" : "s"}`;
