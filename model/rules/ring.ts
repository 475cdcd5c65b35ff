import type { ConfigProblem } from "../errors";
import type { LabDraft } from "../schema";
import { inOrder, Report } from "./report";

/** An alert with its names takes some 300 bytes in Kafka's format; host names may be long. */
const LEAST_MESSAGE_BYTES = 1024;

/** Rules about the client ring. That a client's topic is one of the lab's is among those about hosts. */
export function ringProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  const clients = inOrder(draft.hosts).filter(([, { role }]) => role === "client");
  if (draft.ring !== undefined && draft.hosts !== undefined && clients.length === 0) {
    report.add(
      ["ring"],
      undefined,
      "there is no client in the lab that would be in it",
      "Give hosts the role client, or remove ring.",
    );
  }
  for (const topic of new Set(clients.map(([, client]) => client.topic))) {
    if (topic !== undefined) checkRoom(topic, draft, report);
  }
  return report.problems;
}

/** What Kafka would refuse of each client's alerts. */
function checkRoom(topic: string, { topics }: LabDraft, report: Report): void {
  const config = topics?.[topic]?.config ?? {};
  const bytes = config["max.message.bytes"];
  if (bytes !== undefined && Number(bytes) < LEAST_MESSAGE_BYTES) {
    report.add(
      ["topics", topic, "config", "max.message.bytes"],
      bytes,
      "has no room for a client's alert",
      `Make it ${LEAST_MESSAGE_BYTES} or more, or give the client another topic.`,
    );
  }
}
