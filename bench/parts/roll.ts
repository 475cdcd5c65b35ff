import { brokers } from "../../model";
import { bareRestart, type BareRestart } from "../bare-restart";
import type { BenchLab, MeasuredRun } from "../bench-lab";
import { measures } from "../measures";
import type { Measuring } from "../measuring";
import { restartsTold, restartTimes } from "../moments";
import { PiShell } from "../pi-shell";
import { PortWatch } from "../port-watch";

/** A setting that Kafka reads at its start alone. */
const SETTING = ["cluster", "settings", "log.retention.hours"];

/** Three brokers restarted: by a script without gates, then by an edited setting and `up`. */
export async function roll(measuring: Measuring): Promise<void> {
  const lab = await measuring.unmeasured("brokers");
  for (let run = 1; run <= measuring.options.runs; run++) {
    await measuring.trying(measures["roll-bare"].title, () => takeBare(measuring, lab));
    lab.set(SETTING, String(100 + run));
    await measuring.trying(measures.roll.title, () => takeRoll(measuring, lab));
    await lab.waitUntilWell();
  }
  await lab.remove();
}

function shellOf(measuring: Measuring, lab: BenchLab, machine: string): PiShell {
  return new PiShell(measuring.options.dockerHost, `${lab.lab.name}-${machine}`);
}

async function takeBare(measuring: Measuring, lab: BenchLab): Promise<void> {
  const restarts: BareRestart[] = [];
  for (const { machine } of brokers(lab.lab)) {
    const shell = shellOf(measuring, lab, machine.name);
    restarts.push(await bareRestart(lab, shell, machine.address));
  }
  for (const { stop, start, sync } of restarts) {
    measuring.sample("roll-bare-stop", stop);
    measuring.sample("roll-bare-start", start);
    measuring.sample("roll-bare-sync", sync);
    measuring.sample("roll-bare-broker", stop + start + sync);
  }
  const all = restarts.reduce((sum, { stop, start, sync }) => sum + stop + start + sync, 0);
  measuring.sample("roll-bare", all);
}

async function takeRoll(measuring: Measuring, lab: BenchLab): Promise<void> {
  const { clientPort } = lab.lab.cluster;
  const watches = new Map(
    brokers(lab.lab).map(({ name, machine }) => [name, new PortWatch(machine.address, clientPort)]),
  );
  try {
    const run = await measuring.take("roll", () => lab.run("up", "--yes"));
    if (run !== undefined) await takeRestarts(measuring, lab, run, watches);
  } finally {
    await Promise.all([...watches.values()].map((watch) => watch.stop()));
  }
}

async function takeRestarts(
  measuring: Measuring,
  lab: BenchLab,
  { events, startedMs }: MeasuredRun,
  watches: ReadonlyMap<string, PortWatch>,
): Promise<void> {
  const told = restartsTold(events);
  const hosts = brokers(lab.lab);
  if (told.length !== hosts.length) {
    throw new Error(`the run restarted ${told.length} brokers, and ${hosts.length} were to be`);
  }
  for (const one of told) {
    const { machine } = hosts.find(({ name }) => name === one.host)!;
    const processMs = (await shellOf(measuring, lab, machine.name).kafkaStartedMs()) - startedMs;
    const servesMs = watches.get(one.host)!.openedMs(startedMs + processMs, startedMs + one.backMs);
    const seen = { startedMs: processMs, servesMs: servesMs - startedMs };
    const { gate, stop, start, sync } = restartTimes(one, seen);
    measuring.sample("roll-gate", gate);
    measuring.sample("roll-stop", stop);
    measuring.sample("roll-start", start);
    measuring.sample("roll-sync", sync);
    measuring.sample("roll-broker", stop + start + sync);
  }
}
