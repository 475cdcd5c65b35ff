import { pbkdf2Sync, randomBytes } from "node:crypto";

import { KafkaLink, loadClient } from "../../provider/admin/kafka-link";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { type AdminOptions, PATIENT, type Sasl } from "../../provider/admin/port";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";

jest.setTimeout(120_000);

const OPERATOR = { username: "operator", password: "operators-secret" };
const PLAIN: Sasl = { mechanism: "PLAIN", ...OPERATOR };
const ALICE = { username: "alice", password: "alice's ütf-8 $ecret" };

let cluster: StartedKafkaCluster;
const admins: PlatformaticAdmin[] = [];

const servers = (): string[] => cluster.bootstrapServers.split(",");
const controllers = (): string[] => cluster.brokers.map((one) => one.controllerAddress);

function admin(sasl: Sasl | undefined, options: AdminOptions = PATIENT): PlatformaticAdmin {
  const made = new PlatformaticAdmin(servers(), { ...options, sasl });
  admins.push(made);
  return made;
}

/** The error as a user sees it, which never has a password in it. */
async function failure(asked: Promise<unknown>): Promise<{ kind: string; message: string }> {
  const error: unknown = await asked.then(
    () => new Error("it was answered"),
    (reason: unknown) => reason,
  );
  const { kind, message, stack } = error as Error & { kind: string };
  for (const { password } of [OPERATOR, ALICE])
    expect(`${message}\n${stack}`).not.toContain(password);
  expect(message).not.toContain("wrong-secret");
  return { kind, message };
}

beforeAll(async () => {
  const jaas = `org.apache.kafka.common.security.plain.PlainLoginModule required username="operator" password="${OPERATOR.password}" user_operator="${OPERATOR.password}";`;
  cluster = await StartedKafkaCluster.start(
    {
      "listener.security.protocol.map": "SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
      "sasl.mechanism.controller.protocol": "PLAIN",
      "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
      "listener.name.controller.plain.sasl.jaas.config": jaas,
      "super.users": "User:operator;User:alice",
    },
    { superUser: OPERATOR },
  );
  await letIn(ALICE);
});

/** Makes a user's credentials, for both kinds of SCRAM. */
async function letIn({ username, password }: typeof ALICE): Promise<void> {
  const { alterUserScramCredentialsV0 } = await loadClient();
  const link = await KafkaLink.dial(servers()[0]!, { ...PATIENT, sasl: PLAIN });
  const upsertions = ([1, 2] as const).map((mechanism) => {
    const salt = randomBytes(16);
    const [length, digest] =
      mechanism === 1 ? ([32, "sha256"] as const) : ([64, "sha512"] as const);
    const saltedPassword = pbkdf2Sync(password, salt, 4096, length, digest);
    return { name: username, mechanism, iterations: 4096, salt, saltedPassword };
  });
  try {
    // One request may name a user once.
    for (const one of upsertions) {
      const { results } = await link.ask(alterUserScramCredentialsV0.api, [], [one]);
      expect(results.map(({ errorCode }) => errorCode)).toEqual([0]);
    }
  } finally {
    await link.close();
  }
}

afterAll(async () => {
  await Promise.all(admins.map((one) => one.close()));
  await cluster?.stop();
});

test.each<Sasl>([
  PLAIN,
  { mechanism: "SCRAM-SHA-256", ...ALICE },
  { mechanism: "SCRAM-SHA-512", ...ALICE },
])("whoever logs in by $mechanism is answered, by single brokers too", async (sasl) => {
  const asked = admin(sasl);
  expect(await asked.listBrokers()).toHaveLength(3);
  expect((await asked.replicaSizes()).size).toBe(3);
});

test("the controllers' own listeners are asked with the same login", async () => {
  const quorum = await admin(PLAIN).describeQuorum(controllers());
  expect(quorum.voters.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
  await expect(admin(PLAIN).ping(controllers()[0]!)).resolves.toBeUndefined();
  const found = await failure(
    admin({ ...PLAIN, password: "wrong-secret" }).describeQuorum(controllers()),
  );
  expect(found.kind).toBe("refused");
  expect(found.message).toMatch(/refused the login of "operator" by PLAIN/);
});

test.each<[Sasl, RegExp]>([
  [{ ...PLAIN, password: "wrong-secret" }, /: Authentication failed: Invalid username or password/],
  [
    { mechanism: "SCRAM-SHA-512", ...ALICE, password: "wrong-secret" },
    /during SASL\/SCRAM|with SASL mechanism/,
  ],
  [
    { mechanism: "SCRAM-SHA-256", ...ALICE, username: "nobody" },
    /during SASL\/SCRAM|with SASL mechanism/,
  ],
])("a login that is refused says who, where and how: %j", async (sasl, words) => {
  const { kind, message } = await failure(admin(sasl).describeTopic("red"));
  expect(kind).toBe("refused");
  expect(message).toMatch(
    new RegExp(
      `^127\\.0\\.0\\.1:\\d+ refused the login of "${sasl.username}" by ${sasl.mechanism}: SASL_AUTHENTICATION_FAILED: `,
    ),
  );
  expect(message).toMatch(words);
});

test("no login at all is told, with those that are taken", async () => {
  for (const asked of [admin(undefined).listBrokers(), admin(undefined).describeTopic("red")]) {
    const { kind, message } = await failure(asked);
    expect(kind).toBe("refused");
    expect(message).toMatch(
      /answers only who has logged in, by PLAIN or SCRAM-SHA-512 or SCRAM-SHA-256\. Give the provider pilab its sasl\./,
    );
  }
  const { kind, message } = await failure(admin(undefined).describeQuorum(controllers()));
  expect(kind).toBe("refused");
  expect(message).toMatch(/answers only who has logged in, by PLAIN\. /);
});

test("a mechanism that a listener does not take is told, with those that it takes", async () => {
  const found = await failure(
    admin({ mechanism: "SCRAM-SHA-256", ...ALICE }).describeQuorum(controllers()),
  );
  expect(found.kind).toBe("refused");
  expect(found.message).toMatch(
    /refused the login of "alice" by SCRAM-SHA-256: it takes PLAIN\. Choose one of them as sasl\.mechanism\./,
  );
});

test("a server that is away is not a refusal", async () => {
  const gone = new PlatformaticAdmin(["127.0.0.1:1"], { ...PATIENT, sasl: PLAIN });
  const { kind, message } = await failure(gone.listBrokers());
  expect(kind).toBe("unreachable");
  expect(message).toMatch(/no broker answers at 127\.0\.0\.1:1/);
});
