import { BRIDGE_TOPICS } from "../data/mqtt-users";
import { filterFault, filtersOverlap } from "../data/mqtt-filter";
import type { ConfigProblem } from "../errors";
import { didYouMean } from "../nearest";
import type { LabDraft } from "../schema";
import { Report, some } from "./report";
import { checkTopicName } from "./topic-names";

type Path = readonly (string | number)[];
type RouteDraft = Partial<NonNullable<NonNullable<LabDraft["bridge"]>["routes"]>[number]>;

/** What Kafka takes in a batch where neither topic nor brokers say otherwise, bytes (`message.max.bytes`). */
const DEFAULT_MAX_BYTES = 1_048_588;
/** Room for a record's key, its header with the MQTT topic, and the batch around it, bytes. */
const RECORD_ROOM = 4096;

/** Rules about the bridge and its routes. That it needs `mqtt` is a rule of ./mqtt. */
export function bridgeProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  const { bridge } = draft;
  if (bridge === undefined) return [];
  checkHosts(draft, report);
  const routes: readonly RouteDraft[] | undefined = bridge.routes;
  if (routes?.length === 0) {
    report.add(
      ["bridge", "routes"],
      undefined,
      "is empty: nothing would be carried",
      "Write a route, e.g. { from: hosts/+/telemetry, topic: telemetry }, or leave bridge out.",
    );
  }
  routes?.forEach((route, i) => {
    const path = ["bridge", "routes", i];
    checkFilter(path, i, routes, report);
    checkKey(path, route, report);
    if (route.topic !== undefined) {
      checkTopicName([...path, "topic"], route.topic, draft, report);
      checkSize([...path, "topic"], route.topic, draft, report);
    }
  });
  checkDeadLetters(draft, report);
  return report.problems;
}

function checkHosts({ bridge, hosts }: LabDraft, report: Report): void {
  const path = ["bridge", "hosts"];
  const named: readonly (string | undefined)[] | undefined = bridge?.hosts;
  if (named?.length === 0) {
    report.add(path, undefined, "is empty", "Name a host, or leave it out for that of mqtt.");
  }
  const known = Object.keys(hosts ?? {});
  named?.forEach((host, i) => {
    if (host === undefined) return;
    if (hosts !== undefined && !known.includes(host)) {
      const hint = didYouMean(host, known, `Name one of hosts: ${some(known)}.`);
      report.add([...path, i], host, "is not one of hosts", hint);
    } else if (named.indexOf(host) < i) {
      report.add([...path, i], host, "is named before", "Name each host once.");
    }
  });
}

function checkFilter(
  path: Path,
  index: number,
  routes: readonly RouteDraft[],
  report: Report,
): void {
  const from = routes[index]?.from;
  if (from === undefined) return;
  const add = (cause: string, remedy: string) => report.add([...path, "from"], from, cause, remedy);
  const fault = filterFault(from);
  if (fault !== undefined) {
    return add(fault, "Write an MQTT topic filter, e.g. hosts/+/telemetry or devices/#.");
  }
  if (from.startsWith(BRIDGE_TOPICS)) {
    return add(
      "is about what bridges tell each other, which is not carried",
      "Choose other topics.",
    );
  }
  const other = routes
    .slice(0, index)
    .findIndex(
      (one) =>
        one.from !== undefined &&
        filterFault(one.from) === undefined &&
        filtersOverlap(one.from, from),
    );
  if (other < 0) return;
  add(
    `takes messages that bridge.routes[${other}] (${routes[other]?.from}) takes, too: each would be in Kafka twice`,
    "Narrow one of them, so that no topic matches both.",
  );
}

function checkKey(path: Path, { from, key }: RouteDraft, report: Report): void {
  if (key === undefined || from === undefined || filterFault(from) !== undefined) return;
  const wildcards = from.split("/").filter((level) => level === "+").length;
  for (const [text, name = ""] of key.matchAll(/\{([^{}]*)\}/g)) {
    if (name === "topic") continue;
    if (/^[1-9]\d{0,2}$/.test(name) && Number(name) <= wildcards) continue;
    const known = ["{topic}", ...Array.from({ length: wildcards }, (_, i) => `{${i + 1}}`)];
    report.add(
      [...path, "key"],
      key,
      `has ${text}, which stands for nothing: ${from} has ${wildcards === 0 ? "no" : wildcards} \`+\``,
      `Known here: ${some(known)}.`,
    );
    return;
  }
}

/** A message that Kafka will never take stops nothing, but it is lost to its topic: better not to have any. */
function checkSize(path: Path, topic: string, draft: LabDraft, report: Report): void {
  const { mqtt, topics, cluster } = draft;
  const max = mqtt?.maxMessageBytes;
  const config = topics?.[topic]?.config;
  if (max === undefined || topics?.[topic] === undefined) return;
  const takes = Number(
    config?.["max.message.bytes"] ?? cluster?.settings?.["message.max.bytes"] ?? DEFAULT_MAX_BYTES,
  );
  if (!Number.isFinite(takes) || takes >= max + RECORD_ROOM) return;
  report.add(
    path,
    topic,
    `takes batches of at most ${takes} bytes, and an MQTT message may have ${max}`,
    `Give the topic a max.message.bytes of at least ${max + RECORD_ROOM}, or lower mqtt.maxMessageBytes.`,
  );
}

function checkDeadLetters(draft: LabDraft, report: Report): void {
  const topic = draft.bridge?.deadLetters;
  if (topic === undefined) return;
  const path = ["bridge", "deadLetters"];
  checkTopicName(path, topic, draft, report);
  const routes: readonly RouteDraft[] = draft.bridge?.routes ?? [];
  const route = routes.findIndex((one) => one.topic === topic);
  if (route < 0) return;
  report.add(
    path,
    topic,
    `is the topic of bridge.routes[${route}]: it would refuse the same messages again`,
    "Name another topic.",
  );
}
