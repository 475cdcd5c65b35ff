/** Settings that Kafka keeps itself: of topics, of single brokers, and of all brokers. */
import type { Brokers } from "./brokers";
import { loadClient } from "./client";
import type { Connection } from "./connection";
import { assertOk, type KafkaLink } from "./kafka-link";
import { isUnreachable, KafkaError, type RunTimeSettings } from "./port";
import type { NamedResult } from "./requests/topics";

/** Kafka's own numbers. */
export const RESOURCE = { topic: 2, broker: 4 } as const;
const SOURCE = { topic: 1, broker: 2, allBrokers: 3 } as const;
const OPERATION = { set: 0, remove: 1 } as const;
/** Resource name of the cluster-wide default among the broker resources. */
const CLUSTER_WIDE = "";

/** What one broker's replicas that are throttled may copy, bytes a second. */
const THROTTLES = [
  "leader.replication.throttled.rate",
  "follower.replication.throttled.rate",
] as const;

export interface ConfigChange {
  readonly type: (typeof RESOURCE)[keyof typeof RESOURCE];
  readonly name: string;
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

/** What was set at one place, by key, as DescribeConfigs tells it. */
export interface DescribedConfigs {
  readonly errorCode: number;
  readonly errorMessage?: string | null | undefined;
  readonly name: string;
  /** The settings that come from this source. */
  from(source: keyof typeof SOURCE): Record<string, string>;
  /** A setting's value as it is in force, wherever it comes from. */
  inForce(key: string): string | undefined;
}

/** What is asked of one resource. */
export interface ConfigQuestion {
  readonly name: string;
  /** Keys of interest; all where it is null, those that nobody set included. */
  readonly keys: readonly string[] | null;
}

export async function askConfigs(
  link: KafkaLink,
  type: ConfigChange["type"],
  questions: readonly ConfigQuestion[],
): Promise<DescribedConfigs[]> {
  const { describeConfigsV3 } = await loadClient();
  const resources = questions.map(({ name, keys }) => ({
    resourceType: type,
    resourceName: name,
    // The types ask for a list of keys; null means all of them.
    configurationKeys: keys as string[],
  }));
  const { results } = await link.ask(describeConfigsV3.api, resources, false, false);
  return results.map(({ errorCode, errorMessage, resourceName, configs }) => ({
    errorCode,
    errorMessage,
    name: resourceName,
    from: (source) =>
      Object.fromEntries(
        configs
          .filter(({ configSource }) => configSource === SOURCE[source])
          .map(({ name, value }) => [name, value ?? ""]),
      ),
    inForce: (key) => configs.find(({ name }) => name === key)?.value ?? undefined,
  }));
}

/** Each resource's change is made whole or not at all, and has a result of its own. */
export async function askToAlter(
  link: KafkaLink,
  changes: readonly ConfigChange[],
  validateOnly = false,
): Promise<NamedResult[]> {
  const { incrementalAlterConfigsV1 } = await loadClient();
  const resources = changes.map(({ type, name, set, remove }) => ({
    resourceType: type,
    resourceName: name,
    configs: [
      ...Object.entries(set).map(([key, value]) => ({
        name: key,
        configOperation: OPERATION.set,
        value,
      })),
      ...remove.map((key) => ({ name: key, configOperation: OPERATION.remove, value: null })),
    ],
  }));
  const { responses } = await link.ask(incrementalAlterConfigsV1.api, resources, validateOnly);
  return responses.map(({ resourceName, errorCode, errorMessage }) => ({
    name: resourceName,
    errorCode,
    errorMessage,
  }));
}

export async function clusterSetting(brokers: Brokers, key: string): Promise<string | undefined> {
  return brokers.any.read(`read the cluster-level ${key}`, async (link, doing) => {
    const [found] = await askConfigs(link, RESOURCE.broker, [{ name: CLUSTER_WIDE, keys: [key] }]);
    await assertOk(doing, link.server, found?.errorCode ?? 0, found?.errorMessage);
    return found?.from("allBrokers")[key];
  });
}

export async function topicDefault(
  brokers: Brokers,
  topic: string,
  key: string,
): Promise<string | undefined> {
  const { describeConfigsV3 } = await loadClient();
  return brokers.any.read(`tell the brokers' ${key} for topic ${topic}`, async (link, doing) => {
    const question = {
      resourceType: RESOURCE.topic,
      resourceName: topic,
      configurationKeys: [key],
    };
    const { results } = await link.ask(describeConfigsV3.api, [question], true, false);
    const [found] = results;
    await assertOk(doing, link.server, found?.errorCode ?? 0, found?.errorMessage);
    const setting = found?.configs.find(({ name }) => name === key);
    // From the nearest to the farthest.
    return setting?.synonyms.find(({ source }) => source !== SOURCE.topic)?.value ?? undefined;
  });
}

export function setClusterSetting(brokers: Brokers, key: string, value: string): Promise<void> {
  const change = { type: RESOURCE.broker, name: CLUSTER_WIDE, set: { [key]: value }, remove: [] };
  return alter(brokers.any, `set the cluster-level ${key} to ${value}`, change);
}

export function runTimeSettings(connection: Connection, nodeId: number): Promise<RunTimeSettings> {
  return connection.read(`read the settings of broker ${nodeId}`, async (link, doing) => {
    const question = { name: String(nodeId), keys: null };
    const [found] = await askConfigs(link, RESOURCE.broker, [question]);
    await assertOk(doing, link.server, found?.errorCode ?? 0, found?.errorMessage);
    return { own: found?.from("broker") ?? {}, defaults: found?.from("allBrokers") ?? {} };
  });
}

export function alterRunTimeSettings(
  connection: Connection,
  nodeId: number,
  set: Readonly<Record<string, string>>,
  remove: readonly string[],
  validateOnly: boolean,
): Promise<void> {
  const doing = `change settings of broker ${nodeId} while it runs`;
  const change = { type: RESOURCE.broker, name: String(nodeId), set, remove };
  return alter(connection, doing, change, validateOnly);
}

async function alter(
  connection: Connection,
  doing: string,
  change: ConfigChange,
  validateOnly = false,
): Promise<void> {
  await connection.write(doing, async (link) => {
    for (const result of await askToAlter(link, [change], validateOnly)) {
      await assertOk(doing, link.server, result.errorCode, result.errorMessage);
    }
  });
}

/** Only a broker itself tells its own settings: one that is away is left out. */
export async function replicationThrottles(brokers: Brokers): Promise<ReadonlyMap<number, number>> {
  const doing = "tell the throttles of replication";
  const { brokers: up } = await brokers.metadata(doing, []);
  const asked = [...up.keys()].map(async (id): Promise<[number, number] | undefined> => {
    const { own } = await runTimeSettings(brokers.at(doing, id, up), id);
    const limits = THROTTLES.flatMap((key) => own[key] ?? []).map(Number);
    return limits.length === 0 ? undefined : [id, Math.min(...limits)];
  });
  const found = await Promise.all(asked.map((one) => one.catch(unlessAway)));
  return new Map(found.filter((one) => one !== undefined));
}

function unlessAway(error: unknown): undefined {
  if (!isUnreachable(error)) throw error;
}

/** All brokers are asked before the first failure is thrown: a throttle must not stay for another's sake. */
export async function throttleReplication(
  brokers: Brokers,
  ids: readonly number[],
  bytesPerSecond: number | undefined,
): Promise<void> {
  const doing = bytesPerSecond === undefined ? "lift its throttle" : "throttle its replication";
  const { brokers: up } = await brokers.metadata(doing, []);
  const set: Record<string, string> = {};
  if (bytesPerSecond !== undefined) {
    for (const key of THROTTLES) set[key] = String(bytesPerSecond);
  }
  const remove = bytesPerSecond === undefined ? THROTTLES : [];
  const outcomes = await Promise.allSettled(
    ids.map(async (id) => alterRunTimeSettings(brokers.at(doing, id, up), id, set, remove, false)),
  );
  const reasons = outcomes.flatMap((one): unknown[] =>
    one.status === "rejected" ? [one.reason] : [],
  );
  if (reasons.length === 0) return;
  const faults = reasons.filter((one) => one instanceof KafkaError);
  const [first] = faults;
  if (first === undefined || faults.length < reasons.length) throw new AggregateError(reasons);
  throw new KafkaError(first.kind, faults.map(({ message }) => message).join("; "), first.code);
}
