import { Counter, Gauge, type Registry } from "prom-client";

/** What alerting counts, all of this start of the program. */
export function makeFigures(metrics: Registry) {
  const registers = [metrics];
  const name = (rest: string) => `pilab_alerting_${rest}`;
  const counter = (rest: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: name(`${rest}_total`), help, labelNames, registers });
  const gauge = (rest: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: name(rest), help, labelNames, registers });
  return {
    readings: counter("readings", "Readings of devices, by what became of them", ["outcome"]),
    faults: counter("faults", "What was wrong with records of telemetry", ["fault"]),
    firing: gauge("firing", "Alerts that hold now", ["rule"]),
    told: counter("told", "Alerts and their ends that were told", ["status"]),
    suppressed: gauge("suppressed", "Alerts that were not told, since the same one had been"),
    deliveries: counter("deliveries", "What became of handing alerts to an output", [
      "output",
      "outcome",
    ]),
    queued: gauge("queued", "Alerts that an output has not taken yet", ["output"]),
    outputUp: gauge("output_up", "1 while an output takes what it is given, else 0", ["output"]),
    brokerUp: gauge("broker_up", "1 while the broker answers, else 0", ["broker"]),
    bridgeLag: gauge("bridge_lag_seconds", "How far a bridge is behind", ["bridge"]),
    flows: gauge(
      "telemetry_flows",
      "1 while telemetry comes through, so that silence means something",
    ),
    stateWrites: counter("state_writes", "Writes of the state, by outcome", ["outcome"]),
  };
}

export type Figures = ReturnType<typeof makeFigures>;
