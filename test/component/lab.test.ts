import { createLab, labOutputs } from "../../components/lab";
import type { Host, Lab } from "../../model";
import { hostWants, renderBringScript, renderPrepareScript } from "../../render";
import { physicalLab, virtualLab } from "../support/labs";
import { localInputs } from "../support/local-inputs";
import { RecordedProgram } from "../support/recorded";

const COMMAND = "command:remote:Command";
const COPY = "command:remote:CopyToRemote";
const CONTAINER = "docker:index/container:Container";
const NETWORK = "docker:index/network:Network";
const RANDOM = "random:index/randomBytes:RandomBytes";
const SWAP_GATE = "pilab:lab/swapGate:SwapGate";
const PACKAGES = "pilab:lab/packages:Packages";
const NODE_STORAGE = "pilab:kafka/nodeStorage:NodeStorage";
const ROLLOUT = "pilab:kafka/rollout:Rollout";
const CLUSTER_CONFIG = "pilab:kafka/clusterConfig:ClusterConfig";
const METADATA_VERSION = "pilab:kafka/metadataVersion:MetadataVersion";
const TOPIC = "pilab:kafka/topic:Topic";
const HOST_STATE = "pilab:lab/hostState:HostState";
const PREFLIGHT = "pilab:lab/preflight:Preflight";

const SHA256 = localInputs.archive.sha256;
/** SHA-256 of the bytes that `AAAAuser` stands for, in base64. */
const KEY_LABEL = {
  label: "pi-lab.key",
  value: "SHA256:hUkHdod8/qgKHpt5gX30CksdTQjmeNdIJD6CWxJL7ew",
};
const brokerNames = ["broker-1", "broker-2", "broker-3"];

interface NodeInput {
  nodeId: number;
  directoryId: string;
  address: string;
  connection: { host: string; hostKey: string };
  want: { version: string; properties: Record<string, string>; files: Record<string, string> };
  staged: { hash: string };
}

interface PreflightInput {
  identity: string[];
  role: string;
  board: string;
  connection: { host: string; hostKey: string };
  kafka?: Record<string, unknown>;
}

describe("a virtual lab", () => {
  const lab = virtualLab();
  let program: RecordedProgram;
  beforeAll(async () => {
    program = await RecordedProgram.of(() => createLab(lab, localInputs));
  });

  it("makes a network with the switch's subnet, labelled with the lab's name and key", () => {
    expect(program.get(NETWORK, "switch-network")).toMatchObject({
      parent: "pilab:lab:Switch switch",
      inputs: {
        name: "mock",
        labels: [{ label: "pi-lab.stack", value: "mock" }, KEY_LABEL],
        ipamConfigs: [{ subnet: "10.42.7.0/24", gateway: "10.42.7.254" }],
      },
    });
  });

  it("makes a container for every machine, the spare one too", () => {
    expect(program.names(CONTAINER)).toEqual(["pi-1", "pi-2", "pi-3", "pi-4", "pi-5", "pi-6"]);
  });

  it("gives a container its board's memory, its address, its data and its pinned key", () => {
    const { inputs: pi, deleteBeforeReplace } = program.get(CONTAINER, "pi-1");
    expect(pi).toMatchObject({
      name: "mock-pi-1",
      memory: 8192,
      memorySwap: 8192,
      networksAdvanced: [{ name: "mock", ipv4Address: "10.42.7.1" }],
      volumes: [{ volumeName: "mock-pi-1-data", containerPath: "/var/lib/kafka" }],
      labels: [
        { label: "pi-lab.stack", value: "mock" },
        KEY_LABEL,
        { label: "pi-lab.machine", value: "pi-1" },
      ],
      capabilities: { adds: ["CAP_SYS_ADMIN"] },
      stopSignal: "SIGRTMIN+3",
      restart: "always",
    });
    const uploads = pi.uploads as { file: string; content: string; permissions: string }[];
    expect(uploads.map(({ file, permissions }) => [file, permissions])).toEqual([
      ["/etc/ssh/ssh_host_ed25519_key", "0600"],
      ["/etc/ssh/authorized_keys.d/pi", "0644"],
    ]);
    expect(uploads[1]?.content).toBe("ssh-ed25519 AAAAuser\n");
    expect(deleteBeforeReplace).toBe(true);
  });

  it("keeps a machine's volume when the lab is renamed", () => {
    expect(program.get("docker:index/volume:Volume", "pi-1-data").ignoreChanges).toEqual([
      "name",
      "labels",
    ]);
  });

  it("pushes again when either the key or the container is another one", () => {
    const prepare = program.get(COMMAND, "broker-1-prepare");
    const { hostKey } = prepare.inputs.connection as { hostKey: string };
    expect(prepare.inputs.triggers).toEqual([hostKey, "pi-1-id"]);
    expect(prepare.dependsOn).toContain(`${CONTAINER} pi-1`);
  });

  it("looks at its machines once all are there, and again at one whose container is another", () => {
    const preflight = program.get(PREFLIGHT, "preflight");
    for (const n of [1, 2, 3, 4, 5]) expect(preflight.dependsOn).toContain(`${CONTAINER} pi-${n}`);
    const hosts = preflight.inputs.hosts as Record<string, PreflightInput>;
    expect(hosts["client-1"]?.identity).toEqual([hosts["client-1"]?.connection.hostKey, "pi-4-id"]);
  });

  it("asks the gate before it makes or replaces a machine, by keys that are known before", () => {
    const gate = program.get(SWAP_GATE, "swap-gate");
    expect(gate.dependsOn.filter((one) => !one.startsWith(RANDOM))).toEqual([]);
    for (const machine of program.names(CONTAINER)) {
      expect(program.get(CONTAINER, machine).dependsOn).toContain(`${SWAP_GATE} swap-gate`);
    }
    const { hosts, machines } = gate.inputs as {
      hosts: Record<string, { made: boolean; disk: string }>;
      machines: Record<string, string>;
    };
    expect(Object.keys(machines)).toEqual(program.names(CONTAINER));
    expect(machines["pi-6"]).toBe("10.42.7.6");
    expect(hosts["broker-1"]).toMatchObject({ machine: "pi-1", made: true });
    const prepare = program.get(COMMAND, "broker-1-prepare").inputs.connection as object;
    expect(prepare).toMatchObject({ hostKey: hosts["broker-1"]?.disk });
  });

  it("needs no farewell of brokers and topics when its machines go", () => {
    const network = `${NETWORK} switch-network`;
    expect(program.get(ROLLOUT, "kafka-rollout").deletedWith).toBe(network);
    expect(program.get(NODE_STORAGE, "broker-1-storage").deletedWith).toBe(network);
    expect(program.get(CLUSTER_CONFIG, "kafka-config").deletedWith).toBe(network);
    expect(program.get(TOPIC, "red").deletedWith).toBe(`${ROLLOUT} kafka-rollout`);
  });

  it("keeps private keys secret", () => {
    expect(program.get(CONTAINER, "pi-1").secrets).toEqual(["uploads"]);
    expect(program.get(COMMAND, "broker-1-prepare").secrets).toEqual(["connection"]);
    expect(program.get(NODE_STORAGE, "broker-1-storage").secrets).toEqual(["connection"]);
    expect(program.get(HOST_STATE, "broker-1-state").secrets).toEqual(["connection"]);
    expect(program.get(ROLLOUT, "kafka-rollout").secrets).toEqual(["nodes"]);
    expect(program.get(PREFLIGHT, "preflight").secrets).toEqual(["hosts"]);
  });

  it("stays few: at most ten resources a broker, seven for any other host", () => {
    expect(program.resources.length).toBeLessThan(85);
  });
});

describe("a lab of real Pis", () => {
  const lab = physicalLab();
  let program: RecordedProgram;
  beforeAll(async () => {
    program = await RecordedProgram.of(() => createLab(lab, localInputs));
  });

  it("makes no machines", () => {
    const made = program.resources.filter(({ type }) => type.startsWith("docker:"));
    expect(made).toEqual([]);
  });

  it("looks at every host's machine before anything is pushed to any of them", () => {
    expect(program.names(PREFLIGHT)).toEqual(["preflight"]);
    const preflight = program.get(PREFLIGHT, "preflight");
    expect(preflight.dependsOn).toEqual([`${SWAP_GATE} swap-gate`, `${RANDOM} kafka-cluster-id`]);
    expect(preflight.inputs.clusterId).toBe(
      program.get(NODE_STORAGE, "broker-1-storage").inputs.clusterId,
    );
    const hosts = preflight.inputs.hosts as Record<string, PreflightInput>;
    expect(Object.keys(hosts)).toEqual(lab.hosts.map(({ name }) => name));
    for (const { name, role, machine } of lab.hosts) {
      expect(hosts[name]).toMatchObject({
        identity: [machine.hostKey],
        role,
        board: "pi-4b-8gb",
        connection: { host: machine.address, hostKey: machine.hostKey },
      });
    }
    expect(hosts["broker-2"]?.kafka).toEqual({
      nodeId: 2,
      heapMib: 1024,
      clientPort: 9092,
      controllerPort: 9093,
      dataDir: "/var/lib/kafka/data",
    });
    expect(hosts["desk-1"]).not.toHaveProperty("kafka");
  });

  it("looks again at a broker whose disk was replaced, and pushes after the look alone", async () => {
    const [host] = lab.hosts;
    const disk = { ...host, disk: 2 } as Host;
    const other = await RecordedProgram.of(() =>
      createLab({ ...lab, hosts: [disk, ...lab.hosts.slice(1)] }, localInputs),
    );
    const hosts = other.get(PREFLIGHT, "preflight").inputs.hosts as Record<string, PreflightInput>;
    expect(hosts["broker-1"]?.identity).toEqual([host?.machine.hostKey, "disk 2"]);
    expect(hosts["broker-2"]?.identity).toHaveLength(1);
    for (const { name } of lab.hosts) {
      expect(program.get(COMMAND, `${name}-prepare`).dependsOn).toContain(`${PREFLIGHT} preflight`);
    }
  });

  it("tells the gate each host's machine and listeners, and touches none before it", () => {
    const gate = program.get(SWAP_GATE, "swap-gate");
    expect(gate.inputs.dataDir).toBe("/var/lib/kafka/data");
    expect(gate.inputs).not.toHaveProperty("machines");
    expect(gate.dependsOn).toEqual([]);
    const hosts = gate.inputs.hosts as Record<string, object>;
    expect(Object.keys(hosts)).toEqual([...brokerNames, "client-1", "desk-1"]);
    const [broker] = lab.hosts;
    expect(hosts["broker-1"]).toEqual({
      machine: "pi-1",
      made: false,
      disk: broker?.machine.hostKey,
      connection: expect.objectContaining({
        host: "10.0.42.1",
        hostKey: broker?.machine.hostKey,
      }) as unknown,
      kafka: { nodeId: 1, broker: true, listeners: ["10.0.42.1:9092", "10.0.42.1:9093"] },
    });
    expect(hosts["client-1"]).not.toHaveProperty("kafka");
    for (const host of lab.hosts) {
      const prepared = program.get(COMMAND, `${host.name}-prepare`);
      expect(prepared.dependsOn).toContain(`${SWAP_GATE} swap-gate`);
    }
  });

  it("gives a machine that takes over another directory id, and the first one its own again", async () => {
    const idWith = async (edited: Lab): Promise<unknown> => {
      const other = await RecordedProgram.of(() => createLab(edited, localInputs));
      return other.get(NODE_STORAGE, "broker-1-storage").inputs.directoryId;
    };
    const first = await idWith(lab);
    expect(await idWith(lab)).toBe(first);
    const [host] = lab.hosts;
    const disk = { ...host, disk: 2 } as Host;
    expect(await idWith({ ...lab, hosts: [disk, ...lab.hosts.slice(1)] })).not.toBe(first);
  });

  it("brings every host its packages before that, through this machine, where the configuration says so", async () => {
    expect(program.names(PACKAGES)).toEqual([]);
    const packageMirrors = ["mirror.example.org"];
    const offline: Lab = { ...lab, packagesFrom: "controller", packageMirrors };
    const other = await RecordedProgram.of(() => createLab(offline, localInputs));
    expect(other.names(PACKAGES)).toEqual(lab.hosts.map(({ name }) => `${name}-packages`));
    for (const host of lab.hosts) {
      const { inputs, dependsOn, secrets } = other.get(PACKAGES, `${host.name}-packages`);
      expect(inputs).toMatchObject({
        host: host.name,
        packages: host.role === "broker" ? ["chrony", "jre"] : ["chrony"],
        mirrors: packageMirrors,
        script: renderBringScript(offline, host),
        triggers: [host.machine.hostKey],
      });
      expect(secrets).toEqual(["connection"]);
      expect(dependsOn).toContain(`${PREFLIGHT} preflight`);
      const prepare = other.get(COMMAND, `${host.name}-prepare`);
      expect(prepare.dependsOn).toContain(`${PACKAGES} ${host.name}-packages`);
      expect(prepare.inputs["stdin"]).toContain("pi_packages_from='controller'");
    }
    const { hosts } = other.get(PREFLIGHT, "preflight").inputs as { hosts: object };
    for (const host of Object.values(hosts)) {
      expect(host).toMatchObject({ packagesFrom: "controller", packageMirrors });
    }
  });

  it("prepares every host once, with its own script, as root, with the pinned key", () => {
    expect(program.names(COMMAND).filter((name) => name.endsWith("-prepare"))).toEqual([
      "broker-1-prepare",
      "broker-2-prepare",
      "broker-3-prepare",
      "client-1-prepare",
      "desk-1-prepare",
    ]);
    for (const host of lab.hosts) {
      const { inputs: command } = program.get(COMMAND, `${host.name}-prepare`);
      expect(command).toMatchObject({
        create: "sudo -n bash -s",
        stdin: renderPrepareScript(lab, host),
        triggers: [host.machine.hostKey],
        logging: "stderr",
        addPreviousOutputInEnv: false,
      });
      expect(command.connection).toMatchObject({
        host: host.machine.address,
        port: 22,
        user: "pi",
        hostKey: host.machine.hostKey,
        dialErrorLimit: 20,
        perDialTimeout: 10,
      });
      expect(command.connection).not.toHaveProperty("agentSocketPath");
      expect(command).not.toHaveProperty("update");
      expect(command).not.toHaveProperty("delete");
    }
  });

  it("pushes Kafka to brokers alone, beside the preparation, and unpacks it after both", () => {
    expect(program.names(COPY).filter((name) => name.includes("kafka"))).toEqual(
      brokerNames.map((name) => `${name}-kafka-archive`),
    );
    expect(program.get(COPY, "broker-2-kafka-archive").dependsOn).toEqual([
      `${HOST_STATE} broker-2-state`,
      `${PREFLIGHT} preflight`,
      `${SWAP_GATE} swap-gate`,
    ]);
    expect(program.get(COMMAND, "broker-2-kafka-install").dependsOn).toEqual([
      `${COMMAND} broker-2-prepare`,
      `${COPY} broker-2-kafka-archive`,
      `${HOST_STATE} broker-2-state`,
    ]);
    expect(program.get(COMMAND, "broker-2-kafka-install").inputs.stdin).toContain(SHA256);
  });

  it("stages each broker's files after Kafka is unpacked, and formats after all are staged", () => {
    const files = program.get(COMMAND, "broker-3-files");
    expect(files.inputs.create).toBe("sudo -n /usr/local/lib/pi-lab/stage broker-3");
    expect(files.inputs.stdin).toContain("|node.id=3");
    expect(files.dependsOn).toContain(`${COMMAND} broker-3-kafka-install`);
    expect(program.get(NODE_STORAGE, "broker-3-storage").dependsOn).toEqual(
      expect.arrayContaining(brokerNames.map((name) => `${COMMAND} ${name}-files`)),
    );
  });

  it("ties a directory id to its machine's key, and freezes the voters of the birth", () => {
    const id = program.get(RANDOM, "broker-1-directory-id");
    expect(id.inputs).toEqual({
      length: 16,
      keepers: { hostKey: lab.hosts[0]?.machine.hostKey },
    });
    expect(id.ignoreChanges).toEqual(["keepers"]);
    const storages = brokerNames.map((name) => program.get(NODE_STORAGE, `${name}-storage`));
    const ids = storages.map(({ inputs: storage }) => storage.directoryId as string);
    expect(new Set(ids).size).toBe(3);
    for (const [n, storage] of storages.entries()) {
      expect(storage.ignoreChanges).toEqual([
        "birthVoters",
        "birthControllers",
        "birthMetadataVersion",
      ]);
      expect(storage.inputs).not.toHaveProperty("birthControllers");
      expect(storage.inputs).not.toHaveProperty("birthMetadataVersion");
      expect(storage.inputs).toMatchObject({
        host: `broker-${n + 1}`,
        nodeId: n + 1,
        birthVoters: ids.map((dir, i) => `${i + 1}@node-${i + 1}.internal:9093:${dir}`).join(","),
        dataDir: "/var/lib/kafka/data",
        configFile: "/etc/kafka/server.properties",
        kafkaHome: "/opt/kafka/current",
        serviceUser: "kafka",
      });
    }
    const clusterIds = new Set(storages.map(({ inputs: storage }) => storage.clusterId));
    expect(clusterIds.size).toBe(1);
  });

  it("rolls all brokers as one resource, after every storage is formatted", () => {
    const rollout = program.get(ROLLOUT, "kafka-rollout");
    for (const name of brokerNames) {
      expect(rollout.dependsOn).toContain(`${NODE_STORAGE} ${name}-storage`);
      expect((rollout.inputs.nodes as Record<string, NodeInput>)[name]?.directoryId).toBe(
        program.get(NODE_STORAGE, `${name}-storage`).inputs.directoryId,
      );
    }
    const nodes = rollout.inputs.nodes as Record<string, NodeInput>;
    expect(Object.keys(nodes)).toEqual(brokerNames);
    expect(nodes["broker-2"]).toMatchObject({
      nodeId: 2,
      address: "10.0.42.2:9092",
      connection: { host: "10.0.42.2" },
      want: { version: "4.1.1" },
      staged: { hash: "0f" },
    });
  });

  it("tells the rollout which machines a node has left, as the gate remembers them", async () => {
    const former = { swaps: 1, machines: [{ host: "10.0.42.9", hostKey: "ssh-ed25519 AAAA9" }] };
    const swapped = await RecordedProgram.of(() => createLab(lab, localInputs), {
      [`${SWAP_GATE} swap-gate`]: { former: { "broker-2": former } },
    });
    const nodes = swapped.get(ROLLOUT, "kafka-rollout").inputs.nodes as Record<string, object>;
    expect(nodes["broker-2"]).toMatchObject({ former });
    expect(nodes["broker-1"]).not.toHaveProperty("former");
  });

  it("restarts no broker for a moved name or a cluster-level setting", () => {
    const nodes = program.get(ROLLOUT, "kafka-rollout").inputs.nodes as Record<string, NodeInput>;
    const want = nodes["broker-1"]?.want;
    expect(Object.keys(want?.files ?? {})).not.toContain("/etc/kafka/hosts");
    expect(Object.keys(want?.properties ?? {})).not.toContain("min.insync.replicas");
    expect(program.get(CLUSTER_CONFIG, "kafka-config")).toMatchObject({
      inputs: { minInsyncReplicas: 2 },
      dependsOn: [`${ROLLOUT} kafka-rollout`],
    });
  });

  it("leaves the metadata version alone unless it is named, and raises it after the roll", async () => {
    expect(program.names(METADATA_VERSION)).toEqual([]);
    const named = { ...lab, cluster: { ...lab.cluster, metadataVersion: "4.1-IV1" } };
    const other = await RecordedProgram.of(() => createLab(named, localInputs));
    expect(other.get(METADATA_VERSION, "kafka-metadata-version")).toMatchObject({
      inputs: { metadataVersion: "4.1-IV1" },
      parent: "pilab:kafka:Cluster kafka",
      dependsOn: [`${ROLLOUT} kafka-rollout`],
    });
    // A new cluster begins with it: it could not be lowered to it.
    expect(other.get(NODE_STORAGE, "broker-1-storage").inputs).toMatchObject({
      birthMetadataVersion: "4.1-IV1",
    });
  });

  it("declares each topic after the cluster runs", () => {
    expect(program.names(TOPIC)).toEqual(["green", "red"]);
    const red = program.get(TOPIC, "red");
    expect(red.inputs).toMatchObject({
      name: "red",
      partitions: 2,
      replicationFactor: 3,
      config: { "retention.ms": "86400000" },
      deletionProtection: true,
    });
    expect(red.parent).toBe("pilab:kafka:ReplicatedTopic red");
    expect(red.dependsOn).toContain(`${ROLLOUT} kafka-rollout`);
    expect(program.get(TOPIC, "green").inputs.deletionProtection).toBe(false);
  });

  it("looks at every host again, by its own pinned key, for all that its pushes leave there", () => {
    expect(program.names(HOST_STATE)).toEqual(lab.hosts.map(({ name }) => `${name}-state`));
    for (const host of lab.hosts) {
      const state = program.get(HOST_STATE, `${host.name}-state`);
      expect(state.parent).toBe(`pilab:lab:PiHost ${host.name}`);
      expect(state.inputs).toMatchObject({
        host: host.name,
        connection: { host: host.machine.address, hostKey: host.machine.hostKey },
        pushes: hostWants(lab, host),
      });
      // Before the pushes, which it may tell to run again.
      expect(state.dependsOn).toEqual([]);
      expect(program.get(COMMAND, `${host.name}-prepare`).dependsOn).toContain(
        `${HOST_STATE} ${host.name}-state`,
      );
    }
    const { pushes } = program.get(HOST_STATE, "broker-1-state").inputs as {
      pushes: Record<string, { files?: Record<string, unknown> }>;
    };
    expect(Object.keys(pushes).sort()).toEqual(["install", "prepare", "stage"]);
    expect(Object.keys(pushes["stage"]?.files ?? {})).toContain("/etc/kafka/server.properties");
  });

  it("runs a push again for drift that it mends, and no other one", async () => {
    const generations = { prepare: 0, install: 0, stage: 2 };
    const drifted = await RecordedProgram.of(() => createLab(lab, localInputs), {
      [`${HOST_STATE} broker-2-state`]: { generations },
    });
    const [key] = program.get(COMMAND, "broker-2-files").inputs.triggers as string[];
    const triggers = Object.fromEntries(
      [...drifted.names(COMMAND), ...drifted.names(COPY)].map((name) => {
        const type = drifted.names(COPY).includes(name) ? COPY : COMMAND;
        return [name, drifted.get(type, name).inputs.triggers as string[]];
      }),
    );
    expect(triggers["broker-2-files"]).toEqual([key, "drift 2"]);
    for (const [name, others] of Object.entries(triggers)) {
      if (name !== "broker-2-files") expect([name, others.length]).toEqual([name, 1]);
    }
  });

  it("copies and unpacks Kafka again where it is gone", async () => {
    const generations = { prepare: 0, install: 1, stage: 0 };
    const drifted = await RecordedProgram.of(() => createLab(lab, localInputs), {
      [`${HOST_STATE} broker-3-state`]: { generations },
    });
    for (const [type, name] of [
      [COPY, "broker-3-kafka-archive"],
      [COMMAND, "broker-3-kafka-install"],
    ] as const) {
      expect(drifted.get(type, name).inputs.triggers).toContain("drift 1");
    }
    expect(drifted.get(COMMAND, "broker-3-files").inputs.triggers).not.toContain("drift 1");
  });

  it("stops the brokers when the stack is destroyed", () => {
    const rollout = program.get(ROLLOUT, "kafka-rollout");
    expect(rollout.deletedWith).toBe("");
    expect(rollout.inputs.stopOnDelete).toBe(true);
  });

  it("tells declared values as outputs", () => {
    expect(labOutputs(lab)).toEqual({
      bootstrapServers: "10.0.42.1:9092,10.0.42.2:9092,10.0.42.3:9092",
      hosts: expect.objectContaining({
        "client-1": { role: "client", machine: "pi-4", address: "10.0.42.4", port: 4 },
      }) as unknown,
      topics: {
        red: { partitions: 2, replicationFactor: 3, minInsyncReplicas: 2 },
        green: { partitions: 1, replicationFactor: 3, minInsyncReplicas: 2 },
      },
    });
  });

  it("tells the in-sync replicas that a topic asks for itself", () => {
    const [red, ...others] = lab.topics;
    const config = { ...red!.config, "min.insync.replicas": "1" };
    const { topics } = labOutputs({ ...lab, topics: [{ ...red!, config }, ...others] });
    expect(Object.values(topics).map(({ minInsyncReplicas }) => minInsyncReplicas)).toEqual(
      lab.topics.map((topic) => (topic === red ? 1 : 2)),
    );
  });
});
