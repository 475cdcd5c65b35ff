import type { HostStatus, LabStatus } from "./lab-status";
import { renderTable } from "./table";
import type { TopicStatus } from "./topic-status";

/** A lab's status as a person reads it. */
export function renderStatus(status: LabStatus): string {
  const hosts = renderTable(
    ["HOST", "ROLE", "MACHINE", "ADDRESS", "STATE"],
    status.hosts.map((host) => [host.name, host.role, host.machine, host.address, stateOf(host)]),
  );
  const topics = renderTable(
    ["TOPIC", "PARTITION", "LEADER", "IN SYNC"],
    status.topics.flatMap(topicRows),
  );
  return [
    `Lab ${status.lab}`,
    "",
    hosts,
    "",
    `Bootstrap servers: ${status.bootstrapServers.join(",")}`,
    ...(status.topics.length > 0 ? ["", topics] : []),
    ...(status.problems.length > 0
      ? ["", "Not as it should be:", ...status.problems.map((problem) => `  ${problem}`)]
      : []),
  ].join("\n");
}

function stateOf({ ssh, broker, controller }: HostStatus): string {
  const parts = [ssh ? "answers" : "no answer"];
  if (broker !== undefined) parts.push(`broker ${broker}`);
  if (controller === "active") parts.push("active controller");
  // Of a broker that does its other duty, too, nothing need be said.
  else if (controller !== undefined && (broker === undefined || controller !== "up"))
    parts.push(`controller ${controller}`);
  return parts.join(", ");
}

function topicRows({ name, partitions }: TopicStatus): string[][] {
  return partitions.map(({ partition, leader, replicas, isr }) => [
    name,
    String(partition),
    leader ?? "none",
    `${isr.length} of ${replicas.length}: ${isr.join(", ")}`,
  ]);
}
