import { createLab, type MadeOutputs } from "../../components/lab";
import { type Host, type Lab, parseLab } from "../../model";
import {
  type HostService,
  hostWants,
  pushedPaths,
  renderPrepareScript,
  renderQuietScript,
  renderServicesScript,
  type ServiceSecrets,
} from "../../render";
import type * as RenderServices from "../../render/services";
import { programService } from "../../render/services";
import type * as RenderPush from "../../render/services/push";
import { programSums } from "../../components/services";
import { change, physicalConfig } from "../support/lab-config";
import { localInputs } from "../support/local-inputs";
import { RecordedProgram } from "../support/recorded";
import * as pulumi from "@pulumi/pulumi";

/** Two services that stand for all: a packaged one on broker-1, and a program with a password on each client. */
jest.mock("../../render/services", () => {
  const actual = jest.requireActual<typeof RenderServices>("../../render/services");
  const { programsOf } = jest.requireActual<typeof RenderPush>("../../render/services/push");
  const hostServices = (lab: Lab, host: Host, secrets: ServiceSecrets): HostService[] => {
    if (host.name === "broker-1") {
      const path = "/etc/systemd/system/mosquitto.service.d/pi-lab.conf";
      const salt = secrets.mqttSalts["load"] ?? "";
      const file = { kind: "file", path, mode: "0644", owner: "root:root" } as const;
      const entries = [{ ...file, content: `# ${salt}\n` }];
      const packages = ["mosquitto"];
      return [{ unit: "mosquitto", entries, packages, program: undefined, user: undefined }];
    }
    if (host.role !== "client") return [];
    const mqtt = { address: "10.0.42.1", port: 1883, username: host.name };
    const password = secrets.mqtt[host.name] ?? "none";
    return [
      actual.programService({
        ...{ lab, host, program: "telemetry", description: secrets.kafka["pi-lab-ring"] ?? "none" },
        config: { mqtt: { ...mqtt, password }, topic: "t", everySeconds: 1 },
      } as const),
    ];
  };
  const known = (lab: Lab, host: Host) => hostServices(lab, host, actual.blankSecrets(lab));
  return {
    ...actual,
    hostServices,
    hasServices: (lab: Lab, host: Host) => known(lab, host).length > 0,
    servicePackages: (lab: Lab, host: Host) => known(lab, host).flatMap(({ packages }) => packages),
    servicePrograms: (lab: Lab, host: Host) => programsOf(known(lab, host)),
  };
});

const COMMAND = "command:remote:Command";
const COPY = "command:remote:CopyToRemote";
const HOST_STATE = "pilab:lab/hostState:HostState";
const PASSWORD = "random:index/randomPassword:RandomPassword";
const LEFT_MACHINES = "pilab:lab/leftMachines:LeftMachines";
const SWAP_GATE = "pilab:lab/swapGate:SwapGate";
const TOPIC_SET = "pilab:kafka/topicSet:TopicSet";
const USER = "pilab:kafka/user:User";
const sums = programSums(localInputs.programs);

const open = parseLab(physicalConfig());
const client = open.hosts.find(({ role }) => role === "client")!;
const name = client.name;

describe("hosts that run something besides Kafka", () => {
  let program: RecordedProgram;
  beforeAll(async () => {
    program = await RecordedProgram.of(() => createLab(open, localInputs));
  });
  const childrenOf = (host: string): string[] =>
    program.resources
      .filter(({ parent }) => parent === `pilab:lab:HostServices ${host}`)
      .map((resource) => `${resource.type} ${resource.name}`)
      .sort();

  it("get Node.js, their programs, and one command for all of it; others get nothing", () => {
    expect(childrenOf(name)).toEqual([
      `${COMMAND} ${name}-services`,
      `${COPY} ${name}-node-archive`,
      `${COPY} ${name}-program-telemetry`,
    ]);
    expect(childrenOf("broker-1")).toEqual([`${COMMAND} broker-1-services`]);
    expect(program.names("pilab:lab:HostServices")).toEqual(
      [
        "broker-1",
        ...open.hosts.filter(({ role }) => role === "client").map((one) => one.name),
      ].sort(),
    );
  });

  it("are copied to beside the preparation, and brought services once the topics are there", () => {
    for (const copied of ["node-archive", "program-telemetry"]) {
      const { dependsOn } = program.get(COPY, `${name}-${copied}`);
      expect(dependsOn).not.toContain(`${COMMAND} ${name}-prepare`);
      expect(program.get(COMMAND, `${name}-services`).dependsOn).toContain(
        `${COPY} ${name}-${copied}`,
      );
    }
    expect(program.get(COPY, `${name}-node-archive`).inputs["remotePath"]).toBe(pushedPaths.node);
    expect(program.get(COMMAND, `${name}-services`).dependsOn).toEqual(
      expect.arrayContaining([`${COMMAND} ${name}-prepare`, `${TOPIC_SET} topics`]),
    );
  });

  it("show what they are brought, where nobody logs in", () => {
    const { inputs, secrets } = program.get(COMMAND, `${name}-services`);
    expect(secrets).toEqual(["connection"]);
    expect(inputs).toMatchObject({ create: "sudo -n bash -s", triggers: [client.machine.hostKey] });
    expect(inputs["stdin"]).toContain("node_version='");
    expect(program.names(PASSWORD)).toEqual([]);
  });

  it("are looked at for it again, and install its packages with their own", () => {
    const { pushes } = program.get(HOST_STATE, `${name}-state`).inputs as {
      pushes: Record<string, unknown>;
    };
    expect(Object.keys(pushes).sort()).toEqual(["node", "prepare", "programs", "services"]);
    const prepare = program.get(COMMAND, "broker-1-prepare").inputs["stdin"];
    expect(prepare).toBe(renderPrepareScript(open, open.hosts[0]!));
    expect(prepare).toContain("pi_packages=('chrony' 'mosquitto')");
    expect(prepare).toContain("pi_services='yes'");
    const other = open.hosts.find((host) => host.name === "broker-2")!;
    expect(renderPrepareScript(open, other)).toContain("pi_services=''");
  });

  it.each([
    ["node", [`${name}-node-archive`, `${name}-services`]],
    ["programs", [`${name}-program-telemetry`, `${name}-services`]],
    ["services", [`${name}-services`]],
  ])("are pushed again what drifted of %s, and nothing else", async (push, again) => {
    const drifted = await RecordedProgram.of(() => createLab(open, localInputs), {
      [`${HOST_STATE} ${name}-state`]: { generations: { [push]: 2 } },
    });
    const triggered = drifted.resources.filter(
      ({ type, inputs }) =>
        [COMMAND, COPY].includes(type) && (inputs["triggers"] as string[]).includes("drift 2"),
    );
    expect(triggered.map((one) => one.name).sort()).toEqual(again);
  });
});

describe("a host that has left a machine", () => {
  const machines = [{ move: 2, host: "10.0.42.9", port: 22, user: "pi", hostKey: "key-9" }];
  const moved = { [name]: { moves: 2, machines } };
  let program: RecordedProgram;
  beforeAll(async () => {
    program = await RecordedProgram.of(() => createLab(open, localInputs), {
      [`${SWAP_GATE} swap-gate`]: { left: moved },
    });
  });
  const left = () => program.get(LEFT_MACHINES, "left-machines");

  it("is told to what stops its services there, as the gate remembers it, with the lab's key", () => {
    expect(left().inputs).toMatchObject({
      ...{ hosts: moved, script: renderQuietScript(), formerNames: {} },
    });
    expect(left().secrets).toEqual(["privateKey"]);
  });

  it("has them stopped once all is ready to start them anew, and not before", () => {
    const ready = program.resources.filter(({ type, name: one }) =>
      type === COPY
        ? /-(node-archive|program-\w+)$/.test(one)
        : type === COMMAND && /-prepare$/.test(one),
    );
    expect(ready.length).toBeGreaterThan(open.hosts.length);
    const before = ready.map(({ type, name: one }) => `${type} ${one}`);
    expect(left().dependsOn).toEqual(expect.arrayContaining([...before, `${TOPIC_SET} topics`]));
    const pushes = program.names(COMMAND).filter((one) => one.endsWith("-services"));
    expect(pushes.length).toBeGreaterThan(1);
    for (const one of pushes) {
      expect(program.get(COMMAND, one).dependsOn).toContain(`${LEFT_MACHINES} left-machines`);
    }
  });

  it("gets its services pushed anew, also where the machine is the same again, and no other host does", () => {
    const triggered = program.resources.filter(
      ({ type, inputs }) =>
        [COMMAND, COPY].includes(type) && (inputs["triggers"] as string[]).includes("move 2"),
    );
    expect(triggered.map((one) => one.name)).toEqual([`${name}-services`]);
  });
});

describe("services that log in", () => {
  const config = change(physicalConfig(), ["cluster", "authentication"], "scram");
  change(config, ["mqtt"], { host: "broker-1", devices: { "esp32-1": {} } });
  change(config, ["telemetry"], {});
  const lab = parseLab(config);
  let program: RecordedProgram;
  let made: MadeOutputs;
  beforeAll(async () => {
    program = await RecordedProgram.of(() => {
      made = createLab(lab, localInputs);
    });
  });
  const passwordOf = (resource: string): string => resource.replaceAll("-", "0").padEnd(32, "x");

  it("have a password each, and are started once their Kafka users are there", () => {
    const users = [...lab.hosts.map((host) => host.name), "load", "esp32-1"];
    const mqtt = program.names(PASSWORD).filter((one) => one.startsWith("mqtt-"));
    expect(mqtt).toEqual(users.map((user) => `mqtt-${user}`).sort());
    expect(program.get(COMMAND, `${name}-services`).dependsOn).toContain(`${USER} pi-lab-ring`);
  });

  it("are told it as a secret, and nobody else is", () => {
    const command = program.get(COMMAND, `${name}-services`);
    expect(command.secrets).toEqual(["connection", "stdin"]);
    const holders = program.resources.filter(
      ({ type, inputs }) =>
        type !== PASSWORD && JSON.stringify(inputs).includes(passwordOf(`mqtt-${name}`)),
    );
    expect(holders.map((one) => one.name)).toEqual([`${name}-services`]);
    const ring = passwordOf("pi-lab-ring-scram-sha-512");
    expect(command.inputs["stdin"]).toContain(`Description=${ring}`);
    const state = program.get(HOST_STATE, `${name}-state`);
    expect(state.secrets).toEqual(["connection"]);
    expect(JSON.stringify(state.inputs["pushes"])).toContain("/etc/pi-lab/telemetry.json");
  });

  it("are looked at for what they were brought", () => {
    const host = lab.hosts.find((one) => one.name === name)!;
    const mqtt = { address: "10.0.42.1", port: 1883, username: name };
    const all = [
      programService({
        ...{ lab, host, program: "telemetry" },
        description: passwordOf("pi-lab-ring-scram-sha-512"),
        config: {
          mqtt: { ...mqtt, password: passwordOf(`mqtt-${name}`) },
          topic: "t",
          everySeconds: 1,
        },
      } as const),
    ];
    expect(program.get(COMMAND, `${name}-services`).inputs["stdin"]).toBe(
      renderServicesScript(host, all, sums),
    );
    expect(program.get(HOST_STATE, `${name}-state`).inputs["pushes"]).toEqual(
      hostWants(lab, host, { services: { all, sums } }),
    );
  });

  it("salt each password on its own, and the same at each run", () => {
    const text = program.get(COMMAND, "broker-1-services").inputs["stdin"] as string;
    expect(/^\|# ([A-Za-z0-9+/]{16})$/m.exec(text)?.[1]).toBeDefined();
  });

  it("tell devices and the load generator theirs, as secrets", async () => {
    const passwords = made.mqttPasswords ?? {};
    expect(Object.keys(passwords)).toEqual(["esp32-1", "load"]);
    for (const password of Object.values(passwords)) {
      expect(await pulumi.isSecret(password)).toBe(true);
    }
    const told = await new Promise((resolve) => pulumi.output(passwords).apply(resolve));
    expect(told).toEqual({
      "esp32-1": passwordOf("mqtt-esp32-1"),
      load: passwordOf("mqtt-load"),
    });
  });
});
