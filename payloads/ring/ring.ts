import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { RingConfig } from "../../model";
import { KafkaConsumer, KafkaProducer } from "../lib/kafka";
import type { Ground, Running } from "../lib/program";
import { BrokerWatch } from "../lib/kafka/broker-watch";
import { ButtonSocket } from "./button";
import { makeFigures } from "./figures";
import { startPace } from "./pace";
import { Receiver } from "./receiver";
import { Sender } from "./sender";

/** How long what is under way may take to be acknowledged when the program stops, ms. */
const LAST_ACKNOWLEDGEMENTS_MS = 12_000;

/**
 * One client of the ring: sends alerts on its topic, by itself and on its button, and takes those of the
 * others. It reads without a group, from now on: who comes back after a night shows what is, not what was.
 *
 * @param runtimeFolder where its button's socket is made
 */
export async function startRing(
  config: RingConfig,
  { log, metrics }: Ground,
  runtimeFolder: string,
): Promise<Running> {
  const { host, kafka, topic, others } = config;
  const figures = makeFigures(metrics);
  const producer = new KafkaProducer(kafka, log);
  const session = randomUUID();
  const options = { host, topic, session, random: Math.random };
  const sender = new Sender(options, producer, figures, log);
  const button = await ButtonSocket.open({
    path: join(runtimeFolder, "button.sock"),
    repeatPerSecond: config.repeatPerSecond,
    press: () => sender.send("button"),
  });
  const consumer =
    others.length === 0
      ? undefined
      : new KafkaConsumer(kafka, { group: undefined, topics: others, from: "latest" }, log);
  const receiver = new Receiver(host, figures, log);
  let failure: string | undefined;
  const reading = consumer?.run((batch) => Promise.resolve(receiver.take(batch)));
  reading?.catch((error: unknown) => {
    failure = error instanceof Error ? error.message : String(error);
    log("error", `reading has ended: ${failure}`);
  });
  const watches = config.brokers.map(
    (broker) =>
      new BrokerWatch(broker, kafka.sasl, ({ host: name }, isUp) => {
        figures.brokerUp.set({ broker: name }, isUp ? 1 : 0);
        log(isUp ? "info" : "warn", isUp ? "UP" : "DOWN", { broker: name });
      }),
  );
  const pace = startPace(config.alertsPerMinute, () => void sender.send("pace"));

  return {
    health: () => failure ?? producer.trouble() ?? consumer?.trouble(),
    stop: async () => {
      pace.stop();
      await button.close();
      await Promise.all([producer.close(LAST_ACKNOWLEDGEMENTS_MS), consumer?.close()]);
      for (const watch of watches) watch.stop();
      const lost = await sender.ended();
      if (lost > 0) throw new Error(`${lost} alerts were not acknowledged before the end`);
    },
  };
}
