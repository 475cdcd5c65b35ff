import type { DrawnHost, Host, Lab, ProgramName } from "../../model";
import { hostPrograms } from "../../model/data/programs";
import { isController, isKafkaHost, spares } from "../../model/lab";
import { kafkaAccess } from "./kafka-access";
import { programService } from "./program-service";
import type { HostService, ServiceSecrets } from "./service";

/** The page that shows the lab, on the host that serves it. */
export function statusPageService(
  lab: Lab,
  host: Host,
  secrets: ServiceSecrets,
): HostService | undefined {
  const { statusPage, telemetry } = lab.data;
  if (statusPage === undefined || statusPage.host !== host.name) return undefined;
  const { port, title, telemetryTopics, alertTopics } = statusPage;
  return programService({
    lab,
    host,
    program: "status-page",
    description: "Status page of the lab",
    config: {
      kafka: kafkaAccess(lab, "status-page", secrets),
      page: { address: host.machine.address, port },
      title,
      lab: {
        switch: { model: lab.switch.model, ports: lab.switch.ports },
        hosts: lab.hosts.map((each) => drawn(lab, each)),
        spares: spares(lab).map(({ name, board }) => ({ machine: name, board })),
        topics: lab.topics.map(({ name, config }) => ({
          name,
          minInsyncReplicas: Number(config["min.insync.replicas"] ?? lab.cluster.minInsyncReplicas),
        })),
      },
      telemetryTopics,
      alertTopics,
      ...(telemetry !== undefined && { telemetryEverySeconds: telemetry.everySeconds }),
    },
  });
}

function drawn(lab: Lab, host: Host): DrawnHost {
  const { name, role, port, machine } = host;
  const isMqttBroker = lab.data.mqtt?.host === name;
  const programs = hostPrograms(lab, host).flatMap((program) => words[program] ?? []);
  return {
    ...{ name, role, port, machine: machine.name, board: machine.board },
    runs: [...(isMqttBroker ? ["MQTT broker"] : []), ...programs],
    ...(host.role === "client" && { topic: host.topic }),
    ...(isKafkaHost(host) && {
      node: {
        id: host.nodeId,
        votes: isController(host),
        ...(host.role === "broker" && {
          address: `${machine.address}:${lab.cluster.clientPort}`,
        }),
      },
    }),
  };
}

/** What programs are to a visitor; those of every host or of a role go without saying. */
const words: Readonly<Record<ProgramName, string | undefined>> = {
  ring: undefined,
  telemetry: undefined,
  bridge: "MQTT bridge",
  alerting: "alerting",
  sink: "telemetry store",
  dashboards: "dashboards",
  databricks: "Databricks",
  "status-page": "status page",
};
