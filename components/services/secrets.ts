import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import type { Lab } from "../../model";
import { secretNames, type ServiceSecrets } from "../../render";
import { randomPassword } from "../random-password";

/** Bytes of a salt as Mosquitto's own tool makes them. */
const SALT_BYTES = 12;

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
    const seed = new random.RandomBytes(`${name}-salt`, { length: 32 }, { parent: this });
    // One resource, not one for each user: a salt need only differ from all others.
    this.salts = seed.base64.apply((text) =>
      Object.fromEntries(users.map((user) => [user, saltOf(text, user)])),
    );
    this.registerOutputs({});
  }
}

function saltOf(seed: string, user: string): string {
  const hash = createHash("sha256").update(`${seed} ${user}`).digest();
  return hash.subarray(0, SALT_BYTES).toString("base64");
}

/**
 * The secrets of all services. What a lab has none of is plain, so that its previews show what changes.
 *
 * @param kafka passwords of the programs' Kafka users, by name
 */
export function serviceSecrets(
  mqtt: MqttSecrets | undefined,
  kafka: pulumi.Input<Readonly<Record<string, string>>>,
): pulumi.Output<ServiceSecrets> {
  return pulumi
    .all([mqtt?.passwords ?? {}, mqtt?.salts ?? {}, kafka] as const)
    .apply(([passwords, mqttSalts, logins]) => ({ mqtt: passwords, mqttSalts, kafka: logins }));
}
