import {
  compareNatural,
  describeProblem,
  labPath,
  type ConfigProblem,
} from "../../../model/errors";
import { topicProblems } from "../../../model/rules/topics";
import { readShape } from "../../../model/shape";
import type { LiveTopic } from "../../../provider/admin/port";
import { settingFault, THROTTLE_SETTINGS } from "../../../provider/topic/settings";

/** A topic as it is, in the words of a program or a configuration: declared so, it is taken over without a change. */
export interface AdoptedTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** What is set on the topic, without what belongs to reassignments. */
  readonly config: Readonly<Record<string, string>>;
  /**
   * Where each partition's replicas lie, the preferred leader first: hosts in a lab, node ids in a program.
   * Undefined: not asked for.
   */
  readonly placement: readonly (readonly (string | number)[])[] | undefined;
}

/** Why something is not declared, with what to do about it. */
export interface Remark {
  readonly topic: string;
  /** Whole sentences. */
  readonly reason: string;
}

/** A cluster's topics, told apart by what becomes of them; each list in the order of names. */
export interface AdoptionPlan {
  readonly topics: readonly AdoptedTopic[];
  /** Kafka's own. */
  readonly internal: readonly string[];
  /** Topics that cannot be declared as they are. */
  readonly refused: readonly Remark[];
  /** Settings that cannot be declared; the topics can. */
  readonly unowned: readonly Remark[];
  /** Topics that the lab declares and the cluster does not have. */
  readonly missing: readonly string[];
}

export interface ClusterTopics {
  readonly topics: readonly LiveTopic[];
  /** Those of which replicas are on their way. */
  readonly moving: ReadonlySet<string>;
}

export interface AdoptionOptions {
  /** Whether the replicas' places are declared, too. */
  readonly placement: boolean;
  /** What judges the topics: a lab, or the provider alone. */
  readonly rules: LabRules | "provider";
}

export interface LabRules {
  /** Its raw configuration. */
  readonly lab: unknown;
  /** Its hosts by their nodes' ids. */
  readonly hosts: ReadonlyMap<number, string>;
}

/** Sorts a cluster's topics into what can be declared as it is and what cannot. */
export function planAdoption(live: ClusterTopics, options: AdoptionOptions): AdoptionPlan {
  const { placement, rules } = options;
  const internal: string[] = [];
  const refused: Remark[] = [];
  const candidates: AdoptedTopic[] = [];
  for (const topic of [...live.topics].sort((a, b) => compareNatural(a.topic, b.topic))) {
    const name = topic.topic;
    const reason = live.moving.has(name) ? MOVING : unevenness(topic);
    if (name.startsWith("__")) internal.push(name);
    else if (reason !== undefined) refused.push({ topic: name, reason });
    else candidates.push(adopted(topic, placement));
  }
  const judged = rules === "provider" ? byProvider(candidates) : byLab(candidates, rules);
  const known = new Set(live.topics.map(({ topic }) => topic));
  const declared = rules === "provider" ? [] : declaredIn(rules.lab);
  return {
    topics: judged.topics,
    unowned: judged.unowned,
    refused: [...refused, ...judged.refused].sort((a, b) => compareNatural(a.topic, b.topic)),
    internal,
    missing: declared.filter((name) => !known.has(name)),
  };
}

const MOVING =
  "Replicas of it are on their way to other brokers: run this again when the reassignment has ended.";

/** A declaration has one factor for all partitions of a topic. */
function unevenness({ partitions }: LiveTopic): string | undefined {
  const factors = new Map<number, number>();
  for (const { partition, replicas } of partitions) {
    if (!factors.has(replicas.length)) factors.set(replicas.length, partition);
  }
  if (factors.size <= 1) return undefined;
  const all = [...factors].map(([count, partition]) => `${count} in partition ${partition}`);
  return (
    `Its partitions have different numbers of replicas: ${all.join(", ")}. Give all of them as ` +
    "many with kafka-reassign-partitions.sh, and run this again."
  );
}

function adopted(live: LiveTopic, placement: boolean): AdoptedTopic {
  const partitions = [...live.partitions].sort((a, b) => a.partition - b.partition);
  return {
    name: live.topic,
    partitions: partitions.length,
    replicationFactor: partitions[0]?.replicas.length ?? 0,
    config: keep(live.config, (key) => !THROTTLE_SETTINGS.includes(key)),
    placement: placement ? partitions.map(({ replicas }) => replicas) : undefined,
  };
}

type Judged = Pick<AdoptionPlan, "topics" | "refused" | "unowned">;

/** An import owns what the provider can judge, and nothing else. */
function byProvider(candidates: readonly AdoptedTopic[]): Judged {
  const unowned: Remark[] = [];
  const topics = candidates.map((topic) => {
    const config = keep(topic.config, (key, value) => {
      const fault = settingFault(key, value);
      if (fault !== undefined) {
        unowned.push({ topic: topic.name, reason: `${key}: ${fault.replace(/\.$/, "")}.` });
      }
      return fault === undefined;
    });
    return { ...topic, config };
  });
  return { topics, refused: [], unowned };
}

/** By the lab's own rules: a setting that they refuse is left undeclared, a topic that they refuse left out. */
function byLab(candidates: readonly AdoptedTopic[], { lab, hosts }: LabRules): Judged {
  const unowned: Remark[] = [];
  const first = problemsOf(candidates, lab);
  const trimmed = candidates.map((topic) => {
    const config = keep(topic.config, (key) => {
      const found = first.filter(({ path }) => path === pathOf(topic.name, "config", key));
      unowned.push(...found.map((problem) => remark(topic.name, problem)));
      return found.length === 0;
    });
    return { ...topic, config };
  });
  const second = problemsOf(trimmed, lab);
  const refused: Remark[] = [];
  const topics = trimmed.flatMap((topic): AdoptedTopic[] => {
    const { name, placement } = topic;
    const found = second
      .filter(({ path }) => isBelow(path, pathOf(name)))
      .map((problem) => remark(name, problem));
    const strangers = new Set(placement?.flat().filter((node) => !hosts.has(Number(node))));
    for (const node of strangers) found.push({ topic: name, reason: onStranger(node) });
    refused.push(...found);
    if (found.length > 0) return [];
    const named = placement?.map((nodes) => nodes.map((node) => hosts.get(Number(node)) ?? node));
    return [{ ...topic, placement: named }];
  });
  return { topics, refused, unowned };
}

const onStranger = (node: string | number): string =>
  `A replica of it lies on node ${node}, which no host of the lab is. Give a broker that nodeId, ` +
  "or leave --placement out.";

const remark = (topic: string, problem: ConfigProblem): Remark => ({
  topic,
  reason: describeProblem(problem),
});

const pathOf = (...parts: readonly string[]): string => labPath("topics", ...parts);

const isBelow = (path: string, above: string): boolean =>
  path.startsWith(above) && /^([.[]|$)/.test(path.slice(above.length));

/** What the lab's rules say of these topics in the place of its own. */
function problemsOf(topics: readonly AdoptedTopic[], lab: unknown): readonly ConfigProblem[] {
  const declared = topics.map(({ name, partitions, replicationFactor, config }) => [
    name,
    { partitions, replicationFactor, config },
  ]);
  const raw = { ...asMap(lab), topics: Object.fromEntries(declared) as unknown };
  const { draft, problems } = readShape(raw);
  return [...problems.filter(({ path }) => isBelow(path, pathOf())), ...topicProblems(draft)];
}

const declaredIn = (lab: unknown): string[] =>
  Object.keys(asMap(asMap(lab)["topics"])).sort(compareNatural);

function asMap(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Sorted, so that the same topic is always told in the same words. */
function keep(
  config: Readonly<Record<string, string>>,
  good: (key: string, value: string) => boolean,
): Record<string, string> {
  const entries = Object.entries(config).sort(([a], [b]) => compareNatural(a, b));
  return Object.fromEntries(entries.filter(([key, value]) => good(key, value)));
}
