/** A principal's rules: what differs, and what to do about it. Values in, values out. */
import type { AclRule } from "../../model/types";
import { didYouMean } from "../../model/nearest";
import type {
  CheckFailure,
  DetailedDiff,
  PropertyMap,
  PropertyValue,
} from "../../plugins/common/rpc";
import {
  containsUnknown,
  diffProperties,
  isMap,
  propertyPath,
  reveal,
  Unknown,
  UNKNOWN,
} from "../../plugins/common/rpc";
import { asSet, completed, grants, ruleFaults, told, without } from "./rules";

export interface AclsSpec {
  /** As Kafka writes it: `User:alice`. */
  readonly principal: string;
  readonly rules: readonly AclRule[];
}

/**
 * Every fault that can be told without asking the cluster. In the inputs the rules have their defaults
 * and stand once each, in one order; `grants` has them in words.
 */
export function checkAcls(news: PropertyMap): { inputs: PropertyMap; failures: CheckFailure[] } {
  const failures: CheckFailure[] = [];
  const { principal, rules } = reveal(news);
  if (!(principal instanceof Unknown)) {
    const reason = principalFault(principal);
    if (reason !== undefined) failures.push({ property: "principal", reason });
  }
  if (rules instanceof Unknown) return { inputs: { ...news, grants: UNKNOWN }, failures };
  if (!Array.isArray(rules)) {
    failures.push({ property: "rules", reason: "is no list of rules" });
    return { inputs: news, failures };
  }
  const filled = rules.map((rule, index): PropertyValue => {
    if (rule instanceof Unknown) return rule;
    if (!isMap(rule)) {
      const reason = "is no map; write {resource, name, operation}";
      failures.push({ property: propertyPath(["rules", index]), reason });
      return rule;
    }
    const whole = completed(rule);
    for (const [field, reason] of ruleFaults(whole)) {
      failures.push({ property: propertyPath(["rules", index, field]), reason });
    }
    return whole;
  });
  if (failures.length > 0 || containsUnknown(filled)) {
    return { inputs: { ...news, rules: filled, grants: UNKNOWN }, failures };
  }
  const set = asSet(filled as unknown as AclRule[]);
  return { inputs: aclsState({ principal: principal as string, rules: set }), failures };
}

function principalFault(principal: PropertyValue | undefined): string | undefined {
  if (principal === undefined || principal === null) return "is missing";
  if (typeof principal !== "string") return "is no text; write it as in User:alice";
  if (/^[A-Za-z]+:\S(.*\S)?$/.test(principal)) {
    const type = principal.slice(0, principal.indexOf(":"));
    const meant = type !== "User" && didYouMean(type, ["User"], "");
    return meant ? `"${principal}" is of the type ${type}. ${meant}` : undefined;
  }
  return `"${principal}" is no principal; write its type and its name, as in User:alice`;
}

/** From checked inputs (or outputs) in which everything is known. */
export function aclsSpec(map: PropertyMap): AclsSpec {
  const plain = reveal(map);
  return {
    principal: plain["principal"] as string,
    rules: (plain["rules"] ?? []) as unknown as AclRule[],
  };
}

export function aclsState({ principal, rules }: AclsSpec): PropertyMap {
  const set = asSet(rules);
  return { principal, rules: set.map((rule) => ({ ...rule })), grants: grants(set) };
}

/** What changes between the last known state and the new inputs, by the words of the rules. */
export function diffAcls(olds: PropertyMap, news: PropertyMap): DetailedDiff {
  const only = (map: PropertyMap): PropertyMap => ({
    principal: map["principal"],
    grants: map["grants"],
  });
  return diffProperties(only(olds), only(news), { replaceOn: ["principal"] });
}

export interface AclsChange {
  /** Made first. */
  readonly create: readonly AclRule[];
  /** Taken away once the others are there. */
  readonly remove: readonly AclRule[];
  /** On the cluster, and neither wanted nor known: left alone until a refresh has shown them. */
  readonly strangers: readonly AclRule[];
}

export function planAcls(
  known: readonly AclRule[],
  want: readonly AclRule[],
  live: readonly AclRule[],
): AclsChange {
  const left = without(asSet(live), want);
  return {
    create: without(asSet(want), live),
    remove: without(left, without(left, known)),
    strangers: without(left, known),
  };
}

/** Why a principal's rules cannot be taken over; undefined if they can. */
export function adoptionRefusal(
  { principal, rules }: AclsSpec,
  live: readonly AclRule[],
): string | undefined {
  const others = without(asSet(live), rules);
  if (others.length === 0) return undefined;
  return [
    `rules of ${principal}: it has others than the declared ones already:`,
    ...others.map(told),
    "Declare them too, or remove them with kafka-acls.sh if nobody needs them.",
  ].join("\n  ");
}
