import { bootstrapServers, brokers, type Lab } from "../../../model";
import { didYouMean } from "../../../model/nearest";
import { PlatformaticAdmin } from "../../../provider/admin/platformatic";
import { BRISK, isUnreachable, type Sasl } from "../../../provider/admin/port";
import { npmRun } from "../cli";
import { UserError } from "../errors";
import { labLogin } from "../lab-login";
import type { StandingLab } from "../standing-lab";
import { KafkaTopic } from "./kafka-topic";
import type { TopicClient } from "./port";

/**
 * Opens a topic of a lab's cluster, whether or not the configuration describes it.
 * @param partition must be one of the topic's
 * @param user who asks, where the brokers want a login. Default: the super user
 * @throws UserError naming the nearest topic there is; when no broker answers, where to look
 */
export async function openTopic(
  { folder, lab }: StandingLab,
  topic: string,
  partition: number | undefined,
  user: string | undefined,
): Promise<TopicClient> {
  const sasl = await labLogin(folder, lab, user);
  const names = await topicNames(lab, sasl, npmRun("status", folder.stack));
  if (!names.includes(topic)) {
    throw new UserError(
      user === undefined
        ? unknownTopic(topic, names, folder.stack, lab)
        : `${topic}: ${user} sees no such topic. There is none, or no rule lets ${user} describe it.`,
    );
  }
  const servers = brokers(lab).map(({ nodeId, machine }): [number, string] => [
    nodeId,
    `${machine.address}:${lab.cluster.clientPort}`,
  ]);
  const client = new KafkaTopic(new Map(servers), topic, sasl);
  if (partition === undefined) return client;
  const count = (await client.places()).length;
  if (partition < count) return client;
  await client.close();
  throw new UserError(
    `--partition: ${topic} has no partition ${partition}. It has ${count}, numbered from 0.`,
  );
}

async function topicNames(
  lab: Lab,
  sasl: Sasl | undefined,
  lookCommand: string,
): Promise<string[]> {
  const admin = new PlatformaticAdmin(bootstrapServers(lab).split(","), { ...BRISK, sasl });
  try {
    return (await admin.listPartitions()).map(({ topic }) => topic);
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    throw new UserError(
      `No broker of the lab ${lab.name} answers at ${bootstrapServers(lab)}. See how it is with ${lookCommand}.`,
    );
  } finally {
    await admin.close();
  }
}

/** What is said of a topic that the cluster does not have. */
export function unknownTopic(
  topic: string,
  live: readonly string[],
  stack: string,
  lab: Lab,
): string {
  const what = `${topic}: the lab ${stack} has no such topic.`;
  if (lab.topics.some(({ name }) => name === topic)) {
    return `${what} The configuration describes it: ${npmRun("pulumi", stack, "up")} makes it.`;
  }
  const known = live.filter((name) => !name.startsWith("__")).sort();
  const all = known.length === 0 ? "It has none." : `It has: ${known.join(", ")}.`;
  return `${what} ${didYouMean(topic, known, all)}`;
}
