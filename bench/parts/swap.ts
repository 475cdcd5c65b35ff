import { brokers, type BrokerHost } from "../../model";
import { kafkaPaths } from "../../render";
import { bareRestart } from "../bare-restart";
import type { BenchLab } from "../bench-lab";
import { bytesHeld, fillTopic } from "../fill";
import { copyOverLink } from "../link-copy";
import { measures, swapParts } from "../measures";
import type { Measuring } from "../measuring";
import { swapTimes } from "../moments";
import { PiShell } from "../pi-shell";
import { PortWatch } from "../port-watch";
import { stepsOfHost, stepTimes } from "../timeline";

const TOPIC = "red";
/** So that each broker leads one. */
const PARTITIONS = 3;
const MIB = 1024 * 1024;

/**
 * One broker after another is given a blank machine while its former one answers. Before each swap the
 * limit is measured: its bytes copied from Pi to Pi, and Kafka started bare on the machine that it leaves.
 */
export async function swap(measuring: Measuring): Promise<void> {
  const { runs, dataMib, dockerHost } = measuring.options;
  const lab = await measuring.unmeasured("brokers", (edited) => {
    edited.set(["topics", TOPIC, "partitions"], PARTITIONS);
    for (let run = 1; run <= runs; run++) edited.addMachine(spareName(run), run);
  });
  const shell = (machine: string): PiShell => new PiShell(dockerHost, `${lab.lab.name}-${machine}`);
  const [first] = brokers(lab.lab);
  measuring.options.log(`Writing ${dataMib} MiB to the topic ${TOPIC}`);
  await fillTopic(lab, shell(first!.machine.name), TOPIC, dataMib);
  await lab.waitUntilWell();

  for (let run = 1; run <= runs; run++) {
    const all = brokers(lab.lab);
    const host = all[(run - 1) % all.length]!;
    const survivor = all[run % all.length]!;
    await measuring.trying(measures["swap-limit"].title, () =>
      takeLimit(measuring, lab, host, { survivor, spare: spareName(run), shell }),
    );
    const swapped = await measuring.trying(measures.swap.title, () =>
      takeSwap(measuring, lab, host, spareName(run)),
    );
    // What is left of it would be part of the next one.
    if (swapped !== true) break;
    await lab.waitUntilWell();
  }
  await lab.remove();
}

function spareName(run: number): string {
  return `spare-${run}`;
}

async function takeLimit(
  measuring: Measuring,
  lab: BenchLab,
  host: BrokerHost,
  {
    survivor,
    spare,
    shell,
  }: { survivor: BrokerHost; spare: string; shell: (machine: string) => PiShell },
): Promise<void> {
  const [from, to] = [shell(survivor.machine.name), shell(spare)];
  const address = lab.lab.machines.find(({ name }) => name === spare)!.address;
  const listed = await from.bash(`find ${kafkaPaths.data} -path '*/${TOPIC}-*' -name '*.log'`);
  const target = `${kafkaPaths.volume}/link-copy`;
  const { bytes, seconds } = await copyOverLink(from, listed.split("\n"), to, address, target);
  const { start } = await bareRestart(lab, shell(host.machine.name), host.machine.address);
  measuring.sample("swap-limit-copy", seconds);
  measuring.sample("swap-limit-start", start);
  measuring.sample("swap-limit", seconds + start);
  measuring.note(
    `Swap's limit: ${mib(bytes)} from Pi to Pi at ${mib(bytes / seconds)} a second; all Pis share this machine's cores and disk.`,
  );
}

/** @returns whether the broker was swapped */
async function takeSwap(
  measuring: Measuring,
  lab: BenchLab,
  host: BrokerHost,
  spare: string,
): Promise<boolean> {
  const { clientPort } = lab.lab.cluster;
  const address = lab.lab.machines.find(({ name }) => name === spare)!.address;
  const former = `${host.machine.address}:${clientPort}`;
  const held = await bytesHeld(former);
  lab.set(["hosts", host.name, "machine"], spare);
  const watch = new PortWatch(address, clientPort);
  try {
    const run = await measuring.take("swap", () => lab.run("up", "--yes"));
    if (run === undefined) return false;
    const endMs = run.seconds * 1000;
    const servesMs = watch.openedMs(run.startedMs, run.startedMs + endMs) - run.startedMs;
    const times = swapTimes(run.events, host.name, servesMs, endMs);
    for (const part of swapParts) measuring.sample(`swap-${part}`, times[part]);
    measuring.sample("swap-away", times.fence + times.start + times.fill);
    const filled = await bytesHeld(`${address}:${clientPort}`);
    measuring.note(
      `Swap: ${host.name} held ${mib(held)} on its former machine and ${mib(filled)} on the new one; its steps, some of them at once: ${stepsOfHost(stepTimes(run.events), host.name)}.`,
    );
    return true;
  } finally {
    await watch.stop();
  }
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(0)} MiB`;
}
