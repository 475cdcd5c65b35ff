import { CLUSTER_RESOURCE, SCRAM_MECHANISMS } from "./kafka/security";
import { compareNatural } from "./errors";
import type { LabConfig } from "./schema";
import type { AclOperation, AclResource, AclRule, Quota, User, UserAcls } from "./types";

type RuleConfig = NonNullable<LabConfig["acls"]>[string][number];

/** What a rule is about, as the configuration writes it. */
interface RuleResource {
  readonly key: string;
  readonly resource: AclResource;
  readonly pattern: AclRule["pattern"];
  readonly name: string;
}

/** All that a rule says it is about: one thing, unless it is at fault. */
export function ruleResources(rule: Partial<RuleConfig>): RuleResource[] {
  const all = [
    { key: "topic", resource: "topic", pattern: "literal", name: rule.topic },
    { key: "topicPrefix", resource: "topic", pattern: "prefixed", name: rule.topicPrefix },
    { key: "group", resource: "group", pattern: "literal", name: rule.group },
    { key: "groupPrefix", resource: "group", pattern: "prefixed", name: rule.groupPrefix },
    {
      key: "transactionalId",
      resource: "transactionalId",
      pattern: "literal",
      name: rule.transactionalId,
    },
    {
      key: "transactionalIdPrefix",
      resource: "transactionalId",
      pattern: "prefixed",
      name: rule.transactionalIdPrefix,
    },
    {
      key: "cluster",
      resource: "cluster",
      pattern: "literal",
      name: rule.cluster === undefined ? undefined : CLUSTER_RESOURCE,
    },
  ] as const;
  return all.flatMap(({ name, ...rest }) => (name === undefined ? [] : [{ ...rest, name }]));
}

export function buildUsers({ users = {} }: LabConfig): User[] {
  return Object.entries(users)
    .sort(byKey)
    .map(([name, { password, passwordVersions }]) => {
      const first = password === "random" ? { [SCRAM_MECHANISMS[0]]: 1 } : {};
      return { name, password, passwordVersions: passwordVersions ?? first };
    });
}

/** One rule for each operation, sorted, so that the order of lines means nothing. */
export function buildAcls({ acls = {} }: LabConfig): UserAcls[] {
  return Object.entries(acls)
    .sort(byKey)
    .filter(([, rules]) => rules.length > 0)
    .map(([user, rules]) => ({ user, rules: rules.flatMap(expanded).sort(byText) }));
}

function expanded(rule: RuleConfig): AclRule[] {
  const [about] = ruleResources(rule);
  if (about === undefined) throw new Error("bug: a rule about nothing passed validation");
  const { resource, name, pattern } = about;
  const { permission, host } = rule;
  return rule.operations.map((operation) => ({
    ...{ resource, name, pattern, permission, host },
    operation: operation as AclOperation,
  }));
}

export function buildQuotas({ quotas = [] }: LabConfig): Quota[] {
  return quotas
    .map(({ user, clientId, ip, limits }) => ({
      ...{ user, clientId, ip },
      limits: Object.fromEntries(Object.entries(limits).sort(byKey)),
    }))
    .sort(byText);
}

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  compareNatural(a, b);

const byText = (a: object, b: object): number =>
  compareNatural(JSON.stringify(a), JSON.stringify(b));
