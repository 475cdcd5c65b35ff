/** A rollout's outputs: its inputs, with what is in the place of what is wanted. */
import type { PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { asSecretAs, Secret, shallowMapOf } from "../../plugins/common/rpc";
import type { Fingerprint } from "./stamp";

/** What a run did not get to, by hosts. */
export interface Undone {
  /** Their nodes are on their former machines still: the state has them as it had them. */
  readonly unmoved: ReadonlySet<string>;
  /** The machines that they left are not all fenced: the state does not say so. */
  readonly unsettled: ReadonlySet<string>;
}

const ALL_DONE: Undone = { unmoved: new Set(), unsettled: new Set() };

/**
 * The inputs, but with what each process was started with in the place of what is wanted. Where there is
 * nothing to tell, the node is left out: it shows as to be added. What is secret stays secret.
 *
 * @param olds the former outputs
 */
export function rolloutOutputs(
  olds: PropertyMap,
  news: PropertyMap,
  observed: ReadonlyMap<string, Fingerprint>,
  { unmoved, unsettled }: Undone = ALL_DONE,
): PropertyMap {
  const nodes: PropertyMap = {};
  for (const [host, value] of Object.entries(shallowMapOf(news["nodes"]))) {
    const former = stateOf(olds, host);
    if (unmoved.has(host) && former !== undefined) {
      nodes[host] = former;
      continue;
    }
    const seen = observed.get(host);
    if (seen === undefined) continue;
    const node = shallowMapOf(value);
    const settled = unsettled.has(host)
      ? { ...node, former: shallowMapOf(former)["former"] }
      : node;
    nodes[host] = asSecretAs(value, { ...settled, want: wrapped(seen, node["want"]) });
  }
  return { ...news, nodes: asSecretAs(news["nodes"], nodes) };
}

/** Where the nodes are: the inputs of the last run, but each on the machine and disk that it was left on. */
export function presentNodes(inputs: PropertyMap, outputs: PropertyMap): PropertyMap {
  return Object.fromEntries(
    Object.entries(shallowMapOf(inputs["nodes"])).map(([host, value]) => {
      const { connection, directoryId, address } = shallowMapOf(stateOf(outputs, host));
      const present = { connection, directoryId, address };
      const node = shallowMapOf(value);
      return [host, connection === undefined ? node : { ...node, ...present }];
    }),
  );
}

/** What the state has of a host, as it stands. */
function stateOf(outputs: PropertyMap, host: string): PropertyValue | undefined {
  const nodes = outputs["nodes"];
  const state = shallowMapOf(nodes)[host];
  return state === undefined ? undefined : asSecretAs(nodes, state);
}

/** Settings whose values Kafka itself keeps out of its logs. */
const SENSITIVE = /password|secret|jaas|credential|keystore\.key|private/i;

/** What was observed, as secret as what is wanted in the same place. */
function wrapped(seen: Fingerprint, want: PropertyValue | undefined): PropertyValue {
  const like = shallowMapOf(want);
  const wantedProperties = shallowMapOf(like["properties"]);
  const properties: PropertyMap = {};
  for (const [key, value] of Object.entries(seen.properties)) {
    const secret = wantedProperties[key] instanceof Secret || SENSITIVE.test(key);
    properties[key] = secret ? new Secret(value) : value;
  }
  const result: PropertyMap = {
    properties: asSecretAs(like["properties"], properties),
    files: { ...seen.files },
    version: seen.version,
  };
  return asSecretAs(want, result);
}
