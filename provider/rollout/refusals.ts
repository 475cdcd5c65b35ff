/** Changes of a cluster that a rollout would break it with, told from the inputs alone. */
import type { PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { isMap, mapOf, reveal } from "../../plugins/common/rpc";
import { shown } from "../node-storage/plan";
import { controllerPort, servesClients } from "./node";
import { NOT_RUNNING } from "./plan";

/**
 * Why the change is refused; empty if it is not. Hosts and ports are compared with the inputs of the
 * last `up`, since a failed one may have left nodes out of the outputs.
 */
export function refusedChanges(
  oldInputs: PropertyMap,
  olds: PropertyMap,
  news: PropertyMap,
): string[] {
  const before = nodesOf(oldInputs);
  const after = nodesOf(news);
  // No nodes are known before an import; unknown ones are checked again in the `up`.
  if (Object.keys(before).length === 0 || !isMap(reveal(news["nodes"]))) return [];
  const runs = Object.values(nodesOf(olds)).some((node) => isRunning(node));
  const stay = Object.keys(after).filter((host) => host in before);
  return [
    ...strangers(after, before).map(
      (host) => `${host} is new. ${renamedFrom(host, before, after)}`,
    ),
    ...strangers(before, after).map((host) => `${host} is gone. ${FIXED} Put it back.`),
    ...stay.flatMap((host) => {
      const [old, now] = [mapOf(before[host]), mapOf(after[host])];
      const roles = changedRoles(host, old, now);
      // With other roles it has other listeners too.
      return roles.length > 0 ? roles : changedPorts(host, old, now, runs);
    }),
    // Where none runs, all are started together.
    ...(runs ? changedLogin(stay, before, after) : []),
  ];
}

/** Brokers that log in and brokers that do not, or with another password, would not know each other in a roll. */
function changedLogin(
  stay: readonly string[],
  before: PropertyMap,
  after: PropertyMap,
): readonly string[] {
  const protocols = (nodes: PropertyMap): (string | undefined)[] =>
    stay.map((host) => settingsOf(mapOf(nodes[host]))["listener.security.protocol.map"]);
  const [from, to] = [protocols(before), protocols(after)];
  const switched = stay.some((_, i) => [from[i], to[i]].every(isKnown) && from[i] !== to[i]);
  if (switched) {
    return [
      "cluster.authentication is settled with the cluster's birth: in a roll, brokers that want a login and those " +
        `that do not yet would not find each other. Set it back; or, where an outage does no harm: ${ALL_AT_ONCE}`,
    ];
  }
  const changed = stay.some((host) => {
    const [old, now] = [loginFileOf(before[host]), loginFileOf(after[host])];
    return typeof old === "string" && now !== undefined && old !== now;
  });
  return changed
    ? [
        "the super user's password is another one: in a roll, brokers that know the old one alone would refuse " +
          `the others. All together they can have it: ${ALL_AT_ONCE}`,
      ]
    : [];
}

const ALL_AT_ONCE =
  "stop Kafka on every node (`systemctl stop kafka`), run `pulumi refresh`, then `pulumi up`, which starts them together.";

const isKnown = (text: string | undefined): boolean => text !== undefined;

/** Hash of the file with the super user's password; unknown where that is about to be made anew. */
function loginFileOf(node: PropertyValue | undefined): PropertyValue | undefined {
  const files = mapOf(mapOf(mapOf(node)["want"])["files"]);
  return reveal(files[JAAS]);
}

/** Where `render` puts it. */
const JAAS = "/etc/kafka/jaas.conf";

const FIXED =
  "Adding or removing brokers or controllers of a running cluster is not in this version.";

/** A voter that became a broker alone would leave a dead vote behind, and a new one has no part in the quorum. */
function changedRoles(host: string, old: PropertyMap, now: PropertyMap): string[] {
  const from = settingsOf(old)["process.roles"];
  const to = settingsOf(now)["process.roles"];
  if (from === undefined || to === undefined || from === to) return [];
  return [
    `${host}: its process.roles ${from} cannot become ${to}: the quorum and the brokers' replicas know the ` +
      "node as what it was born as. Changing the roles of a running cluster is not in this version. Set " +
      "the host's role and processRoles back.",
  ];
}

/** What is to be done about a new host: one with the node id of a host that is gone was renamed. */
function renamedFrom(host: string, before: PropertyMap, after: PropertyMap): string {
  const nodeId = mapOf(after[host])["nodeId"];
  const from = strangers(before, after).find(
    (gone) => nodeId !== undefined && mapOf(before[gone])["nodeId"] === nodeId,
  );
  if (from === undefined) return `${FIXED} Take it out of the configuration again.`;
  return (
    `It has node id ${shown(nodeId)}, which was ${from}'s: if ${from} was renamed, write ` +
    `\`formerNames: [${from}]\` below hosts.${host}.`
  );
}

function changedPorts(host: string, old: PropertyMap, now: PropertyMap, runs: boolean): string[] {
  const reasons: string[] = [];
  const refuse = (key: string, from: string | undefined, to: string | undefined, why: string) => {
    if (from === undefined || to === undefined || from === to) return;
    reasons.push(`${host}: the ${key} port ${from} cannot become ${to}: ${why}. Set it back.`);
  };
  const unreachable =
    "a rolling restart asks all brokers at one port, and they run with the old one";
  if (runs && servesClients(settingsOf(now)))
    refuse("client", portOf(old["address"]), portOf(now["address"]), unreachable);
  const voters = "the voters know each other by it, in the quorum's own log";
  refuse("controller", controllerPort(settingsOf(old)), controllerPort(settingsOf(now)), voters);
  return reasons;
}

const strangers = (these: PropertyMap, known: PropertyMap): string[] =>
  Object.keys(these).filter((host) => !(host in known));

function isRunning(node: PropertyValue | undefined): boolean {
  const { version } = mapOf(mapOf(node)["want"]);
  return typeof version === "string" && version !== NOT_RUNNING;
}

const nodesOf = (properties: PropertyMap): PropertyMap => mapOf(properties["nodes"]);

/** The settings that are known. */
function settingsOf(node: PropertyMap): Record<string, string> {
  const entries = Object.entries(mapOf(mapOf(node["want"])["properties"]));
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

function portOf(address: PropertyValue | undefined): string | undefined {
  return typeof address === "string" ? /:(\d+)$/.exec(address)?.[1] : undefined;
}
