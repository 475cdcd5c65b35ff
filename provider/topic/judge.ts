/** Puts the question of a topic's destruction to the live cluster. */
import type { PropertyMap } from "../../plugins/common/rpc";
import { reveal } from "../../plugins/common/rpc";
import { KafkaError } from "../admin/port";
import type { LiveTopic } from "../admin/port";
import type { ClusterAccess } from "../cluster";
import type { Condemned, Verdict } from "./destruction";
import { judgeDestruction, stakeOf, stakeOfLive } from "./destruction";
import { bounded, OFF } from "./look";

/** How long a preview may take to count what is to be destroyed, ms. */
const COUNT_MS = 3_000;

type Access = Pick<ClusterAccess, "admin" | "settings">;

/** For previews: what is not counted in time, or must not be asked, counts as not known. */
export async function judgeBriefly(cluster: Access, known: Condemned): Promise<Verdict> {
  const { liveChecks, deletionConsents } = cluster.settings();
  const answer = liveChecks
    ? await bounded(COUNT_MS, () => stakeOf(cluster.admin(), known.name))
    : { leftOut: OFF };
  const stake = "found" in answer ? answer.found : { unknown: answer.leftOut };
  return judgeDestruction(known, stake, deletionConsents);
}

/** For the act itself, of a topic that was seen a moment ago. */
export async function judgeNow(
  cluster: Access,
  known: Condemned,
  live: LiveTopic,
): Promise<Verdict> {
  const stake = await stakeOfLive(cluster.admin(), live).catch((error: unknown) => {
    if (!(error instanceof KafkaError)) throw error;
    return { unknown: error.message, topicId: live.topicId };
  });
  return judgeDestruction(known, stake, cluster.settings().deletionConsents);
}

/** A topic of the state. */
export function condemned(outputs: PropertyMap): Condemned {
  const { name, topicId, deletionProtection } = reveal(outputs);
  return {
    name: name as string,
    topicId: typeof topicId === "string" ? topicId : "",
    protected: deletionProtection !== false,
  };
}

/** Why a topic must not get another name: its records would be lost. Empty if it may, or keeps its name. */
export async function renameRefusals(
  cluster: Access,
  olds: PropertyMap,
  news: PropertyMap,
): Promise<string[]> {
  const [from, to] = [reveal(olds["name"]), reveal(news["name"])];
  if (typeof from !== "string" || typeof to !== "string" || from === to) return [];
  const verdict = await judgeBriefly(cluster, condemned(olds));
  if (verdict.kind !== "refused") return [];
  return [
    `name: ${from} cannot become ${to}: Kafka cannot rename a topic, so ${to} would be made empty and ` +
      `${from} destroyed: records do not move. ${from}: ${verdict.why}`,
  ];
}
