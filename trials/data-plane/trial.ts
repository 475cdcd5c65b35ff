import { join } from "node:path";
import { bootstrapServers } from "../../model";
import { BenchLab } from "../../bench/bench-lab";
import { recoverProcesses } from "../../scripts/lib/recover";
import { loadTarget } from "../../scripts/lib/load/target";
import { renderLoad } from "../../scripts/lib/load/table";
import { loadRoute, recordTime } from "../../scripts/lib/load/plan";
import { Pi } from "../../test/support/lab/pi";
import { ensureJmxAgent } from "../../toolchain";
import type { Bench, BrokerTrial } from "../trial";
import { waitUntilWell } from "../well";
import { endureLoad } from "./ordeal";
import { lateAlerts, remarks, shortcomings } from "./verdict";

/** The report's greatest number of devices, each once a second, for ten minutes. */
const STAGE = { devices: 350, ratePerSecond: 1, seconds: 600 };
/** Before it, in which nothing may be alerted. */
const QUIET_SECONDS = 300;
/** An alert comes so soon after what it tells, ms. */
const ALERT_MS = 2000;

/** The template's lab under a load over MQTT, while its parts fail in turn. */
export const dataPlane: BrokerTrial = {
  name: "data-plane",
  title: `${STAGE.devices} devices over MQTT for ten minutes while parts of the lab fail`,
  tryOut: async (bench) => {
    const { signal, log, note } = bench;
    const own = await bringUp(bench);
    try {
      const { lab } = own;
      await waitUntilWell(lab, log, signal);
      const pi = (name: string): Pi => {
        const host = lab.hosts.find((one) => one.name === name);
        if (host === undefined) throw new Error(`the lab has no host ${name}`);
        return new Pi(bench.dockerHost, `${lab.name}-${host.machine.name}`, host);
      };
      const target = await loadTarget(own.folder, lab, bench.engine);
      const access = { bootstrapServers: bootstrapServers(lab).split(",") };
      const ground = { lab, access, target, pi, signal, log };
      const endured = await endureLoad(ground, STAGE, QUIET_SECONDS);
      for (const text of remarks(endured)) note(text);
      const load = { stages: [endured.stage], stopped: undefined, interrupted: false };
      const { topic } = loadRoute(lab, STAGE.devices);
      note(`the load\n${renderLoad(load, recordTime(lab, topic))}`);
      const hosts = lab.hosts.map(({ name }) => name);
      const wrong = [...shortcomings(endured, hosts), ...lateAlerts(endured, ALERT_MS)];
      if (wrong.length > 0) throw new Error(wrong.join("\n"));
    } finally {
      await recoverProcesses(own.folder, log);
      await own.remove();
    }
  },
};

async function bringUp({ name, folder, ...bench }: Bench): Promise<BenchLab> {
  const lab = await BenchLab.create({
    ...bench,
    name: `${name}-data`,
    labsDir: join(folder, "labs"),
    hosts: "template",
  });
  lab.set(["topics", "alerts"], { partitions: 1 });
  lab.set(["alerting"], { outputs: { topic: "alerts" } });
  lab.set(["cluster", "metrics"], true);
  await ensureJmxAgent(bench.log);
  bench.log("  bringing up the template's lab for it");
  try {
    await lab.run("up", "--yes", "--skip-preview");
  } catch (error) {
    await lab.remove();
    throw error;
  }
  return lab;
}
