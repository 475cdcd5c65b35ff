import type { AlertGroup, Host, Lab } from "../../model";
import { brokers } from "../../model/lab";
import { hostPrograms, programPorts } from "../../model/data/programs";
import { kafkaAccess } from "./kafka-access";
import { programService, type ProgramServiceArgs } from "./program-service";
import type { HostService, ServiceSecrets } from "./service";

const MIN_ISR = "min.insync.replicas";

/** What tells when something is wrong, on the host that is to run it. */
export function alertingService(
  lab: Lab,
  host: Host,
  secrets: ServiceSecrets,
): HostService | undefined {
  const { alerting } = lab.data;
  if (alerting === undefined || !hostPrograms(lab, host).includes("alerting")) return undefined;
  const { periodMinutes, lateSeconds, rules, topics } = alerting;
  const outputs = outputsOf(lab, secrets);
  const isTold = outputs.webhook?.secret !== undefined || outputs.email?.login !== undefined;
  return programService({
    lab,
    host,
    program: "alerting",
    description: "Alerts of the lab",
    config: {
      kafka: kafkaAccess(lab, "alerting", secrets),
      telemetryTopics: topics,
      brokers: brokers(lab).map(({ name, nodeId, machine }) => ({
        ...{ host: name, nodeId },
        address: `${machine.address}:${lab.cluster.clientPort}`,
      })),
      topics: lab.topics.map(({ name, config }) => ({
        name,
        minInsyncReplicas: Number(config[MIN_ISR] ?? lab.cluster.minInsyncReplicas),
      })),
      bridges: bridgesOf(lab),
      groups: groupsOf(lab),
      rules,
      periodSeconds: periodMinutes * 60,
      lateSeconds,
      ...(isTold && { salt: given("alertingSalt", secrets.alertingSalt) }),
      outputs,
    },
  });
}

function bridgesOf({ data, hosts }: Lab): { host: string; url: string }[] {
  const running = hosts.filter(({ name }) => data.bridge?.hosts.includes(name));
  return running.map(({ name, machine }) => ({
    host: name,
    url: `http://${machine.address}:${programPorts.bridge}/metrics`,
  }));
}

/** Hosts that fail together, smaller groups first: each supply, and the switch that all are on. */
function groupsOf({ data, hosts, switch: { model } }: Lab): AlertGroup[] {
  const supplies = Object.entries(data.supplies).map(([name, fed]): AlertGroup => ({
    ...{ kind: "supply", name, hosts: fed },
  }));
  supplies.sort((a, b) => a.hosts.length - b.hosts.length);
  return [...supplies, { kind: "switch", name: model, hosts: hosts.map(({ name }) => name) }];
}

type Outputs = ProgramServiceArgs<"alerting">["config"]["outputs"];

function outputsOf({ data }: Lab, { webhookSecret, smtpPassword }: ServiceSecrets): Outputs {
  const { topic, webhook, email } = data.alerting?.outputs ?? {};
  return {
    ...(topic !== undefined && { topic }),
    ...(webhook !== undefined && {
      webhook: {
        url: webhook.url,
        ...(webhook.signed && { secret: given("webhookSecret", webhookSecret) }),
      },
    }),
    ...(email !== undefined && {
      email: {
        ...{ server: email.server, port: email.port, security: email.security },
        ...{ from: email.from, to: email.to },
        ...(email.user !== undefined && {
          login: { username: email.user, password: given("smtpPassword", smtpPassword) },
        }),
      },
    }),
  };
}

function given(name: string, secret: string | undefined): string {
  if (secret === undefined) throw new Error(`bug: ${name} is missing: that is checked before`);
  return secret;
}
