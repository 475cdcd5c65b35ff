import { z } from "zod";
import type { InRecord } from "../lib/records";
import { plainText } from "./text";

/** What a device told of itself. */
export interface Reading {
  /** The name of the lab's host, or of a device that is none. */
  readonly device: string;
  /** Whether it is a host's: the MQTT broker lets nobody but a host publish on its topic. */
  readonly isHost: boolean;
  readonly temperatureC: number | undefined;
  /** Of all cores, 0 to 1. */
  readonly cpuLoad: number | undefined;
  readonly underVoltage: boolean;
  readonly throttled: boolean;
}

const MAX_NAME = 64;
/** What a board's sensor can measure, °C. */
const COLDEST = -55;
const HOTTEST = 150;

const shape = z.object({
  device: z.string().min(1).max(255),
  temperatureC: z.number().nullish(),
  cpuLoad: z.number().nullish(),
  underVoltage: z.boolean().nullish(),
  throttled: z.boolean().nullish(),
});

/** Undefined for a record that is no telemetry: a topic is open to others, a device to anybody who opens it. */
export function readReading(record: Pick<InRecord, "value" | "headers">): Reading | undefined {
  const message = parse(record.value);
  if (message === undefined) return undefined;
  const { temperatureC, cpuLoad, underVoltage, throttled } = message;
  return {
    ...whose(record.headers.get("mqtt.topic")?.toString(), message.device),
    temperatureC: within(temperatureC, COLDEST, HOTTEST),
    cpuLoad: within(cpuLoad, 0, 1),
    underVoltage: underVoltage === true,
    throttled: throttled === true,
  };
}

/**
 * Where a message came by MQTT its topic says whose it is, not what the message says of itself: a device may
 * write there what it likes. Written into Kafka by itself, it is taken at its word.
 */
function whose(topic: string | undefined, device: string): Pick<Reading, "device" | "isHost"> {
  const host = topic === undefined ? device : /^hosts\/([^/]+)\/telemetry$/.exec(topic)?.[1];
  if (host !== undefined) {
    const device = plainText(host, MAX_NAME);
    // What must be changed to be shown is no host's name, and must not become one.
    return { device, isHost: device === host };
  }
  const owner = /^devices\/([^/]+)(?:\/|$)/.exec(topic ?? "")?.[1] ?? device;
  return { device: plainText(owner, MAX_NAME), isHost: false };
}

function parse(value: Buffer): z.output<typeof shape> | undefined {
  try {
    return shape.safeParse(JSON.parse(value.toString("utf8"))).data;
  } catch {
    return undefined;
  }
}

const within = (value: number | null | undefined, min: number, max: number): number | undefined =>
  value !== null && value !== undefined && value >= min && value <= max ? value : undefined;
