/** What a topic is, what differs, and what to do about it: values in, values out. */
import { topicFault } from "../../model/names";
import type {
  CheckFailure,
  DetailedDiff,
  DiffKind,
  PropertyMap,
  PropertyValue,
} from "../../plugins/common/rpc";
import {
  asSecretAs,
  firstStep,
  isMap,
  propertyPath,
  reveal,
  sameValue,
  shallowMapOf,
  Unknown,
} from "../../plugins/common/rpc";
import type { LiveTopic, Reassignment } from "../admin/port";
import { type Placement, settledReplicas } from "./assignment";
import { placementFaults } from "./placement";
import { replicationFactors } from "./replica-state";
import { sameSetting, settingFault, THROTTLE_SETTINGS } from "./settings";

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
  readonly deletionProtection: boolean;
  /** Default: whichever brokers have the replicas. */
  readonly placement?: Placement | undefined;
}

/** What the state keeps of a topic. */
export interface TopicState extends TopicSpec {
  readonly topicId: string;
  readonly placement?: number[][];
}

/** Kafka keeps a partition's number in 32 bits; long before that a cluster would give up. */
const MAX_PARTITIONS = 200_000;
const MAX_REPLICATION_FACTOR = 32_767;

/** Every fault that can be told without asking the cluster, tied to its property. */
export function checkTopic(news: PropertyMap): CheckFailure[] {
  const failures: CheckFailure[] = [];
  const fail = (path: readonly (string | number)[], reason: string): void => {
    failures.push({ property: propertyPath(path), reason });
  };
  const inputs = reveal(news);
  const expect = (key: string, good: (value: PropertyValue) => string | undefined): void => {
    const value = inputs[key];
    if (value instanceof Unknown) return;
    const fault = value === undefined || value === null ? "is missing" : good(value);
    if (fault !== undefined) fail([key], fault);
  };
  expect("name", (value) =>
    typeof value === "string" ? topicFault(value) : "is no text; write the topic's name",
  );
  expect("partitions", (value) => wholeFault(value, MAX_PARTITIONS));
  expect("replicationFactor", (value) => wholeFault(value, MAX_REPLICATION_FACTOR));
  expect("deletionProtection", (value) =>
    typeof value === "boolean" ? undefined : "is neither true nor false",
  );
  expect("config", (value) => (isMap(value) ? undefined : "is no map of topic-level settings"));
  const config = inputs["config"];
  for (const [key, value] of Object.entries(isMap(config) ? config : {})) {
    if (value instanceof Unknown) continue;
    const fault =
      typeof value === "string"
        ? settingFault(key, value)
        : `is no text: ${JSON.stringify(value)}; write it in quotes`;
    if (fault !== undefined) fail(["config", key], fault);
  }
  for (const { path, reason } of placementFaults(inputs)) fail(path, reason);
  return failures;
}

function wholeFault(value: unknown, max: number): string | undefined {
  const good = Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max;
  return good ? undefined : `${JSON.stringify(value)} is no whole number from 1 to ${max}`;
}

/** From checked inputs (or outputs) in which everything is known. */
export function topicSpec(map: PropertyMap): TopicSpec {
  const plain = reveal(map);
  return {
    name: plain["name"] as string,
    partitions: plain["partitions"] as number,
    replicationFactor: plain["replicationFactor"] as number,
    config: { ...(plain["config"] as Record<string, string>) },
    deletionProtection: plain["deletionProtection"] as boolean,
    placement: plain["placement"] as Placement | undefined,
  };
}

/** An imported topic is owned with all settings that can be declared, and protected until someone says otherwise. */
export function importedSpec(name: string, live: LiveTopic): TopicSpec {
  return {
    name,
    partitions: live.partitions.length,
    replicationFactor: live.partitions[0]?.replicas.length ?? 1,
    config: Object.fromEntries(
      Object.entries(live.config).filter(([key, value]) => settingFault(key, value) === undefined),
    ),
    deletionProtection: true,
  };
}

/** What changes between the last known state and the new inputs. Needs no cluster. */
export function diffTopic(olds: PropertyMap, news: PropertyMap): DetailedDiff {
  const detailedDiff: DetailedDiff = {};
  const before = reveal(olds);
  const after = reveal(news);
  const note = (path: readonly (string | number)[], kind: DiffKind): void => {
    detailedDiff[propertyPath(path)] = { kind };
  };
  for (const key of ["partitions", "replicationFactor", "deletionProtection"]) {
    if (!sameValue(before[key], after[key])) note([key], "update");
  }
  if (!sameValue(before["name"], after["name"])) note(["name"], "update-replace");
  diffConfig(before["config"], after["config"], note);
  diffPlacement(before["placement"], after["placement"], note);
  // No input stands for it: it is removed by an update that does what it names.
  if (before["unfinished"] !== undefined) note(["unfinished"], "delete");
  return detailedDiff;
}

/** Whether an update is about replicas. One that nothing calls for follows a failure: it looks at all again. */
export function concernsReplicas(olds: PropertyMap, news: PropertyMap): boolean {
  const changes = Object.entries(diffTopic(olds, news));
  return (
    changes.length === 0 ||
    changes.some(
      ([path, { kind }]) =>
        path === "replicationFactor" ||
        path === "unfinished" ||
        (firstStep(path) === "placement" && kind !== "delete"),
    )
  );
}

/** Whether there is nothing to be done but in the state. */
export function changesStateAlone(olds: PropertyMap, news: PropertyMap): boolean {
  const changes = Object.entries(diffTopic(olds, news));
  const isStateAlone = ([path, { kind }]: (typeof changes)[number]): boolean =>
    path === "deletionProtection" || (path === "placement" && kind === "delete");
  return changes.length > 0 && changes.every(isStateAlone);
}

function diffPlacement(
  before: PropertyMap[string],
  after: PropertyMap[string],
  note: (path: readonly (string | number)[], kind: DiffKind) => void,
): void {
  if (after instanceof Unknown) return note(["placement"], "update");
  const [olds, news] = [before, after].map((value) => (Array.isArray(value) ? value : undefined));
  if (olds === undefined || news === undefined) {
    if (olds !== news) note(["placement"], olds === undefined ? "add" : "delete");
    return;
  }
  for (let i = 0; i < Math.max(olds.length, news.length); i++) {
    const [a, b] = [olds[i], news[i]];
    if (sameValue(a, b)) continue;
    note(["placement", i], a === undefined ? "add" : b === undefined ? "delete" : "update");
  }
}

function diffConfig(
  before: PropertyMap[string],
  after: PropertyMap[string],
  note: (path: readonly string[], kind: DiffKind) => void,
): void {
  if (after instanceof Unknown) return note(["config"], "update");
  const olds = isMap(before) ? before : {};
  const news = isMap(after) ? after : {};
  for (const key of new Set([...Object.keys(olds), ...Object.keys(news)])) {
    const [a, b] = [olds[key], news[key]];
    if (typeof a === "string" && typeof b === "string" && sameSetting(key, a, b)) continue;
    if (a === undefined && b === undefined) continue;
    note(["config", key], a === undefined ? "add" : b === undefined ? "delete" : "update");
  }
}

/** What keeps an existing topic from being taken over as `want`; empty if nothing does. */
export function adoptionRefusals(
  want: TopicSpec,
  live: LiveTopic,
  reassignments: readonly Reassignment[] = [],
): string[] {
  const refusals: string[] = [];
  const count = live.partitions.length;
  if (count !== want.partitions) {
    refusals.push(`partitions: it has ${count}, not ${want.partitions}`);
  }
  const factors = replicationFactors(live, reassignments);
  if (factors.some((factor) => factor !== want.replicationFactor)) {
    refusals.push(
      `replicationFactor: it has ${factors.join(" and ")}, not ${want.replicationFactor}`,
    );
  }
  return refusals;
}

/** The settings that `observeTopic` and a look at the replicas go by: what others set is not even asked for. */
export const settingsOfState = (known: TopicSpec): readonly string[] => [
  ...Object.keys(known.config),
  ...THROTTLE_SETTINGS,
];

/**
 * The state after a look at the topic. Of its settings only the owned keys: whatever others set is
 * theirs. A value that Kafka writes in another notation stays as it was known.
 */
export function observeTopic(
  known: TopicSpec,
  live: LiveTopic,
  reassignments: readonly Reassignment[] = [],
): TopicState {
  const config: Record<string, string> = {};
  for (const [key, value] of Object.entries(known.config)) {
    const now = live.config[key];
    if (now !== undefined) config[key] = sameSetting(key, now, value) ? value : now;
  }
  const [factor, ...others] = replicationFactors(live, reassignments);
  const placement = settledReplicas(live.partitions, reassignments).map((place) => [...place]);
  return {
    name: known.name,
    partitions: live.partitions.length,
    // Where it differs between partitions, `unfinishedReplicas` says so.
    replicationFactor: factor === undefined || others.length > 0 ? known.replicationFactor : factor,
    config,
    deletionProtection: known.deletionProtection,
    ...(known.placement === undefined ? {} : { placement }),
    topicId: live.topicId,
  };
}

/** Settings that were seen, each secret where the known one is. */
export function asSecretAsKnown(
  known: PropertyValue | undefined,
  seen: TopicSpec["config"],
): PropertyValue {
  const likes = shallowMapOf(known);
  const config = Object.entries(seen).map(([key, value]) => [key, asSecretAs(likes[key], value)]);
  return asSecretAs(known, Object.fromEntries(config) as PropertyMap);
}

/** Why a topic does not serve in full yet; undefined if it does. */
export function notReady(live: LiveTopic, want: TopicSpec): string | undefined {
  if (live.partitions.length < want.partitions) {
    return `${live.partitions.length} of ${want.partitions} partitions are there`;
  }
  const leaderless = live.partitions.filter((partition) => partition.leader < 0);
  if (leaderless.length > 0) return `no leader of ${partitionList(leaderless)}`;
  const short = live.partitions.filter(
    (partition) => partition.isr.length < partition.replicas.length,
  );
  if (short.length > 0) return `replicas out of sync in ${partitionList(short)}`;
  return undefined;
}

function partitionList(partitions: readonly { readonly partition: number }[]): string {
  const shown = partitions.slice(0, 5).map(({ partition }) => partition);
  const more = partitions.length > shown.length ? `, … (${partitions.length} in all)` : "";
  return `partition ${shown.join(", ")}${more}`;
}
