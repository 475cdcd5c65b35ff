import { setTimeout as sleep } from "node:timers/promises";
import type { SinkConfig } from "../../model";
import { KafkaConsumer } from "../lib/kafka";
import type { Ground, Running } from "../lib/program";
import type { Origin } from "../lib/records";
import { makeFigures } from "./figures";
import { Stopped, Store } from "./store";

/** Between two looks for what is too old, and between two passes where there is more, ms. */
const PRUNE_MS = 60_000;
const PRUNE_AGAIN_MS = 1_000;
/** Before reading begins again that ended by an error, ms. */
const REOPEN_MS = 5_000;

/** The sink at work: from Kafka into the store, in the pace that the store bears. */
export function startSink(config: SinkConfig, { log, metrics, signal }: Ground): Running {
  const { kafka, topics, store: access, retentionDays } = config;
  let consumer: KafkaConsumer | undefined;
  let failure: string | undefined;
  const progress = () => consumer?.progress() ?? [];
  const endOf = ({ topicId, partition }: Origin) =>
    progress().find((one) => one.topicId === topicId && one.partition === partition)?.end;
  const figures = makeFigures(metrics, progress);
  const store = new Store({ access, retentionDays, figures, log, signal, endOf });

  /** A consumer at a time; another one where the positions are no more those that it knew. */
  const read = async (): Promise<void> => {
    while (!signal.aborted) {
      store.forget();
      const positions = (origins: readonly Origin[]) => store.positions(origins);
      const options = { group: undefined, topics, from: "earliest", positions } as const;
      consumer = new KafkaConsumer(kafka, options, log);
      try {
        failure = undefined;
        await consumer.run((batch) => store.write(batch));
      } catch (error) {
        if (error instanceof Stopped) return;
        failure = `reading has ended: ${error instanceof Error ? error.message : String(error)}`;
        log("error", `${failure}; it begins again`, { seconds: REOPEN_MS / 1000 });
      }
      if (signal.aborted) return;
      await consumer.close();
      await sleep(REOPEN_MS, undefined, { signal }).catch(() => {});
    }
  };
  const prune = async (): Promise<void> => {
    for (let waitMs = PRUNE_AGAIN_MS; ;) {
      await sleep(waitMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      waitMs = (await store.prune()) ? PRUNE_AGAIN_MS : PRUNE_MS;
    }
  };
  const reading = read();
  const pruning = prune();

  return {
    health: () => store.trouble() ?? failure ?? consumer?.trouble(),
    stop: async () => {
      await consumer?.close();
      await reading;
      await pruning;
      await store.close();
    },
  };
}
