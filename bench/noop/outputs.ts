import { randomBytes } from "node:crypto";
import { reveal, Secret, type PropertyMap, type PropertyValue } from "../../plugins/common/rpc";

/** Makes the outputs of a new resource from its inputs: what a program may read of them is in them. */
export type Outputs = (inputs: PropertyMap) => PropertyMap;

const asGiven: Outputs = (inputs) => inputs;

/** Every command answers what the staging command does: the program reads that one's answer alone. */
const commandOutputs: Outputs = (inputs) => ({
  ...inputs,
  stdout: JSON.stringify({ hash: "0".repeat(64), time: "2000-01-01T00:00:00.000000000Z" }),
  stderr: "",
});

const randomOutputs: Outputs = (inputs) => {
  const bytes = randomBytes(lengthOf(reveal(inputs["length"])));
  return {
    ...inputs,
    base64: new Secret(bytes.toString("base64")),
    hex: new Secret(bytes.toString("hex")),
  };
};

function lengthOf(value: PropertyValue | undefined): number {
  return typeof value === "number" ? value : 16;
}

/**
 * The types that the stack uses, by plugin. One that is missing here fails the benchmark with its
 * token, so that the two stacks cannot drift apart.
 */
export const noopTypes = {
  command: {
    "command:remote:Command": commandOutputs,
    "command:remote:CopyToRemote": asGiven,
  },
  docker: {
    "docker:index/container:Container": asGiven,
    "docker:index/network:Network": asGiven,
    "docker:index/volume:Volume": asGiven,
  },
  random: { "random:index/randomBytes:RandomBytes": randomOutputs },
  pilab: {
    "pilab:kafka/clusterConfig:ClusterConfig": asGiven,
    "pilab:kafka/metadataVersion:MetadataVersion": asGiven,
    "pilab:kafka/nodeStorage:NodeStorage": asGiven,
    "pilab:kafka/rollout:Rollout": asGiven,
    "pilab:lab/preflight:Preflight": asGiven,
    "pilab:lab/swapGate:SwapGate": (inputs) => ({ ...inputs, former: {}, left: {} }),
    "pilab:lab/leftMachines:LeftMachines": asGiven,
    "pilab:lab/hostState:HostState": (inputs) => ({ ...inputs, generations: {} }),
    "pilab:lab/packages:Packages": asGiven,
    "pilab:kafka/topicSet:TopicSet": asGiven,
    "pilab:kafka/user:User": asGiven,
    "pilab:kafka/acls:Acls": (inputs) => ({ ...inputs, grants: {} }),
    "pilab:kafka/quota:Quota": asGiven,
    "pilab:kafka/topic:Topic": (inputs) => ({ ...inputs, topicId: "AAAAAAAAAAAAAAAAAAAAAA" }),
  },
} as const satisfies Record<string, Readonly<Record<string, Outputs>>>;

export type NoopPlugin = keyof typeof noopTypes;

export const noopPlugins = Object.keys(noopTypes) as NoopPlugin[];
