/**
 * A plain bridge, as one writes it in an afternoon: it subscribes with a session that lasts, acknowledges each
 * message as it comes, and hands it to Kafka without waiting. What it has not handed over when it ends is lost.
 *
 * `node plain-bridge.ts CONFIG.json`, of the shape of `PlainConfig`.
 */
import { readFileSync } from "node:fs";
import { connect } from "mqtt";
import type { KafkaAccess, MqttAccess } from "../../model";
import { KafkaProducer } from "../../payloads/lib/kafka";

export interface PlainConfig {
  readonly mqtt: MqttAccess;
  readonly clientId: string;
  readonly kafka: KafkaAccess;
  readonly from: string;
  readonly topic: string;
}

const { mqtt, clientId, kafka, from, topic } = JSON.parse(
  readFileSync(process.argv[2] ?? "", "utf8"),
) as PlainConfig;

const producer = new KafkaProducer(kafka, () => undefined);
const client = connect({
  host: mqtt.address,
  port: mqtt.port,
  username: mqtt.username,
  password: mqtt.password,
  clientId,
  protocolVersion: 5,
  clean: false,
  properties: { sessionExpiryInterval: 0xffffffff, receiveMaximum: 1000 },
});
client.on("connect", () => void client.subscribe(from, { qos: 1 }));
client.on("message", (name, value) => {
  const headers = { "mqtt.topic": name };
  producer.send([{ topic, key: name, value, headers }]).catch(() => undefined);
});
client.on("error", () => undefined);
process.once("SIGTERM", () => process.exit(0));
