/**
 * Which settings of a running broker are changed without a restart: values in, values out.
 *
 * Kafka has three values of such a setting: the one that the process was started with, one that was set
 * while it runs (kept by the cluster, it outlives the process and wins over the first), and the one in
 * its file, for the next start. What is set while a broker runs is therefore removed again once a
 * process has been started with the same value; else it would shadow every later edit of the file.
 */
import { changesWhileRunning } from "../../model/kafka/run-time-settings";
import { sameValue } from "../../model/kafka/settings";
import type { PropertyMap } from "../../plugins/common/rpc";
import type { RunTimeSettings } from "../admin/port";
import { formerFingerprint, hostsOf, servesClients } from "./node";
import { differences } from "./plan";
import type { Recorded } from "./record";
import type { Fingerprint } from "./stamp";

export interface RunTimeFacts {
  readonly want: Fingerprint;
  /** Undefined: nothing is known of a start. */
  readonly started: Fingerprint | undefined;
  /** What the state says is in force, and what a preview has shown therefore. */
  readonly former: Fingerprint | undefined;
  readonly recorded: Recorded;
  /** Undefined: the broker does not answer. */
  readonly live: RunTimeSettings | undefined;
}

/** Something that others have set while the broker runs, over what the configuration says. */
export interface Foreign {
  readonly key: string;
  readonly value: string;
  readonly of: "this broker" | "all brokers";
}

export interface RunTimePlan {
  /** To be set while the broker runs. */
  readonly set: Readonly<Record<string, string>>;
  /** To be removed: the process was started with the same value. */
  readonly remove: readonly string[];
  /** What only a restart brings, as short texts without values. */
  readonly restart: readonly string[];
  /** Left alone, and told. */
  readonly foreign: readonly Foreign[];
}

export function planRunTime(facts: RunTimeFacts): RunTimePlan {
  const { want, started, live } = facts;
  if (started === undefined) {
    return { set: {}, remove: [], restart: differences(want, started), foreign: [] };
  }
  const set: Record<string, string> = {};
  const remove: string[] = [];
  const foreign: Foreign[] = foreignDefaults(facts);
  const open = new Set<string>();
  for (const [key, wanted] of Object.entries(want.properties)) {
    const now = started.properties[key];
    const over = live?.own[key];
    if (over !== undefined && !isOurs(key, over, facts)) {
      foreign.push({ key, value: over, of: "this broker" });
    } else if (now === wanted) {
      if (over !== undefined) remove.push(key);
    } else if (
      now === undefined ||
      live === undefined ||
      !changesWhileRunning(key, over ?? now, wanted, started.version)
    ) {
      open.add(key);
    } else if (over === undefined || !sameValue("broker", key, over, wanted)) {
      set[key] = wanted;
    }
  }
  for (const key of facts.recorded.keys()) {
    if (Object.hasOwn(want.properties, key) || started.properties[key] !== undefined) continue;
    const over = live?.own[key];
    if (over !== undefined && isOurs(key, over, facts)) remove.push(key);
  }
  const restart = differences(want, started).filter(
    (difference) => !Object.hasOwn(want.properties, difference) || open.has(difference),
  );
  return { set, remove, restart, foreign };
}

/**
 * What is in force in the process: what it was started with, and over that what was set since. Where
 * the broker does not answer, what we last set ourselves.
 */
export function inForce({ started, recorded, live }: RunTimeFacts): Fingerprint | undefined {
  if (started === undefined) return undefined;
  const properties = Object.fromEntries(
    Object.entries(started.properties).map(([key, value]) => {
      const over = live === undefined ? recorded.get(key)?.at(-1) : live.own[key];
      return [key, over === undefined || sameValue("broker", key, over, value) ? value : over];
    }),
  );
  return { ...started, properties };
}

/**
 * For a preview: hosts on which nothing but settings differs that are changed while the broker runs,
 * each with their keys. What is in force there is what the state knows.
 */
export function changedWhileRunning(olds: PropertyMap, news: PropertyMap): [string, string[]][] {
  return hostsOf(news["nodes"]).flatMap((host): [string, string[]][] => {
    const started = formerFingerprint(olds["nodes"], host);
    const want = formerFingerprint(news["nodes"], host);
    if (started === undefined || want === undefined || !servesClients(want.properties)) return [];
    const live = { own: {}, defaults: {} };
    const facts = { want, started, former: started, recorded: new Map(), live };
    const { set, restart } = planRunTime(facts);
    const keys = Object.keys(set);
    return keys.length === 0 || restart.length > 0 ? [] : [[host, keys]];
  });
}

/**
 * Whether a value is one that we have set. One that equals what is wanted is of use to nobody else; one
 * that the state knows was shown by the preview, as what is to be changed.
 */
function isOurs(key: string, value: string, { want, former, recorded }: RunTimeFacts): boolean {
  const ours = [want.properties[key], former?.properties[key], ...(recorded.get(key) ?? [])];
  return ours.some((one) => one !== undefined && sameValue("broker", key, one, value));
}

/** Defaults of all brokers that are in force here, since nothing was set for this one alone. */
function foreignDefaults({ want, live }: RunTimeFacts): Foreign[] {
  return Object.entries(live?.defaults ?? {}).flatMap(([key, value]): Foreign[] => {
    const wanted = want.properties[key];
    if (wanted === undefined || sameValue("broker", key, wanted, value)) return [];
    return [{ key, value, of: "all brokers" }];
  });
}
