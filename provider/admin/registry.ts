/** Who belongs to the cluster. */
import type { Brokers } from "./brokers";
import { assertOk } from "./kafka-link";
import { KafkaError, type RegisteredBroker } from "./port";
import { DESCRIBE_CLUSTER, describeClusterV2 } from "./requests/cluster";
import { askMetadata } from "./requests/metadata";

/** Before Kafka 4.0 those that are up: a broker that is fenced, or away, is not told of. */
export async function listBrokers(brokers: Brokers): Promise<readonly RegisteredBroker[]> {
  const api = await describeClusterV2();
  return brokers.any.read("list the brokers", async (link, doing) => {
    if (!(await link.knows(DESCRIBE_CLUSTER, api.version))) {
      const { brokers: up } = await askMetadata(link, []);
      return [...up.keys()].map((id) => ({ id, fenced: false }));
    }
    const answer = await link.ask(api);
    await assertOk(doing, link.server, answer.errorCode, answer.errorMessage);
    return answer.brokers.map(({ brokerId, isFenced }) => ({ id: brokerId, fenced: isFenced }));
  });
}

export async function clusterId(brokers: Brokers): Promise<string> {
  const { clusterId } = await brokers.metadata("tell the cluster's id", []);
  if (clusterId !== "") return clusterId;
  throw new KafkaError("refused", "the brokers tell no id of their cluster");
}
