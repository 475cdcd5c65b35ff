import { ensureNode } from "../../toolchain";
import { hostKey } from "../support/lab-config";
import { isLocal, withDialSpy } from "../support/lab/dials";
import { createTestStack, type LabValue, type TestStack } from "../support/stack";

/** The committed lab of real Pis, previewed: nobody here has its addresses. */

jest.setTimeout(120_000);

let stack: TestStack;

beforeAll(async () => {
  // That of real Pis, which no virtual lab on another processor has fetched.
  await ensureNode(() => undefined, "arm64");
  stack = await createTestStack({ template: "pi-lab" });
});

afterAll(async () => {
  await stack?.remove();
});

function pinKeys(lab: LabValue): void {
  Object.values(lab.machines).forEach((machine, i) => (machine.hostKey = hostKey(i + 1)));
}

const STACK_TRACE = /\n\s+at .+:\d+:\d+\)?/;

test("as committed it is refused, and each machine whose host key is missing is named", async () => {
  const outcome = await stack.preview();
  expect(outcome.exitCode).not.toBe(0);
  expect(outcome.steps.filter(({ type }) => type !== "pulumi:pulumi:Stack")).toEqual([]);
  const [told, ...others] = outcome.errors.filter((text) => text.includes("hostKey"));
  expect(others).toEqual([]);
  for (const machine of ["pi-1", "pi-2", "pi-3", "pi-4", "pi-5", "pi-6", "pi-8"]) {
    expect(told).toMatch(new RegExp(`lab\\.machines\\.${machine}\\.hostKey: .*npm run host-keys`));
  }
  expect(outcome.output).not.toMatch(STACK_TRACE);
});

test("with host keys its preview lists all that would be made, and dials nobody", async () => {
  stack.edit((lab) => {
    pinKeys(lab);
    // A preview asks the brokers about new topics, and these addresses are nobody's here.
    lab.cluster["liveChecks"] = false;
  });
  const spied = withDialSpy(stack);
  const outcome = await spied.stack.preview();
  expect(outcome.output).toBe("");
  expect(outcome.exitCode).toBe(0);
  const planned = outcome.steps.map(({ op, type, name }) => `${op} ${type} ${name}`);
  expect(planned.sort()).toEqual(expectedCreates().sort());

  // The spy was in the program and in both plugins that could reach a host, and it sees connections.
  const { programs, dials } = spied.seen();
  expect(programs).toEqual(expect.arrayContaining(["run/index.js"]));
  for (const plugin of ["pilab", "command"]) {
    expect(programs.some((name) => name.includes(`resource-${plugin}`))).toBe(true);
  }
  expect(dials.filter(isLocal)).not.toEqual([]);
  expect(dials.filter((dial) => !isLocal(dial))).toEqual([]);
});

test("mistakes are told all at once, each with path, value and remedy, and nothing is begun", async () => {
  stack.edit((lab) => {
    pinKeys(lab);
    lab.machines["pi-2"]!.address = "10.0.43.2";
    lab.hosts["broker-2"]!["port"] = 1;
    lab.hosts["broker-3"]!["nodeId"] = 2;
    lab.cluster["minInsyncReplicas"] = 4;
    lab.cluster["profil"] = "standard";
    lab.topics["red"]!.config = { "retention.ms": "soon" };
  });
  const outcome = await stack.run("up", "--yes");
  expect(outcome.exitCode).not.toBe(0);
  expect(outcome.steps.filter(({ type }) => type !== "pulumi:pulumi:Stack")).toEqual([]);
  const told = outcome.errors.find((text) => text.includes("problems")) ?? "";
  for (const line of [
    /lab\.machines\.pi-2\.address: 10\.0\.43\.2 lies outside .*10\.0\.42\.0\/24.*\. \w.+\./,
    /lab\.hosts\.broker-2\.port: 1 is taken by broker-1.*\. Choose a free one: 2, .+\./,
    /lab\.hosts\.broker-3\.nodeId: 2 .*broker-2.*\. \w.+\./,
    /lab\.cluster\.minInsyncReplicas: 4 .+\. \w.+\./,
    /lab\.cluster\.profil: .*Did you mean profile\?/,
    /lab\.topics\.red\.config\["retention\.ms"\]: soon .+\. Give .+\./,
  ]) {
    expect(told).toMatch(line);
  }
  expect(told).toMatch(/has 6 problems; nothing was changed/);
  expect(outcome.output).not.toMatch(STACK_TRACE);
  const state = JSON.parse(await stack.ask("stack", "export")) as {
    deployment: { resources?: { type: string }[] };
  };
  const kept = (state.deployment.resources ?? []).map(({ type }) => type);
  expect(kept.filter((type) => type !== "pulumi:pulumi:Stack")).toEqual([]);
});

function expectedCreates(): string[] {
  const brokers = ["broker-1", "broker-2", "broker-3"];
  const clients = ["client-1", "client-2", "client-3"];
  const hosts = [...brokers, ...clients, "data-1"];
  const topics = ["red", "green", "blue", "telemetry", "load"];
  const programs = (name: string): string[] => [
    "telemetry",
    ...(clients.includes(name) ? ["ring"] : []),
    ...(name === "data-1" ? ["bridge"] : []),
  ];
  return [
    `pulumi:pulumi:Stack pi-lab-${stack.name}`,
    "pulumi:providers:pilab pilab",
    "pilab:lab:Switch switch",
    "pilab:lab/swapGate:SwapGate swap-gate",
    "pilab:lab/preflight:Preflight preflight",
    "pilab:lab/leftMachines:LeftMachines left-machines",
    ...brokers.flatMap((name) => [
      `pilab:kafka:Broker ${name}`,
      `random:index/randomBytes:RandomBytes ${name}-directory-id`,
      `command:remote:CopyToRemote ${name}-kafka-archive`,
      `command:remote:Command ${name}-kafka-install`,
      `command:remote:Command ${name}-files`,
      `pilab:kafka/nodeStorage:NodeStorage ${name}-storage`,
    ]),
    ...clients.map((name) => `pilab:kafka:Client ${name}`),
    "pilab:mqtt:Secrets mqtt-secrets",
    "random:index/randomBytes:RandomBytes mqtt-secrets-salt",
    ...[...hosts, "bridge-data-1", "load"].map(
      (user) => `random:index/randomPassword:RandomPassword mqtt-${user}`,
    ),
    ...hosts.flatMap((name) => [
      `pilab:lab:HostServices ${name}`,
      `command:remote:CopyToRemote ${name}-node-archive`,
      ...programs(name).map((one) => `command:remote:CopyToRemote ${name}-program-${one}`),
      `command:remote:Command ${name}-services`,
    ]),
    ...hosts.flatMap((name) => [
      `pilab:lab:PiHost ${name}`,
      `pilab:lab/hostState:HostState ${name}-state`,
      `command:remote:Command ${name}-prepare`,
    ]),
    "pilab:kafka:Cluster kafka",
    "random:index/randomBytes:RandomBytes kafka-cluster-id",
    "pilab:kafka/rollout:Rollout kafka-rollout",
    "pilab:kafka/clusterConfig:ClusterConfig kafka-config",
    ...topics.flatMap((name) => [
      `pilab:kafka:ReplicatedTopic ${name}`,
      `pilab:kafka/topic:Topic ${name}`,
    ]),
    "pilab:kafka/topicSet:TopicSet topics",
  ].map((resource) => `create ${resource}`);
}

test("a password that is too short is refused in the preview, and shown nowhere", async () => {
  const secured = await createTestStack({
    template: "pi-lab",
    edit: (lab) => {
      pinKeys(lab);
      lab.cluster["authentication"] = "scram";
      lab["users"] = { desk: { password: "config" } };
    },
  });
  try {
    const set = (password: string) =>
      secured.ask("config", "set", "--secret", "--path", "pi-lab:passwords.desk", password);
    await set("hunter2hunt");
    const outcome = await secured.preview();
    expect(outcome.exitCode).not.toBe(0);
    expect(outcome.steps.filter(({ type }) => type !== "pulumi:pulumi:Stack")).toEqual([]);
    expect(outcome.errors.join("\n")).toMatch(
      /pi-lab:passwords\.desk: is no password that all clients can send: those have at least 12 .*Set another: `pulumi config set --secret --path 'pi-lab:passwords\.desk'`/,
    );
    expect(outcome.output).not.toContain("hunter2");
    secured.edit((lab) => (lab.cluster["liveChecks"] = false));
    await set("hunter2hunter2");
    await expect(secured.preview()).resolves.toMatchObject({ exitCode: 0 });
  } finally {
    await secured.remove();
  }
});
