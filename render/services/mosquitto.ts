import { renderSandbox } from "../sandbox";
import { mqttUsers, type Host, type Lab, type MqttUser } from "../../model";
import type { StagedEntry } from "../bundle";
import { mosquittoPaths, renderMosquittoConf } from "./mosquitto-conf";
import { passwordLine } from "./mosquitto-passwords";
import type { HostService, ServiceSecrets } from "./service";

/** The user that the package makes, and Mosquitto runs as. */
const USER = "mosquitto";
/** Files and sockets beside the clients'. */
const OTHER_FILES = 200;

/** The lab's MQTT broker, Debian's package under a configuration of ours; undefined on any other host. */
export function mosquittoService(
  lab: Lab,
  host: Host,
  secrets: ServiceSecrets,
): HostService | undefined {
  const { mqtt } = lab.data;
  if (mqtt?.host !== host.name) return undefined;
  const users = mqttUsers(lab);
  const open = { kind: "file", mode: "0644", owner: "root:root" } as const;
  const confidential = { kind: "file", mode: "0640", owner: `root:${USER}` } as const;
  const entries: StagedEntry[] = [
    {
      ...open,
      path: mosquittoPaths.config,
      content: renderMosquittoConf(mqtt, host.machine.address),
    },
    { ...confidential, path: mosquittoPaths.passwords, content: renderPasswords(users, secrets) },
    { ...confidential, path: mosquittoPaths.acl, content: renderAcl(users) },
    { ...open, path: mosquittoPaths.dropIn, content: renderDropIn(mqtt.maxConnections) },
  ];
  return {
    unit: "mosquitto",
    entries,
    packages: ["mosquitto"],
    program: undefined,
    user: undefined,
  };
}

/** Mosquitto's password file: hashes alone, and the same for the same secrets. */
export function renderPasswords(
  users: readonly MqttUser[],
  { mqtt, mqttSalts }: Pick<ServiceSecrets, "mqtt" | "mqttSalts">,
): string {
  return users
    .map(({ name }) => {
      const [password, salt] = [mqtt[name], mqttSalts[name]];
      if (password === undefined || salt === undefined) {
        throw new Error(`bug: no password was made for the MQTT user ${name}`);
      }
      return `${passwordLine(name, password, salt)}\n`;
    })
    .join("");
}

/** Mosquitto's ACL file. What it does not name is nobody's, the broker's own topics included. */
export function renderAcl(users: readonly MqttUser[]): string {
  const blocks = users.map(({ name, publishes, subscribes }) =>
    [
      `user ${name}`,
      ...publishes.map((filter) => `topic write ${filter}`),
      ...subscribes.map((filter) => `topic read ${filter}`),
      "",
    ].join("\n"),
  );
  return ["# Written by pi-lab.\n", ...blocks].join("\n");
}

/**
 * Drop-in of the package's unit. It runs as its user from the start, since its port needs no privilege:
 * what the package does as root before it (folders for a log file and a PID) is left out with both files.
 *
 * The configuration is given by its own path; a stop has the time to write down a full queue.
 */
export function renderDropIn(maxConnections: number): string {
  return `# Written by pi-lab.
[Unit]
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
User=${USER}
Group=${USER}
ExecStartPre=
ExecStart=
ExecStart=/usr/sbin/mosquitto -c ${mosquittoPaths.config}
Restart=always
RestartSec=1
TimeoutStopSec=60
LimitNOFILE=${maxConnections + OTHER_FILES}
OOMScoreAdjust=-250
SyslogIdentifier=mosquitto
UMask=0077

${renderSandbox({ writable: [mosquittoPaths.data], readsProc: false, compiles: false })}`;
}
