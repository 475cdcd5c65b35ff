/** Somebody else's Kafka on a machine that is to be one of the lab's nodes: its ports, its files, its data. */
import { parseMeta, planStorage } from "../node-storage/plan";
import type { KafkaFacts, Listener, RunningProcess } from "./facts";
import type { Finding } from "./findings";
import type { WantedKafka } from "./wanted";

/** First line of every unit that the lab writes. */
const OUR_HEADING = "# Written by pi-lab.";
const OUR_UNIT = "/etc/systemd/system/kafka.service";
/** Where its processes stand; those of a Kafka in a container stand deeper. */
const OUR_PLACE = "/system.slice/kafka.service";

/** @param address where the node's listeners are bound to */
export function kafkaFindings(facts: KafkaFacts, wanted: WantedKafka, address: string): Finding[] {
  return [
    ...portFindings(facts, wanted, address),
    ...processFindings(facts),
    ...fileFindings(facts),
    ...dataFindings(facts, wanted),
  ];
}

/** Whether the machine's `kafka.service` is the one that the lab wrote. */
const isOurUnit = ({ unitHeading, unitPath }: KafkaFacts): boolean =>
  unitHeading === OUR_HEADING && unitPath === OUR_UNIT;

/** Whether a process is the lab's own broker. One that is just being restarted is no longer the main one. */
const isOurs = (facts: KafkaFacts, process: RunningProcess): boolean =>
  isOurUnit(facts) && (process.pid === facts.mainPid || process.place === OUR_PLACE);

/** In a container root may not see what another user's process listens to: there it is the broker that runs. */
const isOurListener = (facts: KafkaFacts, { process }: Listener): boolean =>
  process === undefined ? isOurUnit(facts) && facts.mainPid !== undefined : isOurs(facts, process);

function portFindings(facts: KafkaFacts, wanted: WantedKafka, address: string): Finding[] {
  const keyOf = (port: number): string =>
    port === wanted.controllerPort ? "controllerPort" : "clientPort";
  const taken = (facts.listeners ?? [])
    .filter((listener) => !isOurListener(facts, listener))
    .filter((listener) => clashes(listener, address));
  // One process may listen by IPv4 and by IPv6.
  const seen = new Set<string>();
  return taken.flatMap(({ port, process }): Finding[] => {
    const who = process === undefined ? "an unknown process" : describe(process);
    if (seen.has(`${port} ${who}`)) return [];
    seen.add(`${port} ${who}`);
    return [
      {
        check: "ports",
        severity: "error",
        found: `port ${port} is taken by ${who}`,
        value: String(port),
        remedy: `${stop(process)}, or give the lab another \`cluster.${keyOf(port)}\`.`,
      },
    ];
  });
}

/** A broker's listeners are bound to its own address: one that is bound to another is in nobody's way. */
function clashes({ address }: Listener, own: string): boolean {
  const bare = address
    .replace(/^\[|\]$/g, "")
    .replace(/^::ffff:/, "")
    .replace(/%.*$/, "");
  return ["*", "0.0.0.0", "::", own].includes(bare);
}

function processFindings(facts: KafkaFacts): Finding[] {
  return facts.processes
    .filter((process) => !isOurs(facts, process))
    .map((process) => ({
      check: "foreign-kafka",
      severity: "error",
      found: `a Kafka runs there that this lab did not start: ${describe(process)}`,
      value: describe(process),
      remedy: `${stop(process)}, or use another machine: two brokers on one Pi share its memory and its card.`,
    }));
}

function fileFindings(facts: KafkaFacts): Finding[] {
  const findings: Finding[] = [];
  const foreign = (found: string, value: string, remedy: string): void => {
    findings.push({ check: "foreign-kafka", severity: "error", found, value, remedy });
  };
  const { unitPath, rootLink, rootEntries } = facts;
  if (unitPath !== undefined && !isOurUnit(facts)) {
    foreign(
      `there is a kafka.service that this lab did not write, ${unitPath}`,
      unitPath,
      unitPath === OUR_UNIT
        ? `It would be overwritten. Stop it and move it away: \`sudo systemctl disable --now kafka; sudo mv ${unitPath} /root/\`.`
        : "It would be hidden by the lab's own. Remove the package that it belongs to.",
    );
  }
  const strangers = rootEntries.filter((name) => !/^(current|kafka-[\d.]+)$/.test(name));
  if (rootLink !== undefined || strangers.length > 0) {
    const what =
      rootLink === undefined
        ? `holds ${strangers.slice(0, 3).join(", ").replaceAll("!", "")}`
        : `is a link to ${rootLink}`;
    foreign(
      `/opt/kafka ${what}, which this lab did not put there`,
      rootLink ?? strangers.join(" "),
      "Move it away (`sudo mv /opt/kafka /opt/kafka.old`): the lab unpacks its own distributions there.",
    );
  }
  if (facts.hasProperties && !facts.hasManifest) {
    foreign(
      "/etc/kafka/server.properties is there, and this lab did not write it",
      "/etc/kafka/server.properties",
      "It would be overwritten. Move it away: `sudo mv /etc/kafka /etc/kafka.old`.",
    );
  }
  return findings;
}

/** What `NodeStorage` would refuse later is told now, in its own words. */
function dataFindings({ meta, dataEntries }: KafkaFacts, wanted: WantedKafka): Finding[] {
  if (meta === undefined && dataEntries === undefined) return [];
  const { clusterId, nodeId, dataDir } = wanted;
  const found = parseMeta(meta ?? "");
  // The node's own disk may come with an id of its own, from another machine.
  const directoryId = found.directoryId ?? "any";
  const want = { clusterId: clusterId ?? "none yet", nodeId, directoryId };
  const plan = planStorage(want, { meta, entries: dataEntries ?? [] });
  if (plan.kind !== "refuse") return [];
  return [
    {
      check: "foreign-data",
      severity: "error",
      found: `${dataDir} is not used: ${plan.cause}`,
      value:
        meta === undefined
          ? "no meta.properties"
          : `cluster ${found.clusterId ?? "(none)"}, node ${found.nodeId ?? "(none)"}`,
      remedy: plan.remedy,
    },
  ];
}

/** `java 712 (kafka.service)`. */
function describe(process: RunningProcess): string {
  const unit = unitOf(process);
  return [
    process.name ?? "process",
    `${process.pid}${unit === undefined ? "" : ` (${unit})`}`,
  ].join(" ");
}

function stop(process: RunningProcess | undefined): string {
  if (process === undefined) return "See there with `sudo ss -ltnp` who it is, and stop it";
  const unit = unitOf(process);
  // A unit of that name in a container is another one.
  return process.place === `/system.slice/${unit}`
    ? `Stop it there (\`sudo systemctl disable --now ${unit}\`)`
    : `Stop it there (\`sudo kill ${process.pid}\`, and whatever starts it)`;
}

/** Unit, scope or container. */
const unitOf = ({ place }: RunningProcess): string | undefined =>
  place?.split("/").at(-1) || undefined;
