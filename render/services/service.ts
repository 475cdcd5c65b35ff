import type { Lab, ProgramName } from "../../model";
import { mqttUsers } from "../../model/data/mqtt-users";
import { storeRoles } from "../../model/data/store-roles";
import { serviceUsers } from "../../model/data/service-users";
import type { StagedEntry } from "../bundle";

/** Passwords and salts that services need, made by the stack. Whoever renders with them gets secrets. */
export interface ServiceSecrets {
  /** Passwords of MQTT users, by name. Empty where there is no MQTT broker. */
  readonly mqtt: Readonly<Record<string, string>>;
  /** Salts of the MQTT broker's password file, base64, by user name: they stay, so that the file does. */
  readonly mqttSalts: Readonly<Record<string, string>>;
  /** SCRAM-SHA-512 passwords of the services' Kafka users, by name. Empty where nobody logs in. */
  readonly kafka: Readonly<Record<string, string>>;
  /** Passwords of the store's roles, by name. Empty where there is no store. */
  readonly store: Readonly<Record<string, string>>;
  /** Salts of what PostgreSQL keeps of them, base64, by role: they stay, so that its file does. */
  readonly storeSalts: Readonly<Record<string, string>>;
  /** Metabase's administrator, and what it encrypts with; absent where there is no Metabase. */
  readonly dashboards?: { readonly password: string; readonly encryptionKey: string };
  /** What the upload to Databricks logs in with; absent where there is none. */
  readonly databricks?: string;
  /** From the configuration, where alerting is to sign with it, or to log in at a mail server. */
  readonly webhookSecret?: string | undefined;
  readonly smtpPassword?: string | undefined;
  /** Made by the stack where alerting has one of these: see `AlertingConfig`. */
  readonly alertingSalt?: string | undefined;
}

/** Who needs which of them: the names that `ServiceSecrets` has an entry for. */
export interface SecretNames {
  readonly mqtt: readonly string[];
  readonly kafka: readonly string[];
  readonly store: readonly string[];
}

export function secretNames(lab: Lab): SecretNames {
  return {
    mqtt: mqttUsers(lab).map(({ name }) => name),
    kafka: serviceUsers(lab).map(({ user }) => user.name),
    store: storeRoles(lab),
  };
}

/** Secrets of the right form that are nobody's: to learn of services what does not depend on them. */
export function blankSecrets(lab: Lab): ServiceSecrets {
  const { mqtt, kafka, store } = secretNames(lab);
  const each = (names: readonly string[], value: string) =>
    Object.fromEntries(names.map((name) => [name, value]));
  return {
    mqtt: each(mqtt, "x".repeat(32)),
    mqttSalts: each(mqtt, Buffer.alloc(12).toString("base64")),
    kafka: each(kafka, "x".repeat(32)),
    store: each(store, "x".repeat(32)),
    storeSalts: each(store, Buffer.alloc(16).toString("base64")),
    ...(lab.data.dashboards !== undefined && {
      dashboards: { password: "x".repeat(32), encryptionKey: "x".repeat(32) },
    }),
    ...(lab.data.alerting !== undefined && {
      ...{ webhookSecret: "x".repeat(32), smtpPassword: "x".repeat(32) },
      alertingSalt: "x".repeat(32),
    }),
    ...(lab.data.databricks !== undefined && { databricks: "x".repeat(32) }),
  };
}

/**
 * One systemd service that a host runs besides Kafka. What it consists of is staged as a whole; a change
 * of any of it restarts that unit and no other.
 */
export interface HostService {
  /** Name of the unit without its suffix, e.g. `pi-lab-ring` or `mosquitto`. */
  readonly unit: string;
  /** All its files: unit or drop-in, configuration, credentials. */
  readonly entries: readonly StagedEntry[];
  /** Debian packages that bring what it runs. */
  readonly packages: readonly string[];
  /** The program of ours that it runs; undefined where a package brings it. */
  readonly program: ProgramName | undefined;
  /** The system user that it runs as, which is made if need be; undefined where a package makes it. */
  readonly user: string | undefined;
  /** A large file that is copied beside the rest: where to, and where it belongs then. Default: none. */
  readonly file?: { readonly pushed: string; readonly path: string; readonly what: string };
}
