import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  chooseZone,
  parseCpuTimes,
  parseTemperature,
  parseThrottled,
  parseTracking,
  type CpuTimes,
  type Throttling,
} from "./core";

/** What a machine tells about itself. Each is undefined or null where it does not. */
export interface Sensors {
  /** °C. */
  temperature(): number | null;
  cpuTimes(): CpuTimes | undefined;
  throttling(): Throttling | undefined;
  /** Asks chrony, which takes a process: not to be done each second. */
  clockOffset(): Promise<number | undefined>;
}

const CHRONYC_MS = 3_000;

/** @param root what stands for `/`, in tests */
export function machineSensors(root = "/"): Sensors {
  const thermal = join(root, "sys/class/thermal");
  const chronyc = join(root, "usr/bin/chronyc");
  const firmware = join(root, "sys/devices/platform/soc/soc:firmware/get_throttled");
  let zoneFile: string | undefined;
  return {
    temperature() {
      // A driver may be loaded after us: looked for until it is there.
      zoneFile ??= findZone(thermal);
      return parseTemperature((zoneFile && readText(zoneFile)) ?? "");
    },
    cpuTimes: () => parseCpuTimes(readText(join(root, "proc/stat")) ?? ""),
    throttling: () => parseThrottled(readText(firmware) ?? ""),
    clockOffset: () =>
      new Promise((resolve) => {
        if (!existsSync(chronyc)) return resolve(undefined);
        execFile(chronyc, ["-c", "tracking"], { timeout: CHRONYC_MS }, (error, stdout) =>
          resolve(error === null ? parseTracking(stdout) : undefined),
        );
      }),
  };
}

function findZone(thermal: string): string | undefined {
  const zones = names(thermal).flatMap((name) => {
    const number = /^thermal_zone(\d+)$/.exec(name)?.[1];
    const type = readText(join(thermal, name, "type"));
    return number === undefined || type === undefined ? [] : [{ number: Number(number), type }];
  });
  const chosen = chooseZone(zones);
  return chosen && join(thermal, `thermal_zone${chosen.number}`, "temp");
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The kernel's files are small and in memory; undefined where there is none, or it cannot be read now. */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
