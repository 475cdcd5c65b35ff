import * as pulumi from "@pulumi/pulumi";
import { createLab, type MadeOutputs } from "../../components/lab";
import { parseLab } from "../../model";
import { hostWants, jaasHash, nodeFiles, renderBundle } from "../../render";
import { change, physicalConfig } from "../support/lab-config";
import { localInputs } from "../support/local-inputs";
import { plainValues, RecordedProgram } from "../support/recorded";

const COMMAND = "command:remote:Command";
const RANDOM = "random:index/randomPassword:RandomPassword";
const PROVIDER = "pulumi:providers:pilab";
const ROLLOUT = "pilab:kafka/rollout:Rollout";
const HOST_STATE = "pilab:lab/hostState:HostState";
const TOPIC = "pilab:kafka/topic:Topic";
const TOPIC_SET = "pilab:kafka/topicSet:TopicSet";
const USER = "pilab:kafka/user:User";
const ACLS = "pilab:kafka/acls:Acls";
const QUOTA = "pilab:kafka/quota:Quota";

/** The mocks make a password of the resource's name. */
const passwordOf = (resource: string): string => resource.replaceAll("-", "0").padEnd(32, "x");
const SUPER_PASSWORD = passwordOf("super-user-password");
const BOBS = "correct-horse-battery";

describe("a lab whose brokers ask who somebody is", () => {
  const config = change(physicalConfig(), ["cluster", "authentication"], "scram");
  change(config, ["users"], {
    ann: { passwordVersions: { "SCRAM-SHA-512": 2, "SCRAM-SHA-256": 1 } },
    bob: { password: "config" },
  });
  change(config, ["acls"], {
    ann: [{ topic: "red", operations: ["read", "describe"] }],
    "*": [{ topicPrefix: "al", operations: ["write"], permission: "deny", host: "10.0.42.9" }],
  });
  change(
    config,
    ["quotas"],
    [{ user: "ann", clientId: "default", limits: { producer_byte_rate: 1024 } }],
  );
  const lab = parseLab(config);
  const [broker] = lab.hosts;
  let program: RecordedProgram;
  let made: MadeOutputs;
  beforeAll(async () => {
    program = await RecordedProgram.of(() => {
      made = createLab(lab, localInputs, { bob: { "SCRAM-SHA-512": BOBS } });
    });
  });

  it("makes the super user's password once, and logs in with it", () => {
    expect(program.get(RANDOM, "super-user-password")).toMatchObject({
      inputs: { length: 32, special: false },
      parent: "pulumi:pulumi:Stack pi-lab-test",
    });
    const provider = program.get(PROVIDER, "pilab");
    expect(provider.secrets).toEqual(["sasl"]);
    expect(JSON.parse(provider.inputs["sasl"] as string)).toEqual({
      mechanism: "PLAIN",
      username: "pi-lab",
      password: SUPER_PASSWORD,
    });
  });

  it("stages the password with the node's other files, as a secret", () => {
    if (broker?.role !== "broker") throw new Error("the lab has brokers");
    const stage = program.get(COMMAND, "broker-1-files");
    expect(stage.inputs["stdin"]).toBe(renderBundle(nodeFiles(lab, broker, SUPER_PASSWORD)));
    expect(stage.secrets).toEqual(["connection", "stdin"]);
  });

  it("tells no one else: neither what is looked for on hosts nor what must run holds it", () => {
    const hash = jaasHash(SUPER_PASSWORD);
    const nodes = program.get(ROLLOUT, "kafka-rollout").inputs["nodes"] as Record<
      string,
      { want: { files: Record<string, string>; properties: Record<string, string> } }
    >;
    expect(nodes["broker-2"]?.want.files["/etc/kafka/jaas.conf"]).toBe(hash);
    expect(nodes["broker-2"]?.want.properties["super.users"]).toBe("User:pi-lab");
    const state = program.get(HOST_STATE, "broker-1-state");
    expect(state.inputs["pushes"]).toEqual(hostWants(lab, broker!, { password: SUPER_PASSWORD }));
    expect(state.secrets).toEqual(["connection"]);
    const holders = program.resources.filter(({ inputs: all }) =>
      JSON.stringify(all).includes(SUPER_PASSWORD),
    );
    expect(holders.map(({ name }) => name).sort()).toEqual([
      ...["broker-1-files", "broker-2-files", "broker-3-files"],
      "pilab",
    ]);
  });

  it("makes each user with a password for each mechanism, after the cluster runs and to go with it", () => {
    expect(program.names(USER)).toEqual(["ann", "bob", "pi-lab-ring"]);
    const ann = program.get(USER, "ann");
    expect(plainValues(ann.inputs)).toEqual({
      name: "ann",
      credentials: {
        "SCRAM-SHA-512": { password: passwordOf("ann-scram-sha-512") },
        "SCRAM-SHA-256": { password: passwordOf("ann-scram-sha-256") },
      },
    });
    expect(ann.secrets).toEqual(["credentials"]);
    expect(ann.parent).toBe("pilab:kafka:Access access");
    expect(ann.dependsOn).toContain(`${ROLLOUT} kafka-rollout`);
    expect(ann.deletedWith).toBe(`${ROLLOUT} kafka-rollout`);
    expect(program.get(RANDOM, "ann-scram-sha-512").inputs).toEqual({
      length: 32,
      special: false,
      keepers: { version: "2" },
    });
    const bob = program.get(USER, "bob");
    expect(plainValues(bob.inputs)["credentials"]).toEqual({
      "SCRAM-SHA-512": { password: BOBS },
    });
    expect(bob.secrets).toEqual(["credentials"]);
    expect(program.names(RANDOM).filter((name) => name.startsWith("bob"))).toEqual([]);
  });

  it("makes the rules of each user, and of everybody, one resource", () => {
    expect(program.names(ACLS)).toEqual(["acls-ann", "acls-everybody", "acls-pi-lab-ring"]);
    const rule = { resource: "topic", name: "red", pattern: "literal" };
    expect(program.get(ACLS, "acls-ann").inputs).toEqual({
      principal: "User:ann",
      rules: ["describe", "read"].map((operation) => ({
        ...{ ...rule, operation },
        ...{ permission: "allow", host: "*" },
      })),
    });
    expect(program.get(ACLS, "acls-everybody").inputs).toEqual({
      principal: "User:*",
      rules: [
        {
          ...{ resource: "topic", name: "al", pattern: "prefixed", operation: "write" },
          ...{ permission: "deny", host: "10.0.42.9" },
        },
      ],
    });
  });

  it("lets nobody in before the rules that bind them, nor takes those away before", () => {
    const rulesBefore = (user: string): string[] =>
      program.get(USER, user).dependsOn.filter((one) => one.startsWith(ACLS));
    expect(rulesBefore("ann")).toEqual([`${ACLS} acls-ann`, `${ACLS} acls-everybody`]);
    expect(rulesBefore("bob")).toEqual([`${ACLS} acls-everybody`]);
  });

  it("limits whom a quota names, the others by Kafka's own mark", () => {
    expect(program.names(QUOTA)).toEqual(["quota-user=ann,clientId=default"]);
    expect(program.get(QUOTA, "quota-user=ann,clientId=default").inputs).toEqual({
      entity: { user: "ann", clientId: "<default>" },
      limits: { producer_byte_rate: 1024 },
    });
  });

  it("tells the passwords as secrets, the super user's among them", async () => {
    const passwords = made.passwords ?? {};
    expect(Object.keys(passwords)).toEqual(["ann", "bob", "pi-lab-ring", "pi-lab"]);
    for (const password of Object.values(passwords).flatMap((all) => Object.values(all))) {
      expect(await pulumi.isSecret(password)).toBe(true);
    }
    const told = await new Promise((resolve) => pulumi.output(passwords).apply(resolve));
    expect(told).toEqual({
      ann: {
        "SCRAM-SHA-512": passwordOf("ann-scram-sha-512"),
        "SCRAM-SHA-256": passwordOf("ann-scram-sha-256"),
      },
      bob: { "SCRAM-SHA-512": BOBS },
      "pi-lab-ring": { "SCRAM-SHA-512": passwordOf("pi-lab-ring-scram-sha-512") },
      "pi-lab": { PLAIN: SUPER_PASSWORD },
    });
  });
});

describe("a lab that asks nobody", () => {
  it("has no password anywhere, and quotas all the same", async () => {
    const config = change(
      physicalConfig(),
      ["quotas"],
      [{ ip: "default", limits: { connection_creation_rate: 5 } }],
    );
    let made: MadeOutputs | undefined;
    const program = await RecordedProgram.of(() => {
      made = createLab(parseLab(config), localInputs);
    });
    expect(program.get(PROVIDER, "pilab").inputs).not.toHaveProperty("sasl");
    expect(program.names(RANDOM)).not.toContain("super-user-password");
    expect(made).not.toHaveProperty("passwords");
    expect([...program.names(USER), ...program.names(ACLS)]).toEqual([]);
    expect(program.get(QUOTA, "quota-ip=default").inputs).toEqual({
      entity: { ip: "<default>" },
      limits: { connection_creation_rate: 5 },
    });
    const stage = program.get(COMMAND, "broker-1-files");
    expect(stage.secrets).toEqual(["connection"]);
  });
});

describe("topics", () => {
  const placed = [
    ["broker-3", "broker-1", "broker-2"],
    ["broker-1", "broker-2", "broker-3"],
  ];
  const config = change(physicalConfig(), ["topics", "red", "placement"], placed);
  change(config, ["topics", "green", "deletionProtection"], false);
  change(config, ["deleteTopics"], ["vPzZ8dRTTfqHh0Q5mVQ5cw"]);
  change(config, ["cluster", "reassignmentThrottleMib"], 20);
  change(config, ["cluster", "liveChecks"], false);
  let program: RecordedProgram;
  beforeAll(async () => {
    program = await RecordedProgram.of(() => createLab(parseLab(config), localInputs));
  });

  it("have their replicas where they are wanted, by node id, or where Kafka puts them", () => {
    expect(program.get(TOPIC, "red").inputs["placement"]).toEqual([
      [3, 1, 2],
      [1, 2, 3],
    ]);
    expect(program.get(TOPIC, "green").inputs).not.toHaveProperty("placement");
  });

  it("are kept by one guard, which knows those that are not protected", () => {
    expect(program.names(TOPIC_SET)).toEqual(["topics"]);
    expect(program.get(TOPIC_SET, "topics")).toMatchObject({
      inputs: { topics: { red: "id-of-red", green: "id-of-green" }, unprotected: ["green"] },
      deletedWith: `${ROLLOUT} kafka-rollout`,
    });
    expect(program.get(TOPIC_SET, "topics").dependsOn).toEqual(
      expect.arrayContaining([`${TOPIC} green`, `${TOPIC} red`, `${ROLLOUT} kafka-rollout`]),
    );
  });

  it("need nothing of the provider that it did not have before, unless it is said", async () => {
    const plain = await RecordedProgram.of(() =>
      createLab(parseLab(physicalConfig()), localInputs),
    );
    expect(Object.keys(plain.get(PROVIDER, "pilab").inputs)).toEqual(["bootstrapServers"]);
  });

  it("move and go as the provider is told", () => {
    expect(program.get(PROVIDER, "pilab").inputs).toMatchObject({
      reassignmentThrottle: String(20 * 1024 * 1024),
      liveChecks: "false",
      deletionConsents: '["vPzZ8dRTTfqHh0Q5mVQ5cw"]',
    });
  });
});
