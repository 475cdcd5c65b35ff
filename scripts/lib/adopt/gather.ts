import type { TopicAdmin } from "../../../provider/admin/port";
import type { ClusterTopics } from "./plan";

/** Looks at all topics of a cluster. One that is deleted meanwhile is left out. */
export async function gatherTopics(
  admin: Pick<TopicAdmin, "listPartitions" | "describeTopic" | "listReassignments">,
): Promise<ClusterTopics> {
  const [all, reassignments] = await Promise.all([
    admin.listPartitions(),
    admin.listReassignments(),
  ]);
  const live = await Promise.all(all.map(({ topic }) => admin.describeTopic(topic)));
  return {
    topics: live.filter((topic) => topic !== undefined),
    moving: new Set(reassignments.map(({ topic }) => topic)),
  };
}
