import { LOAD_TOPICS, matchFilter, type BridgeRoute, type Lab } from "../../../model";
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
  /** Of all stages together, those before the ramp included. */
  readonly totalSeconds: number;
}

/**
 * The next stage of a ramp: twice the devices, up to as many as may connect, then twice the rate of each.
 * Undefined at the ceiling.
 *
 * @param spentSeconds of all stages so far
 */
export function nextOfRamp(
  { devices, ratePerSecond, seconds }: Stage,
  ceiling: Ceiling,
  spentSeconds: number,
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
    perSecond * seconds <= LIMITS.messages &&
    spentSeconds + seconds <= ceiling.totalSeconds;
  return fits ? next : undefined;
}

/**
 * The route by which the devices' messages come into Kafka. No two routes take the same topics.
 * @throws UserError where there is none, with what to add
 */
export function loadRoute({ data }: Lab, devices: number): BridgeRoute {
  const routes = data.bridge?.routes ?? [];
  const takes = (filter: string, device: number): boolean =>
    matchFilter(filter, deviceTopic(device)) !== undefined;
  const route = routes.find(({ from }) => takes(from, 0));
  if (route === undefined) throw new UserError(`${noRoute(data)} ${REMEDY}`);
  for (let device = 1; device < devices; device++) {
    if (takes(route.from, device)) continue;
    throw new UserError(
      `bridge.routes: ${route.from} takes ${deviceTopic(0)} and not ${deviceTopic(device)}, so that not all devices' messages come into ${route.topic}. ${REMEDY}`,
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

const REMEDY = `Add a route \`{ from: ${LOAD_TOPICS}, topic: TOPIC }\` with one of the lab's topics, and run \`pulumi up\`.`;

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
