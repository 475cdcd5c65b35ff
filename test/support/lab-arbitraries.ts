import fc from "fast-check";
import { boardNames, kafkaVersions, memoryBudget, type Role } from "../../model";
import { ACL_OPERATIONS } from "../../model/kafka/security";
import { collisionKey, topicFault } from "../../model/names";
import { formatAddress } from "../../model/network";
import { hostKey, type RawConfig } from "./lab-config";

const label = fc
  .stringMatching(/^[a-z][a-z0-9-]{0,18}[a-z0-9]$/)
  .filter((name) => name !== "localhost");

const topicName = fc
  .stringMatching(/^[A-Za-z0-9._-]{1,30}$/)
  .filter((name) => topicFault(name) === undefined);

const topicSettings = fc.record(
  {
    "retention.ms": fc.oneof(fc.constant("-1"), fc.nat().map(String), fc.nat()),
    "segment.bytes": fc.integer({ min: 1_048_576, max: 2 ** 30 }),
    "cleanup.policy": fc.constantFrom("compact", "delete", "compact,delete"),
    preallocate: fc.boolean(),
  },
  { requiredKeys: [] },
);

const userName = fc
  .stringMatching(/^[A-Za-z0-9._-]{1,20}$/)
  .filter((name) => !/^(pi-lab|default|everybody|ANONYMOUS|__proto__)$/.test(name));
const permission = fc.constantFrom("allow", "deny");
const topicOperations = fc.uniqueArray(fc.constantFrom(...ACL_OPERATIONS.topic), { minLength: 1 });
const limits = fc
  .record(
    {
      producer_byte_rate: fc.integer({ min: 1 }),
      request_percentage: fc.double({ min: 0.5, max: 200, noNaN: true }),
    },
    { requiredKeys: [] },
  )
  .filter((some) => Object.keys(some).length > 0);

/** How many there are of everything; the rest follows from it. */
const counts = fc.record({
  brokers: fc.constantFrom(1, 3, 5),
  /** Any: the brokers are no controllers themselves. */
  controllers: fc.constantFrom(0, 0, 1, 3, 4),
  clients: fc.integer({ min: 0, max: 3 }),
  others: fc.integer({ min: 0, max: 3 }),
  spares: fc.integer({ min: 0, max: 2 }),
  freePorts: fc.integer({ min: 0, max: 4 }),
  topics: fc.integer({ min: 1, max: 4 }),
});

/** Any configuration that is right: at least one broker and one topic, real or virtual. */
export const validConfig: fc.Arbitrary<RawConfig> = counts.chain((count) => {
  const nodes = count.brokers + count.controllers;
  const hosts = nodes + count.clients + count.others;
  const machines = hosts + count.spares;
  const ports = hosts + count.freePorts;
  const unique = <T>(value: fc.Arbitrary<T>, length: number, selector?: (value: T) => unknown) =>
    fc.uniqueArray(value, {
      minLength: length,
      maxLength: length,
      ...(selector && { selector }),
    });
  return fc
    .record({
      isVirtual: fc.boolean(),
      name: label,
      timezone: fc.option(fc.constantFrom("Etc/UTC", "UTC", "Europe/Berlin", "Asia/Calcutta")),
      hasServer: fc.boolean(),
      network: fc.integer({ min: 0, max: 2 ** 16 - 1 }),
      // More than there are hosts: the others are former names.
      names: unique(label, hosts + 2),
      machineNames: unique(label, machines),
      boards: fc.array(fc.constantFrom(...boardNames), {
        minLength: machines,
        maxLength: machines,
      }),
      addresses: unique(fc.integer({ min: 1, max: 253 }), machines),
      machineOrder: unique(fc.nat({ max: machines - 1 }), hosts),
      ports: unique(fc.integer({ min: 1, max: ports }), hosts),
      nodeIds: unique(fc.integer({ min: 1, max: 2 ** 31 - 1 }), nodes),
      topicNames: unique(topicName, count.topics, collisionKey),
      topicSettings: fc.array(topicSettings, { minLength: count.topics, maxLength: count.topics }),
      replicas: fc.integer({ min: 1, max: count.brokers }),
      minIsr: fc.integer({ min: 1, max: 5 }),
      version: fc.option(fc.constantFrom(...kafkaVersions), { nil: undefined }),
      profile: fc.constantFrom("standard", "fast-failover"),
      heap: fc.integer({ min: 256, max: 20_000 }),
      isPlaced: fc.boolean(),
      isSecured: fc.boolean(),
      userNames: unique(userName, 2),
      security: fc.record({ permission, operations: topicOperations, limits }),
    })
    .map(({ names, ...others }): RawConfig => {
      const [hostNames, formerNames] = [names.slice(0, hosts), names.slice(hosts)];
      const it = { ...others, hostNames };
      const start = 10 * 2 ** 24 + it.network * 256;
      const at = <T>(list: readonly T[], i: number): T => list[i % list.length] as T;
      const role = (i: number): Role => {
        if (i < count.brokers) return "broker";
        if (i < nodes) return "controller";
        return i < nodes + count.clients ? "client" : "host";
      };
      const host = (i: number) => {
        const machine = at(it.machineOrder, i);
        const base = {
          role: role(i),
          machine: at(it.machineNames, machine),
          port: at(it.ports, i),
          ...(i < 2 && { formerNames: formerNames.slice(i, i + 1) }),
        };
        const { maxHeapMib } = memoryBudget(at(it.boards, machine));
        const own = role(i);
        switch (own) {
          case "broker":
          case "controller":
            return {
              ...base,
              ...(own === "broker" && count.controllers > 0 && { processRoles: ["broker"] }),
              nodeId: at(it.nodeIds, i),
              heapMib: Math.min(it.heap, maxHeapMib),
            };
          case "client":
            return { ...base, topic: at(it.topicNames, i) };
          case "host":
            return base;
          default:
            return own satisfies never;
        }
      };
      return {
        name: it.name,
        ...(it.timezone !== null && { timezone: it.timezone }),
        ...(it.hasServer && { clock: { server: at(it.hostNames, 0) } }),
        ...(it.isVirtual && { virtual: {} }),
        ssh: { privateKeyPath: "~/.ssh/id_ed25519" },
        switch: { ports, subnet: `${formatAddress(start)}/24` },
        machines: Object.fromEntries(
          it.machineNames.map((name, i) => [
            name,
            {
              board: at(it.boards, i),
              address: formatAddress(start + at(it.addresses, i)),
              ...(!it.isVirtual && { hostKey: hostKey(i) }),
            },
          ]),
        ),
        hosts: Object.fromEntries(it.hostNames.map((name, i) => [name, host(i)])),
        cluster: {
          ...(it.version && { kafkaVersion: it.version }),
          replicationFactor: it.replicas,
          minInsyncReplicas: Math.min(it.minIsr, it.replicas),
          profile: it.profile,
          ...(it.isSecured && { authentication: "scram" }),
        },
        topics: Object.fromEntries(
          it.topicNames.map((name, i) => [
            name,
            {
              partitions: i + 1,
              config: at(it.topicSettings, i),
              ...(it.isPlaced && {
                placement: Array.from({ length: i + 1 }, (_, partition) =>
                  Array.from({ length: it.replicas }, (__, replica) =>
                    at(it.hostNames.slice(0, count.brokers), partition + replica),
                  ),
                ),
              }),
            },
          ]),
        ),
        ...(it.isSecured && {
          users: { [at(it.userNames, 0)]: {}, [at(it.userNames, 1)]: { password: "config" } },
          acls: {
            [at(it.userNames, 0)]: [
              {
                topic: at(it.topicNames, 0),
                operations: it.security.operations,
                permission: it.security.permission,
              },
              { group: "*", operations: ["read"] },
            ],
          },
        }),
        quotas: [
          { clientId: "default", limits: it.security.limits },
          ...(it.isSecured ? [{ user: at(it.userNames, 1), limits: it.security.limits }] : []),
        ],
      };
    });
});
