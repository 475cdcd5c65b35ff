import * as pulumi from "@pulumi/pulumi";
import { bootstrapServers, type Host, type Lab } from "../model";
import { PilabProvider } from "../provider/resources";
import { labPreflight, Machines, PiHost, swapGate, Switch } from "./hosts";
import { KafkaClient, KafkaCluster, KafkaNode, ReplicatedTopic } from "./kafka";
import type { LocalInputs } from "./local-inputs";

/** Makes the whole lab: switch, machines, hosts by their role, cluster, topics. */
export function createLab(lab: Lab, inputs: LocalInputs): void {
  const labSwitch = new Switch("switch", lab, inputs.access.authorizedKey);
  const provider = new PilabProvider("pilab", { bootstrapServers: bootstrapServers(lab) });
  const hardware = new Machines(lab, labSwitch, inputs.access, { parent: labSwitch });
  const gate = swapGate(lab, hardware, provider);
  const machines = hardware.boot(gate);

  // The cluster comes last, and every push waits for the machines to be looked at, by its id too.
  const [clusterId, tellClusterId] = pulumi.deferredOutput<string>();
  const ready = labPreflight("preflight", { lab, machines, clusterId, provider });

  const nodes: KafkaNode[] = [];
  for (const host of lab.hosts) {
    const reachable = ready(host);
    // Its children's names begin with its own, so that the engine finds them by its former names as well.
    const opts = { aliases: host.formerNames.map((name) => ({ name })) };
    switch (host.role) {
      case "broker":
      case "controller":
        nodes.push(
          new KafkaNode(
            host.name,
            { lab, host, reachable, archive: inputs.archive, provider },
            opts,
          ),
        );
        break;
      case "client":
        new KafkaClient(host.name, { lab, host, reachable, provider }, opts);
        break;
      case "host":
        new PiHost(host.name, { lab, host, reachable, provider }, opts);
        break;
      default:
        host satisfies never;
    }
  }

  const ground = labSwitch.network;
  const cluster = new KafkaCluster("kafka", { lab, nodes, provider, gate, ground });
  tellClusterId(cluster.clusterId);
  for (const topic of lab.topics) {
    new ReplicatedTopic(topic.name, { topic, cluster, provider });
  }
}

/** What the stack tells: declared values, all of them known in a preview. */
export interface LabOutputs {
  /** `address:port,…` of the brokers. */
  readonly bootstrapServers: string;
  readonly hosts: Readonly<Record<string, HostOutput>>;
  readonly topics: Readonly<Record<string, TopicOutput>>;
}

interface HostOutput {
  readonly role: Host["role"];
  readonly machine: string;
  readonly address: string;
  readonly port: number;
}

interface TopicOutput {
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly minInsyncReplicas: number;
}

export function labOutputs(lab: Lab): LabOutputs {
  return {
    bootstrapServers: bootstrapServers(lab),
    hosts: Object.fromEntries(
      lab.hosts.map(({ name, role, machine, port }) => [
        name,
        { role, machine: machine.name, address: machine.address, port },
      ]),
    ),
    topics: Object.fromEntries(
      lab.topics.map(({ name, partitions, replicationFactor }) => [
        name,
        { partitions, replicationFactor, minInsyncReplicas: lab.cluster.minInsyncReplicas },
      ]),
    ),
  };
}
