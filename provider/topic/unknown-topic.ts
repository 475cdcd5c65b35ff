import { didYouMean } from "../../model/nearest";
import type { TopicAdmin } from "../admin/port";

/** What is said of a topic that was named and is not there. */
export async function unknownTopic(
  name: string,
  admin: Pick<TopicAdmin, "listPartitions">,
): Promise<string> {
  const topics = await admin.listPartitions();
  const names = topics.map(({ topic }) => topic).filter((each) => !each.startsWith("__"));
  const all = names.length === 0 ? "It has none." : `It has: ${names.sort().join(", ")}.`;
  return `topic ${name}: the cluster has none of that name. ${didYouMean(name, names, all)}`;
}
