/** One node of a rollout in plain values, and the way from and to the wire. */
import type { PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { isMap, mapOf, Secret } from "../../plugins/common/rpc";
import type { NewVoter } from "../admin/port";
import type { Login } from "../ssh/port";
import { parseLogin } from "../ssh/port";
import type { Fingerprint } from "./stamp";

export interface RolloutNode {
  readonly host: string;
  readonly nodeId: number;
  /** Id of its log directory: with the node id it is what the quorum knows the node by. */
  readonly directoryId: string;
  /** `host:port` of the client listener; of the controller listener for a node that is no broker. */
  readonly address: string;
  readonly login: Login;
  readonly want: Fingerprint;
  readonly stagedHash: string;
}

/** From checked inputs in which everything is known; sorted by host. */
export function parseNodes(nodes: PropertyValue | undefined): RolloutNode[] {
  return Object.entries(mapOf(nodes))
    .map(([host, value]) => {
      const node = mapOf(value);
      return {
        host,
        nodeId: node["nodeId"] as number,
        directoryId: node["directoryId"] as string,
        address: node["address"] as string,
        login: parseLogin(node["connection"]),
        want: parseFingerprint(node["want"]),
        stagedHash: mapOf(node["staged"])["hash"] as string,
      };
    })
    .sort((a, b) => (a.host < b.host ? -1 : 1));
}

/** A node as the last run left it: the machine that it was on. */
export interface FormerNode {
  readonly login: Login;
  /** Where its listeners answered, `host:port`. */
  readonly listeners: readonly string[];
}

/** A node that is to run on another machine, or on another disk, than it was left on. */
export interface Move {
  readonly node: RolloutNode;
  readonly former: FormerNode;
}

/** The nodes whose machine (told by its host key) or disk is another one than the state has. */
export function plannedMoves(
  nodes: readonly RolloutNode[],
  formerNodes: PropertyValue | undefined,
): Move[] {
  const states = mapOf(formerNodes);
  return nodes.flatMap((node) => {
    const state = mapOf(states[node.host]);
    if (state["connection"] === undefined) return [];
    const login = parseLogin(state["connection"]);
    const sameDisk = state["directoryId"] === node.directoryId;
    if (sameDisk && login.hostKey === node.login.hostKey) return [];
    const address = state["address"] as string;
    const { properties } = parseFingerprint(state["want"]);
    return [
      {
        node,
        former: { login, listeners: [address, controllerAt(address, properties) ?? []].flat() },
      },
    ];
  });
}

/** Names of the hosts; none while the nodes are not known. */
export function hostsOf(nodes: PropertyValue | undefined): string[] {
  return Object.keys(mapOf(nodes)).sort();
}

/** What the state has of a node; undefined if it has nothing. */
export function formerFingerprint(
  nodes: PropertyValue | undefined,
  host: string,
): Fingerprint | undefined {
  const want = mapOf(mapOf(nodes)[host])["want"];
  return want === undefined ? undefined : parseFingerprint(want);
}

/** What the state has of these hosts, as it stands. */
export function formerNodes(
  nodes: PropertyValue | undefined,
  hosts: ReadonlySet<string>,
): Map<string, PropertyValue> {
  const states = Object.entries(mapOf(nodes));
  return new Map(
    states.flatMap(([host, state]): [string, PropertyValue][] =>
      hosts.has(host) && state !== undefined ? [[host, state]] : [],
    ),
  );
}

function parseFingerprint(value: PropertyValue | undefined): Fingerprint {
  const map = mapOf(value);
  return {
    properties: { ...(mapOf(map["properties"]) as Record<string, string>) },
    files: { ...(mapOf(map["files"]) as Record<string, string>) },
    version: (map["version"] ?? "") as string,
  };
}

/**
 * The outputs: the inputs, but with what each process was started with in the place of what is
 * wanted. Where there is nothing to tell, the node is left out: it shows as to be added.
 *
 * @param kept hosts that are still on their former machine, with what the state had of them
 */
export function rolloutOutputs(
  news: PropertyMap,
  observed: ReadonlyMap<string, Fingerprint>,
  kept: ReadonlyMap<string, PropertyValue> = new Map(),
): PropertyMap {
  const nodes = news["nodes"];
  const outputs: PropertyMap = {};
  for (const [host, value] of Object.entries(plainMap(nodes))) {
    const former = kept.get(host);
    if (former !== undefined) {
      outputs[host] = former;
      continue;
    }
    const seen = observed.get(host);
    if (seen === undefined) continue;
    outputs[host] = { ...plainMap(value), want: wrapped(seen, plainMap(value)["want"]) };
  }
  return { ...news, nodes: nodes instanceof Secret ? new Secret(outputs) : outputs };
}

/** Settings whose values Kafka itself keeps out of its logs. */
const SENSITIVE = /password|secret|jaas|credential|keystore\.key|private/i;

/** What was observed, as secret as what is wanted in the same place. */
function wrapped(seen: Fingerprint, want: PropertyValue | undefined): PropertyValue {
  const like = plainMap(want);
  const wantedProperties = plainMap(like["properties"]);
  const properties: PropertyMap = {};
  for (const [key, value] of Object.entries(seen.properties)) {
    const secret = wantedProperties[key] instanceof Secret || SENSITIVE.test(key);
    properties[key] = secret ? new Secret(value) : value;
  }
  const result: PropertyMap = {
    properties: like["properties"] instanceof Secret ? new Secret(properties) : properties,
    files: { ...seen.files },
    version: seen.version,
  };
  return want instanceof Secret ? new Secret(result) : result;
}

/** One level of a map, a secret wrapping around it taken off; what is inside keeps its own. */
function plainMap(value: PropertyValue | undefined): PropertyMap {
  const inner = value instanceof Secret ? value.value : value;
  return isMap(inner) ? inner : {};
}

/** Whether a node serves clients; else it is a controller alone. */
export const isBroker = (node: RolloutNode): boolean =>
  (node.want.properties["process.roles"] ?? "broker").split(",").includes("broker");

/**
 * Where a node's controller listens, `host:port`, as its settings say; undefined for a node that is
 * none. The address is the node's own: the settings may bind to all of them.
 */
export const controllerAddress = (node: RolloutNode): string | undefined =>
  controllerAt(node.address, node.want.properties);

function controllerAt(
  address: string,
  properties: Readonly<Record<string, string>>,
): string | undefined {
  const port = controllerPort(properties);
  return port === undefined ? undefined : `${address.replace(/:\d+$/, "")}:${port}`;
}

/** The node as a voter of the quorum, as it advertises itself; undefined for one that is no controller. */
export function asVoter({ nodeId, directoryId, want }: RolloutNode): NewVoter | undefined {
  const name = controllerListener(want.properties);
  const advertised = want.properties["advertised.listeners"] ?? want.properties["listeners"];
  const endpoint = name === undefined ? undefined : endpointOf(name, advertised);
  if (name === undefined || endpoint === undefined) return undefined;
  return { id: nodeId, directoryId, listener: name, endpoint };
}

/** The port of the first controller listener that the settings name. */
export function controllerPort(properties: Readonly<Record<string, string>>): string | undefined {
  const name = controllerListener(properties);
  const endpoint = name === undefined ? undefined : endpointOf(name, properties["listeners"]);
  return /:(\d+)$/.exec(endpoint ?? "")?.[1];
}

const controllerListener = (properties: Readonly<Record<string, string>>): string | undefined =>
  properties["controller.listener.names"]?.split(",")[0]?.trim();

/** `host:port` of a listener by its name, in Kafka's notation `NAME://host:port,…`. */
const endpointOf = (name: string, listeners: string | undefined): string | undefined =>
  listeners
    ?.split(",")
    .map((one) => one.trim())
    .find((one) => one.startsWith(`${name}://`))
    ?.slice(name.length + "://".length);
