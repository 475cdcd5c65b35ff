import { PlatformaticAdmin } from "../../../provider/admin/platformatic";
import { BRISK } from "../../../provider/admin/port";
import { bootstrapServers, type Lab } from "../../../model";
import { KafkaLog } from "../../../trials/checker/kafka-log";
import { waitFor } from "../wait";

/** A topic of the lab, to write to and read from. To be closed. */
export function openLog(lab: Lab, topic: string): Promise<KafkaLog> {
  return KafkaLog.open(bootstrapServers(lab).split(","), topic);
}

/** Waits until a topic's partitions are led by as many brokers, and tells which leads which. */
export async function leadersOf(lab: Lab, topic: string): Promise<number[]> {
  const admin = new PlatformaticAdmin(bootstrapServers(lab).split(","), BRISK);
  try {
    return await waitFor(`leaders of all partitions of ${topic}`, async () => {
      const live = await admin.describeTopic(topic);
      const leaders = live?.partitions.map(({ leader }) => leader) ?? [];
      return leaders.length > 0 && leaders.every((leader) => leader >= 0) ? leaders : undefined;
    });
  } finally {
    await admin.close();
  }
}
