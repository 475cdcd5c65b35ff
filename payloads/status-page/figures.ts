import { Counter, Gauge, type Registry } from "prom-client";

/** The status page's figures, all of this start of the program. */
export function makeFigures(metrics: Registry) {
  const registers = [metrics];
  const prefix = "pilab_status_page";
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `${prefix}_${name}_total`, help, labelNames, registers });
  return {
    clients: new Gauge({ name: `${prefix}_clients`, help: "Browsers that follow", registers }),
    requests: counter("requests", "Requests of browsers, by the status of the answer", ["status"]),
    dropped: counter("dropped_clients", "Browsers that did not keep up and were dropped"),
    sentBytes: counter("sent_bytes", "Bytes of events that were sent"),
    readings: counter("readings", "Telemetry that was read"),
    alerts: counter("alerts", "Alerts that were read"),
    malformed: counter("malformed", "Records that are no telemetry or no alert", ["topic"]),
  };
}

export type Figures = ReturnType<typeof makeFigures>;
