import type { DrawnHost } from "../../model";
import type { LabState } from "./lab-state";

/** How a host fares. `unknown`: nothing tells; that is no fault of the host's. */
export interface HostState {
  readonly state: "up" | "warning" | "down" | "unknown";
  /** In words, for a visitor. */
  readonly says: string;
  /** Since when, epoch ms; undefined where that does not matter. */
  readonly since: number | undefined;
}

/** A controller that has not fetched for so long does not follow, ms. */
const VOTER_SILENCE_MS = 5_000;

/** From what is known of its Kafka process and of its telemetry. */
export function hostState(lab: LabState, host: DrawnHost, now: number): HostState {
  const heard = telemetryState(lab, host, now);
  const kafka = kafkaState(lab, host);
  if (kafka === undefined) return withoutKafka(heard, host.name === lab.config.host);
  if (kafka.state === "down") {
    if (heard.state === "up") return { ...kafka, says: "Kafka is down, the Pi is up" };
    return heard.state === "down" ? { ...kafka, says: "off or cut off" } : kafka;
  }
  if (kafka.state !== "up" || heard.state === "up" || heard.state === "unknown") return kafka;
  return heard.state === "warning" ? heard : { ...heard, state: "warning", says: "no telemetry" };
}

/** What serves the page is up, whatever its telemetry. */
function withoutKafka(heard: HostState, isSelf: boolean): HostState {
  if (!isSelf) return heard;
  if (heard.state === "down") return { ...heard, state: "warning", says: "no telemetry" };
  return heard.state === "unknown" ? { state: "up", says: "up", since: undefined } : heard;
}

function telemetryState(lab: LabState, { name }: DrawnHost, now: number): HostState {
  const limit = lab.silenceMs;
  const flows = lab.telemetryFlows(now);
  const heard = lab.hosts.get(name);
  if (limit === undefined) return { state: "unknown", says: "not watched", since: undefined };
  const at = heard?.at ?? lab.startedAt;
  if (heard !== undefined && now - at <= limit) {
    const { underVoltage, throttled } = heard.reading;
    if (underVoltage) return { state: "warning", says: "weak power supply", since: undefined };
    if (throttled) return { state: "warning", says: "slowed down", since: undefined };
    return { state: "up", says: "up", since: undefined };
  }
  if (flows === undefined || (flows && now - at <= limit)) {
    return { state: "unknown", says: "waiting for telemetry", since: undefined };
  }
  // Nobody is heard: then it is what carries the telemetry that is away.
  return flows
    ? { state: "down", says: "silent", since: at }
    : { state: "unknown", says: "no telemetry comes", since: at };
}

/** Undefined where no Kafka runs. */
function kafkaState(lab: LabState, { name, node }: DrawnHost): HostState | undefined {
  if (node === undefined) return undefined;
  if (node.address === undefined) return voterState(lab, node.id);
  const broker = lab.brokers.get(name);
  if (broker === undefined) return { state: "unknown", says: "being asked", since: undefined };
  const { isUp, since } = broker;
  if (!isUp) return { state: "down", says: "does not answer", since };
  const isFenced = lab.cluster !== undefined && !lab.cluster.brokers.has(node.id);
  if (isFenced && lab.clusterProblem === undefined) {
    return { state: "warning", says: "starting, serves nobody yet", since };
  }
  return { state: "up", says: "up", since: undefined };
}

/** A controller that is no broker, by the quorum's account. */
function voterState({ quorum }: LabState, id: number): HostState | undefined {
  const silentMs = quorum?.voters.get(id);
  if (quorum === undefined) return { state: "unknown", says: "quorum unknown", since: undefined };
  if (silentMs === undefined) return { state: "warning", says: "no voter yet", since: undefined };
  return silentMs <= VOTER_SILENCE_MS
    ? { state: "up", says: "up", since: undefined }
    : { state: "down", says: "does not follow the quorum", since: undefined };
}
