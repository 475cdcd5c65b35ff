import { parseAddress, parseSubnet } from "../../../model/network";
import type { Lab } from "../../../model";
import { UserError } from "../errors";
import type { Stage } from "./schedule";

/**
 * What one run may ask for. Not what a lab can bear: what nobody wants by anything but a slip of the finger,
 * and what the generator has room for (`messages`: one byte each).
 */
export const LIMITS = {
  devices: 20_000,
  /** Of one device, messages a second. */
  rate: { least: 0.01, most: 1_000 },
  /** Of all devices together. */
  messagesPerSecond: 100_000,
  /** Of one stage. */
  seconds: 3_600,
  /** Of one stage. */
  messages: 10_000_000,
  stages: 20,
  /** Of all stages together. */
  totalSeconds: 4 * 3_600,
  /** Without a new message, at the end of a stage. */
  waitSeconds: 600,
} as const;

/** What is there for the devices' connections. */
export interface Room {
  /** Connections that the MQTT broker has left. */
  readonly connections: number;
  /** Why it is that many, as a clause for the error. */
  readonly because: string;
  /** Files that this process may have open; Infinity where that is unknown. */
  readonly openFiles: number;
}

/** Files that the generator has open beside its devices' connections: brokers, libraries, the terminal. */
const OWN_FILES = 200;

/** The greatest number of devices that there is room for. */
export function mostDevices({ connections, openFiles }: Room): number {
  return Math.max(0, Math.min(LIMITS.devices, connections, openFiles - OWN_FILES));
}

/**
 * Looks at all stages before anything is sent.
 * @throws UserError that tells everything that is out of bounds, each with the bound
 */
export function assertBounded(stages: readonly Stage[], waitSeconds: number, room: Room): void {
  const problems = [
    ...stages.flatMap((stage) => stageProblems(stage, room)),
    ...totalProblems(stages),
    ...(waitSeconds <= LIMITS.waitSeconds
      ? []
      : [`--wait: ${figure(waitSeconds)} is out of bounds: 1 to ${LIMITS.waitSeconds} seconds.`]),
  ];
  if (problems.length > 0) throw new UserError([...new Set(problems)].join("\n"));
}

function stageProblems(stage: Stage, room: Room): string[] {
  const { devices, ratePerSecond, seconds } = stage;
  const problems: string[] = [];
  const bound = (
    option: string,
    value: number,
    least: number,
    most: number,
    unit: string,
  ): boolean => {
    if (Number.isFinite(value) && value >= least && value <= most) return true;
    problems.push(`--${option}: ${value} is out of bounds: ${least} to ${figure(most)} ${unit}.`);
    return false;
  };
  const { rate } = LIMITS;
  const isWhole = [
    bound("devices", devices, 1, LIMITS.devices, "simulated devices"),
    bound("rate", ratePerSecond, rate.least, rate.most, "messages a second of each device"),
    bound("seconds", seconds, 1, LIMITS.seconds, "seconds a stage"),
  ].every((fits) => fits);
  if (devices <= LIMITS.devices && devices > room.connections) {
    problems.push(
      `--devices: ${figure(devices)} is more than the MQTT broker takes, ${figure(room.connections)}: ${room.because}. Take fewer, or raise mqtt.maxConnections.`,
    );
  }
  if (devices <= LIMITS.devices && devices > room.openFiles - OWN_FILES) {
    problems.push(
      `--devices: ${figure(devices)} connections need ${figure(devices + OWN_FILES)} open files, and this process may have ${figure(room.openFiles)}. Take fewer, or raise the limit (ulimit -n) in the shell.`,
    );
  }
  if (!isWhole) return problems;
  const perSecond = devices * ratePerSecond;
  if (perSecond > LIMITS.messagesPerSecond) {
    problems.push(
      `--devices ${devices} at --rate ${ratePerSecond} is ${figure(perSecond)} messages a second; ${figure(LIMITS.messagesPerSecond)} is the most.`,
    );
  } else if (perSecond * seconds > LIMITS.messages) {
    problems.push(
      `--devices ${devices} at --rate ${ratePerSecond} for --seconds ${seconds} is ${figure(perSecond * seconds)} messages; ${figure(LIMITS.messages)} a stage is the most.`,
    );
  }
  return problems;
}

function totalProblems(stages: readonly Stage[]): string[] {
  const problems: string[] = [];
  if (stages.length === 0 || stages.length > LIMITS.stages) {
    problems.push(`--devices: ${stages.length} stages; 1 to ${LIMITS.stages} are possible.`);
  }
  const total = stages.reduce((sum, { seconds }) => sum + seconds, 0);
  if (total > LIMITS.totalSeconds && stages.every(({ seconds }) => seconds <= LIMITS.seconds)) {
    problems.push(
      `--seconds: ${figure(total)} s for all stages together; ${figure(LIMITS.totalSeconds)} s is the most.`,
    );
  }
  return problems;
}

/**
 * Refuses an address that is none of the lab's: a load is a fault on anybody else's network.
 * @throws UserError
 */
export function assertInLab({ switch: { subnet } }: Lab, address: string): void {
  const [network, number] = [parseSubnet(subnet), parseAddress(address)];
  const isInside =
    network !== undefined &&
    number !== undefined &&
    number >= network.network &&
    number <= network.broadcast;
  if (isInside) return;
  throw new UserError(
    `${address} is outside the lab's subnet ${subnet}: nothing is sent there. The load goes to the lab's own MQTT broker alone.`,
  );
}

/** 12,345 as people read it. */
export function figure(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 2 });
}
