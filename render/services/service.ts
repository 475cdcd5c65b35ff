import type { ProgramName } from "../../model";
import type { StagedEntry } from "../bundle";

/** Passwords and salts that services need, made by the stack. Whoever renders with them gets secrets. */
export interface ServiceSecrets {
  /** Passwords of MQTT users, by name. Empty where there is no MQTT broker. */
  readonly mqtt: Readonly<Record<string, string>>;
  /** Salts of the MQTT broker's password file, base64, by user name: they stay, so that the file does. */
  readonly mqttSalts: Readonly<Record<string, string>>;
  /** SCRAM-SHA-512 passwords of the services' Kafka users, by name. Empty where nobody logs in. */
  readonly kafka: Readonly<Record<string, string>>;
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
}
