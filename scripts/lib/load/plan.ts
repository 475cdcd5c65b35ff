import type { BridgeRoute, Lab } from "../../../model";
import { UserError } from "../errors";
import { LIMITS } from "./limits";
import { deviceTopic } from "./message";
import type { Stage } from "./schedule";
import type { RecordTime } from "./table";

/** The numbers of devices in the report's concurrency test (source B of the facts). */
export const DEFAULT_DEVICES: readonly number[] = [5, 50, 100, 200, 350];
/** About one message a second each, as there. */
export const DEFAULT_RATE = 1;
export const DEFAULT_SECONDS = 60;

/** @throws UserError for anything but whole numbers with commas between */
export function parseDevices(text: string): number[] {
  return text.split(",").map((part) => {
    if (/^\d{1,15}$/.test(part.trim())) return Number(part);
    throw new UserError(
      `--devices: ${JSON.stringify(part)} is not a whole number. Write one, or several with commas: 5,50,350.`,
    );
  });
}

/** @throws UserError for anything but a decimal number */
export function parseRate(text: string): number {
  if (/^\d{1,15}(\.\d{1,15})?$/.test(text)) return Number(text);
  throw new UserError(
    `--rate: ${JSON.stringify(text)} is not a number of messages a second. Write 1, or 0.5.`,
  );
}

/** How far a ramp may go. */
export interface Ceiling {
  readonly devices: number;
  readonly messagesPerSecond: number;
}

/**
 * The next stage of a ramp: twice the devices, up to as many as may connect, then twice the rate of each.
 * Undefined at the ceiling.
 */
export function nextOfRamp(
  { devices, ratePerSecond, seconds }: Stage,
  ceiling: Ceiling,
): Stage | undefined {
  const more = Math.min(devices * 2, ceiling.devices);
  const next =
    more > devices
      ? { devices: more, ratePerSecond, seconds }
      : { devices, ratePerSecond: ratePerSecond * 2, seconds };
  const perSecond = next.devices * next.ratePerSecond;
  const fits =
    next.ratePerSecond <= LIMITS.rate.most &&
    perSecond <= ceiling.messagesPerSecond &&
    perSecond * seconds <= LIMITS.messages;
  return fits ? next : undefined;
}

/** Whether an MQTT topic filter, with `+` and `#`, takes a topic (MQTT 5.0, section 4.7). */
export function filterTakes(filter: string, topic: string): boolean {
  const [wanted, levels] = [filter.split("/"), topic.split("/")];
  // Topics that begin with $ are the broker's own, and no wildcard at the beginning takes them.
  if (topic.startsWith("$") && (wanted[0] === "+" || wanted[0] === "#")) return false;
  for (const [i, level] of wanted.entries()) {
    if (level === "#") return i === wanted.length - 1;
    if (i >= levels.length || (level !== "+" && level !== levels[i])) return false;
  }
  return wanted.length === levels.length;
}

/**
 * The route by which the devices' messages come into Kafka: the first that takes them, as the bridge decides.
 * @throws UserError where there is none, with what to add
 */
export function loadRoute({ data }: Lab, devices: number): BridgeRoute {
  const routes = data.bridge?.routes ?? [];
  const route = routes.find(({ from }) => filterTakes(from, deviceTopic(0)));
  if (route === undefined) throw new UserError(`${noRoute(data)} ${REMEDY}`);
  for (let device = 1; device < devices; device++) {
    const topic = deviceTopic(device);
    if (routes.find(({ from }) => filterTakes(from, topic)) === route) continue;
    throw new UserError(
      `bridge.routes: ${route.from} takes ${deviceTopic(0)} and not ${topic}, so that not all devices' messages come into ${route.topic}. ${REMEDY}`,
    );
  }
  return route;
}

/** What the time stamps of a topic's records are, as the configuration has it; Kafka's default is CreateTime. */
export function recordTime(lab: Lab, topic: string): RecordTime {
  const own = lab.topics.find(({ name }) => name === topic)?.config["message.timestamp.type"];
  const type = own ?? lab.cluster.settings["log.message.timestamp.type"];
  return type === "LogAppendTime" ? type : "CreateTime";
}

const REMEDY =
  "Add a route `{ from: load/#, topic: TOPIC }` with one of the lab's topics, and run `pulumi up`.";

function noRoute({ mqtt, bridge }: Lab["data"]): string {
  if (mqtt === undefined) {
    return "mqtt: the lab has no MQTT broker that devices could publish to. Add `mqtt` (docs/configuration.md, MQTT) and `bridge`.";
  }
  if (bridge === undefined) {
    return "bridge: the lab carries no MQTT messages into Kafka. Add `bridge` (docs/configuration.md, The bridge into Kafka).";
  }
  const has = bridge.routes.map(({ from }) => from).join(", ");
  return `bridge.routes: none takes ${deviceTopic(0)} into Kafka. There are: ${has}.`;
}
