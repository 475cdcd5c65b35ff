import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** What the bridge counts. Messages, unless the name says otherwise. */
export interface Figures {
  readonly received: Counter<"qos">;
  readonly redelivered: Counter;
  readonly passedOver: Counter;
  readonly produced: Counter;
  readonly acknowledged: Counter;
  readonly refused: Counter<"reason" | "outcome">;
  readonly inFlight: Gauge;
  readonly inFlightBytes: Gauge;
  readonly kafkaSeconds: Histogram;
  readonly eventLagSeconds: Histogram;
  readonly sessions: Gauge<"state">;
  readonly lostSessions: Counter;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function makeFigures(registry: Registry): Figures {
  const registers = [registry];
  const name = (rest: string) => `pilab_bridge_${rest}`;
  const counter = (rest: string, help: string) =>
    new Counter({ name: name(rest), help, registers });
  const gauge = (rest: string, help: string) => new Gauge({ name: name(rest), help, registers });
  const histogram = (rest: string, help: string) =>
    new Histogram({ name: name(rest), help, registers, buckets: SECONDS });
  return {
    received: new Counter({
      name: name("received_total"),
      help: "Messages from the MQTT broker, by their quality of service",
      labelNames: ["qos"],
      registers,
    }),
    redelivered: counter("redelivered_total", "Those of them that came again"),
    passedOver: counter("passed_over_total", "Those of them that another slice carries"),
    produced: counter("produced_total", "Records that Kafka has on min ISR"),
    acknowledged: counter("acknowledged_total", "Messages acknowledged to the MQTT broker"),
    refused: new Counter({
      name: name("refused_total"),
      help: "Messages that Kafka refused: kept in dead letters, dropped, or held until it takes them",
      labelNames: ["reason", "outcome"],
      registers,
    }),
    inFlight: gauge("in_flight", "Messages that Kafka has not acknowledged yet"),
    inFlightBytes: gauge("in_flight_bytes", "Bytes of their payloads"),
    kafkaSeconds: histogram(
      "kafka_seconds",
      "From handing a record to Kafka to its acknowledgement",
    ),
    eventLagSeconds: histogram(
      "event_lag_seconds",
      "From the `time` in a JSON payload to Kafka's acknowledgement",
    ),
    sessions: new Gauge({
      name: name("sessions"),
      help: "MQTT sessions that this bridge serves, by state",
      labelNames: ["state"],
      registers,
    }),
    lostSessions: counter(
      "lost_sessions_total",
      "Sessions that the MQTT broker had forgotten, with what was queued in them",
    ),
  };
}
