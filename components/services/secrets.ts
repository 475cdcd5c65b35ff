import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { AlertingSecrets, Lab } from "../../model";
import { secretNames, type ServiceSecrets } from "../../render";
import { randomPassword } from "../random-password";

/** Bytes of a salt as Mosquitto's own tool makes them, and as PostgreSQL does. */
const MQTT_SALT_BYTES = 12;
const STORE_SALT_BYTES = 16;

/** Passwords of everybody who logs in at the lab's MQTT broker. */
export class MqttSecrets extends pulumi.ComponentResource {
  /** By name, secret. */
  public readonly passwords: Readonly<Record<string, pulumi.Output<string>>>;
  /** Base64, by name: they are in a file of the broker's, and stay so that it does. */
  public readonly salts: pulumi.Output<Readonly<Record<string, string>>>;

  constructor(name: string, lab: Lab, opts?: pulumi.ComponentResourceOptions) {
    super("pilab:mqtt:Secrets", name, {}, opts);
    const { mqtt: users } = secretNames(lab);
    const formerNames = new Map(lab.hosts.map((host) => [host.name as string, host.formerNames]));
    this.passwords = Object.fromEntries(
      users.map((user) => {
        // A host keeps its password under another name.
        const aliases = (formerNames.get(user) ?? []).map((former) => ({ name: `mqtt-${former}` }));
        return [user, randomPassword(`mqtt-${user}`, undefined, { parent: this, aliases })];
      }),
    );
    this.salts = salts(`${name}-salt`, users, MQTT_SALT_BYTES, this);
    this.registerOutputs({});
  }
}

/** Passwords of everybody who logs in to the lab's store. */
export class StoreSecrets extends pulumi.ComponentResource {
  /** By role, secret. */
  public readonly passwords: Readonly<Record<string, pulumi.Output<string>>>;
  /** Base64, by role. */
  public readonly salts: pulumi.Output<Readonly<Record<string, string>>>;

  constructor(name: string, lab: Lab, opts?: pulumi.ComponentResourceOptions) {
    super("pilab:store:Secrets", name, {}, opts);
    const { store: roles } = secretNames(lab);
    this.passwords = Object.fromEntries(
      roles.map((role) => [role, randomPassword(`store-${role}`, undefined, { parent: this })]),
    );
    this.salts = salts(`${name}-salt`, roles, STORE_SALT_BYTES, this);
    this.registerOutputs({});
  }
}

/** What Metabase's administrator logs in with, and what Metabase encrypts with. */
export class DashboardsSecrets extends pulumi.ComponentResource {
  /** Secret. */
  public readonly made: Readonly<Record<"password" | "encryptionKey", pulumi.Output<string>>>;

  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("pilab:dashboards:Secrets", name, {}, opts);
    this.made = {
      // Metabase takes no password without a digit.
      password: randomPassword("dashboards-password", undefined, { parent: this }, 1),
      encryptionKey: randomPassword("dashboards-encryption-key", undefined, { parent: this }),
    };
    this.registerOutputs({});
  }
}

/** Of one resource, not one for each user: a salt need only differ from all others. */
function salts(
  name: string,
  users: readonly string[],
  bytes: number,
  parent: pulumi.Resource,
): pulumi.Output<Readonly<Record<string, string>>> {
  const seed = new random.RandomBytes(name, { length: 32 }, { parent });
  return seed.base64.apply((text) =>
    Object.fromEntries(users.map((user) => [user, saltOf(text, user, bytes)])),
  );
}

function saltOf(seed: string, user: string, bytes: number): string {
  const hash = createHash("sha256").update(`${seed} ${user}`).digest();
  return hash.subarray(0, bytes).toString("base64");
}

/**
 * The secrets of all services. What a lab has none of is plain, so that its previews show what changes.
 *
 * @param kafka passwords of the programs' Kafka users, by name
 * @param others those of Metabase; Databricks' and alerting's from the configuration, the latter with a salt
 */
export function serviceSecrets(
  mqtt: MqttSecrets | undefined,
  store: StoreSecrets | undefined,
  kafka: pulumi.Input<Readonly<Record<string, string>>>,
  others: {
    readonly dashboards?: DashboardsSecrets | undefined;
    readonly databricks?: string | undefined;
    readonly alerting?: AlertingSecrets | undefined;
    readonly alertingSalt?: pulumi.Output<string> | undefined;
  } = {},
): pulumi.Output<ServiceSecrets> {
  const ofMqtt = [mqtt?.passwords ?? {}, mqtt?.salts ?? {}] as const;
  const ofStore = [store?.passwords ?? {}, store?.salts ?? {}] as const;
  const { databricks, dashboards, alerting, alertingSalt } = others;
  const ofAlerting = alertingSalt && pulumi.secret({ ...alerting, alertingSalt });
  const given = databricks === undefined ? undefined : pulumi.secret(databricks);
  const made =
    dashboards &&
    pulumi
      .all([dashboards.made.password, dashboards.made.encryptionKey])
      .apply(([password, encryptionKey]) => ({ password, encryptionKey }));
  return pulumi
    .all([pulumi.all([...ofMqtt, ...ofStore] as const), kafka, given, made, ofAlerting] as const)
    .apply(([logins, kafkaLogins, secret, ofMetabase, told]): ServiceSecrets => ({
      ...told,
      ...{ mqtt: logins[0], mqttSalts: logins[1] },
      ...{ store: logins[2], storeSalts: logins[3] },
      kafka: kafkaLogins,
      ...(ofMetabase !== undefined && { dashboards: ofMetabase }),
      ...(secret !== undefined && { databricks: secret }),
    }));
}
