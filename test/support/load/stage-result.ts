import type { StageResult } from "../../../scripts/lib/load/result";

const percentiles = (ms: number) => ({
  count: 300,
  p50: ms,
  p95: 2 * ms,
  p99: 4 * ms,
  max: 1_000 * ms,
});

/** A stage in which all went well: 5 devices at 1/s for a minute. */
export function stageResult(changes: Partial<StageResult> = {}): StageResult {
  return {
    devices: 5,
    ratePerSecond: 1,
    seconds: 60,
    session: "run-1",
    end: "complete",
    due: 300,
    sent: 300,
    acknowledged: 300,
    refused: 0,
    refusals: [],
    unheard: 0,
    inKafka: 300,
    read: 300,
    lost: 0,
    lostMessages: [],
    duplicates: 0,
    disconnects: 0,
    disconnectReasons: [],
    resent: 0,
    beforeDue: 0,
    drainMs: 50,
    latencyMs: {
      sent: percentiles(0.5),
      puback: percentiles(1.25),
      kafka: percentiles(3),
      read: percentiles(12.4),
    },
    generator: {
      cpuPercent: 12.3,
      loopDelayMs: { p50: 0.1, p99: 1.26, max: 17.5 },
      limited: false,
    },
    ...changes,
  };
}
