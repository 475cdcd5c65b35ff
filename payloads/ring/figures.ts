import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** The ring's figures, all of this start of the program. */
export function makeFigures(metrics: Registry) {
  const registers = [metrics];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `pilab_ring_${name}_total`, help, labelNames, registers });
  return {
    sent: counter("sent", "Alerts that were handed to Kafka"),
    acknowledged: counter("acknowledged", "Alerts that are on min ISR"),
    refused: counter("refused", "Alerts that Kafka will never take"),
    heldBack: counter(
      "held_back",
      "Alerts that were due and not sent, since too many before them were not acknowledged",
      ["by"],
    ),
    received: counter("received", "Alerts of others", ["from"]),
    duplicated: counter("duplicated", "Alerts of others that had come before", ["from"]),
    restarts: counter("sender_restarts", "Sessions of others that began after another one", [
      "from",
    ]),
    malformed: counter("malformed", "Records that are no alert"),
    lost: new Gauge({
      name: "pilab_ring_lost",
      help: "Alerts of others that were passed over: later ones came. One that comes late is taken off",
      labelNames: ["from"],
      registers,
    }),
    underWay: new Gauge({
      name: "pilab_ring_under_way",
      help: "Alerts that were handed to Kafka and are not acknowledged",
      registers,
    }),
    acknowledgement: new Histogram({
      name: "pilab_ring_acknowledgement_seconds",
      help: "From handing an alert to Kafka to its acknowledgement",
      buckets: BUCKETS,
      registers,
    }),
    latency: new Histogram({
      name: "pilab_ring_latency_seconds",
      help: "From an alert's time stamp on its sender to its receipt here; as good as the two hosts' clocks agree",
      labelNames: ["from"],
      buckets: BUCKETS,
      registers,
    }),
    brokerUp: new Gauge({
      name: "pilab_ring_broker_up",
      help: "1 while the broker answers, else 0",
      labelNames: ["broker"],
      registers,
    }),
  };
}

export type Figures = ReturnType<typeof makeFigures>;

/** Seconds: from a write on a quiet LAN to the end of an election. */
const BUCKETS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];
