/** Users, rules and quotas. */
import { randomBytes } from "node:crypto";

import { SCRAM_MECHANISMS } from "../../model/kafka/security";
import type { AclOperation, AclResource, AclRule, ScramMechanism } from "../../model/types";
import type { Brokers } from "./brokers";
import { loadClient } from "./client";
import { assertOk, KafkaLink } from "./kafka-link";
import { KafkaError } from "./port";
import { alterUserScramCredentialsV0, MECHANISM_CODES } from "./requests/users";
import type { LoginOutcome, QuotaEntity, SaltedCredential, SecurityAdmin } from "./security-port";
import { REMOVED_ITERATIONS } from "./security-port";

/** Kafka's own numbers. */
const RESOURCES: Readonly<Record<AclResource, number>> = {
  topic: 2,
  group: 3,
  cluster: 4,
  transactionalId: 5,
  delegationToken: 6,
  user: 7,
};
const OPERATIONS: Readonly<Record<AclOperation, number>> = {
  all: 2,
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
  createTokens: 13,
  describeTokens: 14,
  twoPhaseCommit: 15,
};
const PATTERNS: Readonly<Record<AclRule["pattern"], number>> = { literal: 3, prefixed: 4 };
const PERMISSIONS: Readonly<Record<AclRule["permission"], number>> = { deny: 2, allow: 3 };
/** As long as the longer mechanism's hash. */
const LOCK_BYTES = 64;
const ANY = 1;
const EXACT = 0;
const DEFAULT = 1;
const RESOURCE_NOT_FOUND = 91;
const SECURITY_DISABLED = 54;

/** Kafka's numbers of the requests, with what those who lack them are told. */
const ACLS = { describe: 29, create: 30, delete: 31 } as const;
const QUOTAS = { describe: 48, alter: 49, since: "Kafka 2.8" } as const;
const SCRAM = {
  describe: 50,
  alter: 51,
  since: "Kafka 2.7, and in KRaft mode with metadata version 3.5",
} as const;

/** Users, rules and quotas on the client's low-level requests, over the admin's own connection. */
export class PlatformaticSecurity implements SecurityAdmin {
  constructor(private readonly brokers: Brokers) {}

  async describeUser(name: string): Promise<ReadonlyMap<ScramMechanism, number>> {
    const { describeUserScramCredentialsV0 } = await loadClient();
    return this.brokers.any.read(`describe user ${name}`, async (link, doing) => {
      await assertKnown(link, doing, SCRAM.describe, 0, SCRAM.since);
      const answer = await link.ask(describeUserScramCredentialsV0.api, [{ name }]);
      await assertOk(doing, link.server, answer.errorCode, answer.errorMessage);
      const [user] = answer.results;
      if (user === undefined || user.errorCode === RESOURCE_NOT_FOUND) return new Map();
      await assertOk(doing, link.server, user.errorCode, user.errorMessage);
      return new Map(
        SCRAM_MECHANISMS.flatMap((mechanism) => {
          const code = MECHANISM_CODES[mechanism];
          const found = user.credentialInfos.find((one) => Number(one.mechanism) === code);
          if (found === undefined || found.iterations === REMOVED_ITERATIONS) return [];
          return [[mechanism, found.iterations] as const];
        }),
      );
    });
  }

  async setCredential(name: string, credential: SaltedCredential): Promise<void> {
    await this.alterUser(`set ${credential.mechanism} of user ${name}`, name, credential);
  }

  async removeCredential(name: string, mechanism: ScramMechanism): Promise<void> {
    if (!(await this.describeUser(name)).has(mechanism)) return;
    const locked = {
      mechanism,
      iterations: REMOVED_ITERATIONS,
      salt: randomBytes(LOCK_BYTES),
      saltedPassword: randomBytes(LOCK_BYTES),
    };
    await this.alterUser(`remove ${mechanism} of user ${name}`, name, locked);
  }

  async tryLogin(
    username: string,
    mechanism: ScramMechanism,
    password: string,
  ): Promise<LoginOutcome> {
    // The client escapes the first comma of a name alone.
    if (username.split(",").length > 2) return "untold";
    const server = await this.brokers.any.read(`let ${username} in`, (link) =>
      Promise.resolve(link.server),
    );
    try {
      const sasl = { mechanism, username, password };
      const link = await KafkaLink.dial(server, { ...this.brokers.options, sasl });
      await link.close();
      return "accepted";
    } catch (error) {
      const refused = error instanceof KafkaError && error.code === "SASL_AUTHENTICATION_FAILED";
      return refused ? "refused" : "untold";
    }
  }

  async describeAcls(principal: string): Promise<readonly AclRule[]> {
    const { describeAclsV2, describeAclsV3 } = await loadClient();
    return this.brokers.any.read(`list the rules of ${principal}`, async (link, doing) => {
      const describeAcls = (await link.knows(ACLS.describe, 3)) ? describeAclsV3 : describeAclsV2;
      const answer = await link.ask(describeAcls.api, {
        resourceType: ANY,
        resourceName: null,
        resourcePatternType: ANY,
        principal,
        host: null,
        operation: ANY,
        permissionType: ANY,
      } as never);
      await assertAcls(doing, link, answer);
      return answer.resources.flatMap(({ acls, ...resource }) =>
        acls.map((acl) => ({
          resource: nameOf(RESOURCES, resource.resourceType),
          name: resource.resourceName,
          pattern: nameOf(PATTERNS, resource.resourcePatternType),
          operation: nameOf(OPERATIONS, acl.operation),
          permission: nameOf(PERMISSIONS, acl.permissionType),
          host: acl.host,
        })),
      );
    });
  }

  async createAcls(principal: string, rules: readonly AclRule[]): Promise<void> {
    const { createAclsV2, createAclsV3 } = await loadClient();
    await this.brokers.any.write(`give ${principal} rules`, async (link, doing) => {
      if (rules.some(({ resource }) => resource === "user")) {
        await assertKnown(link, `${doing} on users`, ACLS.create, 3, "Kafka 3.3");
      }
      const createAcls = (await link.knows(ACLS.create, 3)) ? createAclsV3 : createAclsV2;
      const creations = rules.map((rule) => wireRule(principal, rule));
      const { results } = await link.ask(createAcls.api, creations as never);
      for (const [index, result] of results.entries()) {
        await assertAcls(`${doing} (${JSON.stringify(rules[index])})`, link, result);
      }
    });
  }

  async deleteAcls(principal: string, rules: readonly AclRule[]): Promise<void> {
    const { deleteAclsV2, deleteAclsV3 } = await loadClient();
    await this.brokers.any.write(`take rules of ${principal} away`, async (link, doing) => {
      const deleteAcls = (await link.knows(ACLS.delete, 3)) ? deleteAclsV3 : deleteAclsV2;
      const filters = rules.map((rule) => wireRule(principal, rule));
      const { filterResults } = await link.ask(deleteAcls.api, filters as never);
      for (const [index, result] of filterResults.entries()) {
        const each = `${doing} (${JSON.stringify(rules[index])})`;
        for (const one of [result, ...result.matchingAcls]) await assertAcls(each, link, one);
      }
    });
  }

  async describeQuota(entity: QuotaEntity): Promise<Readonly<Record<string, number>>> {
    const { describeClientQuotasV0 } = await loadClient();
    return this.brokers.any.read(`tell the quotas of ${textOf(entity)}`, async (link, doing) => {
      await assertKnown(link, doing, QUOTAS.describe, 1, QUOTAS.since);
      const components = wireEntity(entity).map(({ entityType, entityName }) => ({
        entityType,
        matchType: entityName === null ? DEFAULT : EXACT,
        match: entityName,
      }));
      // Strict: of this very entity, not of those that have one more component.
      const answer = await link.ask(describeClientQuotasV0.api, components as never, true);
      await assertOk(doing, link.server, answer.errorCode, answer.errorMessage);
      const values = answer.entries.flatMap((entry) => entry.values);
      return Object.fromEntries(values.map(({ key, value }) => [key, value]));
    });
  }

  async alterQuota(
    entity: QuotaEntity,
    set: Readonly<Record<string, number>>,
    remove: readonly string[],
  ): Promise<void> {
    const { alterClientQuotasV1 } = await loadClient();
    await this.brokers.any.write(`change the quotas of ${textOf(entity)}`, async (link, doing) => {
      await assertKnown(link, doing, QUOTAS.alter, 1, QUOTAS.since);
      const ops = [
        ...Object.entries(set).map(([key, value]) => ({ key, value, remove: false })),
        ...remove.map((key) => ({ key, value: 0, remove: true })),
      ];
      const request = [{ entities: wireEntity(entity), ops }];
      const { entries } = await link.ask(alterClientQuotasV1.api, request as never, false);
      for (const one of entries)
        await assertOk(doing, link.server, one.errorCode, one.errorMessage);
    });
  }

  private async alterUser(
    doing: string,
    name: string,
    credential: SaltedCredential,
  ): Promise<void> {
    const alterUser = await alterUserScramCredentialsV0();
    await this.brokers.change(doing, async (link) => {
      await assertKnown(link, doing, SCRAM.alter, 0, SCRAM.since);
      const [result] = await link.ask(alterUser, name, credential);
      if (result === undefined) {
        throw new KafkaError("refused", `${link.server} gave an empty answer to ${doing}`);
      }
      await assertOk(doing, link.server, result.errorCode, result.errorMessage);
    });
  }
}

async function assertKnown(
  link: KafkaLink,
  doing: string,
  key: number,
  version: number,
  since: string,
): Promise<void> {
  if (await link.knows(key, version)) return;
  throw new KafkaError(
    "refused",
    `${link.server} cannot ${doing}: its Kafka does not know the request, which came with ${since}.`,
    "UNSUPPORTED_VERSION",
  );
}

async function assertAcls(
  doing: string,
  link: KafkaLink,
  answer: { readonly errorCode: number; readonly errorMessage?: string | null | undefined },
): Promise<void> {
  if (answer.errorCode !== SECURITY_DISABLED) {
    return assertOk(doing, link.server, answer.errorCode, answer.errorMessage);
  }
  throw new KafkaError(
    "refused",
    `${link.server} cannot ${doing}: the brokers run no authorizer, so that everybody may do ` +
      "everything. Set authorizer.class.name to " +
      "org.apache.kafka.metadata.authorizer.StandardAuthorizer on all brokers and controllers, " +
      "with super.users for those who run the cluster.",
    "SECURITY_DISABLED",
  );
}

const wireRule = (principal: string, rule: AclRule) => ({
  resourceType: RESOURCES[rule.resource],
  resourceName: rule.name,
  resourcePatternType: PATTERNS[rule.pattern],
  principal,
  host: rule.host,
  operation: OPERATIONS[rule.operation],
  permissionType: PERMISSIONS[rule.permission],
});

const wireEntity = ({ user, clientId, ip }: QuotaEntity) =>
  [
    { entityType: "user", entityName: user },
    { entityType: "client-id", entityName: clientId },
    { entityType: "ip", entityName: ip },
  ].filter(({ entityName }) => entityName !== undefined) as {
    entityType: string;
    entityName: string | null;
  }[];

const textOf = (entity: QuotaEntity): string =>
  wireEntity(entity)
    .map(({ entityType, entityName }) => `${entityType} ${entityName ?? "<default>"}`)
    .join(", ");

/** Rejects for a number that a later Kafka has and we do not: it must not pass for something else. */
function nameOf<Name extends string>(codes: Readonly<Record<Name, number>>, code: number): Name {
  const found = Object.entries(codes).find(([, known]) => known === code);
  if (found !== undefined) return found[0] as Name;
  throw new KafkaError(
    "refused",
    `the brokers have a rule with the number ${code} where one of ` +
      `${Object.keys(codes).join(", ")} is known here; it is a later Kafka's. Remove it with kafka-acls.sh.`,
  );
}
