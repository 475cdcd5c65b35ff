import { createLab, labOutputs } from "../../components/lab";
import { hostWants } from "../../render";
import { separateLab } from "../support/labs";
import { localInputs } from "../support/local-inputs";
import { RecordedProgram } from "../support/recorded";

const COMMAND = "command:remote:Command";
const COPY = "command:remote:CopyToRemote";
const SWAP_GATE = "pilab:lab/swapGate:SwapGate";
const NODE_STORAGE = "pilab:kafka/nodeStorage:NodeStorage";
const ROLLOUT = "pilab:kafka/rollout:Rollout";
const HOST_STATE = "pilab:lab/hostState:HostState";
const PREFLIGHT = "pilab:lab/preflight:Preflight";

/** A controller alone and two brokers that are none: what each of them gets, and what the cluster is told. */
describe("brokers and controllers apart", () => {
  const lab = separateLab();
  const nodeNames = ["broker-2", "broker-3", "controller-1"];
  let program: RecordedProgram;
  beforeAll(async () => {
    program = await RecordedProgram.of(() => createLab(lab, localInputs));
  });

  const inputOf = (type: string, name: string, property: string) =>
    program.get(type, name).inputs[property] as Record<string, Record<string, unknown>>;

  it("makes the same children for all of them, and a component of its own type for a controller alone", () => {
    for (const name of nodeNames) {
      const type = name.startsWith("broker") ? "pilab:kafka:Broker" : "pilab:kafka:Controller";
      const parent = `${type} ${name}`;
      const children = program.resources
        .filter((resource) => resource.parent === parent)
        .map(({ type: childType, name: child }) => `${childType} ${child}`);
      expect(children.sort()).toEqual([
        `${COMMAND} ${name}-files`,
        `${COMMAND} ${name}-kafka-install`,
        `${COPY} ${name}-kafka-archive`,
        `${NODE_STORAGE} ${name}-storage`,
        `pilab:lab:PiHost ${name}`,
        `random:index/randomBytes:RandomBytes ${name}-directory-id`,
      ]);
    }
  });

  it("lets clients find brokers alone", () => {
    expect(labOutputs(lab)).toMatchObject({
      bootstrapServers: "10.0.42.2:9092,10.0.42.3:9092",
      hosts: { "controller-1": { role: "controller" } },
    });
  });

  it("asks each for its own ports before the first push", () => {
    const hosts = inputOf(PREFLIGHT, "preflight", "hosts");
    const dataDir = "/var/lib/kafka/data";
    expect(hosts["controller-1"]).toMatchObject({ role: "controller" });
    expect(hosts["controller-1"]?.["kafka"]).toEqual({
      ...{ nodeId: 1, heapMib: 512, dataDir },
      controllerPort: 9093,
    });
    expect(hosts["broker-2"]?.["kafka"]).toEqual({
      ...{ nodeId: 2, heapMib: 1024, dataDir },
      clientPort: 9092,
    });
  });

  it("tells the gate what each is, and where it listens", () => {
    const hosts = inputOf(SWAP_GATE, "swap-gate", "hosts");
    expect(hosts["controller-1"]?.["kafka"]).toEqual({
      ...{ nodeId: 1, broker: false },
      listeners: ["10.0.42.1:9093"],
    });
    expect(hosts["broker-3"]?.["kafka"]).toEqual({
      ...{ nodeId: 3, broker: true },
      listeners: ["10.0.42.3:9092"],
    });
  });

  it("formats every node after all are staged, with the controller as the only voter of the birth", () => {
    const { directoryId } = program.get(NODE_STORAGE, "controller-1-storage").inputs;
    for (const name of nodeNames) {
      const storage = program.get(NODE_STORAGE, `${name}-storage`);
      expect(storage.inputs).toMatchObject({
        host: name,
        nodeId: Number(name.slice(-1)),
        birthVoters: `1@node-1.internal:9093:${String(directoryId)}`,
        birthControllers: ["10.0.42.1:9093"],
      });
      expect(storage.dependsOn).toEqual(
        expect.arrayContaining(nodeNames.map((other) => `${COMMAND} ${other}-files`)),
      );
    }
  });

  it("rolls all of them as one cluster, each at the listener that it has", () => {
    const nodes = inputOf(ROLLOUT, "kafka-rollout", "nodes");
    expect(Object.keys(nodes).sort()).toEqual(nodeNames);
    expect(nodes["controller-1"]).toMatchObject({
      ...{ nodeId: 1, address: "10.0.42.1:9093" },
      want: {
        properties: { "process.roles": "controller", listeners: "CONTROLLER://10.0.42.1:9093" },
      },
    });
    expect(nodes["broker-2"]).toMatchObject({
      ...{ nodeId: 2, address: "10.0.42.2:9092" },
      want: { properties: { "process.roles": "broker", listeners: "PLAINTEXT://10.0.42.2:9092" } },
    });
  });

  it("looks at a controller again for all that a broker is looked at", () => {
    const { pushes } = program.get(HOST_STATE, "controller-1-state").inputs;
    const controller = lab.hosts.find(({ name }) => name === "controller-1")!;
    expect(pushes).toEqual(hostWants(lab, controller));
    expect(Object.keys(pushes as object).sort()).toEqual(["install", "prepare", "stage"]);
  });
});
