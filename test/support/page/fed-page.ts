import { Registry } from "prom-client";
import type { DrawnHost, StatusPageConfig } from "../../../model";
import { makeFigures } from "../../../payloads/status-page/figures";
import { makeItems } from "../../../payloads/status-page/items";
import { LabState } from "../../../payloads/status-page/lab-state";
import { POINT_MS, POINTS } from "../../../payloads/status-page/trend";
import type { Listening } from "../../../payloads/lib/listen";
import { openPage } from "../../../payloads/status-page/server";
import { Stream } from "../../../payloads/status-page/stream";

export interface FedLab {
  readonly ports: number;
  readonly hosts: readonly DrawnHost[];
  readonly topics: readonly { readonly name: string; readonly partitions: number }[];
}

const machine = (n: number) => ({ machine: `pi-${n}`, board: "pi-4b-8gb" });

/** The lab of the exhibit with a host for its data: three brokers, three clients, one port free. */
export function exhibit(): FedLab {
  const broker = (n: number): DrawnHost => ({
    ...{ name: `broker-${n}`, role: "broker", port: n, runs: [], ...machine(n) },
    node: { id: n, address: `10.0.42.${n}:9092`, votes: true },
  });
  const client = (n: number, topic: string): DrawnHost => ({
    ...{ name: `client-${n}`, role: "client", port: 3 + n, runs: [], ...machine(3 + n), topic },
  });
  const data: DrawnHost = {
    ...{ name: "data-1", role: "host", port: 7, ...machine(8) },
    runs: ["MQTT broker", "MQTT bridge", "alerting", "status page"],
  };
  return {
    ports: 8,
    hosts: [
      ...[1, 2, 3].map(broker),
      ...["red", "green", "blue"].map((topic, i) => client(i + 1, topic)),
      data,
    ],
    topics: [
      ...["red", "green", "blue"].map((name) => ({ name, partitions: 1 })),
      ...["telemetry", "load"].map((name) => ({ name, partitions: 6 })),
      { name: "alerts", partitions: 1 },
    ],
  };
}

/** More than fits on any screen: 64 ports, 60 hosts, 200 topics, long names. */
export function crowd(): FedLab {
  const hosts = Array.from({ length: 60 }, (_, i): DrawnHost => {
    const n = i + 1;
    const base = { port: n, runs: [] as string[], ...machine(n) };
    if (n <= 9) {
      const node = { id: n, address: `10.0.42.${n}:9092`, votes: n <= 3 };
      return { ...base, name: `broker-${n}`, role: "broker", node };
    }
    if (n === 10) return { ...base, name: "data-1", role: "host", runs: ["MQTT broker"] };
    const name = n === 11 ? `client-${"long-".repeat(6)}11` : `client-${n}`;
    return { ...base, name, role: "client", topic: `topic-${n}` };
  });
  const topics = Array.from({ length: 200 }, (_, i) => ({
    name: i === 7 ? `readings.${"of-a-long-name.".repeat(6)}` : `topic-${i + 1}`,
    partitions: 1 + (i % 6),
  }));
  return { ports: 64, hosts, topics };
}

/** A status page as the program serves it, whose lab is what the test says. */
export class FedPage {
  readonly figures = makeFigures(new Registry());
  private readonly down = new Set<string>();
  private server: Listening | undefined;
  private stream: Stream | undefined;

  private constructor(
    readonly lab: FedLab,
    readonly state: LabState,
  ) {}

  static async start(lab: FedLab, title = "Kafka on Raspberry Pis"): Promise<FedPage> {
    const { ports, hosts, topics } = lab;
    const config: StatusPageConfig = {
      ...{ host: "data-1", endpoint: { address: "127.0.0.1", port: 0 } },
      ...{ kafka: { bootstrapServers: ["127.0.0.1:1"] }, title },
      page: { address: "127.0.0.1", port: 0 },
      lab: {
        switch: { model: "SW-008", ports },
        hosts,
        spares: [{ machine: "pi-7", board: "pi-4b-8gb" }],
        topics: topics.map(({ name }) => ({ name, minInsyncReplicas: 2 })),
      },
      ...{ telemetryTopics: ["telemetry"], alertTopics: ["alerts"], telemetryEverySeconds: 1 },
    };
    const page = new FedPage(lab, new LabState(config, Date.now() - 60_000));
    for (const { name, node } of hosts) {
      if (node !== undefined) page.state.brokerIs(name, true, Date.now());
    }
    page.feedPast();
    page.feed();
    await page.open();
    return page;
  }

  get url(): string {
    return this.server!.url;
  }

  /** Serves, at the port that it had before if there was one. */
  async open(): Promise<void> {
    const port = this.server === undefined ? 0 : Number(new URL(this.server.url).port);
    const items = () => makeItems(this.state, Date.now());
    this.stream = new Stream({ items, figures: this.figures, everyMs: 200, beatMs: 1_000 });
    this.server = await openPage({ address: "127.0.0.1", port }, this.stream, this.figures);
  }

  /** As a host that goes away: whoever follows is cut off. */
  async close(): Promise<void> {
    this.stream?.close();
    await this.server?.close();
  }

  hostIs(name: string, isUp: boolean): void {
    const { node } = this.lab.hosts.find((host) => host.name === name)!;
    if (isUp) this.down.delete(name);
    else this.down.add(name);
    if (node !== undefined) this.state.brokerIs(name, isUp, Date.now());
    else if (!isUp) {
      // Heard of before, and then no more for longer than a host may be silent.
      const heard = this.state.hosts.get(name);
      if (heard !== undefined) this.state.hosts.set(name, { ...heard, at: Date.now() - 12_000 });
    }
    this.feed();
  }

  /** A second of the lab: what the brokers say, what devices say. */
  feed(at = Date.now()): void {
    const brokers = this.lab.hosts.filter(({ node }) => node !== undefined);
    const serving = brokers.filter(({ name }) => !this.down.has(name)).map(({ node }) => node!.id);
    const topics = this.lab.topics.map(({ name, partitions }, t) => {
      const looks = Array.from({ length: partitions }, (_, partition) => {
        const replicas = [0, 1, 2].map(
          (r) => brokers[(t + partition + r) % brokers.length]!.node!.id,
        );
        const isr = replicas.filter((id) => serving.includes(id));
        return { partition, leader: isr[0], replicas, isr };
      });
      return [name, { problem: undefined, partitions: looks }] as const;
    });
    this.state.clusterIs({ brokers: new Set(serving), topics: new Map(topics) });
    this.state.quorumIs({ leader: serving[0] ?? 1, voters: new Map() });
    this.feedEnds(at);
    this.feedTelemetry(at);
  }

  private feedEnds(at: number): void {
    const ticks = BigInt(Math.floor(at / 100));
    const ends = this.lab.topics.map(({ name: topic }, i) => ({
      ...{ topic, partition: 0, errorCode: 0 },
      offset: (ticks * BigInt(1 + ((i * 7) % 40))) / 5n,
    }));
    this.state.endsAre(ends, at);
  }

  private feedTelemetry(at: number): void {
    this.lab.hosts.forEach(({ name }, i) => {
      if (this.down.has(name)) return;
      const wave = Math.sin(at / 90_000 + i) * 3 + Math.sin(at / 23_000 + 2 * i);
      const reading = {
        ...{ device: name, isHost: true, underVoltage: false, throttled: false },
        temperatureC: 47 + ((i * 3) % 11) + wave,
        cpuLoad: 0.08 + ((i * 13) % 50) / 100,
      };
      this.state.hear(reading, at);
    });
  }

  /** Ten minutes of it. */
  private feedPast(): void {
    const now = Date.now();
    for (let i = POINTS; i > 0; i--) this.feedTelemetry(now - i * POINT_MS);
    this.feedEnds(now - 2_000);
  }
}
