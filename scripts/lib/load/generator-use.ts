import { monitorEventLoopDelay } from "node:perf_hooks";
import { GENERATOR_LIMIT, type GeneratorUse } from "./result";

const RESOLUTION_MS = 2;
const NS_PER_MS = 1e6;

/** Watches this process until `use` is called. */
export function watchGenerator(): { use(): GeneratorUse } {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  delays.enable();
  return {
    use: () => {
      delays.disable();
      const { user, system } = process.cpuUsage(cpuBefore);
      const cpuPercent = (user + system) / 10 / Math.max(1, performance.now() - began);
      // The histogram holds the time between two of its timers, which is never less than its resolution.
      const ms = (ns: number): number =>
        Number.isFinite(ns) ? Math.max(0, ns / NS_PER_MS - RESOLUTION_MS) : 0;
      const loopDelayMs = {
        p50: ms(delays.percentile(50)),
        p99: ms(delays.percentile(99)),
        max: ms(delays.max),
      };
      const limited =
        cpuPercent > GENERATOR_LIMIT.cpuPercent || loopDelayMs.p99 > GENERATOR_LIMIT.loopDelayP99Ms;
      return { cpuPercent, loopDelayMs, limited };
    },
  };
}
