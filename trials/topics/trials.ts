import { StartedKafkaCluster } from "../../test/support/kafka/kafka-cluster";
import { OldKafka, oldVersions } from "../old-kafka";
import type { Bench, BrokerTrial } from "../trial";
import { topicPass } from "./pass";

/** Those that the lab runs; more have ZooKeeper. */
const NEW = ["4.1.1", "4.2.0", "4.3.0", "4.4.0"] as const;

/** One topic through all its changes, on each version that the provider works on. */
export const topicTrials: readonly BrokerTrial[] = [
  ...oldVersions.map((version) => ({
    name: `topic-${version}`,
    title: `a topic's changes on Kafka ${version} with ZooKeeper`,
    tryOut: async (bench: Bench) => {
      const kafka = await OldKafka.start(version, bench.log);
      try {
        await topicPass(kafka.servers, bench);
      } finally {
        await kafka.stop();
      }
    },
  })),
  ...NEW.map((version) => ({
    name: `topic-${version}`,
    title: `a topic's changes on Kafka ${version}`,
    tryOut: async (bench: Bench) => {
      const kafka = await StartedKafkaCluster.start({}, { version });
      try {
        await topicPass(new Map(kafka.brokers.map(({ id, address }) => [id, address])), bench);
      } finally {
        await kafka.stop();
      }
    },
  })),
];
