import type { KafkaAccess } from "../../../model";
import { Link } from "../../../payloads/bridge/link";
import { labLogin } from "../../../scripts/lib/lab-login";
import type { RecordJson } from "../../../scripts/lib/records/record-text";
import type { TestStack } from "../stack";
import type { Pi } from "./pi";

/** What tests of the data plane ask a lab, as its users do. */

/** The units of the host that everything but ring and brokers runs on. */
export const DATA_UNITS = [
  ...["mosquitto", "pi-lab-alerting", "pi-lab-bridge", "pi-lab-sink", "pi-lab-status-page"],
  ...["pi-lab-telemetry", "postgresql@15-main"],
];
const UNITS = [...DATA_UNITS, "pi-lab-ring"];

/** The units of ours that a host runs, with what systemd tells of them. */
export async function services(pi: Pi): Promise<Record<string, string>> {
  const shown = await pi.run(
    `for unit in ${UNITS.join(" ")}; do echo $unit $(systemctl show $unit -P ActiveState -P InvocationID); done`,
  );
  const lines = shown.split("\n").map((line) => line.split(" "));
  return Object.fromEntries(
    lines.flatMap(([unit = "", state, invocation]) =>
      state === "active" ? [[unit, invocation ?? ""]] : [],
    ),
  );
}

/** What a topic holds, as `npm run consume` prints it. */
export async function consumed(stack: TestStack, topic: string): Promise<RecordJson[]> {
  const { exitCode, output, stdout } = await stack.script(
    "consume",
    topic,
    "--from-beginning",
    "--json",
  ).ended;
  if (exitCode !== 0) throw new Error(output);
  return stdout
    .split("\n")
    .flatMap((line) => (line === "" ? [] : [JSON.parse(line) as RecordJson]));
}

/** A message of telemetry. */
interface Heard {
  readonly device: string;
  readonly session: string;
  readonly seq: number;
  readonly time: string;
  readonly cpuLoad: number | null;
  readonly temperatureC: number | null;
}

export const text = ({ value }: RecordJson): string => (typeof value === "string" ? value : "");

export const heard = (record: RecordJson): Heard => JSON.parse(text(record)) as Heard;

/** Telemetry in Kafka that was measured after a moment, of each host that there is any of. */
export async function heardSince(stack: TestStack, ms: number): Promise<string[]> {
  const found = (await consumed(stack, "telemetry"))
    .map(heard)
    .filter(({ time }) => Date.parse(time) > ms);
  return [...new Set(found.map(({ device }) => device))].sort();
}

export const hostNames = (stack: TestStack): string[] =>
  stack
    .lab()
    .hosts.map(({ name }) => name as string)
    .sort();

async function mqttPassword(stack: TestStack, user: string): Promise<string> {
  const told = await stack.ask("stack", "output", "mqttPasswords", "--json", "--show-secrets");
  const password = (JSON.parse(told) as Record<string, string>)[user];
  if (password === undefined) throw new Error(`no password of ${user} is told`);
  return password;
}

/**
 * Publishes one message with QoS 1 as the declared device `esp32-1` does, and waits for its PUBACK.
 * @param password default: its own
 */
export async function publish(
  stack: TestStack,
  topic: string,
  payload: string,
  password?: string,
): Promise<void> {
  const { data, hosts } = stack.lab();
  const { address } = hosts.find(({ name }) => name === data.mqtt?.host)!.machine;
  const access = { address, port: data.mqtt!.port, username: "esp32-1" };
  const link = await Link.open(
    {
      access: { ...access, password: password ?? (await mqttPassword(stack, "esp32-1")) },
      clientId: "esp32-1",
      persistent: false,
      receiveMaximum: 10,
      onPublish: () => undefined,
    },
    AbortSignal.timeout(20_000),
  );
  try {
    await link.publish(topic, payload, { qos: 1, retain: false });
  } finally {
    await link.disconnect();
  }
}

/** How a user of the lab's configuration logs in at the brokers. */
export async function scramLogin(
  stack: TestStack,
  user: string,
): Promise<NonNullable<KafkaAccess["sasl"]>> {
  const { folder, engine } = stack;
  const { username, password } = (await labLogin(folder, stack.lab(), user, engine))!;
  return { mechanism: "SCRAM-SHA-512", username, password };
}
