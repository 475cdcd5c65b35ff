import { randomBytes } from "node:crypto";
import { Gauge } from "prom-client";
import type { TelemetryConfig } from "../../model";
import { openPublisher } from "../lib/mqtt";
import type { Ground, Program } from "../lib/program";
import { telemetryConfig } from "./config";
import { cpuLoad, nextTick, telemetryMessage, type Reading } from "./core";
import { machineSensors, type Sensors } from "./sensors";

/**
 * Messages that are kept while the broker is away: an hour of them, one a second, in less than 1 MB. Of
 * more, the newest are kept: they say how the machine is.
 */
const CAPACITY = 3600;
const CLOCK_EVERY_MS = 60_000;
/** How long a clock offset is told after it was measured. */
const CLOCK_FRESH_MS = 3 * CLOCK_EVERY_MS;
const STOP_MS = 5_000;

/** Publishes each `everySeconds`, by the wall clock, what the machine tells about itself. */
export function telemetryProgram(sensors: Sensors = machineSensors()): Program<TelemetryConfig> {
  return {
    name: "telemetry",
    config: telemetryConfig,
    start: (config, ground) => Promise.resolve(start(config, ground, sensors)),
  };
}

function start(config: TelemetryConfig, { log, metrics }: Ground, sensors: Sensors) {
  const prefix = "pilab_telemetry";
  const publisher = openPublisher({
    access: config.mqtt,
    clientId: config.mqtt.username,
    capacity: CAPACITY,
    log,
    metrics,
    prefix,
  });
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `${prefix}_${name}`, help, registers: [metrics] });
  const temperature = gauge("temperature_celsius", "The processor's temperature.");
  const load = gauge("cpu_load_ratio", "Part of the time in which the cores worked.");
  const session = randomBytes(9).toString("base64url");
  const periodMs = config.everySeconds * 1000;
  let times = sensors.cpuTimes();
  let clock: { readonly at: number; readonly offset: number | undefined } | undefined;
  let due: number | undefined;
  let seq = 0;

  const read = (): Reading => {
    const [before, now] = [times, Date.now()];
    times = sensors.cpuTimes();
    const isFresh = clock !== undefined && now - clock.at < CLOCK_FRESH_MS;
    return {
      time: new Date(now),
      temperatureC: sensors.temperature(),
      cpuLoad: cpuLoad(before, times),
      throttling: sensors.throttling(),
      clockOffsetSeconds: isFresh ? clock?.offset : undefined,
    };
  };
  const tick = () => {
    const reading = read();
    temperature.set(reading.temperatureC ?? NaN);
    load.set(reading.cpuLoad ?? NaN);
    const origin = { device: config.host, session, seq: ++seq };
    publisher.publish(config.topic, telemetryMessage(origin, reading));
    timer = schedule();
  };
  const schedule = () => {
    const now = Date.now();
    due = nextTick(now, periodMs, due);
    return setTimeout(tick, due - now);
  };
  const askClock = () => {
    void sensors.clockOffset().then((offset) => {
      clock = { at: Date.now(), offset };
    });
  };
  askClock();
  const clockTimer = setInterval(askClock, CLOCK_EVERY_MS);
  let timer = schedule();
  return {
    health: () => publisher.health(),
    stop: () => {
      clearTimeout(timer);
      clearInterval(clockTimer);
      return publisher.stop(STOP_MS);
    },
  };
}
