import { setTimeout as sleep } from "node:timers/promises";
import { bootstrapServers, programPorts } from "../../model";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { BRISK } from "../../provider/admin/port";
import { reasonOf } from "../../scripts/lib/errors";
import { loadRoute } from "../../scripts/lib/load/plan";
import { waitUntilWell } from "../well";
import type { DataGround } from "./ordeal";

/** Something that befalls the lab at a time of the load. */
export interface Fault {
  /** In parts of the load's time. */
  readonly at: number;
  /** Does it. @returns what was done to whom, and what waits until all is well again */
  readonly befall: (ground: DataGround) => Promise<{
    readonly what: string;
    readonly recovered: () => Promise<void>;
  }>;
}

const BRIDGE_MS = 60_000;
const LOOK_MS = 100;

const killUnit = (unit: string): string =>
  `kill -9 "$(systemctl show ${unit} --property=MainPID --value)"`;

/** In the order of their times; each begins when the one before is over, or was waited for long enough. */
export const faults: readonly Fault[] = [
  {
    at: 0.25,
    befall: async (ground) => {
      const leader = await leaderOfLoad(ground);
      await ground.pi(leader).run(killUnit("kafka"));
      const recovered = () => waitUntilWell(ground.lab, ground.log, ground.signal);
      return { what: `${leader}, which leads a partition of the load, killed (-9)`, recovered };
    },
  },
  {
    at: 0.5,
    befall: async (ground) => {
      const host = mqttHost(ground);
      await ground.pi(host).run("systemctl restart mosquitto");
      return { what: "Mosquitto restarted", recovered: () => carries(ground) };
    },
  },
  {
    at: 0.7,
    befall: async (ground) => {
      const host = mqttHost(ground);
      await ground.pi(host).run(killUnit("pi-lab-bridge"));
      return { what: "the bridge killed (-9)", recovered: () => carries(ground) };
    },
  },
];

function mqttHost({ lab }: DataGround): string {
  const host = lab.data.mqtt?.host;
  if (host === undefined) throw new Error("the lab has no MQTT broker");
  return host;
}

async function leaderOfLoad({ lab }: DataGround): Promise<string> {
  const { topic } = loadRoute(lab, 1);
  const admin = new PlatformaticAdmin(bootstrapServers(lab).split(","), BRISK);
  try {
    const partitions = (await admin.describeTopic(topic))?.partitions ?? [];
    const host = lab.hosts.find(
      (one) => one.role === "broker" && partitions.some(({ leader }) => leader === one.nodeId),
    );
    if (host === undefined) throw new Error(`no broker leads a partition of ${topic}`);
    return host.name;
  } finally {
    await admin.close();
  }
}

/** Waits until every bridge serves as many sessions as it has routes, and says that it is well. */
async function carries({ lab, signal }: DataGround): Promise<void> {
  const { hosts = [], routes = [] } = lab.data.bridge ?? {};
  const deadline = performance.now() + BRIDGE_MS;
  for (;;) {
    const states = await Promise.all(
      hosts.map((name) => {
        const address = lab.hosts.find((host) => host.name === name)!.machine.address;
        return bridgeState(`http://${address}:${programPorts.bridge}`, signal);
      }),
    );
    if (states.every((state) => state === routes.length)) return;
    if (performance.now() > deadline) {
      throw new Error(
        `waited ${BRIDGE_MS / 1000} s for each bridge to serve ${routes.length} sessions; last seen: ${states.join(", ")}`,
      );
    }
    await sleep(LOOK_MS, undefined, { signal });
  }
}

/** How many sessions it serves, or what is wrong with it. */
async function bridgeState(url: string, signal: AbortSignal): Promise<number | string> {
  try {
    const bound = AbortSignal.any([signal, AbortSignal.timeout(2000)]);
    const health = await fetch(`${url}/healthz`, { signal: bound });
    if (!health.ok) return await health.text();
    const figures = await (await fetch(`${url}/metrics`, { signal: bound })).text();
    const found = /^pilab_bridge_sessions\{state="connected"\} (\d+)$/m.exec(figures);
    return found === null ? "no figure of its sessions" : Number(found[1]);
  } catch (error) {
    signal.throwIfAborted();
    return reasonOf(error);
  }
}
