import * as pulumi from "@pulumi/pulumi";
import {
  type AlertingSecrets,
  bootstrapServers,
  DEFAULT_THROTTLE_MIB,
  formerNames,
  type Host,
  type Lab,
  LOAD_USER,
  type Passwords,
  SCRAM_MECHANISMS,
  storeReaders,
  SUPER_USER,
} from "../model";
import {
  hasServices,
  type HostService,
  hostServices,
  type PushedWith,
  renderQuietScript,
  secretNames,
} from "../render";
import { LeftMachines, PilabProvider, TopicSet } from "../provider/resources";
import { labPreflight, Machines, PiHost, swapGate, Switch } from "./hosts";
import {
  Access,
  KafkaClient,
  KafkaCluster,
  KafkaNode,
  ReplicatedTopic,
  superUserPassword,
} from "./kafka";
import type { LocalInputs } from "./local-inputs";
import { randomPassword } from "./random-password";
import {
  DashboardsSecrets,
  HostServices,
  MqttSecrets,
  programSums,
  serviceSecrets,
  StoreSecrets,
} from "./services";

/**
 * Makes the whole lab: switch, machines, hosts by their role, cluster, topics, users.
 *
 * @param passwords those that the configuration holds, by user
 * @param databricksSecret from the configuration, where the lab uploads to Databricks
 * @param alerting the secrets that the configuration holds for alerting
 */
export function createLab(
  lab: Lab,
  inputs: LocalInputs,
  passwords: Readonly<Record<string, Passwords>> = {},
  databricksSecret?: string,
  alerting: AlertingSecrets = {},
): MadeOutputs {
  const labSwitch = new Switch("switch", lab, inputs.access.authorizedKey);
  const password = superUserPassword("super-user-password", lab);
  const provider = labProvider(lab, password);
  const hardware = new Machines(lab, labSwitch, inputs.access, { parent: labSwitch });
  const gate = swapGate(lab, hardware, provider);
  const machines = hardware.boot(gate);

  // The cluster comes last, and every push waits for the machines to be looked at, by its id too.
  const [clusterId, tellClusterId] = pulumi.deferredOutput<string>();
  const ready = labPreflight("preflight", { lab, machines, clusterId, provider });

  const mqtt = lab.data.mqtt === undefined ? undefined : new MqttSecrets("mqtt-secrets", lab);
  const store = lab.data.store === undefined ? undefined : new StoreSecrets("store-secrets", lab);
  const dashboards =
    lab.data.dashboards === undefined ? undefined : new DashboardsSecrets("dashboards-secrets");
  const told = neededOf(lab, alerting);
  const alertingSalt = Object.keys(told).length === 0 ? undefined : randomPassword("alerting-salt");
  // So do the programs' users; what they log in with is looked for on hosts all the same.
  const [kafkaPasswords, tellKafkaPasswords] = pulumi.deferredOutput<Record<string, string>>();
  const logsIn = secretNames(lab).kafka.length > 0;
  const secrets = serviceSecrets(mqtt, store, logsIn ? kafkaPasswords : {}, {
    dashboards,
    databricks: databricksSecret,
    ...{ alerting: told, alertingSalt },
  });
  const servicesOf = (host: Host) => secrets.apply((known) => hostServices(lab, host, known));
  const sums = programSums(inputs.programs);

  const nodes: KafkaNode[] = [];
  const pis = new Map<Host, PiHost>();
  for (const host of lab.hosts) {
    const reachable = ready(host);
    // Its children's names begin with its own, so that the engine finds them by its former names as well.
    const opts = { aliases: host.formerNames.map((name) => ({ name })) };
    const services = hasServices(lab, host) ? servicesOf(host) : undefined;
    const common = { lab, reachable, provider };
    switch (host.role) {
      case "broker":
      case "controller": {
        const made = { ...common, host, archive: inputs.archive, agent: inputs.agent, password };
        const pushed = { ...made, with: pushedWith(sums, services, password) };
        const node = new KafkaNode(host.name, pushed, opts);
        nodes.push(node);
        pis.set(host, node.pi);
        break;
      }
      case "client": {
        const pushed = { ...common, host, with: pushedWith(sums, services) };
        pis.set(host, new KafkaClient(host.name, pushed, opts).pi);
        break;
      }
      case "host": {
        const pushed = { ...common, host, with: pushedWith(sums, services) };
        pis.set(host, new PiHost(host.name, pushed, opts));
        break;
      }
      default:
        host satisfies never;
    }
  }

  const ground = labSwitch.network;
  const cluster = new KafkaCluster("kafka", { lab, nodes, provider, gate, ground });
  tellClusterId(cluster.clusterId);
  const topicIds: Record<string, pulumi.Output<string>> = {};
  for (const topic of lab.topics) {
    topicIds[topic.name] = new ReplicatedTopic(topic.name, { topic, cluster, provider }).topicId;
  }
  const live = { provider, dependsOn: [cluster.running], deletedWith: cluster.running };
  const free = lab.topics.filter(({ deletionProtection }) => !deletionProtection);
  const unprotected = free.map(({ name }) => name);
  const topics = new TopicSet("topics", { topics: topicIds, unprotected }, live);
  const access =
    lab.users.length + lab.acls.length + lab.quotas.length === 0
      ? undefined
      : new Access("access", { lab, cluster, provider, passwords });
  tellKafkaPasswords(pulumi.output(serviceLogins(lab, access)));

  const brought = [...pis]
    .filter(([host]) => hasServices(lab, host))
    .map(([host, pi]) => {
      const args = { lab, host, pi, services: servicesOf(host), files: inputs.programs };
      return new HostServices(host.name, args, {
        aliases: host.formerNames.map((name) => ({ name })),
      });
    });
  const after = [topics, ...(access?.ready ?? [])];
  // As late as can be: until all is ready to be started, services run on where they are.
  const allPrepared = [
    ...[...pis.values()].map(({ prepared }) => prepared),
    ...brought.flatMap(({ prepared }) => prepared),
  ];
  const left = new LeftMachines(
    "left-machines",
    {
      hosts: gate.left.apply((hosts) => hosts ?? {}),
      formerNames: formerNames(lab),
      script: renderQuietScript(),
      privateKey: hardware.privateKey,
    },
    { provider, dependsOn: [gate, ...after, ...new Set(allPrepared)] },
  );
  for (const services of brought) services.start(after, left);
  return {
    topicIds,
    ...loginOutput(password, access?.passwords ?? {}),
    ...mqttOutput(lab, mqtt),
    ...dashboardsOutput(lab, dashboards),
    ...storeOutput(lab, store),
  };
}

/** One that nothing uses must not make a lab's files secret. */
function neededOf(
  { data }: Lab,
  { webhookSecret, smtpPassword }: AlertingSecrets,
): AlertingSecrets {
  const { webhook, email } = data.alerting?.outputs ?? {};
  return {
    ...(webhook?.signed === true && { webhookSecret }),
    ...(email?.user !== undefined && { smtpPassword }),
  };
}

/** Undefined where the lab itself says all. */
function pushedWith(
  sums: ReturnType<typeof programSums>,
  services: pulumi.Output<readonly HostService[]> | undefined,
  password?: pulumi.Output<string>,
): pulumi.Output<PushedWith> | undefined {
  if (services === undefined && password === undefined) return undefined;
  return pulumi.all([password, services]).apply(([known, all]) => ({
    ...(known === undefined ? {} : { password: known }),
    ...(all === undefined ? {} : { services: { all, sums } }),
  }));
}

/** The programs' own passwords; empty where nobody logs in. */
function serviceLogins(
  lab: Lab,
  access: Access | undefined,
): Record<string, pulumi.Output<string>> {
  return Object.fromEntries(
    secretNames(lab).kafka.map((user) => {
      const password = access?.passwords[user]?.[SCRAM_MECHANISMS[0]];
      if (password === undefined) throw new Error(`bug: ${user} is no user of the lab`);
      return [user, password];
    }),
  );
}

/** Of those who are told theirs: devices that are no hosts, and the load generator. */
function mqttOutput(
  { data }: Lab,
  secrets: MqttSecrets | undefined,
): Pick<MadeOutputs, "mqttPasswords"> {
  if (secrets === undefined) return {};
  const told = [...(data.mqtt?.devices ?? []).map(({ name }) => name), LOAD_USER];
  return {
    mqttPasswords: Object.fromEntries(told.map((name) => [name, secrets.passwords[name]!])),
  };
}

/** Of those who read. */
function storeOutput(
  lab: Lab,
  secrets: StoreSecrets | undefined,
): Pick<MadeOutputs, "storePasswords"> {
  if (secrets === undefined) return {};
  return {
    storePasswords: Object.fromEntries(
      storeReaders(lab).map((role) => [role, secrets.passwords[role]!]),
    ),
  };
}

function dashboardsOutput(
  { data, hosts }: Lab,
  secrets: DashboardsSecrets | undefined,
): Pick<MadeOutputs, "dashboards"> {
  const { host, email, port } = data.dashboards ?? {};
  const machine = hosts.find(({ name }) => name === host)?.machine;
  if (secrets === undefined || email === undefined || machine === undefined) return {};
  const url = `http://${machine.address}:${port}`;
  return { dashboards: { url, email, password: secrets.made.password } };
}

const BYTES_PER_MIB = 1024 * 1024;

/** Its defaults are left to it, so that one which is new in it changes nothing in the preview of a lab that stands. */
function labProvider(lab: Lab, password: pulumi.Output<string> | undefined): PilabProvider {
  const { liveChecks, reassignmentThrottleMib } = lab.cluster;
  return new PilabProvider("pilab", {
    bootstrapServers: bootstrapServers(lab),
    ...(liveChecks ? {} : { liveChecks }),
    ...(reassignmentThrottleMib === DEFAULT_THROTTLE_MIB
      ? {}
      : { reassignmentThrottle: reassignmentThrottleMib * BYTES_PER_MIB }),
    ...(lab.deleteTopics.length > 0 ? { deletionConsents: lab.deleteTopics } : {}),
    ...(password === undefined
      ? {}
      : { sasl: password.apply((known) => ({ ...SUPER_USER_LOGIN, password: known })) }),
  });
}

const SUPER_USER_LOGIN = { mechanism: "PLAIN", username: SUPER_USER } as const;

/** What is known once it is made. */
export interface MadeOutputs {
  /** Kafka's id of each topic: what a consent to its destruction names. */
  readonly topicIds: Readonly<Record<string, pulumi.Output<string>>>;
  /** Secret, by user and mechanism, the super user's among them. Absent where nobody logs in. */
  readonly passwords?: Readonly<Record<string, Readonly<Record<string, pulumi.Output<string>>>>>;
  /** Secret, by name: of devices and of the load generator. Absent where there is no MQTT broker. */
  readonly mqttPasswords?: Readonly<Record<string, pulumi.Output<string>>>;
  /** Where Metabase is, and its administrator's login, the password secret. Absent where there is none. */
  readonly dashboards?: {
    readonly url: string;
    readonly email: string;
    readonly password: pulumi.Output<string>;
  };
  /** Secret, by role: of those who read the store. Absent where there is none. */
  readonly storePasswords?: Readonly<Record<string, pulumi.Output<string>>>;
}

function loginOutput(
  password: pulumi.Output<string> | undefined,
  users: Access["passwords"],
): Pick<MadeOutputs, "passwords"> {
  if (password === undefined) return {};
  return { passwords: { ...users, [SUPER_USER]: { [SUPER_USER_LOGIN.mechanism]: password } } };
}

/** What the stack tells: declared values, all of them known in a preview. */
export interface LabOutputs {
  /** `address:port,…` of the brokers. */
  readonly bootstrapServers: string;
  readonly hosts: Readonly<Record<string, HostOutput>>;
  readonly topics: Readonly<Record<string, TopicOutput>>;
}

interface HostOutput {
  readonly role: Host["role"];
  readonly machine: string;
  readonly address: string;
  readonly port: number;
}

interface TopicOutput {
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly minInsyncReplicas: number;
}

export function labOutputs(lab: Lab): LabOutputs {
  return {
    bootstrapServers: bootstrapServers(lab),
    hosts: Object.fromEntries(
      lab.hosts.map(({ name, role, machine, port }) => [
        name,
        { role, machine: machine.name, address: machine.address, port },
      ]),
    ),
    topics: Object.fromEntries(
      lab.topics.map(({ name, partitions, replicationFactor, config }) => {
        const own = config["min.insync.replicas"];
        const minInsyncReplicas = own === undefined ? lab.cluster.minInsyncReplicas : Number(own);
        return [name, { partitions, replicationFactor, minInsyncReplicas }];
      }),
    ),
  };
}
