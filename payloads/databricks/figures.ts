import { Counter, Gauge, Histogram, type Registry } from "prom-client";

export interface Figures {
  readonly files: Counter;
  readonly records: Counter;
  readonly bytes: Counter;
  readonly sentBytes: Counter;
  readonly failures: Counter<"status">;
  readonly skipped: Counter;
  readonly uploadSeconds: Histogram;
  readonly lastUpload: Gauge;
  readonly backlog: Gauge;
}

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function makeFigures(registry: Registry): Figures {
  const registers = [registry];
  const name = (rest: string) => `pilab_databricks_${rest}`;
  const counter = (rest: string, help: string) =>
    new Counter({ name: name(rest), help, registers });
  const gauge = (rest: string, help: string) => new Gauge({ name: name(rest), help, registers });
  return {
    files: counter("files_total", "Files that the workspace has taken"),
    records: counter("records_total", "Records in them"),
    bytes: counter("bytes_total", "Bytes of their lines"),
    sentBytes: counter("sent_bytes_total", "Bytes of them compressed, as they were sent"),
    failures: new Counter({
      name: name("failures_total"),
      help: "Requests that failed, by the HTTP status; `none` where no answer came",
      labelNames: ["status"],
      registers,
    }),
    skipped: counter(
      "skipped_offsets_total",
      "Offsets that were passed over: deleted by retention or compaction before they were read",
    ),
    uploadSeconds: new Histogram({
      name: name("upload_seconds"),
      help: "From the first try of a file to its success",
      registers,
      buckets: SECONDS,
    }),
    lastUpload: gauge("last_upload_timestamp_seconds", "When a file was last taken, epoch seconds"),
    backlog: gauge("backlog_records", "Offsets in Kafka that are not uploaded yet"),
  };
}
