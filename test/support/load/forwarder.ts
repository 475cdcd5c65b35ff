import { connectAsync, type MqttClient } from "mqtt";
import type { TopicClient } from "../../../scripts/lib/records/port";
import { LineProducer } from "../../../scripts/lib/records/produce";

export interface ForwarderOptions {
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** How often a message is written, by its text. Default: once. */
  readonly copies?: (message: string) => number;
}

/**
 * Stands in for the bridge where a healthy one is all that is needed: it acknowledges at once and keeps what
 * it has not written in memory. Its session lasts, so that a restart of the MQTT broker loses nothing.
 */
export class Forwarder {
  private readonly stopping = new AbortController();
  private waiting: Buffer[] = [];
  private readonly producer: LineProducer;
  private work: Promise<void> = Promise.resolve();

  private constructor(
    private readonly mqtt: MqttClient,
    topic: TopicClient,
    copies: (message: string) => number,
  ) {
    const signal = this.stopping.signal;
    this.producer = new LineProducer(topic, {
      partition: undefined,
      timeoutMs: 60_000,
      signal,
      log: () => undefined,
    });
    mqtt.on("message", (_topic, payload) => {
      for (let i = copies(payload.toString()); i > 0; i--) this.waiting.push(payload);
      this.work = this.work.then(() => this.write());
    });
  }

  static async start(topic: TopicClient, options: ForwarderOptions): Promise<Forwarder> {
    const { port, username, password, copies = () => 1 } = options;
    const mqtt = await connectAsync({
      host: "127.0.0.1",
      port,
      username,
      password,
      clientId: "forwarder",
      protocolVersion: 5,
      clean: false,
      reconnectPeriod: 100,
      properties: { sessionExpiryInterval: 3600, receiveMaximum: 1000 },
    });
    await mqtt.subscribeAsync("load/#", { qos: 1 });
    return new Forwarder(mqtt, topic, copies);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.mqtt.endAsync(true);
    await this.work;
  }

  private async write(): Promise<void> {
    if (this.waiting.length === 0) return;
    const lines = this.waiting.map((value, i) => ({ number: i + 1, key: null, value }));
    this.waiting = [];
    const { failed } = await this.producer.send(lines);
    if (failed.length > 0 && !this.stopping.signal.aborted) throw failed[0]!.error;
  }
}
