import { sameValue, topicSettingProblem } from "../../model/kafka/settings";

/** They are set and cleared by reassignments; a fixed value would throttle for ever. */
export const THROTTLE_SETTINGS: readonly string[] = [
  "follower.replication.throttled.replicas",
  "leader.replication.throttled.replicas",
];

/**
 * Why a setting cannot be, with the remedy; undefined if it can.
 * @param release of the brokers, such as `4.1`; without one, what no release takes is at fault
 */
export function settingFault(key: string, value: string, release?: string): string | undefined {
  if (THROTTLE_SETTINGS.includes(key)) {
    return "belongs to partition reassignments, which set and clear it; leave it out";
  }
  const problem = topicSettingProblem(key, value, release);
  if (problem === undefined) return undefined;
  const { aboutKey, cause, remedy } = problem;
  return aboutKey ? `${cause}. ${remedy}` : `${JSON.stringify(value)} ${cause}. ${remedy}`;
}

/** Whether two values of a setting mean the same to Kafka, which answers in its own notation. */
export function sameSetting(key: string, a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return sameValue("topic", key, inOrder(key, a), inOrder(key, b));
}

/** A set to Kafka, which keeps the order that it was given. */
const inOrder = (key: string, value: string): string =>
  key !== "cleanup.policy"
    ? value
    : value
        .split(",")
        .map((item) => item.trim())
        .sort()
        .join(",");
