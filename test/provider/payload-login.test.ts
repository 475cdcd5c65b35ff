import type { AclRule } from "../../model/types";
import type { KafkaAccess } from "../../model";
import { KafkaConsumer, KafkaProducer } from "../../payloads/lib/kafka";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import { salted } from "../../provider/user/salt";
import { everywhere } from "../support/kafka/guarded";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { waitFor } from "../support/wait";

/** Programs on brokers that let in who logs in alone, and ask what he may do. */

jest.setTimeout(180_000);

const OPERATOR = { username: "operator", password: "operators-secret" };
const SASL = { mechanism: "PLAIN", ...OPERATOR } as const;

let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;

beforeAll(async () => {
  cluster = await StartedKafkaCluster.start({}, { superUser: OPERATOR });
  admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), { ...PATIENT, sasl: SASL });
  await admin.createTopic({ name: "red", partitions: 2, replicationFactor: 3, config: {} });
});

afterAll(async () => {
  await admin?.close();
  await cluster?.stop();
});

const PASSWORD = "pr0gram's s€cret";

/** A user with these rules, known to every broker. */
async function user(username: string, rules: readonly AclRule[]): Promise<KafkaAccess> {
  const mechanism = "SCRAM-SHA-512" as const;
  const credential = await salted(mechanism, { password: PASSWORD, iterations: 4096 });
  await admin.security.setCredential(username, credential);
  if (rules.length > 0) await admin.security.createAcls(`User:${username}`, rules);
  await everywhere(cluster.bootstrapServers, SASL, async (security) => {
    const known = await security.describeUser(username);
    const rulesKnown = await security.describeAcls(`User:${username}`);
    return known.size > 0 && rulesKnown.length === rules.length;
  });
  const bootstrapServers = cluster.bootstrapServers.split(",");
  return { bootstrapServers, sasl: { mechanism, username, password: PASSWORD } };
}

const allow = (
  resource: "topic" | "group",
  name: string,
  operation: AclRule["operation"],
): AclRule => ({
  ...{ resource, name, operation, host: "*", permission: "allow" },
  pattern: resource === "group" ? "prefixed" : "literal",
});

test("with the rules of a service it writes, and reads with a group and without one", async () => {
  const access = await user("pi-lab-ring", [
    allow("topic", "red", "describe"),
    allow("topic", "red", "read"),
    allow("topic", "red", "write"),
    allow("group", "pi-lab-ring", "read"),
  ]);
  const producer = new KafkaProducer(access, () => {});
  await producer.send([{ topic: "red", key: "a", value: Buffer.from("one") }]);
  for (const group of ["pi-lab-ring-1", undefined]) {
    const consumer = new KafkaConsumer(
      access,
      { group, topics: ["red"], from: "earliest" },
      () => {},
    );
    const values: string[] = [];
    const running = consumer.run((batch) => {
      values.push(...batch.map(({ value }) => String(value)));
      return Promise.resolve();
    });
    await waitFor("the record", () => Promise.resolve(values[0]), { deadlineMs: 60_000 });
    expect(values).toEqual(["one"]);
    await consumer.close();
    await running;
  }
  await producer.close(5000);
});

test("without a rule it is refused by name, and a group that is not its own is told as trouble", async () => {
  const access = await user("nobody", [
    allow("topic", "red", "describe"),
    allow("topic", "red", "read"),
  ]);
  const producer = new KafkaProducer(access, () => {});
  const refused: unknown = await producer
    .send([{ topic: "red", value: Buffer.from("x") }])
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({
    name: "RefusedRecords",
    code: expect.stringMatching(/^(TOPIC|CLUSTER)_AUTHORIZATION_FAILED$/) as string,
  });
  await producer.close(0);
  const consumer = new KafkaConsumer(
    access,
    { group: "others", topics: ["red"], from: "earliest" },
    () => {},
  );
  const running = consumer.run(() => Promise.reject(new Error("nothing should come")));
  const trouble = await waitFor("the trouble", () =>
    Promise.resolve(consumer.trouble()?.match(/^group others: GROUP_AUTHORIZATION_FAILED/)?.[0]),
  );
  expect(trouble).toBeDefined();
  await consumer.close();
  await running;
});

test("a password that is wrong is told as trouble and tried again, and is in no line", async () => {
  const access = await user("forgetful", [
    allow("topic", "red", "write"),
    allow("topic", "red", "describe"),
  ]);
  const wrong = { ...access.sasl!, password: "the-wrong-secret" };
  const lines: string[] = [];
  const producer = new KafkaProducer({ ...access, sasl: wrong }, (...line) =>
    lines.push(JSON.stringify(line)),
  );
  const lost = producer.send([{ topic: "red", value: Buffer.from("x") }]).catch(String);
  const trouble = await waitFor("the trouble", () =>
    Promise.resolve(producer.trouble()?.match(/.*uthentication.*/)?.[0]),
  );
  expect(trouble).toMatch(/^no broker answers: 127\.0\.0\.1:\d+: /);
  await producer.close(500);
  expect(await lost).toContain("not acknowledged");
  expect(lines.join("\n") + trouble).not.toContain("the-wrong-secret");
});
