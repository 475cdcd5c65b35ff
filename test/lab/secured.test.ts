import { readFileSync } from "node:fs";
import { bootstrapServers } from "../../model";
import { BRISK, PATIENT, type KafkaAdmin, type Sasl } from "../../provider/admin/port";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { checkpointFile } from "../../scripts/lib/lab-folder";
import { labLogin } from "../../scripts/lib/lab-login";
import { askAll, brokerPis, piOf } from "../support/lab/pi";
import { keepHosts } from "../support/lab/template";
import { waitUntilWell } from "../support/lab/well";
import { createTestStack, type LabValue, type Outcome, type TestStack } from "../support/stack";

/**
 * Three brokers that ask who somebody is, from nothing: who gets in, who may do what, and that the lab's own
 * ways (rolls, swaps, commands) get in as well. The tests go on from each other.
 */

jest.setTimeout(600_000);

let made: TestStack | undefined;
let firstPreview: Outcome;
let coldUp: Outcome;

beforeAll(async () => {
  const stack = await createTestStack({
    edit: (lab) => {
      keepHosts(lab, ["broker-1", "broker-2", "broker-3"], ["pi-7"]);
      const { red, green } = lab.topics;
      lab.topics = { red: red!, green: green! };
      lab.cluster["authentication"] = "scram";
      lab["users"] = { ann: {}, bob: {} };
      lab["acls"] = { ann: [{ topic: "red", operations: ["read", "write"] }] };
      lab["quotas"] = [{ user: "ann", limits: { producer_byte_rate: 1048576 } }];
    },
  });
  made = stack;
  firstPreview = await stack.preview();
  coldUp = await stack.up();
});

afterAll(() => made?.remove());

function lab(): TestStack {
  if (made === undefined) throw new Error("the lab did not come up");
  return made;
}

const login = async (user?: string): Promise<Sasl> =>
  (await labLogin(lab().folder, lab().lab(), user, lab().engine))!;

async function asking<T>(
  sasl: Sasl | undefined,
  question: (admin: KafkaAdmin) => Promise<T>,
  options = PATIENT,
): Promise<T> {
  const servers = bootstrapServers(lab().lab()).split(",");
  const admin = new PlatformaticAdmin(servers, { ...options, sasl });
  try {
    return await question(admin);
  } finally {
    await admin.close();
  }
}

const topicNames = async (admin: KafkaAdmin): Promise<string[]> =>
  (await admin.listPartitions()).map(({ topic }) => topic).sort();

const done = ({ steps }: Outcome): string[] => steps.map(({ op, name }) => `${op} ${name}`).sort();

describe("made from nothing", () => {
  test("its first preview shows all of it, with a password that is not made yet", () => {
    expect(firstPreview).toMatchObject({ exitCode: 0, errors: [] });
    expect(done(firstPreview)).toEqual(
      expect.arrayContaining([
        "create acls-ann",
        "create ann",
        "create kafka-rollout",
        "create red",
      ]),
    );
    expect(firstPreview.steps.length).toBe(coldUp.steps.length);
  });

  test("it is well, as `status` sees it, and a second `up` changes nothing", async () => {
    await waitUntilWell(lab());
    const status = await lab().script("status").ended;
    // What it says is the reason, should it not end with 0.
    expect(status.exitCode === 0 ? "well" : status.output).toBe("well");
    expect((await lab().up()).steps).toEqual([]);
  });

  test("passwords are told by one output alone, and are in the clear nowhere else", async () => {
    const outputs = await lab().outputs();
    expect(outputs["passwords"]).toEqual({
      ann: { "SCRAM-SHA-512": "[secret]" },
      bob: { "SCRAM-SHA-512": "[secret]" },
      "pi-lab": { PLAIN: "[secret]" },
    });
    const all = await Promise.all([undefined, "ann", "bob"].map(login));
    const passwords = all.map(({ password }) => password);
    expect(new Set(passwords).size).toBe(3);
    const state = readFileSync(checkpointFile(lab().folder), "utf8");
    // The SDK's own tracing, which no command prints, has secrets as the wire has them.
    const shown = coldUp.events.filter(({ diagnosticEvent: one }) => one?.severity !== "debug");
    const events = JSON.stringify(shown);
    for (const password of passwords) {
      expect(password).toMatch(/^[A-Za-z0-9]{32}$/);
      expect(state.includes(password)).toBe(false);
      expect(events.includes(password)).toBe(false);
      expect(coldUp.output.includes(password)).toBe(false);
    }
  });

  test("on the hosts root and Kafka alone can read the super user's, and no process shows it", async () => {
    const { password } = await login();
    for (const pi of brokerPis(lab())) {
      const modes = await pi.run(
        "stat -c '%n %a %U:%G' /etc/kafka/*.conf /etc/kafka/admin.properties",
      );
      expect(modes.split("\n")).toEqual([
        "/etc/kafka/jaas.conf 640 root:kafka",
        "/etc/kafka/admin.properties 640 root:kafka",
      ]);
      const readable = await pi.try(
        `runuser -u pi -- grep -rslF -- '${password}' /etc /run /var/tmp /tmp /usr/local/lib/pi-lab`,
      );
      expect(readable.output).toBe("");
      const holders = await pi.run(`grep -rslF -- '${password}' /etc /run /var/tmp /tmp || true`);
      expect(holders.split("\n").sort()).toEqual([
        "/etc/kafka/admin.properties",
        "/etc/kafka/jaas.conf",
      ]);
      const lines = await pi.run(`cat /proc/[0-9]*/cmdline | tr '\\0' ' '`);
      expect(lines.includes(password)).toBe(false);
    }
  });
});

describe("who gets in", () => {
  test("nobody without a password, or with a wrong one", async () => {
    await expect(asking(undefined, topicNames, BRISK)).rejects.toThrow();
    const wrong = { ...(await login("ann")), password: "not-the-password" };
    await expect(asking(wrong, topicNames, BRISK)).rejects.toThrow(/authentication|credentials/i);
    const plain: Sasl = { ...(await login("ann")), mechanism: "PLAIN" };
    await expect(asking(plain, topicNames, BRISK)).rejects.toThrow(/authentication|credentials/i);
  });

  test("a user sees what a rule allows; the super user sees all", async () => {
    expect(await asking(await login("ann"), topicNames)).toEqual(["red"]);
    expect(await asking(await login("bob"), topicNames)).toEqual([]);
    expect(await asking(await login(), topicNames)).toEqual(
      expect.arrayContaining(["green", "red"]),
    );
  });

  test("`produce` and `consume` do as a user what that user may do", async () => {
    const written = await lab().script("produce", "red", "--user", "ann", "--value", "hello").ended;
    expect(written).toMatchObject({ exitCode: 0 });
    expect(await consumed("red", "--user", "ann")).toBe("hello\n");
    const other = await lab().script("produce", "green", "--user", "ann", "--value", "x").ended;
    expect(other.exitCode).toBe(1);
    expect(other.output).toMatch(/green: ann sees no such topic\..* no rule lets ann describe it/);
    const stranger = await lab().script("consume", "red", "--user", "bop").ended;
    expect(stranger.output).toMatch(/no user "bop"\. Did you mean bob\?/);
    expect(await consumed("red")).toBe("hello\n");
  });

  test("one who may only read is refused when writing", async () => {
    lab().edit((value) => {
      value["acls"] = {
        ann: [{ topic: "red", operations: ["read", "write"] }],
        bob: [{ topic: "red", operations: ["read"] }],
      };
    });
    const up = await lab().up();
    expect(done(up)).toEqual(["create acls-bob"]);
    expect(await consumed("red", "--user", "bob")).toBe("hello\n");
    const written = await lab().script("produce", "red", "--user", "bob", "--value", "x").ended;
    expect(written.exitCode).toBe(1);
    expect(written.output).toMatch(/authoriz/i);
  });

  test("Kafka has the quota, and its own tools get in with the file on the host", async () => {
    const tool = (name: string, rest: string): Promise<string> =>
      piOf(lab(), "broker-1").run(
        `${name} --bootstrap-server broker-1:9092 --command-config /etc/kafka/admin.properties ${rest}`,
      );
    expect(
      await tool("kafka-configs.sh", "--describe --entity-type users --entity-name ann"),
    ).toMatch(/producer_byte_rate=1048576/);
    expect((await tool("kafka-topics.sh", "--list")).split("\n")).toEqual(
      expect.arrayContaining(["green", "red"]),
    );
  });
});

describe("passwords that change", () => {
  test("a second mechanism takes a new one, while the first one's is good still; then that one goes", async () => {
    const first = await login("ann");
    const versions = (passwordVersions: Record<string, number>) =>
      lab().edit((value) => (value["users"] = { ann: { passwordVersions }, bob: {} }));
    versions({ "SCRAM-SHA-512": 1, "SCRAM-SHA-256": 1 });
    expect(done(await lab().up())).toEqual(["create ann-scram-sha-256", "update ann"]);
    expect(await login("ann")).toEqual(first);
    const text = await lab().ask("stack", "output", "passwords", "--json", "--show-secrets");
    const { ann } = JSON.parse(text) as Record<string, Record<string, string>>;
    const second: Sasl = {
      ...{ mechanism: "SCRAM-SHA-256", username: "ann" },
      password: ann!["SCRAM-SHA-256"]!,
    };
    expect(second.password).not.toBe(first.password);
    expect(await asking(first, topicNames)).toEqual(["red"]);
    expect(await asking(second, topicNames)).toEqual(["red"]);

    versions({ "SCRAM-SHA-256": 1 });
    expect(done(await lab().up())).toEqual(["delete ann-scram-sha-512", "update ann"]);
    await expect(asking(first, topicNames, BRISK)).rejects.toThrow(/authentication|credentials/i);
    expect(await asking(second, topicNames)).toEqual(["red"]);
  });

  test("another number is another password, and shows as no more than that", async () => {
    const before = await login("bob");
    lab().edit((value) => {
      const users = value["users"] as Record<string, object>;
      value["users"] = { ...users, bob: { passwordVersions: { "SCRAM-SHA-512": 2 } } };
    });
    const preview = await lab().preview();
    expect(done(preview)).toEqual([
      "create-replacement bob-scram-sha-512",
      "delete-replaced bob-scram-sha-512",
      "replace bob-scram-sha-512",
      "update bob",
    ]);
    await lab().up();
    const after = await login("bob");
    expect(after.password).not.toBe(before.password);
    await expect(asking(before, topicNames, BRISK)).rejects.toThrow(/authentication|credentials/i);
    expect(await asking(after, topicNames)).toEqual(["red"]);
  });
});

describe("the lab's own ways", () => {
  test("a roll gets in at every broker and controller", async () => {
    const before = await askAll(brokerPis(lab()), (pi) => pi.unit());
    lab().edit((value) => (value.cluster.settings = { "queued.max.requests": "400" }));
    const up = await lab().up();
    expect(done(up)).toEqual(expect.arrayContaining(["update kafka-rollout"]));
    const after = await askAll(brokerPis(lab()), (pi) => pi.unit());
    for (const [host, unit] of Object.entries(after)) {
      expect(unit.active).toBe("active");
      expect(unit.invocation).not.toBe(before[host]?.invocation);
    }
    await waitUntilWell(lab());
  });

  test("a broker moves to another machine", async () => {
    lab().edit((value) => (value.hosts["broker-3"]!.machine = "pi-7"));
    await lab().up();
    await waitUntilWell(lab());
    expect((await lab().up()).steps).toEqual([]);
    expect(await consumed("red", "--user", "bob")).toBe("hello\n");
  });

  test("a file with the password that was changed by hand is drift, and is mended", async () => {
    await piOf(lab(), "broker-2").run("chmod 0644 /etc/kafka/jaas.conf");
    await lab().up("--refresh");
    const mode = await piOf(lab(), "broker-2").run("stat -c %a /etc/kafka/jaas.conf");
    expect(mode).toBe("640");
  });

  test("that clients need no login any more is refused in the preview while a node runs", async () => {
    const value = lab().value();
    lab().edit(withoutLogin);
    const preview = await lab().preview();
    lab().edit((edited) => Object.assign(edited, value));
    expect(preview.exitCode).not.toBe(0);
    expect(preview.errors.join("\n")).toMatch(
      /cluster\.authentication is settled with the cluster's birth/,
    );
    expect((await lab().preview()).steps).toEqual([]);
  });

  test("another password of the super user is refused while a node runs, and taken by all together", async () => {
    const before = await login();
    const replaced = await lab().run(
      "up",
      "--yes",
      "--skip-preview",
      "--replace",
      "**super-user-password",
    );
    expect(replaced.exitCode).not.toBe(0);
    expect(replaced.errors.join("\n")).toMatch(/the super user's password is another one/);
    await startTogether();
    const after = await login();
    expect(after.password).not.toBe(before.password);
    await waitUntilWell(lab());
    await expect(asking(before, topicNames, BRISK)).rejects.toThrow(/authentication|credentials/i);
    expect((await lab().up()).steps).toEqual([]);
  });

  test("all together they can do without a login, and the records stay", async () => {
    // While there is an authorizer to forget them.
    lab().edit(withoutUsers);
    await lab().up();
    lab().edit(withoutLogin);
    await startTogether();
    await waitUntilWell(lab());
    expect(await asking(undefined, topicNames)).toEqual(expect.arrayContaining(["green", "red"]));
    expect(await consumed("red")).toBe("hello\n");
    expect((await lab().up()).steps).toEqual([]);
  });

  test("destroying it leaves nothing", async () => {
    const outcome = await lab().destroy();
    expect(outcome).toMatchObject({ exitCode: 0, errors: [] });
    await expect(lab().inDocker()).resolves.toEqual([]);
  });
});

function withoutUsers(value: LabValue): void {
  for (const key of ["users", "acls", "quotas"]) delete value[key];
}

function withoutLogin(value: LabValue): void {
  withoutUsers(value);
  delete value.cluster["authentication"];
}

/** What `consume` prints; where it fails, the failure says why. */
async function consumed(...args: string[]): Promise<string> {
  const { exitCode, output, stdout } = await lab().script("consume", ...args).ended;
  if (exitCode !== 0) throw new Error(output);
  return stdout;
}

/** What the refusal says: all nodes down, seen to be so, and started at once. */
async function startTogether(): Promise<void> {
  await askAll(brokerPis(lab()), (pi) => pi.stopKafka());
  const refresh = await lab().refresh();
  expect(refresh).toMatchObject({ exitCode: 0, errors: [] });
  await lab().up();
}
