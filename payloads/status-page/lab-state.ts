import type { DrawnHost, StatusPageConfig } from "../../model";
import type { Place } from "../lib/kafka/fetch-request";
import { type Alert, Alerts } from "./alert";
import type { ClusterLook, QuorumLook } from "./cluster-look";
import { Rates } from "./rates";
import type { Reading } from "./reading";
import { Trend } from "./trend";

/** What was last heard of a device or host. */
export interface Heard {
  readonly at: number;
  readonly reading: Reading;
  readonly trend: Trend;
}

/** Devices that are no hosts; of more, those not heard of for the longest time go. */
const MAX_DEVICES = 60;
/** A device that is no host is forgotten when nothing was heard of it for so long, ms. */
const FORGET_DEVICE_MS = 3_600_000;
/** Less than this is no silence, ms: a bridge hands over, a broker is elected. */
const LEAST_SILENCE_MS = 5_000;

/**
 * All that is known of the lab, as the watchers tell it. What it comes to is made of it by ./items. Pure: it is
 * told the time, in epoch ms.
 */
export class LabState {
  readonly hosts = new Map<string, Heard>();
  readonly devices = new Map<string, Heard>();
  readonly rates = new Rates();
  readonly alerts = new Alerts();
  /** Of each broker, by host: whether it answers, and since when that is so. */
  readonly brokers = new Map<string, { readonly isUp: boolean; readonly since: number }>();
  cluster: ClusterLook | undefined;
  /** What is wrong where no broker tells the cluster's metadata, and since when. */
  clusterProblem: { readonly words: string; readonly since: number } | undefined;
  quorum: QuorumLook | undefined;
  private heardLast: number | undefined;
  private readonly names: ReadonlySet<string>;

  constructor(
    readonly config: StatusPageConfig,
    readonly startedAt: number,
  ) {
    this.names = new Set(config.lab.hosts.map(({ name }) => name));
  }

  brokerIs(host: string, isUp: boolean, at: number): void {
    if (this.brokers.get(host)?.isUp !== isUp) this.brokers.set(host, { isUp, since: at });
  }

  clusterIs(look: ClusterLook): void {
    this.cluster = look;
    this.clusterProblem = undefined;
  }

  clusterFails(words: string, at: number): void {
    // Where nobody tells the logs' ends, what is known of them ages all the same.
    this.rates.take([], at);
    this.clusterProblem = { words, since: this.clusterProblem?.since ?? at };
  }

  quorumIs(look: QuorumLook | undefined): void {
    this.quorum = look;
  }

  endsAre(ends: readonly (Place & { readonly offset: bigint })[], at: number): void {
    this.rates.take(ends, at);
  }

  hear(reading: Reading, at: number): void {
    const { device, isHost } = reading;
    // A record without a header may be of a device that is no host.
    const isOurs = isHost && this.names.has(device);
    if (isOurs) this.heardLast = at;
    const heard = isOurs ? this.hosts : this.devices;
    const trend = heard.get(device)?.trend ?? new Trend();
    if (reading.temperatureC !== undefined) trend.take(reading.temperatureC, at);
    heard.delete(device);
    heard.set(device, { at, reading, trend });
    for (const [name, { at: last }] of this.devices) {
      if (this.devices.size <= MAX_DEVICES && at - last <= FORGET_DEVICE_MS) break;
      this.devices.delete(name);
    }
  }

  alert(alert: Alert): void {
    this.alerts.take(alert);
  }

  /** After which time without telemetry a host counts as silent, ms; undefined where none publishes. */
  get silenceMs(): number | undefined {
    const { telemetryEverySeconds: every, telemetryTopics } = this.config;
    if (every === undefined || telemetryTopics.length === 0) return undefined;
    return Math.max(LEAST_SILENCE_MS, 3_000 * every + 1_000);
  }

  /**
   * Whether telemetry of any host arrives. Where none does it is not the hosts that are away, but what carries
   * it. Undefined where none is expected, or not yet.
   */
  telemetryFlows(now: number): boolean | undefined {
    const limit = this.silenceMs;
    if (limit === undefined) return undefined;
    if (this.heardLast !== undefined && now - this.heardLast <= limit) return true;
    return now - this.startedAt <= limit ? undefined : false;
  }

  hostOf(nodeId: number): DrawnHost | undefined {
    return this.config.lab.hosts.find(({ node }) => node?.id === nodeId);
  }
}
