import { setTimeout as sleep } from "node:timers/promises";
import {
  type AlertRule,
  bootstrapServers,
  type ClusterRule,
  type Lab,
  programPorts,
  type SilenceRule,
} from "../../model";
import { ask } from "../../payloads/lib/ask";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { BRISK } from "../../provider/admin/port";
import { reasonOf } from "../../scripts/lib/errors";
import { loadRoute } from "../../scripts/lib/load/plan";
import { waitUntilWell } from "../well";
import type { AlertWatch } from "./alert-watch";
import type { CountingReader } from "./counting-reader";
import type { DataGround } from "./ordeal";

/** What a fault has done. */
export interface Deed {
  /** What was done to whom. */
  readonly what: string;
  /** Waits until all is well again. */
  readonly recovered: () => Promise<void>;
  /** The alert that must be told of it, `RULE/SUBJECT`, and since when what it is about is so, epoch ms. */
  readonly due?: { readonly alert: string; readonly sinceMs: number };
}

/** Something that befalls the lab at a time of the load. */
export interface Fault {
  /** In parts of the load's time. */
  readonly at: number;
  readonly befall: (ground: FaultGround) => Promise<Deed>;
  /** Alerts that may be told meanwhile: a bridge is behind while the leaders change. */
  readonly mayTell: readonly AlertRule["type"][];
}

/** What faults befall, and what is seen of it. */
export interface FaultGround extends DataGround {
  readonly telemetry: CountingReader;
  readonly alerts: AlertWatch;
}

const BRIDGE_MS = 60_000;
const LOOK_MS = 100;

const killUnit = (unit: string): string =>
  `kill -9 "$(systemctl show ${unit} --property=MainPID --value)"`;

/** In the order of their times; each begins when the one before is over, or was waited for long enough. */
export const faults: readonly Fault[] = [
  {
    at: 0.25,
    mayTell: ["bridge-lag"],
    befall: async (ground) => {
      const { lab, log, signal, sasl } = ground;
      const leader = await leaderOfLoad(ground);
      const { name } = ruleOf(lab, isOfBrokers);
      const due = { alert: `${name}/${leader}`, sinceMs: Date.now() };
      await ground.pi(leader).run(killUnit("kafka"));
      const recovered = () => waitUntilWell(lab, log, signal, sasl);
      return {
        what: `${leader}, which leads a partition of the load, killed (-9)`,
        recovered,
        due,
      };
    },
  },
  {
    at: 0.5,
    mayTell: ["bridge-lag"],
    befall: async (ground) => {
      const host = mqttHost(ground);
      await ground.pi(host).run("systemctl restart mosquitto");
      return { what: "Mosquitto restarted", recovered: () => carries(ground) };
    },
  },
  {
    at: 0.7,
    mayTell: ["bridge-lag"],
    befall: async (ground) => {
      const host = mqttHost(ground);
      await ground.pi(host).run(killUnit("pi-lab-bridge"));
      return { what: "the bridge killed (-9)", recovered: () => carries(ground) };
    },
  },
  { at: 0.8, mayTell: [], befall: (ground) => silenced(ground) },
];

/** A client's telemetry stops until that is told. */
async function silenced(ground: FaultGround): Promise<Deed> {
  const { lab, telemetry, alerts, signal } = ground;
  const host = lab.hosts.find(({ role }) => role === "client")?.name;
  if (host === undefined) throw new Error("the lab has no client that could fall silent");
  const { name, afterSeconds } = ruleOf(lab, isOfSilence);
  const alert = `${name}/${host}`;
  const begunMs = Date.now();
  await ground.pi(host).run("systemctl stop pi-lab-telemetry");
  let lastMs: number;
  try {
    await alerts.await("firing", alert, begunMs, signal);
    // Before there is a newer one.
    lastMs = telemetry.newestOf(host);
  } finally {
    await ground.pi(host).run("systemctl start pi-lab-telemetry");
  }
  return {
    what: `the telemetry of ${host} stopped until it was told`,
    recovered: () => heard(ground, host, lastMs),
    due: { alert, sinceMs: lastMs + afterSeconds * 1000 },
  };
}

/** @throws Error where the lab's alerting has no such rule */
function ruleOf<T extends AlertRule>({ data }: Lab, isSuch: (rule: AlertRule) => rule is T): T {
  const found = data.alerting?.rules.find(isSuch);
  if (found === undefined) throw new Error("the lab's alerting lacks a rule of the default set");
  return found;
}

const isOfSilence = (rule: AlertRule): rule is SilenceRule => rule.type === "silence";
const isOfBrokers = (rule: AlertRule): rule is ClusterRule => rule.type === "broker-down";

async function heard(
  { telemetry, signal }: FaultGround,
  host: string,
  sinceMs: number,
): Promise<void> {
  const deadline = performance.now() + BRIDGE_MS;
  while (telemetry.newestOf(host) <= sinceMs) {
    if (performance.now() > deadline) {
      throw new Error(`waited ${BRIDGE_MS / 1000} s for telemetry of ${host}`);
    }
    await sleep(LOOK_MS, undefined, { signal });
  }
}

function mqttHost({ lab }: DataGround): string {
  const host = lab.data.mqtt?.host;
  if (host === undefined) throw new Error("the lab has no MQTT broker");
  return host;
}

async function leaderOfLoad({ lab, sasl }: DataGround): Promise<string> {
  const { topic } = loadRoute(lab, 1);
  const admin = new PlatformaticAdmin(bootstrapServers(lab).split(","), { ...BRISK, sasl });
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
    const read = (path: string) => ask(`${url}${path}`, {}, 2_000, signal);
    const health = await read("/healthz");
    if (!health.response.ok) return health.text;
    const figures = (await read("/metrics")).text;
    const found = /^pilab_bridge_sessions\{state="connected"\} (\d+)$/m.exec(figures);
    return found === null ? "no figure of its sessions" : Number(found[1]);
  } catch (error) {
    signal.throwIfAborted();
    return reasonOf(error);
  }
}
