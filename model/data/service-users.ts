import type { AclOperation, AclRule, Host, Lab, User, UserAcls } from "../types";
import { labPrograms, type ProgramName } from "./programs";

/** How the names of the programs' own Kafka users begin; no other user's may. */
export const SERVICE_USER_PREFIX = "pi-lab-";

/** The Kafka user that a program logs in as, where brokers ask who somebody is. */
export const serviceUser = (program: ProgramName): string => `${SERVICE_USER_PREFIX}${program}`;

type Plain = Omit<Lab, "users" | "acls">;

/**
 * The Kafka users of the programs that the lab's hosts run, with what each may do. None where nobody logs in.
 */
export function serviceUsers(lab: Plain): { readonly user: User; readonly acls: UserAcls }[] {
  if (lab.cluster.authentication === undefined) return [];
  return labPrograms(lab).flatMap((program) => {
    const rules = rulesOf(program, lab);
    if (rules.length === 0) return [];
    const name = serviceUser(program);
    return [
      {
        user: { name, password: "random", passwordVersions: { "SCRAM-SHA-512": 1 } },
        acls: { user: name, rules },
      },
    ];
  });
}

/** Empty for a program that has nothing to do with Kafka. */
function rulesOf(program: ProgramName, { hosts, data, topics: all }: Plain): AclRule[] {
  switch (program) {
    case "ring": {
      // Each client produces on its own topic and consumes the others': one user for all of them.
      const topics = [...new Set(hosts.flatMap(topicOf))].sort();
      return [
        ...topics.flatMap((topic) => allow("topic", topic, ["describe", "read", "write"])),
        ...allow("group", serviceUser(program), ["read"], "prefixed"),
      ];
    }
    case "bridge": {
      const { routes = [], deadLetters } = data.bridge ?? {};
      const named = [...routes.map(({ topic }) => topic), ...(deadLetters ? [deadLetters] : [])];
      const topics = [...new Set(named)].sort();
      return topics.flatMap((topic) => allow("topic", topic, ["describe", "write"]));
    }
    case "sink": {
      const { topics = [] } = data.store ?? {};
      return topics.flatMap((topic) => allow("topic", topic, ["describe", "read"]));
    }
    case "databricks": {
      const topics = [...new Set(data.databricks?.topics)].sort();
      return [
        ...topics.flatMap((topic) => allow("topic", topic, ["describe", "read"])),
        ...allow("group", serviceUser(program), ["read"]),
      ];
    }
    case "alerting": {
      const { topics = [], outputs } = data.alerting ?? {};
      const named = outputs?.topic === undefined ? [] : [outputs.topic];
      return [
        // Whether partitions are below min ISR.
        ...all.flatMap(({ name }) => allow("topic", name, ["describe"])),
        ...topics.flatMap((topic) => allow("topic", topic, ["read"])),
        ...named.flatMap((topic) => allow("topic", topic, ["write"])),
      ];
    }
    case "telemetry":
    case "dashboards":
      return [];
    case "status-page": {
      const { telemetryTopics = [], alertTopics = [] } = data.statusPage ?? {};
      const read = [...new Set([...telemetryTopics, ...alertTopics])].sort();
      return [
        // It shows every topic's leaders, replicas and rate, and of the quorum who leads it.
        ...allow("topic", "*", ["describe"]),
        ...allow("cluster", "kafka-cluster", ["describe"]),
        ...read.flatMap((topic) => allow("topic", topic, ["read"])),
      ];
    }
    default:
      return program satisfies never;
  }
}

const topicOf = (host: Host): string[] => (host.role === "client" ? [host.topic] : []);

function allow(
  resource: AclRule["resource"],
  name: string,
  operations: readonly AclOperation[],
  pattern: AclRule["pattern"] = "literal",
): AclRule[] {
  return operations.map((operation) => ({
    ...{ resource, name, pattern, operation },
    ...{ permission: "allow", host: "*" },
  }));
}
