import { join } from "node:path";
import type { AlertingConfig } from "../../model";
import { BrokerWatch } from "../lib/kafka/broker-watch";
import { KafkaConsumer, KafkaProducer } from "../lib/kafka";
import type { Ground, Running } from "../lib/program";
import type { InRecord } from "../lib/records";
import { BridgeWatch } from "./bridge-watch";
import { ClusterView } from "./cluster-view";
import { Alerting, STALE_MS } from "./core/alerting";
import type { Alert } from "./core/ledger";
import { parseReading } from "./core/reading";
import { CLUSTER } from "./core/words";
import { EvenTime } from "./even-time";
import { type Figures, makeFigures } from "./figures";
import { Outbox, type Output } from "./outbox";
import { emailOutput, topicOutput, webhookOutput } from "./outputs";
import { loadState, type SavedState, StateFile } from "./state-file";
import { TelemetryReader } from "./telemetry-reader";

/** How often it is looked at what time alone changes, ms. */
const TICK_MS = 250;
/** Between two questions to a broker, ms. */
const ASK_MS = 500;
/** How often the state is written where no alert changes it, ms: what comes after it is read again. */
const SAVE_MS = 30_000;
/** How long outputs may take for what is under way when the program stops, ms. */
const LAST_DELIVERIES_MS = 5_000;

/** @param stateFolder where the state is kept */
export async function startAlerting(
  config: AlertingConfig,
  { log, metrics }: Ground,
  stateFolder: string,
): Promise<Running> {
  const { kafka, telemetryTopics } = config;
  const figures = makeFigures(metrics);
  const file = join(stateFolder, "state.json");
  const saved = await loadState(file, log);
  const core = new Alerting(config, saved?.core);
  core.dropForeign(knownSubjects(config), Date.now());
  let readMs = saved?.readMs;

  const disk = makeDisk(file, figures, log, () => ({
    version: 1,
    readMs,
    core: core.snapshot(),
    queues: Object.fromEntries(outboxes.map((one) => [one.name, one.waiting()])),
  }));
  const producer = config.outputs.topic === undefined ? undefined : new KafkaProducer(kafka, log);
  const outboxes = outputsOf(config, producer).map(
    (output) => new Outbox(output, saved?.queues[output.name] ?? [], disk.save, figures, log),
  );
  for (const outbox of outboxes) outbox.begin();
  const flush = (): void => {
    const alerts = core.take();
    for (const alert of alerts) tellLog(alert, figures, log);
    figures.suppressed.set(core.suppressed);
    if (alerts.length === 0) return;
    for (const outbox of outboxes) outbox.push(alerts);
    void disk.save();
  };

  const view = new ClusterView(config);
  const watches = config.brokers.map(
    (broker) =>
      new BrokerWatch(
        broker,
        kafka.sasl,
        ({ host }, isUp) => {
          figures.brokerUp.set({ broker: host }, isUp ? 1 : 0);
          view.is(host, isUp);
          core.broker(host, isUp, Date.now());
          flush();
        },
        {
          topics: config.topics.map(({ name }) => name),
          askMs: ASK_MS,
          says: ({ host }, answer) => {
            view.says(host, answer);
            const weak = view.weak();
            if (weak !== undefined) core.partitions(weak, Date.now());
            flush();
          },
        },
      ),
  );
  const bridges = new BridgeWatch(config.bridges, (host, lagSeconds) => {
    figures.bridgeLag.set({ bridge: host }, lagSeconds);
    core.bridge(host, lagSeconds, Date.now());
    flush();
  });

  const fields = core.fields();
  const take = (batch: readonly InRecord[]): Promise<void> => {
    const now = Date.now();
    for (const record of batch) {
      const { reading, faults } = parseReading(record, fields);
      for (const fault of faults) figures.faults.inc({ fault });
      if (reading === undefined) continue;
      figures.readings.inc({ outcome: core.reading(reading, now) });
      readMs = Math.max(readMs ?? 0, Math.min(record.timestampMs, now));
    }
    flush();
    return Promise.resolve();
  };
  // What was written since the state was is read again: the core knows what it has seen.
  const open = (): KafkaConsumer => {
    const now = Date.now();
    const sinceMs = Math.max((readMs ?? now) - config.lateSeconds * 1000, now - STALE_MS);
    const options = { group: undefined, topics: telemetryTopics, from: { sinceMs } };
    return new KafkaConsumer(kafka, options, log);
  };
  const reader = telemetryTopics.length === 0 ? undefined : new TelemetryReader(open, take, log);

  const time = new EvenTime();
  const ticker = setInterval(() => {
    const now = Date.now();
    const isEven = time.look(now, performance.now());
    const flows =
      isEven &&
      reader !== undefined &&
      reader.trouble() === undefined &&
      view.serves(telemetryTopics) &&
      bridges.flows();
    figures.flows.set(flows ? 1 : 0);
    core.flows(flows, now);
    core.tick(now);
    flush();
    countFiring(core, config, figures);
  }, TICK_MS);
  const saver = setInterval(() => void disk.save(), SAVE_MS);

  return {
    health: () =>
      reader?.trouble() ??
      producer?.trouble() ??
      disk.trouble() ??
      outboxes.map((outbox) => outbox.trouble()).find((trouble) => trouble !== undefined),
    stop: async () => {
      clearInterval(ticker);
      clearInterval(saver);
      bridges.stop();
      for (const watch of watches) watch.stop();
      await reader?.close();
      await Promise.all(outboxes.map((outbox) => outbox.stop(LAST_DELIVERIES_MS)));
      await producer?.close(0);
      await disk.save();
    },
  };
}

function outputsOf({ outputs }: AlertingConfig, producer: KafkaProducer | undefined): Output[] {
  const { topic, webhook, email } = outputs;
  return [
    ...(topic === undefined || producer === undefined ? [] : [topicOutput(topic, producer)]),
    ...(webhook === undefined ? [] : [webhookOutput(webhook)]),
    ...(email === undefined ? [] : [emailOutput(email)]),
  ];
}

/** The state on the disk, and whether it can be written. */
function makeDisk(file: string, figures: Figures, log: Ground["log"], make: () => SavedState) {
  let problem: string | undefined;
  const state = new StateFile(file, make, (error) => {
    figures.stateWrites.inc({ outcome: error === undefined ? "written" : "failed" });
    const words = error && `the state cannot be written: ${error.message}`;
    if (words !== undefined && words !== problem) log("error", words);
    problem = words;
  });
  return { save: () => state.save(), trouble: () => problem };
}

/** The log is an output, too: the only one that is always there. */
function tellLog(alert: Alert, figures: Figures, log: Ground["log"]): void {
  const { status, severity, summary, rule, subject, since, told, id } = alert;
  figures.told.inc({ status });
  const bad = severity === "critical" ? "error" : "warn";
  log(status === "firing" ? bad : "info", status.toUpperCase(), {
    ...{ rule, subject, severity, summary, since, told, id },
  });
}

function countFiring(core: Alerting, { rules }: AlertingConfig, figures: Figures): void {
  const counts = new Map(rules.map(({ name }) => [name, 0]));
  for (const { rule } of core.raised()) counts.set(rule.name, (counts.get(rule.name) ?? 0) + 1);
  for (const [rule, count] of counts) figures.firing.set({ rule }, count);
}

/** What an alert of a former configuration may still be about. */
function knownSubjects({ rules, brokers, bridges, groups }: AlertingConfig) {
  return (name: string, subject: string): boolean => {
    const rule = rules.find((one) => one.name === name);
    if (rule === undefined) return false;
    switch (rule.type) {
      case "silence":
        return rule.devices.includes(subject) || groups.some((group) => group.name === subject);
      case "broker-down":
        return brokers.some(({ host }) => host === subject);
      case "under-min-isr":
        return subject === CLUSTER;
      case "bridge-lag":
        return bridges.some(({ host }) => host === subject);
      case "threshold":
      case "under-voltage":
      case "clock-offset":
        return rule.devices?.includes(subject) ?? true;
      default:
        return rule satisfies never;
    }
  };
}
