/** Whether a topic is still what the state says of it: asked before it is changed. */
import type { LiveTopic } from "../admin/port";
import type { TopicSpec } from "./plan";

/** Whether a topic is the one that was known. Brokers that were raised to 2.8 since have given it an id. */
export const isSameTopic = (knownId: unknown, topicId: string): boolean =>
  knownId === "" || knownId === topicId;

/** @throws Error with the way out, where a refresh or another declaration has to come first */
export function assertAsKnown(
  id: string,
  knownId: unknown,
  want: Pick<TopicSpec, "partitions">,
  live: LiveTopic | undefined,
): asserts live is LiveTopic {
  if (live === undefined) {
    throw new Error(
      `topic ${id}: it is gone from the cluster. Run \`pulumi refresh\`; the next \`pulumi up\` ` +
        "makes it again, empty.",
    );
  }
  if (!isSameTopic(knownId, live.topicId)) {
    throw new Error(
      `topic ${id}: refused to change it, since it is another one than the stack knows: its id ` +
        `is ${live.topicId}, not ${String(knownId)}. Someone deleted it and made it again. ` +
        "Run `pulumi refresh` to take the new one over.",
    );
  }
  if (live.partitions.length > want.partitions) {
    throw new Error(
      `topic ${id}: it has ${live.partitions.length} partitions by now, more than the ` +
        `${want.partitions} wanted, and none can be taken away. Declare ${live.partitions.length}.`,
    );
  }
}
