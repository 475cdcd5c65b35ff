import { z } from "zod";
import { boardNames, kafkaVersions, DEFAULT_IMAGE, DEFAULT_KAFKA_VERSION } from "./catalogue";
import { metadataVersionWords } from "./kafka/features";
import { DEFAULT_THROTTLE_MIB } from "./kafka/throttle";
import { processRolesOfBroker } from "./process-roles";
import * as read from "./readers";
import { dataShapes } from "./schema-data";
import { securityShapes } from "./schema-security";
import type { Authentication, BrokerHost, FailoverProfile, PackageSource, Role } from "./types";

/**
 * The shape of the configuration. Built twice from one description: strict, which finds all that is
 * wrong with the shape, and tolerant, which keeps every value that is right by itself, so that the
 * rules between values are checked even beside a mistake elsewhere.
 */
type Mode = "strict" | "tolerant";

export const roles: readonly Role[] = ["broker", "controller", "client", "host"];
export const profiles: readonly FailoverProfile[] = ["standard", "fast-failover"];
const authentications: readonly Authentication[] = ["scram"];
const packageSources: readonly PackageSource[] = ["internet", "controller"];

/** What holds where the configuration says nothing. */
export const defaults = {
  timezone: "Etc/UTC",
  sshUser: "pi",
  sshPort: 22,
  kafkaVersion: DEFAULT_KAFKA_VERSION,
  replicationFactor: 3,
  minInsyncReplicas: 2,
  profile: "standard",
  clientPort: 9092,
  controllerPort: 9093,
  reassignmentThrottleMib: DEFAULT_THROTTLE_MIB,
  metrics: false,
  liveChecks: true,
  /** As Kafka's own start script has it (`-Xmx1G -Xms1G`). */
  heapMib: 1024,
  disk: 1,
  processRoles: ["broker", "controller"],
  partitions: 1,
  deletionProtection: true,
  image: DEFAULT_IMAGE,
  internet: true,
  packagesFrom: "internet",
  /** Debian's own pool; followed where no host of the lab serves time. */
  upstream: ["2.debian.pool.ntp.org"],
} as const;

const MAX_PORT = 65_535;
/** Ports below need root; Kafka runs as a user of its own. */
const FIRST_FREE_PORT = 1024;
/** Below this a 4.1.1 broker was not tried; it took about 300 MB in all. */
const MIN_HEAP_MIB = 256;
/** Kafka's `node.id` is a Java int. */
const MAX_NODE_ID = 2_147_483_647;
/** A guard against a slip of the pen: more partitions than a lab of Pis can open files for. */
const MAX_PARTITIONS = 10_000;
/** More than any network of a lab carries. */
const MAX_THROTTLE_MIB = 10_000;

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function buildSchema(mode: Mode) {
  function leaf<T>(reader: read.Reader<T>) {
    const schema = z.unknown().transform((value, ctx): T => {
      const result = reader(value);
      if (!(result instanceof read.Fault)) return result;
      const { cause, remedy } = result;
      ctx.issues.push({ code: "custom", input: value, params: { cause, remedy, value } });
      return z.NEVER;
    });
    return mode === "strict"
      ? schema
      : (schema.catch(undefined as never) as unknown as typeof schema);
  }

  function object<S extends z.core.$ZodLooseShape>(shape: S) {
    const strict = z.strictObject(shape);
    return mode === "strict"
      ? strict
      : (z.object(shape).catch(() => ({}) as never) as unknown as typeof strict);
  }

  /** An object whose keys all have defaults: YAML gives null for a key with nothing after it. */
  function optionalObject<S extends z.core.$ZodLooseShape>(shape: S) {
    return z.preprocess((value) => value ?? {}, object(shape));
  }

  function record<V extends z.ZodType>(values: V) {
    const strict = z.preprocess((value) => value ?? {}, z.record(z.string(), values));
    return mode === "strict" ? strict : (strict.catch({}) as unknown as typeof strict);
  }

  function list<V extends z.ZodType>(items: V) {
    const strict = z.array(items);
    return mode === "strict" ? strict : (strict.catch([]) as unknown as typeof strict);
  }

  const port = (what: string, example: number, min: number) =>
    leaf(read.int({ what, example: String(example) }, min, MAX_PORT));
  const heapMib = () =>
    leaf(
      read.int({ what: "the JVM's heap", example: "1024" }, MIN_HEAP_MIB, 1_048_576, "MiB"),
    ).optional();
  const settings = () => record(leaf(read.settingValue)).optional();

  const baseHost = {
    role: leaf(read.word({ what: "the host's role", example: "broker" }, roles, "is not a role")),
    machine: leaf(
      read.text({ what: "the name of the machine that the host is on", example: "pi-1" }),
    ),
    port: leaf(read.int({ what: "the port of the switch", example: "1" }, 1)),
    formerNames: z
      .array(leaf(read.text({ what: "a name that the host had", example: "broker-3" })))
      .optional(),
  };
  const kafkaKeys = {
    nodeId: leaf(read.int({ what: "the Kafka node's id", example: "1" }, 1, MAX_NODE_ID)),
    disk: leaf(
      read.int({ what: "the count of the machine's disks", example: "2" }, 1, 1000),
    ).default(defaults.disk),
    heapMib: heapMib(),
    settings: settings(),
  };
  const brokerKeys = { processRoles: leaf(processRolesOfBroker).optional() };
  const clientKeys = {
    topic: leaf(read.text({ what: "the topic that the client produces on", example: "red" })),
  };
  const hostShapes = {
    broker: { ...baseHost, ...kafkaKeys, ...brokerKeys },
    controller: { ...baseHost, ...kafkaKeys },
    client: { ...baseHost, ...clientKeys },
    host: baseHost,
  } as const satisfies Record<Role, object>;
  const hostSchemas = {
    broker: object(hostShapes.broker),
    controller: object(hostShapes.controller),
    client: object(hostShapes.client),
    host: object(hostShapes.host),
  };
  type AnyHost =
    | (z.output<typeof hostSchemas.broker> & { role: "broker" })
    | (z.output<typeof hostSchemas.controller> & { role: "controller" })
    | (z.output<typeof hostSchemas.client> & { role: "client" })
    | (z.output<typeof hostSchemas.host> & { role: "host" });
  /** While the role is unknown, the keys of all roles are looked at, and none is called missing. */
  const hostOfUnknownRole = object({
    ...baseHost,
    nodeId: kafkaKeys.nodeId.optional(),
    disk: kafkaKeys.disk,
    heapMib: kafkaKeys.heapMib,
    settings: kafkaKeys.settings,
    processRoles: brokerKeys.processRoles,
    topic: clientKeys.topic.optional(),
  });

  /** By hand rather than a union of zod's, which stops at a wrong discriminator. */
  const host = z.unknown().transform((value, ctx): AnyHost => {
    const role = isPlainObject(value) ? roles.find((known) => known === value.role) : undefined;
    const schema = role === undefined ? hostOfUnknownRole : hostSchemas[role];
    const result = schema.safeParse(value);
    if (result.success) return result.data as AnyHost;
    for (const issue of result.error.issues) ctx.issues.push({ ...issue } as z.core.$ZodRawIssue);
    return z.NEVER;
  });

  const shapes = {
    lab: {
      name: leaf(read.text({ what: "a name for the lab", example: "gcn" })),
      timezone: leaf(read.text({ what: "the hosts' time zone", example: "Europe/Berlin" })).default(
        defaults.timezone,
      ),
    },
    clock: {
      server: leaf(
        read.text({ what: "the host that serves time to the others", example: "broker-1" }),
      ).optional(),
      upstream: z
        .array(leaf(read.text({ what: "an NTP server", example: "2.debian.pool.ntp.org" })))
        .optional(),
    },
    switch: {
      model: leaf(read.text({ what: "the switch's model", example: "SW-008" })).optional(),
      ports: leaf(read.int({ what: "the number of ports", example: "8" }, 1, 1024)).optional(),
      subnet: leaf(read.subnet({ what: "the lab's subnet", example: "10.0.42.0/24" })),
      gateway: leaf(read.address({ what: "the gateway", example: "10.0.42.254" })).optional(),
    },
    ssh: {
      user: leaf(read.userName({ what: "the user to log in as", example: "pi" })).default(
        defaults.sshUser,
      ),
      port: port("the port of sshd", 22, 1).default(defaults.sshPort),
      privateKeyPath: leaf(
        read.privateKeyPath({ what: "the file of the private key", example: "~/.ssh/id_ed25519" }),
      ).optional(),
    },
    virtual: {
      image: leaf(
        read.imageName({ what: "the image of a virtual Pi", example: defaults.image }),
      ).default(defaults.image),
      internet: leaf(
        read.flag({ what: "whether the machines reach the internet", example: "true" }),
      ).default(defaults.internet),
    },
    packages: {
      from: leaf(
        read.word(
          { what: "where hosts get packages from", example: "controller" },
          packageSources,
          "is nowhere that packages come from",
        ),
      ).default(defaults.packagesFrom),
      mirrors: list(
        leaf(read.mirror({ what: "a mirror of packages", example: "mirror.example.org" })),
      ).optional(),
    },
    machine: {
      board: leaf(
        read.word(
          { what: "the machine's board", example: "pi-4b-8gb" },
          boardNames,
          "is not a board in the catalogue",
        ),
      ),
      address: leaf(read.address({ what: "the machine's address", example: "10.0.42.1" })),
      hostKey: leaf(
        read.hostKey({ what: "the machine's host key", example: "ssh-ed25519 AAAA…" }),
      ).optional(),
    },
    cluster: {
      kafkaVersion: leaf(
        read.word(
          { what: "the version of Kafka", example: defaults.kafkaVersion },
          kafkaVersions,
          "is not a version that the lab runs",
          false,
        ),
      ).default(defaults.kafkaVersion),
      metadataVersion: leaf(
        read.word(
          { what: "the metadata version", example: "4.1" },
          metadataVersionWords,
          "is not a metadata version of Kafka's",
          false,
        ),
      ).optional(),
      replicationFactor: leaf(
        read.int({ what: "the replication factor", example: "3" }, 1, 32_767),
      ).default(defaults.replicationFactor),
      minInsyncReplicas: leaf(
        read.int({ what: "the number of in-sync replicas", example: "2" }, 1, 32_767),
      ).default(defaults.minInsyncReplicas),
      profile: leaf(
        read.word(
          { what: "the failover profile", example: "standard" },
          profiles,
          "is not a failover profile",
        ),
      ).default(defaults.profile),
      clientPort: port("the clients' port", 9092, FIRST_FREE_PORT).default(defaults.clientPort),
      controllerPort: port("the controllers' port", 9093, FIRST_FREE_PORT).default(
        defaults.controllerPort,
      ),
      heapMib: heapMib(),
      authentication: leaf(
        read.word(
          { what: "how clients log in", example: "scram" },
          authentications,
          "is not a way to log in that the lab has",
        ),
      ).optional(),
      reassignmentThrottleMib: leaf(
        read.int(
          { what: "what a broker copies a second when replicas move", example: "10" },
          1,
          MAX_THROTTLE_MIB,
          "MiB",
        ),
      ).default(defaults.reassignmentThrottleMib),
      metrics: leaf(
        read.flag({ what: "whether the nodes tell their figures", example: "true" }),
      ).default(defaults.metrics),
      liveChecks: leaf(
        read.flag({ what: "whether previews ask the cluster", example: "true" }),
      ).default(defaults.liveChecks),
      settings: settings(),
    },
    topic: {
      partitions: leaf(
        read.int({ what: "the number of partitions", example: "1" }, 1, MAX_PARTITIONS),
      ).optional(),
      replicationFactor: leaf(
        read.int({ what: "the replication factor", example: "3" }, 1, 32_767),
      ).optional(),
      placement: list(
        list(leaf(read.text({ what: "the name of a broker's host", example: "broker-1" }))),
      ).optional(),
      config: record(leaf(read.settingValue)).optional(),
      deletionProtection: leaf(
        read.flag({ what: "whether the topic is protected", example: "true" }),
      ).default(defaults.deletionProtection),
    },
    ...securityShapes(leaf, list, record),
    ...dataShapes(leaf, list, record),
  };

  const lab = object({
    ...shapes.lab,
    clock: optionalObject(shapes.clock).optional(),
    switch: object(shapes.switch),
    ssh: optionalObject(shapes.ssh).prefault({}),
    virtual: optionalObject(shapes.virtual).optional(),
    packages: optionalObject(shapes.packages).prefault({}),
    machines: record(object(shapes.machine)),
    hosts: record(host),
    cluster: optionalObject(shapes.cluster).prefault({}),
    topics: record(optionalObject(shapes.topic)).prefault({}),
    deleteTopics: list(leaf(read.topicId)).optional(),
    users: record(optionalObject(shapes.user)).optional(),
    acls: record(list(object(shapes.aclRule))).optional(),
    quotas: list(object(shapes.quota)).optional(),
    ring: optionalObject(shapes.ring).optional(),
    mqtt: object({
      ...shapes.mqtt,
      devices: record(optionalObject(shapes.device)).optional(),
    }).optional(),
    telemetry: optionalObject(shapes.telemetry).optional(),
    bridge: object({ ...shapes.bridge, routes: list(object(shapes.route)) }).optional(),
    supplies: record(list(leaf(read.text({ what: "a host", example: "broker-1" })))).optional(),
    alerting: optionalObject({
      ...shapes.alerting,
      rules: list(object(shapes.alertRule)).optional(),
      outputs: optionalObject({
        ...shapes.alertOutputs,
        webhook: object(shapes.alertWebhook).optional(),
        email: object(shapes.alertEmail).optional(),
      }).prefault({}),
    }).optional(),
    statusPage: optionalObject(shapes.statusPage).optional(),
    store: optionalObject(shapes.store).optional(),
    dashboards: object(shapes.dashboards).optional(),
    databricks: object(shapes.databricks).optional(),
  });
  return { lab, shapes: { ...shapes, lab: lab.shape }, hostShapes };
}

/** Finds all that is wrong with the shape. */
export const strict = buildSchema("strict");
/** Takes anything, and leaves out what is wrong. */
export const tolerant = buildSchema("tolerant");

/** The configuration's values, once the shape is right: defaults filled in, numbers of settings as text. */
export type LabConfig = z.output<typeof strict.lab>;

type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T;

type DraftOf<T> = { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined };

/** A host of any role, with what is known of it. */
export interface HostDraft {
  readonly role?: Role | undefined;
  readonly machine?: string | undefined;
  readonly port?: number | undefined;
  readonly formerNames?: readonly (string | undefined)[] | undefined;
  readonly nodeId?: number | undefined;
  readonly processRoles?: BrokerHost["processRoles"] | undefined;
  readonly heapMib?: number | undefined;
  readonly settings?: Readonly<Record<string, string | undefined>> | undefined;
  readonly topic?: string | undefined;
}

/** The configuration with holes where something is missing or wrong. */
export type LabDraft = DraftOf<Omit<LabConfig, "hosts">> & {
  readonly hosts?: Readonly<Record<string, HostDraft>> | undefined;
};
