import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Progress } from "../lib/records";

/**
 * The sink's figures, all of this start of the program. They count what was committed.
 *
 * @param progress how far each partition is read
 */
export function makeFigures(registry: Registry, progress: () => readonly Progress[]) {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `pilab_sink_${name}_total`, help, labelNames, registers });
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `pilab_sink_${name}`, help, registers });
  new Gauge({
    name: "pilab_sink_lag",
    help: "Records in Kafka that are not stored yet",
    labelNames: ["topic"],
    registers,
    collect() {
      this.reset();
      for (const { topic, next, end } of progress()) {
        this.inc({ topic }, Math.max(0, Number(end - next)));
      }
    },
  });
  return {
    stored: counter("stored", "Records that were stored", ["topic"]),
    duplicates: counter("duplicates", "Records that were in the store already"),
    bad: counter(
      "bad_records",
      "Of those stored: kept as they came, since they are no telemetry, no JSON, or refused by PostgreSQL",
      ["reason"],
    ),
    expired: counter("expired", "Records that were not stored, since their day is dropped already"),
    skipped: counter(
      "skipped_offsets",
      "Offsets that no record came for: deleted by the topic's retention or compaction before they were read",
    ),
    cuts: counter(
      "cut_logs",
      "Logs that were cut off and written anew under offsets stored before",
    ),
    failures: counter("failures", "Tries that failed for the sake of PostgreSQL"),
    lastCommit: gauge("last_commit_timestamp_seconds", "When records were last committed"),
    commitSeconds: new Histogram({
      name: "pilab_sink_commit_seconds",
      help: "From taking a batch to its commit, failed tries included",
      registers,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    }),
    batch: new Histogram({
      name: "pilab_sink_batch_records",
      help: "Records of one transaction",
      registers,
      buckets: [1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000],
    }),
    days: gauge("days", "Days of which the store holds records"),
    daysDropped: counter("days_dropped", "Days that retention has dropped"),
  };
}

export type Figures = ReturnType<typeof makeFigures>;
