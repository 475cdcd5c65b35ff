/** What a quota is, what differs, and what to do about it: values in, values out. */
import { QUOTA_LIMITS, type QuotaLimit } from "../../model/kafka/security";
import { didYouMean } from "../../model/nearest";
import type {
  CheckFailure,
  DetailedDiff,
  PropertyMap,
  PropertyValue,
} from "../../plugins/common/rpc";
import { diffProperties, isMap, propertyPath, reveal, Unknown } from "../../plugins/common/rpc";
import type { QuotaEntity } from "../admin/security-port";
import { entityFaults, entityMap, entityOf } from "./entity";

export type Limits = Readonly<Record<string, number>>;

export interface QuotaSpec {
  readonly entity: QuotaEntity;
  /** The limits that this program owns, by Kafka's key. */
  readonly limits: Limits;
}

/** Every fault that can be told without asking the cluster, tied to its property. */
export function checkQuota(news: PropertyMap): CheckFailure[] {
  const failures: CheckFailure[] = [];
  const { entity, limits } = reveal(news);
  if (!(entity instanceof Unknown)) {
    for (const [field, reason] of entityFaults(entity ?? null)) {
      const path = field === "" ? ["entity"] : ["entity", field];
      failures.push({ property: propertyPath(path), reason });
    }
  }
  if (limits instanceof Unknown) return failures;
  if (!isMap(limits) || Object.keys(limits).length === 0) {
    const reason = `has no limit; write at least one of ${Object.keys(QUOTA_LIMITS).join(", ")}`;
    return [...failures, { property: "limits", reason }];
  }
  const keys = keysOf(entity);
  for (const [key, value] of Object.entries(limits)) {
    const reason = limitFault(key, value ?? null, keys);
    if (reason !== undefined) failures.push({ property: propertyPath(["limits", key]), reason });
  }
  return failures;
}

/** The keys that the entity can have; all while it is not known, or at fault. */
function keysOf(entity: PropertyValue | undefined): readonly string[] {
  const all = Object.keys(QUOTA_LIMITS);
  if (!isMap(entity)) return all;
  const has = (part: string): boolean => entity[part] !== undefined && entity[part] !== null;
  const byIp = has("ip");
  const byName = has("user") || has("clientId");
  return byIp === byName ? all : all.filter((key) => isByIp(QUOTA_LIMITS[key]) === byIp);
}

const isByIp = (kind: QuotaLimit | undefined): boolean => kind?.of.includes("ip") ?? false;

function limitFault(
  key: string,
  value: PropertyValue,
  possible: readonly string[],
): string | undefined {
  const kind = QUOTA_LIMITS[key];
  if (kind === undefined) {
    const hint = didYouMean(key, Object.keys(QUOTA_LIMITS), `It is one of ${possible.join(", ")}.`);
    return `is no quota of Kafka. ${hint}`;
  }
  if (!possible.includes(key)) {
    return isByIp(kind)
      ? `is counted by address; only an entity {ip} has it, and this one has ${possible.join(", ")}`
      : `is counted by user and client; an entity {ip} has ${possible.join(", ")} alone`;
  }
  if (value instanceof Unknown) return undefined;
  const good =
    typeof value === "number" &&
    value > 0 &&
    value <= kind.max &&
    (!kind.whole || Number.isInteger(value));
  if (good) return undefined;
  const sort = kind.whole ? "whole number" : "number";
  const most = kind.max === Number.MAX_VALUE ? "" : `, at most ${kind.max}`;
  return `${JSON.stringify(value)} is no ${sort} above 0${most}`;
}

/** From checked inputs (or outputs) in which everything is known. */
export function quotaSpec(map: PropertyMap): QuotaSpec {
  const plain = reveal(map);
  return {
    entity: entityOf(plain["entity"] as PropertyMap),
    limits: { ...(plain["limits"] as Record<string, number>) },
  };
}

export const quotaState = ({ entity, limits }: QuotaSpec): PropertyMap => ({
  entity: entityMap(entity),
  limits: { ...limits },
});

/** What changes between the last known state and the new inputs. Needs no cluster. */
export const diffQuota = (olds: PropertyMap, news: PropertyMap): DetailedDiff =>
  diffProperties(
    { entity: olds["entity"], limits: olds["limits"] },
    { entity: news["entity"], limits: news["limits"] },
    { replaceOn: ["entity"] },
  );

export interface QuotaChange {
  readonly set: Limits;
  readonly remove: readonly string[];
}

/** Which keys to write: those that are wanted otherwise, and those that were owned and are wanted no more. */
export function planQuota(owned: readonly string[], want: Limits, live: Limits): QuotaChange {
  return {
    set: Object.fromEntries(Object.entries(want).filter(([key, value]) => live[key] !== value)),
    remove: owned.filter((key) => !(key in want) && key in live),
  };
}

export const isEmptyChange = ({ set, remove }: QuotaChange): boolean =>
  Object.keys(set).length === 0 && remove.length === 0;

/** Of the limits that are there only the owned ones: the others are someone else's. */
export const observeQuota = (owned: readonly string[], live: Limits): Limits =>
  Object.fromEntries(Object.entries(live).filter(([key]) => owned.includes(key)));

/** Limits that someone has changed since the state was written, so that they are no more ours to remove. */
export const changedSince = (known: Limits, live: Limits): string[] =>
  Object.keys(known).filter((key) => key in live && live[key] !== known[key]);
