/** What the kernel and chrony tell about a machine, read from their texts; and the message made of it. */

/** `/sys/class/thermal/thermal_zone*`, by its number and the text of its `type`. */
export interface ThermalZone {
  readonly number: number;
  readonly type: string;
}

/** Raspberry Pi OS and Debian, with the firmware's former name after it. */
const CPU_ZONES = ["cpu-thermal", "cpu_thermal", "bcm2835_thermal", "x86_pkg_temp"];

/** The zone of the processor; else the first, which is better than none. */
export function chooseZone(zones: readonly ThermalZone[]): ThermalZone | undefined {
  const rank = ({ type }: ThermalZone) => {
    const known = CPU_ZONES.indexOf(type.trim());
    return known < 0 ? CPU_ZONES.length : known;
  };
  return [...zones].sort((a, b) => rank(a) - rank(b) || a.number - b.number)[0];
}

/** What sensors on boards can measure, °C: a broken one says -273 or some hundreds. */
const COLDEST = -55;
const HOTTEST = 150;

/** The text of a zone's `temp`, thousandths of a degree, in °C; null if it is no temperature. */
export function parseTemperature(text: string): number | null {
  if (!/^-?\d+\s*$/.test(text)) return null;
  const celsius = Number(text) / 1000;
  return celsius >= COLDEST && celsius <= HOTTEST ? celsius : null;
}

/** Time of all cores since the start, in the kernel's ticks. */
export interface CpuTimes {
  readonly busy: number;
  readonly total: number;
}

/**
 * The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice.
 * The last two are counted in the first two already. Waiting for a disk is not work of the processor.
 */
export function parseCpuTimes(stat: string): CpuTimes | undefined {
  const line = /^cpu +(\d+(?: \d+){3,})$/m.exec(stat)?.[1];
  if (line === undefined) return undefined;
  const times = line.split(" ").map(Number).slice(0, 8);
  const total = times.reduce((sum, time) => sum + time, 0);
  const [idle = 0, iowait = 0] = times.slice(3);
  return { busy: total - idle - iowait, total };
}

/** Part of the time between two readings in which all cores worked, 0 to 1; null without two that differ. */
export function cpuLoad(before: CpuTimes | undefined, after: CpuTimes | undefined): number | null {
  if (before === undefined || after === undefined) return null;
  const total = after.total - before.total;
  if (total <= 0) return null;
  // iowait may go back a little, by the kernel's own account.
  return round(Math.min(1, Math.max(0, (after.busy - before.busy) / total)), 4);
}

export interface Throttling {
  /** The supply is too weak right now. */
  readonly underVoltage: boolean;
  /** The firmware slows the processor down right now: for heat, or for the supply. */
  readonly throttled: boolean;
}

const UNDER_VOLTAGE = 1 << 0;
const THROTTLED = 1 << 2;

/** The text of the firmware's `get_throttled`: bits in hexadecimal. Those from 16 on tell of the past. */
export function parseThrottled(text: string): Throttling | undefined {
  const digits = /^(?:0x)?([0-9a-f]{1,8})\s*$/i.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const bits = Number.parseInt(digits, 16);
  return { underVoltage: (bits & UNDER_VOLTAGE) !== 0, throttled: (bits & THROTTLED) !== 0 };
}

/**
 * `chronyc -c tracking`: how many seconds the machine's clock is ahead of true time (positive) or behind;
 * undefined while chrony follows nothing.
 */
export function parseTracking(csv: string): number | undefined {
  const fields = csv.trim().split(",");
  // Reference id, name, stratum, reference time, then the offset; the last is the state of leap seconds.
  const [, , stratum, , offset = ""] = fields;
  if (fields.length < 14 || fields.at(-1) === "Not synchronised" || stratum === "0")
    return undefined;
  const seconds = Number(offset);
  return offset !== "" && Number.isFinite(seconds) ? round(seconds, 6) : undefined;
}

export interface Reading {
  readonly time: Date;
  readonly temperatureC: number | null;
  readonly cpuLoad: number | null;
  readonly throttling?: Throttling | undefined;
  readonly clockOffsetSeconds?: number | undefined;
}

/** The message: see docs/mqtt.md. */
export function telemetryMessage(
  origin: { readonly device: string; readonly session: string; readonly seq: number },
  { time, temperatureC, cpuLoad: load, throttling, clockOffsetSeconds }: Reading,
): string {
  const { device, session, seq } = origin;
  return JSON.stringify({
    device,
    time: time.toISOString(),
    seq,
    session,
    temperatureC,
    cpuLoad: load,
    // JSON leaves out what is undefined.
    ...throttling,
    clockOffsetSeconds,
  });
}

/**
 * When the next message is due: the next whole multiple of the period by the wall clock, and no earlier
 * than one period after the last, since a timer may fire a little before its time. A clock that was set
 * back is followed.
 *
 * @param last when the last was due; undefined before the first
 */
export function nextTick(now: number, periodMs: number, last: number | undefined): number {
  const due = (Math.floor(now / periodMs) + 1) * periodMs;
  if (last === undefined || last - now > periodMs) return due;
  return Math.max(due, last + periodMs);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
