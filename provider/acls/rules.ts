/** Rules: which there can be, in what words a preview tells them, and when two are the same. */
import { isIP } from "node:net";

import { didYouMean } from "../../model/nearest";
import type { PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { Unknown } from "../../plugins/common/rpc";
import type { AclOperation, AclResource, AclRule } from "../admin/security-port";

/** What Kafka's authorizer asks for, by kind of resource; a rule with another operation would never match. */
const OPERATIONS: Readonly<Record<AclResource, readonly AclOperation[]>> = {
  topic: [
    "all",
    "read",
    "write",
    "create",
    "delete",
    "alter",
    "describe",
    "describeConfigs",
    "alterConfigs",
  ],
  group: ["all", "read", "delete", "describe", "describeConfigs", "alterConfigs"],
  cluster: [
    "all",
    "create",
    "alter",
    "describe",
    "clusterAction",
    "describeConfigs",
    "alterConfigs",
    "idempotentWrite",
  ],
  transactionalId: ["all", "write", "describe", "twoPhaseCommit"],
  delegationToken: ["all", "describe"],
  user: ["all", "createTokens", "describeTokens"],
};
const RESOURCES = Object.keys(OPERATIONS) as AclResource[];
/** The only name that a resource of the kind `cluster` has. */
const CLUSTER_NAME = "kafka-cluster";
const FIELDS = ["resource", "name", "pattern", "operation", "permission", "host"] as const;
type Field = (typeof FIELDS)[number];

/** The rule with its defaults filled in; what is unknown stays so. */
export function completed(rule: PropertyMap): PropertyMap {
  const filled = Object.fromEntries(
    Object.entries(rule).filter(([, value]) => value !== undefined && value !== null),
  );
  return {
    ...(rule["resource"] === "cluster" ? { name: CLUSTER_NAME } : {}),
    pattern: "literal",
    permission: "allow",
    host: "*",
    ...filled,
  };
}

/** Each fault of a completed rule with the field that it is in; none where a field is not known yet. */
export function ruleFaults(rule: PropertyMap): (readonly [field: string, reason: string])[] {
  const faults: (readonly [string, string])[] = [];
  for (const key of Object.keys(rule)) {
    if (FIELDS.some((field) => field === key)) continue;
    faults.push([key, `is nothing that a rule has. ${didYouMean(key, FIELDS, "Leave it out.")}`]);
  }
  for (const field of FIELDS) {
    const value = rule[field];
    if (value instanceof Unknown) continue;
    const fault = fieldFault(field, value, rule);
    if (fault !== undefined) faults.push([field, fault]);
  }
  return faults;
}

function fieldFault(
  field: Field,
  value: PropertyValue | undefined,
  rule: PropertyMap,
): string | undefined {
  if (value === undefined) return "is missing";
  if (typeof value !== "string") return `is no text: ${JSON.stringify(value)}`;
  switch (field) {
    case "resource":
      return choiceFault(value, RESOURCES);
    case "pattern":
      if (value === "prefixed" && rule["name"] === "*") {
        return 'is "prefixed", but the name * is every one only where the pattern is literal';
      }
      return choiceFault(value, ["literal", "prefixed"]);
    case "permission":
      return choiceFault(value, ["allow", "deny"]);
    case "operation":
      return operationFault(value, rule["resource"]);
    case "host":
      return value === "*" || isIP(value) > 0
        ? undefined
        : `"${value}" is no address: Kafka compares addresses, and knows neither names nor ranges; write one, or *`;
    case "name":
      if (value === "") return "is empty; write * for every one";
      return rule["resource"] === "cluster" && value !== CLUSTER_NAME
        ? `"${value}" is no cluster's name: it is ${CLUSTER_NAME} with all of them; leave it out`
        : undefined;
    default:
      return field satisfies never;
  }
}

function choiceFault(value: string, known: readonly string[]): string | undefined {
  if (known.includes(value)) return undefined;
  return `"${value}" is none of ${known.join(", ")}. ${didYouMean(value, known, "")}`.trimEnd();
}

function operationFault(value: string, resource: PropertyValue | undefined): string | undefined {
  const known = OPERATIONS[resource as AclResource] as readonly string[] | undefined;
  const all = [...new Set(Object.values(OPERATIONS).flat())];
  if (known === undefined || !all.some((one) => one === value))
    return choiceFault(value, known ?? all);
  if (known.includes(value)) return undefined;
  return `"${value}" is nothing that can be done with a ${resource as AclResource}: it is ${known.join(", ")}`;
}

/** A rule in words, without whether it allows or denies: `read on topic red`. No two rules have the same. */
export function words(rule: AclRule): string {
  const from = rule.host === "*" ? "" : ` from ${rule.host}`;
  const what = rule.pattern === "prefixed" ? `${rule.resource}s beginning with` : rule.resource;
  return `${rule.operation}${from} on ${what} ${rule.name}`;
}

const idOf = (rule: AclRule): string => `${words(rule)}\n${rule.permission}`;

/** Each rule once, in the order of their words, so that neither order nor repetition is a difference. */
export function asSet(rules: readonly AclRule[]): AclRule[] {
  const byId = new Map(rules.map((rule) => [idOf(rule), plainRule(rule)]));
  return [...byId].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rule]) => rule);
}

/** Those of the first that are not among the others. */
export function without(rules: readonly AclRule[], others: readonly AclRule[]): AclRule[] {
  const ids = new Set(others.map(idOf));
  return rules.filter((rule) => !ids.has(idOf(rule)));
}

/** What is granted, and what is denied, by the words of the rules: what a preview compares. */
export function grants(rules: readonly AclRule[]): Record<string, string> {
  const told: Record<string, string> = {};
  for (const rule of asSet(rules)) {
    const before = told[words(rule)];
    // Kafka keeps both, and the denial counts.
    told[words(rule)] = before === undefined ? rule.permission : `${before} and ${rule.permission}`;
  }
  return told;
}

/** For errors: `allow read on topic red`. */
export const told = (rule: AclRule): string => `${rule.permission} ${words(rule)}`;

const plainRule = ({ resource, name, pattern, operation, permission, host }: AclRule): AclRule => ({
  resource,
  name,
  pattern,
  operation,
  permission,
  host,
});
