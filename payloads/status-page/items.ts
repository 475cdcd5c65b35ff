import type { DrawnHost } from "../../model";
import type { ClusterLook, TopicLook } from "./cluster-look";
import { hostState, type HostState } from "./host-state";
import type { Heard, LabState } from "./lab-state";

/**
 * What the page shows, cut into items that change apart: by key, plain JSON. The keys' first word is what an
 * item is: `lab`, `cluster`, `host NAME`, `trend NAME`, `topic NAME`, `device NAME`, `alert ID`.
 */
export type Items = ReadonlyMap<string, object>;

export interface LabItem {
  readonly title: string;
  readonly switch: { readonly model: string; readonly ports: number };
  readonly spares: readonly { readonly machine: string; readonly board: string }[];
  /** Whether hosts tell their temperature and load. */
  readonly hasTelemetry: boolean;
  /** Whether alerts are read. */
  readonly hasAlerts: boolean;
}

export interface ClusterItem {
  readonly problem: string | undefined;
  readonly since: number | undefined;
  readonly brokers: number;
  readonly brokersUp: number;
  readonly hosts: number;
  readonly hostsDown: number;
  /** Host of the active controller. */
  readonly controller: string | undefined;
  readonly telemetryFlows: boolean | undefined;
  /** Records a second of all topics together. */
  readonly rate: number | undefined;
  readonly topicsInTrouble: number;
}

export interface HostItem extends Omit<DrawnHost, "node">, HostState {
  readonly nodeId: number | undefined;
  readonly votes: boolean;
  readonly isActiveController: boolean;
  /** Partitions that it leads. */
  readonly leads: number | undefined;
  readonly temperatureC: number | undefined;
  /** Percent. */
  readonly cpuPercent: number | undefined;
}

export interface TopicItem {
  readonly name: string;
  readonly state: "ok" | "under-replicated" | "under-min-isr" | "no-leader" | "missing" | "unknown";
  readonly says: string;
  readonly partitions: number;
  /** By how many partitions each leads, the most first. */
  readonly leaders: readonly { readonly host: string; readonly partitions: number }[];
  /** Of the partition that has the fewest in sync. */
  readonly isr: number;
  readonly replicas: number;
  /** Records a second. */
  readonly rate: number | undefined;
}

export function makeItems(lab: LabState, now: number): Items {
  const { config } = lab;
  const hosts = config.lab.hosts.map((host) => hostItem(lab, host, now));
  const topics = config.lab.topics.map(({ name, minInsyncReplicas }) =>
    topicItem(lab, name, minInsyncReplicas),
  );
  const items = new Map<string, object>();
  items.set("lab", {
    title: config.title,
    switch: config.lab.switch,
    spares: config.lab.spares,
    hasTelemetry: lab.silenceMs !== undefined,
    hasAlerts: config.alertTopics.length > 0,
  } satisfies LabItem);
  items.set("cluster", clusterItem(lab, hosts, topics, now));
  for (const item of hosts) {
    items.set(`host ${item.name}`, item);
    const trend = lab.hosts.get(item.name)?.trend.points(now);
    if (trend !== undefined && trend.length > 0) items.set(`trend ${item.name}`, trend);
  }
  for (const item of topics) items.set(`topic ${item.name}`, item);
  for (const [name, heard] of lab.devices) items.set(`device ${name}`, deviceItem(name, heard));
  for (const alert of lab.alerts.list(now)) items.set(`alert ${alert.id}`, alert);
  return items;
}

function clusterItem(
  lab: LabState,
  hosts: readonly HostItem[],
  topics: readonly TopicItem[],
  now: number,
): ClusterItem {
  const brokers = hosts.filter(({ role }) => role === "broker");
  const rates = topics.flatMap(({ rate }) => rate ?? []);
  return {
    problem: lab.clusterProblem?.words,
    since: lab.clusterProblem?.since,
    brokers: brokers.length,
    brokersUp: brokers.filter(({ name }) => lab.brokers.get(name)?.isUp === true).length,
    hosts: hosts.length,
    hostsDown: hosts.filter(({ state }) => state === "down").length,
    controller: hosts.find(({ isActiveController }) => isActiveController)?.name,
    telemetryFlows: lab.telemetryFlows(now),
    rate: rates.length === 0 ? undefined : tidy(rates.reduce((sum, rate) => sum + rate, 0)),
    topicsInTrouble: topics.filter(({ state }) => state !== "ok" && state !== "unknown").length,
  };
}

function hostItem(lab: LabState, host: DrawnHost, now: number): HostItem {
  const { node, ...drawn } = host;
  const { state, says, since } = hostState(lab, host, now);
  const heard = lab.hosts.get(host.name);
  const isFresh = heard !== undefined && now - heard.at <= (lab.silenceMs ?? 0);
  const id = node?.id;
  return {
    ...drawn,
    ...{ nodeId: id, votes: node?.votes ?? false },
    ...{ state, says, since },
    isActiveController: id !== undefined && lab.quorum?.leader === id,
    leads: id === undefined || lab.cluster === undefined ? undefined : leadsOf(lab.cluster, id),
    temperatureC: isFresh ? heard.reading.temperatureC : undefined,
    cpuPercent: isFresh ? percent(heard.reading.cpuLoad) : undefined,
  };
}

function leadsOf({ topics }: ClusterLook, id: number): number {
  const all = [...topics.values()].flatMap(({ partitions }) => partitions);
  return all.filter(({ leader }) => leader === id).length;
}

function topicItem(lab: LabState, name: string, minInsyncReplicas: number): TopicItem {
  const look = lab.clusterProblem === undefined ? lab.cluster?.topics.get(name) : undefined;
  const rate = lab.rates.perSecond(name);
  const partitions = look?.partitions ?? [];
  const counts = new Map<string, number>();
  for (const { leader } of partitions) {
    const host = leader === undefined ? undefined : (lab.hostOf(leader)?.name ?? `node ${leader}`);
    if (host !== undefined) counts.set(host, (counts.get(host) ?? 0) + 1);
  }
  const few = [...partitions].sort((a, b) => a.isr.length - b.isr.length)[0];
  return {
    name,
    ...topicState(look, minInsyncReplicas),
    partitions: partitions.length,
    leaders: [...counts]
      .map(([host, led]) => ({ host, partitions: led }))
      .sort((a, b) => b.partitions - a.partitions || (a.host < b.host ? -1 : 1)),
    isr: few?.isr.length ?? 0,
    replicas: few?.replicas.length ?? 0,
    rate: rate === undefined ? undefined : tidy(rate),
  };
}

function topicState(
  look: TopicLook | undefined,
  minInsyncReplicas: number,
): Pick<TopicItem, "state" | "says"> {
  if (look === undefined) return { state: "unknown", says: "not known" };
  if (look.problem !== undefined) return { state: "missing", says: look.problem };
  const { partitions } = look;
  const count = (is: (one: TopicLook["partitions"][number]) => boolean) =>
    partitions.filter(is).length;
  const leaderless = count(({ leader }) => leader === undefined);
  const refusing = count(
    // A topic of fewer replicas than that takes no write with acks=all at any time.
    ({ isr, replicas }) => isr.length < Math.min(minInsyncReplicas, replicas.length),
  );
  const under = count(({ isr, replicas }) => isr.length < replicas.length);
  const ailing = leaderless || refusing || under;
  const of = ailing === partitions.length ? "" : ` (${ailing} of ${partitions.length})`;
  if (leaderless > 0) return { state: "no-leader", says: `no leader${of}` };
  if (refusing > 0) return { state: "under-min-isr", says: `takes no writes${of}` };
  if (under > 0) return { state: "under-replicated", says: `copies missing${of}` };
  return { state: "ok", says: "in sync" };
}

function deviceItem(name: string, { at, reading }: Heard): object {
  const { temperatureC, cpuLoad } = reading;
  return { name, temperatureC, cpuPercent: percent(cpuLoad), heardAt: at };
}

const percent = (load: number | undefined): number | undefined =>
  load === undefined ? undefined : Math.round(load * 100);

/** As many digits as one reads: an item that looks the same is not sent again. */
const tidy = (rate: number): number => Number(rate.toFixed(rate < 10 ? 1 : 0));
