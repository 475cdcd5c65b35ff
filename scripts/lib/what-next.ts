import type { Lab } from "../../model";
import { pathBelow } from "../../model/errors";
import { kafkaPaths } from "../../render";
import { npmRun } from "./cli";
import { display } from "./lab-files";
import type { LabFolder } from "./lab-folder";

/** What a user of a lab that has just come up may want to do, as commands. */
export function whatNext({ stack, configFile }: LabFolder, lab: Lab): string {
  const topic = lab.topics[0]?.name;
  const broker = lab.hosts.find(({ role }) => role === "broker");
  const edit = topic ? ` (e.g. ${pathBelow("topics", topic, "config")}: another retention.ms)` : "";
  const records = topic
    ? [
        `  Write    ${npmRun("produce", stack, topic)}`,
        `  Read     ${npmRun("consume", stack, topic, "--follow")}`,
      ]
    : [];
  const login = broker
    ? [
        `  Logs     ${npmRun("logs", stack, broker.name)}`,
        `  Log in   ${npmRun("ssh", stack, broker.name)}`,
        `           and there: ${topicsTool(lab, broker.machine.address)}`,
      ]
    : [];
  return [
    "What to try next",
    ...records,
    `  Edit     ${display(configFile)}${edit}`,
    `  Preview  ${npmRun("pulumi", stack, "preview", "--diff")}`,
    `  Apply    ${npmRun("pulumi", stack, "up")}`,
    `  Look     ${npmRun("status", stack)}`,
    ...login,
    `  End      ${npmRun("lab:down", stack)}`,
  ].join("\n");
}

/** Kafka's own tool on a broker's host. Where brokers want a login it takes the nodes', which root alone can read. */
function topicsTool({ cluster }: Lab, address: string): string {
  const login =
    cluster.authentication === undefined ? "" : ` --command-config ${kafkaPaths.adminProperties}`;
  const tool = login === "" ? "kafka-topics.sh" : "sudo kafka-topics.sh";
  return `${tool} --bootstrap-server ${address}:${cluster.clientPort}${login} --describe`;
}
