/** One node of a rollout in plain values, and the way from and to the wire. */
import type { PropertyValue } from "../../plugins/common/rpc";
import { mapOf } from "../../plugins/common/rpc";
import type { NewVoter } from "../admin/port";
import type { Login } from "../ssh/port";
import { parseLogin } from "../ssh/port";
import { type Former, parseFormer } from "./former";
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
  /** Where it may run beside its machine. */
  readonly former: Former;
}

/** From checked inputs in which everything is known; sorted by host. */
export function parseNodes(nodes: PropertyValue | undefined): RolloutNode[] {
  return Object.entries(mapOf(nodes))
    .map(([host, value]) => {
      const node = mapOf(value);
      const login = parseLogin(node["connection"]);
      return {
        host,
        nodeId: node["nodeId"] as number,
        directoryId: node["directoryId"] as string,
        address: node["address"] as string,
        login,
        want: parseFingerprint(node["want"]),
        stagedHash: mapOf(node["staged"])["hash"] as string,
        former: parseFormer(node["former"], login.privateKey),
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

export function parseFingerprint(value: PropertyValue | undefined): Fingerprint {
  const map = mapOf(value);
  return {
    properties: { ...(mapOf(map["properties"]) as Record<string, string>) },
    files: { ...(mapOf(map["files"]) as Record<string, string>) },
    version: (map["version"] ?? "") as string,
  };
}

/** Whether a node serves clients; else it is a controller alone. */
export const isBroker = (node: RolloutNode): boolean => servesClients(node.want.properties);

/** The same by a node's settings alone. */
export const servesClients = (properties: Readonly<Record<string, string>>): boolean =>
  (properties["process.roles"] ?? "broker").split(",").includes("broker");

/**
 * Where a node's controller listens, `host:port`, as its settings say; undefined for a node that is
 * none. The address is the node's own: the settings may bind to all of them.
 */
export const controllerAddress = (node: RolloutNode): string | undefined =>
  controllerAt(node.address, node.want.properties);

/** Where it answers, `host:port`: as a client's broker, as a controller, or both. */
export const listenersOf = ({ address, want }: RolloutNode): string[] =>
  listenersAt(address, want.properties);

/** The same by a node's address and settings alone. */
export const listenersAt = (
  address: string,
  properties: Readonly<Record<string, string>>,
): string[] => [...new Set([address, controllerAt(address, properties) ?? []].flat())];

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
