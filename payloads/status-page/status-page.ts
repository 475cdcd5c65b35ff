import type { StatusPageConfig } from "../../model";
import { KafkaConsumer } from "../lib/kafka";
import { BrokerWatch } from "../lib/kafka/broker-watch";
import type { Ground, Running } from "../lib/program";
import type { InRecord } from "../lib/records";
import { readAlert } from "./alert";
import { ClusterWatch } from "./cluster-watch";
import { type Figures, makeFigures } from "./figures";
import { makeItems } from "./items";
import { LabState } from "./lab-state";
import { readReading } from "./reading";
import { openPage } from "./server";
import { Stream } from "./stream";

/** Watches the lab, and serves the page that shows it. */
export async function startStatusPage(
  config: StatusPageConfig,
  { log, metrics }: Ground,
): Promise<Running> {
  const { kafka, lab, telemetryTopics, alertTopics } = config;
  const figures = makeFigures(metrics);
  const state = new LabState(config, Date.now());
  const items = () => makeItems(state, Date.now());
  const stream = new Stream({ items, figures });
  const page = await openPage(config.page, stream, figures);
  log("info", "the page is served", { url: page.url });

  const watches = lab.hosts.flatMap(({ name: host, node }) =>
    node?.address === undefined
      ? []
      : new BrokerWatch({ host, address: node.address }, kafka.sasl, (_broker, isUp) =>
          state.brokerIs(host, isUp, Date.now()),
        ),
  );
  const cluster = new ClusterWatch(
    kafka,
    lab.topics.map(({ name }) => name),
    {
      clusterIs: (look) => state.clusterIs(look),
      clusterFails: (words) => state.clusterFails(words, Date.now()),
      endsAre: (ends) => state.endsAre(ends, Date.now()),
      quorumIs: (look) => state.quorumIs(look),
    },
    log,
  );
  let failure: string | undefined;
  /** Nobody's group: each start begins anew, and what it has read is its own alone. */
  const read = (
    topics: readonly string[],
    from: "earliest" | "latest",
    take: (record: InRecord) => void,
  ): KafkaConsumer[] => {
    if (topics.length === 0) return [];
    const consumer = new KafkaConsumer(kafka, { group: undefined, topics, from }, log);
    const reading = consumer.run((batch) => Promise.resolve(batch.forEach(take)));
    reading.catch((error: unknown) => {
      failure ??= error instanceof Error ? error.message : String(error);
      log("error", `reading ${topics.join(", ")} has ended: ${failure}`);
    });
    return [consumer];
  };
  const readers = [
    ...read(telemetryTopics, "latest", (record) => takeReading(record, state, figures)),
    // What still fires may have begun to long ago.
    ...read(alertTopics, "earliest", (record) => takeAlert(record, state, figures)),
  ];

  return {
    health: () =>
      failure ?? cluster.trouble() ?? readers.map((one) => one.trouble()).find((words) => words),
    stop: async () => {
      stream.close();
      for (const watch of watches) watch.stop();
      await Promise.all([page.close(), cluster.close(), ...readers.map((one) => one.close())]);
    },
  };
}

function takeReading(record: InRecord, state: LabState, figures: Figures): void {
  const reading = readReading(record);
  if (reading === undefined) return figures.malformed.inc({ topic: record.topic });
  figures.readings.inc();
  state.hear(reading, Date.now());
}

function takeAlert(record: InRecord, state: LabState, figures: Figures): void {
  const alert = readAlert(record);
  if (alert === undefined) return figures.malformed.inc({ topic: record.topic });
  figures.alerts.inc();
  state.alert(alert);
}
