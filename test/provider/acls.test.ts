import type { AclRule } from "../../model/types";
import { Secret } from "../../plugins/common/rpc";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import type { Sasl } from "../../provider/admin/port";
import { PATIENT } from "../../provider/admin/port";
import type { SecurityAdmin } from "../../provider/admin/security-port";
import { kafkaTool, settled } from "../support/kafka/guarded";
import { writeAs } from "../support/kafka/guarded-client";
import { GuardedProvider, startDriver } from "../support/kafka/guarded-provider";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";

const USER = "pilab:kafka/user:User";
const ACLS = "pilab:kafka/acls:Acls";
const [ADD, DELETE, UPDATE, UPDATE_REPLACE] = [0, 2, 4, 5] as const;
const DENIED = "TOPIC_AUTHORIZATION_FAILED";

jest.setTimeout(120_000);

let kafka: GuardedProvider;

const onTopic = (name: string, operation: string, more: object = {}) => ({
  resource: "topic",
  name,
  operation,
  ...more,
});

/** A rule as the cluster has it. */
const rule = (changes: Partial<AclRule>): AclRule => ({
  resource: "topic",
  name: "red",
  pattern: "literal",
  operation: "write",
  permission: "allow",
  host: "*",
  ...changes,
});

/** Waits until every broker knows so many rules of the principal. */
const rulesEverywhere = (principal: string, count: number) =>
  kafka.shows(async (security) => (await security.describeAcls(principal)).length, count);

/** A user who may log in, and nothing else. */
async function login(username: string): Promise<Sasl> {
  const password = `${username}-secret`;
  const credentials = { "SCRAM-SHA-512": { password: new Secret(password) } };
  await kafka.driver.resource(USER, username).up({ name: username, credentials });
  return { mechanism: "SCRAM-SHA-512", username, password };
}

const write = (who: Sasl, topic = "red") => writeAs(kafka.servers, who, topic);

beforeAll(async () => {
  kafka = await GuardedProvider.start();
  await kafka.createTopic("red");
  await kafka.createTopic("red-2");
});

afterEach(() => kafka.stopOthers());

afterAll(() => kafka?.stop());

test("a client is refused what no rule allows, and what one denies", async () => {
  const alice = await login("alice");
  await expect(write(alice)).resolves.toBe(DENIED);
  const acls = kafka.driver.resource(ACLS, "alice");
  const rules = [onTopic("red", "write", { pattern: "prefixed" })];
  await expect(acls.up({ principal: "User:alice", rules })).resolves.toBe("created");
  await settled(async () => (await write(alice)) === "written");
  await settled(async () => (await write(alice, "red-2")) === "written");
  const denied = [...rules, onTopic("red-2", "write", { permission: "deny" })];
  await acls.up({ principal: "User:alice", rules: denied });
  await settled(async () => (await write(alice, "red-2")) === DENIED);
  await expect(write(alice)).resolves.toBe("written");
  await acls.delete();
  await settled(async () => (await write(alice)) === DENIED);
});

test("rules are a set: order, repetition and defaults are no difference; the diff names the rule", async () => {
  const acls = kafka.driver.resource(ACLS, "bob");
  const principal = "User:bob";
  const rules = [
    onTopic("red", "read"),
    { resource: "group", name: "g", operation: "read", host: "127.0.0.1" },
    { resource: "cluster", operation: "idempotentWrite" },
    onTopic("re", "describeConfigs", { pattern: "prefixed" }),
  ];
  await acls.up({ principal, rules });
  const told = [rules[1]!, ...[...rules].reverse(), onTopic("red", "read", { host: "*" })];
  await expect(acls.up({ principal, rules: told })).resolves.toBe("unchanged");
  await acls.refresh();
  await expect(acls.up({ principal, rules })).resolves.toBe("unchanged");
  expect(acls.known().outputs["grants"]).toEqual({
    "read on topic red": "allow",
    "read from 127.0.0.1 on group g": "allow",
    "idempotentWrite on cluster kafka-cluster": "allow",
    "describeConfigs on topics beginning with re": "allow",
  });

  const news = [
    onTopic("red", "read", { permission: "deny" }),
    ...rules.slice(2),
    onTopic("*", "describe"),
  ];
  await expect(acls.diff({ principal, rules: news })).resolves.toEqual({
    'grants["read on topic red"]': UPDATE,
    'grants["read from 127.0.0.1 on group g"]': DELETE,
    'grants["describe on topic *"]': ADD,
  });
  await acls.up({ principal, rules: news });
  await rulesEverywhere(principal, 4);
  await expect(acls.diff({ principal: "User:bobby", rules: news })).resolves.toEqual({
    principal: UPDATE_REPLACE,
  });
  const list = await kafkaTool("org.apache.kafka.tools.AclCommand", kafka.servers, kafka.login, [
    "--list",
    "--principal",
    principal,
  ]);
  expect(list).toMatch(/permissionType=DENY/);
});

test("new rules are there before old ones go", async () => {
  const acls = kafka.driver.resource(ACLS, "carol");
  const principal = "User:carol";
  await acls.up({ principal, rules: [onTopic("red", "write")] });
  const prototype = Object.getPrototypeOf(kafka.security) as SecurityAdmin;
  const create = jest.spyOn(prototype, "createAcls");
  const remove = jest.spyOn(prototype, "deleteAcls");
  await acls.up({ principal, rules: [onTopic("red", "write", { pattern: "prefixed" })] });
  expect(create).toHaveBeenCalledTimes(1);
  expect(remove).toHaveBeenCalledTimes(1);
  expect(remove.mock.invocationCallOrder[0]).toBeGreaterThan(create.mock.invocationCallOrder[0]!);
  create.mockRestore();
  remove.mockRestore();
});

test("others' rules are drift that the next up removes, once a refresh has shown them", async () => {
  const acls = kafka.driver.resource(ACLS, "dave");
  const principal = "User:dave";
  const inputs = { principal, rules: [onTopic("red", "write")] };
  await acls.up(inputs);
  await kafka.security.createAcls(principal, [rule({ operation: "delete" })]);
  await rulesEverywhere(principal, 2);

  const more = { principal, rules: [onTopic("red", "write"), onTopic("red", "read")] };
  await acls.up(more);
  expect(kafka.driver.logs.at(-1)?.message).toMatch(
    /User:dave.*which stay.*allow delete on topic red/s,
  );
  await rulesEverywhere(principal, 3);

  await settled(async () => {
    await acls.refresh();
    return Object.keys(await acls.diff(more)).length > 0;
  });
  await expect(acls.diff(more)).resolves.toEqual({ 'grants["delete on topic red"]': DELETE });
  await acls.up(more);
  await rulesEverywhere(principal, 2);

  await kafka.security.deleteAcls(principal, [rule({ operation: "write" })]);
  await settled(async () => {
    await acls.refresh();
    return Object.keys(await acls.diff(more)).length > 0;
  });
  await expect(acls.diff(more)).resolves.toEqual({ 'grants["write on topic red"]': ADD });
  await acls.up(more);

  const known = acls.known();
  await acls.delete();
  await rulesEverywhere(principal, 0);
  acls.state = known;
  await expect(acls.refresh()).resolves.toBeUndefined();
  acls.state = known;
  await acls.delete();
});

test("a principal is not taken over with other rules than the declared ones", async () => {
  const principal = "User:erin";
  const live = [rule({ operation: "write" }), rule({ resource: "group", operation: "read" })];
  await kafka.security.createAcls(principal, live);
  await rulesEverywhere(principal, 2);
  const acls = kafka.driver.resource(ACLS, "erin");
  await expect(acls.up({ principal, rules: [onTopic("red", "write")] })).rejects.toThrow(
    /User:erin: it has others.*\n.*allow read on group red\n.*Declare them too/,
  );
  const rules = [onTopic("red", "write"), { resource: "group", name: "red", operation: "read" }];
  await expect(acls.up({ principal, rules })).resolves.toBe("created");
  const imported = kafka.driver.resource(ACLS, "erin-2");
  const { inputs } = await imported.import(principal);
  await expect(imported.up(inputs)).resolves.toBe("unchanged");
  await expect(imported.up({ principal, rules })).resolves.toBe("unchanged");
  const nobody = kafka.driver.resource(ACLS, "x").import("User:nobody");
  await expect(nobody).rejects.toThrow(/rules of User:nobody: there are none/);
});

test("two ups at once both end well, and the rules are there", async () => {
  const second = await kafka.another();
  const inputs = {
    principal: "User:twin",
    rules: [onTopic("red", "write"), onTopic("red", "read")],
  };
  const ups = [kafka.driver, second].map((one) => one.resource(ACLS, "twin").up(inputs));
  await expect(Promise.all(ups)).resolves.toEqual(["created", "created"]);
  await rulesEverywhere("User:twin", 2);
});

test("rules of the provider's own user are warned of", async () => {
  const acls = kafka.driver.resource(ACLS, "own");
  await acls.check({ principal: "User:root", rules: [] });
  expect(kafka.driver.logs.at(-1)?.message).toMatch(
    /User:root: the provider itself logs in as this user/,
  );
});

test("with no broker in reach a refresh keeps what was known", async () => {
  const lost = await kafka.another({ bootstrapServers: "127.0.0.1:1" });
  const acls = lost.resource(ACLS, "alice");
  const inputs = { principal: "User:alice", rules: [onTopic("red", "write")] };
  const outputs = await acls.checked(inputs);
  acls.state = { id: "User:alice", inputs: outputs, outputs };
  await expect(acls.refresh()).resolves.toMatchObject({ id: "User:alice", outputs });
  expect(lost.logs.at(-1)?.message).toMatch(
    /rules of User:alice: kept as last known: no broker answers/,
  );
});

test("brokers without an authorizer: rules are refused with the remedy", async () => {
  const open = await StartedKafkaCluster.start({ "min.insync.replicas": "1" }, { count: 1 });
  try {
    const plain = await startDriver({ bootstrapServers: open.bootstrapServers });
    const acls = plain.resource(ACLS, "alice");
    const inputs = { principal: "User:alice", rules: [onTopic("red", "write")] };
    await expect(acls.up(inputs)).rejects.toThrow(
      /run no authorizer.*authorizer\.class\.name.*StandardAuthorizer/s,
    );
    const wanted = new PlatformaticAdmin([open.bootstrapServers], PATIENT);
    await expect(wanted.security.createAcls("User:alice", [rule({})])).rejects.toThrow(
      /authorizer/,
    );
    await expect(wanted.security.deleteAcls("User:alice", [rule({})])).rejects.toThrow(
      /authorizer/,
    );
    // No listener that could tell: the password is not tried.
    const user = plain.resource(USER, "alice");
    const credentials = { "SCRAM-SHA-512": { password: new Secret("secret") } };
    await expect(user.up({ name: "alice", credentials })).resolves.toBe("created");
    await expect(wanted.security.tryLogin("alice", "SCRAM-SHA-512", "wrong")).resolves.toBe(
      "untold",
    );
    await wanted.close();
    await plain.stop();
  } finally {
    await open.stop();
  }
});
