import { bootstrapServers, isKafkaHost } from "../model";
import { PlatformaticAdmin } from "../provider/admin/platformatic";
import { asking, PATIENT } from "../provider/admin/port";
import { parseClusterSettings } from "../provider/cluster-settings";
import { gatherTopics } from "./lib/adopt/gather";
import { planAdoption, type LabRules } from "./lib/adopt/plan";
import { remarks, topicsProgram, topicsYaml } from "./lib/adopt/text";
import { readArgs, runCommand, stackOf, toStderr, type Given } from "./lib/cli";
import { UserError } from "./lib/errors";
import { readLab } from "./lib/lab-files";
import { labLogin } from "./lib/lab-login";
import { standingLab, type StandingLab } from "./lib/standing-lab";

const FORMATS = ["lab", "program"] as const;
type Format = (typeof FORMATS)[number];

const USAGE = `npm run adopt [-- --stack NAME] [--bootstrap HOST:PORT,…] [--placement] [--format FORMAT]

Prints the configuration of all topics of a running cluster, such that the cluster is taken over without a
change: paste it over the lab's \`topics:\`. What cannot be declared is told with the reason and the remedy.
Nothing is changed, neither in the cluster nor in a file.

  --stack NAME             under which lab's rules; default virtual (or PI_LAB_STACK)
  --bootstrap HOST:PORT,…  the cluster to look at; default: the lab's own
  --placement              also on which brokers the replicas lie, which are then kept there
  --format FORMAT          lab: YAML for the lab's configuration (the default);
                           program: TypeScript for a program of your own, with the commands that import

Ends with 0 when every topic but Kafka's own can be declared, else with 1.`;

async function main(): Promise<number> {
  const given = readArgs({
    text: USAGE,
    values: ["stack", "bootstrap", "format"],
    switches: ["placement"],
  });
  const format = formatOf(given);
  const named = serversOf(given);
  // A program of one's own needs no lab, where the cluster is named.
  const own = format === "program" && named !== undefined ? undefined : standingLab(stackOf(given));
  const servers = named ?? bootstrapServers(own!.lab).split(",");
  // Another cluster than the lab's own has other passwords.
  const sasl =
    named === undefined && own !== undefined ? await labLogin(own.folder, own.lab) : undefined;
  const cluster = await asking(new PlatformaticAdmin(servers, { ...PATIENT, sasl }), gatherTopics);
  const plan = planAdoption(cluster, {
    placement: given.has("placement"),
    rules: format === "program" || own === undefined ? "provider" : rulesOf(own),
  });
  for (const line of remarks(plan)) toStderr(line);
  const print = format === "program" ? topicsProgram : topicsYaml;
  process.stdout.write(print(plan.topics));
  return plan.refused.length === 0 ? 0 : 1;
}

function formatOf(given: Given): Format {
  const text = given.value("format") ?? "lab";
  const format = FORMATS.find((known) => known === text);
  if (format !== undefined) return format;
  throw new UserError(`--format: ${text} is none of ${FORMATS.join(", ")}.`);
}

function serversOf(given: Given): readonly string[] | undefined {
  const text = given.value("bootstrap");
  if (text === undefined) return undefined;
  const { settings, failures } = parseClusterSettings({ bootstrapServers: text });
  const [fault] = failures;
  if (fault !== undefined) throw new UserError(`--bootstrap: ${fault.reason}.`);
  return settings.bootstrapServers;
}

function rulesOf({ folder, lab }: StandingLab): LabRules {
  const nodes = lab.hosts.filter(isKafkaHost);
  return { lab: readLab(folder), hosts: new Map(nodes.map(({ nodeId, name }) => [nodeId, name])) };
}

runCommand(main);
