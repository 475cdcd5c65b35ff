import type { CallContext, PropertyMap } from "../../../plugins/common/rpc";
import { LeftMachinesHandler } from "../../../provider/left-machines/handler";
import { PreflightHandler } from "../../../provider/preflight/handler";
import { RolloutHandler } from "../../../provider/rollout/handler";
import { SwapGateHandler } from "../../../provider/swap-gate/handler";

/** A host under another name is the same host to every resource that keeps something by host. */

const nobody = (): never => {
  throw new Error("nobody is to be asked about a renaming");
};
const ports = { openShell: nobody, connectAdmin: nobody };
const context: CallContext = {
  signal: new AbortController().signal,
  log: { status: nobody, info: nobody, warn: nobody, error: nobody, debug: nobody },
};

const connection: PropertyMap = { host: "10.0.42.3", port: 22, user: "root", hostKey: "key-3" };
const FORMER: PropertyMap = { "kafka-3": ["broker-3"] };
const RENAMED = { "formerNames.kafka-3": { kind: "add", inputDiff: true } };
const request = {
  ...{ id: "id", name: "name", urn: "urn", type: "type" },
  ...{ ignoreChanges: [], preview: false, timeoutSeconds: 0 },
};

function hosts(of: PropertyMap): (name: string, formerNames?: PropertyMap) => PropertyMap {
  return (name, formerNames = {}) => ({ hosts: { [name]: of }, formerNames });
}

describe("SwapGate", () => {
  const kafka = { nodeId: 3, broker: true, listeners: ["10.0.42.3:9092"] };
  const inputs = hosts({ machine: "pi-3", connection, disk: "key-3", made: false, kafka });
  const gate = new SwapGateHandler(ports);
  // It was on another machine once; that machine is the node's, whatever its host is called.
  const left = {
    swaps: 1,
    machines: [{ ...connection, sudo: true, hostKey: "key-9", listeners: [] }],
  };
  const { port, user } = connection;
  const moved = {
    moves: 1,
    machines: [{ move: 1, host: "10.0.42.9", port, user, hostKey: "key-9", sudo: false }],
  };
  const olds = {
    ...inputs("broker-3"),
    former: { "broker-3": left },
    left: { "broker-3": moved },
  };
  const news = inputs("kafka-3", FORMER);

  test("sees no swap, and shows the renaming alone", async () => {
    const checked = await gate.check({ ...request, olds, news }, context);
    const renamed = { ...news, former: { "kafka-3": left }, left: { "kafka-3": moved } };
    expect(checked).toEqual({ inputs: renamed });
    const diff = gate.diff({ ...request, oldInputs: olds, olds, news: renamed });
    expect(diff.detailedDiff).toEqual(RENAMED);
    const later = { ...inputs("kafka-3"), former: renamed.former, left: renamed.left };
    const again = gate.diff({ ...request, oldInputs: renamed, olds: renamed, news: later });
    expect(again.detailedDiff).toEqual({});
  });

  test("refuses it where it is not said to be one, with what to write", async () => {
    const refused = gate.check({ ...request, olds, news: inputs("kafka-3") }, context);
    await expect(refused).rejects.toThrow(
      /^nothing was changed:\n {2}kafka-3: it is new, .* write `formerNames: \[broker-3\]` below hosts\.kafka-3/,
    );
  });

  test("names former names that are none", async () => {
    const checked = await gate.check(
      { ...request, olds, news: inputs("kafka-3", { "kafka-3": "broker-3" }) },
      context,
    );
    expect(checked.failures).toEqual([
      { property: "formerNames.kafka-3", reason: "must be a list of names" },
    ]);
  });
});

describe("Preflight", () => {
  const inputs = hosts({ connection, identity: ["key-3"], role: "broker", board: "pi-4b-8gb" });
  const look = {
    identity: ["key-3"],
    role: "broker",
    board: "pi-4b-8gb",
    warnings: ["a slow card"],
  };
  const preflight = new PreflightHandler(ports, { bootstrapServers: nobody });
  const olds = { ...inputs("broker-3"), checked: { "broker-3": look } };
  const news = inputs("kafka-3", FORMER);

  test("does not look again, and keeps what it saw", async () => {
    const diff = preflight.diff({ ...request, oldInputs: olds, olds, news });
    expect(diff.detailedDiff).toEqual(RENAMED);
    const updated = await preflight.update({ ...request, oldInputs: olds, olds, news }, context);
    expect(updated.outputs).toEqual({ ...news, checked: { "kafka-3": look } });
    const kept = updated.outputs ?? {};
    const again = preflight.diff({ ...request, oldInputs: news, olds: kept, news });
    expect(again.detailedDiff).toEqual({});
  });
});

describe("LeftMachines", () => {
  const machine = { ...connection, sudo: false, hostKey: "key-9", move: 1 };
  const inputs = hosts({ moves: 1, machines: [machine] });
  const machines = new LeftMachinesHandler(nobody);
  const [olds, news] = [inputs("client-3"), inputs("ring-3", { "ring-3": ["client-3"] })];

  test("dials nobody again, and shows the renaming alone", async () => {
    expect(machines.check({ ...request, olds, news })).toEqual({ inputs: news, failures: [] });
    const diff = machines.diff({ ...request, oldInputs: olds, olds, news });
    expect(diff.detailedDiff).toEqual({ "formerNames.ring-3": { kind: "add", inputDiff: true } });
    const given = { ...news, script: "exit 1" };
    const updated = await machines.update(
      { ...request, oldInputs: olds, olds, news: given },
      context,
    );
    expect(updated.outputs).toEqual({ hosts: news["hosts"] });
    const again = machines.diff({
      ...{ ...request, oldInputs: news, olds: updated.outputs ?? {} },
      news: inputs("ring-3"),
    });
    expect(again.detailedDiff).toEqual({});
  });
});

describe("Rollout", () => {
  const want = { properties: { "node.id": "3" }, files: {}, version: "4.1.1" };
  const node = { nodeId: 3, address: "10.0.42.3:9092", directoryId: "d", connection, want };
  const inputs = (name: string, formerNames: PropertyMap = {}): PropertyMap => ({
    nodes: { [name]: node },
    formerNames,
  });
  const rollout = new RolloutHandler(ports);
  const [olds, news] = [inputs("broker-3"), inputs("kafka-3", FORMER)];

  test("compares the node with what it was, and shows the renaming alone", async () => {
    const diff = await rollout.diff({ ...request, oldInputs: olds, olds, news }, context);
    expect(diff.detailedDiff).toEqual(RENAMED);
    // After a failure the inputs are the former ones still, and the outputs those of now.
    const resumed = await rollout.diff({ ...request, oldInputs: olds, olds: news, news }, context);
    expect(resumed.detailedDiff).toEqual({});
    const forgotten = inputs("kafka-3");
    const again = await rollout.diff(
      { ...request, oldInputs: news, olds: news, news: forgotten },
      context,
    );
    expect(again.detailedDiff).toEqual({});
  });

  test("refuses a node under a name that it does not know, with what to write", async () => {
    const refused = rollout.diff(
      { ...request, oldInputs: olds, olds, news: inputs("kafka-3") },
      context,
    );
    await expect(refused).rejects.toThrow(/formerNames: \[broker-3\]/);
  });
});
