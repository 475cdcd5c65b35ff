import { describeQuorumV2 } from "@platformatic/kafka";
import { KafkaLink } from "../../../provider/admin/kafka-link";
import { BRISK } from "../../../provider/admin/port";
import { brokers, type Lab } from "../../../model";

/** Who leads the controllers, since which epoch, as one of them sees it. */
export interface Leadership {
  readonly leaderId: number;
  readonly epoch: number;
}

/** Asks all controllers; the one that leads answers. Rejects if none does. */
export async function leadership(lab: Lab): Promise<Leadership> {
  return Promise.any(
    brokers(lab).map(async ({ machine }) => {
      const link = await KafkaLink.dial(`${machine.address}:${lab.cluster.controllerPort}`, BRISK);
      try {
        const topics = [{ topicName: "__cluster_metadata", partitions: [{ partitionIndex: 0 }] }];
        const answer = await link.ask(describeQuorumV2.api, topics);
        const partition = answer.topics[0]?.partitions[0];
        if (answer.errorCode !== 0 || partition === undefined || partition.errorCode !== 0) {
          throw new Error(`${machine.address} does not lead the controllers`);
        }
        return { leaderId: partition.leaderId, epoch: partition.leaderEpoch };
      } finally {
        await link.close();
      }
    }),
  );
}
