/** Rules: which there can be, in what words a preview tells them, and when two are the same. */
import { isIP } from "node:net";

import { ACL_OPERATIONS, CLUSTER_RESOURCE } from "../../model/kafka/security";
import type { AclResource, AclRule } from "../../model/types";
import { didYouMean } from "../../model/nearest";
import type { PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { Unknown } from "../../plugins/common/rpc";

const RESOURCES = Object.keys(ACL_OPERATIONS) as AclResource[];
const FIELDS = ["resource", "name", "pattern", "operation", "permission", "host"] as const;
type Field = (typeof FIELDS)[number];

/** The rule with its defaults filled in; what is unknown stays so. */
export function completed(rule: PropertyMap): PropertyMap {
  const filled = Object.fromEntries(
    Object.entries(rule).filter(([, value]) => value !== undefined && value !== null),
  );
  return {
    ...(rule["resource"] === "cluster" ? { name: CLUSTER_RESOURCE } : {}),
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
  // What is not known yet may be the cluster, which needs no name.
  if (field === "name" && value === undefined && rule["resource"] instanceof Unknown)
    return undefined;
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
      return hostFault(value);
    case "name":
      return nameFault(value, rule);
    default:
      return field satisfies never;
  }
}

function nameFault(value: string, rule: PropertyMap): string | undefined {
  if (value === "") return "is empty; write * for every one";
  if (rule["resource"] === "cluster" && value !== CLUSTER_RESOURCE) {
    return `"${value}" is no cluster's name: it is ${CLUSTER_RESOURCE} with all of them; leave it out`;
  }
  const isWhole = rule["pattern"] === "literal" && value !== "*";
  return rule["resource"] === "user" && isWhole && !/^[A-Za-z]+:./.test(value)
    ? `"${value}" is no principal, as which Kafka knows users here; write User:${value}`
    : undefined;
}

function hostFault(value: string): string | undefined {
  if (value === "*" || isIP(value) === 4) return undefined;
  if (isIP(value) === 0) {
    return `"${value}" is no address: Kafka compares addresses, and knows neither names nor ranges; write one, or *`;
  }
  const long = longIpv6(value);
  return value === long
    ? undefined
    : `"${value}" is never met: Kafka compares the text of addresses, and writes this one ${long}`;
}

/** As Java writes an address of IPv6: eight groups without leading zeros, none left out; one of IPv4 as that. */
function longIpv6(address: string): string {
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  const [plain = "", ...zone] = address.split("%");
  // Numbers of IPv4 at the end are two groups.
  const hex = plain.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...octets: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = octets.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [left = [], right = []] = hex.split("::").map((part) => part.split(":").filter(Boolean));
  const gap = Array<string>(8 - left.length - right.length).fill("0");
  const groups = [...left, ...gap, ...right].map((group) => parseInt(group, 16).toString(16));
  return [groups.join(":"), ...zone].join("%");
}

function choiceFault(value: string, known: readonly string[]): string | undefined {
  if (known.includes(value)) return undefined;
  return `"${value}" is none of ${known.join(", ")}. ${didYouMean(value, known, "")}`.trimEnd();
}

function operationFault(value: string, resource: PropertyValue | undefined): string | undefined {
  const known = ACL_OPERATIONS[resource as AclResource] as readonly string[] | undefined;
  const all = [...new Set(Object.values(ACL_OPERATIONS).flat())];
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
