/** One node of a rollout in plain values, and the way from and to the wire. */
import type { PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { isMap, reveal, Secret } from "../../plugins/common/rpc";
import type { Login } from "../ssh/port";
import { parseLogin } from "../ssh/port";
import type { Fingerprint } from "./stamp";

export interface RolloutNode {
  readonly host: string;
  readonly nodeId: number;
  /** Client listener, `host:port`. */
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
        address: node["address"] as string,
        login: parseLogin(node["connection"]),
        want: parseFingerprint(node["want"]),
        stagedHash: mapOf(node["staged"])["hash"] as string,
      };
    })
    .sort((a, b) => (a.host < b.host ? -1 : 1));
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

function parseFingerprint(value: PropertyValue | undefined): Fingerprint {
  const map = mapOf(value);
  return {
    properties: { ...(mapOf(map["properties"]) as Record<string, string>) },
    files: { ...(mapOf(map["files"]) as Record<string, string>) },
    version: (map["version"] ?? "") as string,
  };
}

/** The map without secret wrappings; empty for anything else. */
function mapOf(value: PropertyValue | undefined): PropertyMap {
  const plain = reveal(value);
  return isMap(plain) ? plain : {};
}

/**
 * The outputs: the inputs, but with what each process was started with in the place of what is
 * wanted. Where there is nothing to tell, the node is left out: it shows as to be added.
 */
export function rolloutOutputs(
  news: PropertyMap,
  observed: ReadonlyMap<string, Fingerprint>,
): PropertyMap {
  const nodes = news["nodes"];
  const outputs: PropertyMap = {};
  for (const [host, value] of Object.entries(plainMap(nodes))) {
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

/**
 * Where a node's controller listens, `host:port`, as its settings say; undefined for a node that is
 * none. The address is the node's own: the settings may bind to all of them.
 */
export function controllerAddress(node: RolloutNode): string | undefined {
  const port = controllerPort(node.want.properties);
  return port === undefined ? undefined : `${node.address.replace(/:\d+$/, "")}:${port}`;
}

/** The port of the first controller listener that the settings name. */
export function controllerPort(properties: Readonly<Record<string, string>>): string | undefined {
  const name = properties["controller.listener.names"]?.split(",")[0]?.trim();
  const listener = properties["listeners"]
    ?.split(",")
    .map((one) => one.trim())
    .find((one) => name !== undefined && one.startsWith(`${name}://`));
  return /:(\d+)$/.exec(listener ?? "")?.[1];
}
