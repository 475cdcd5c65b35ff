import type { ScramMechanism } from "../../model/types";
import { Secret } from "../../plugins/common/rpc";
import type { Sasl } from "../../provider/admin/port";
import type { SecurityAdmin } from "../../provider/admin/security-port";
import { salted } from "../../provider/user/salt";
import { kafkaTool, settled } from "../support/kafka/guarded";
import { GuardedClient, writeAs } from "../support/kafka/guarded-client";
import { GuardedProvider } from "../support/kafka/guarded-provider";
import type { ResourceDriver } from "../support/provider-driver";

const USER = "pilab:kafka/user:User";
const ACLS = "pilab:kafka/acls:Acls";
const [ADD, DELETE, UPDATE, UPDATE_REPLACE] = [0, 2, 4, 5] as const;
const SHA_512 = "SCRAM-SHA-512";
const SHA_256 = "SCRAM-SHA-256";
const REFUSED = "SASL_AUTHENTICATION_FAILED";
/** No other text of the tests has it. */
const SECRET = "xyzzy";

jest.setTimeout(120_000);

let kafka: GuardedProvider;
const clients: GuardedClient[] = [];

/** A user's inputs: a password by mechanism. */
const spec = (name: string, passwords: Partial<Record<ScramMechanism, string>>) => ({
  name,
  credentials: Object.fromEntries(
    Object.entries(passwords).map(([mechanism, password]) => [
      mechanism,
      { password: new Secret(password) },
    ]),
  ),
});

const write = (username: string, mechanism: ScramMechanism, password: string) =>
  writeAs(kafka.servers, { mechanism, username, password }, "open");

/** Sets a password behind the provider's back. */
async function setByHand(
  name: string,
  mechanism: ScramMechanism,
  password: string,
  iterations = 8192,
): Promise<void> {
  const credential = await salted(mechanism, { password, iterations });
  await kafka.security.setCredential(name, credential);
  await shown(name, mechanism, iterations);
}

/** Waits until every broker shows the credential. */
const shown = (name: string, mechanism: ScramMechanism, iterations: number) =>
  kafka.shows(async (security) => (await security.describeUser(name)).get(mechanism), iterations);

/** Waits until a password opens whichever broker the client comes to, or opens none. */
const opens = (name: string, mechanism: ScramMechanism, password: string) =>
  settled(async () => (await write(name, mechanism, password)) === "written");
const refuses = (name: string, mechanism: ScramMechanism, password: string) =>
  settled(async () => (await write(name, mechanism, password)) === REFUSED);

async function refreshed(user: ResourceDriver): Promise<Record<string, unknown> | undefined> {
  return (await user.refresh())?.outputs;
}

beforeAll(async () => {
  kafka = await GuardedProvider.start();
  await kafka.createTopic("open");
  const rules = [{ resource: "topic", name: "open", operation: "write" }];
  await kafka.driver.resource(ACLS, "everybody").up({ principal: "User:*", rules });
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await kafka.stopOthers();
  expect(JSON.stringify(kafka.driver.logs)).not.toContain(SECRET);
});

afterAll(() => kafka?.stop());

test("a declared user logs in by both mechanisms, with the declared passwords alone", async () => {
  const user = kafka.driver.resource(USER, "alice");
  const news = spec("alice", { [SHA_512]: `${SECRET}-1`, [SHA_256]: `${SECRET}-2` });
  await expect(user.up(news)).resolves.toBe("created");
  await opens("alice", SHA_512, `${SECRET}-1`);
  await opens("alice", SHA_256, `${SECRET}-2`);
  await refuses("alice", SHA_512, `${SECRET}-2`);
  const { credentials } = user.known().outputs as {
    credentials: Record<string, { password: unknown; iterations: number }>;
  };
  for (const { password, iterations } of Object.values(credentials)) {
    expect(password).toBeInstanceOf(Secret);
    expect(iterations).toBe(8192);
  }
  await expect(user.up(news)).resolves.toBe("unchanged");
  expect(await refreshed(user)).toEqual(user.known().outputs);
  await expect(user.up(news)).resolves.toBe("unchanged");
});

test("Kafka's own tools log in with such a credential", async () => {
  await kafka.driver.resource(USER, "tool").up(spec("tool", { [SHA_256]: `${SECRET}-tool` }));
  const login: Sasl = { mechanism: SHA_256, username: "tool", password: `${SECRET}-tool` };
  const command = "org.apache.kafka.tools.TopicCommand";
  const list = kafkaTool(command, kafka.servers, login, ["--list"]);
  await expect(list).resolves.toContain("open");
});

test("a password is changed in one step: who is connected stays, the new one opens, the old one does not", async () => {
  const user = kafka.driver.resource(USER, "bob");
  await user.up(spec("bob", { [SHA_512]: `${SECRET}-old` }));
  const connected = await GuardedClient.as(kafka.servers, {
    mechanism: SHA_512,
    username: "bob",
    password: `${SECRET}-old`,
  });
  clients.push(connected);
  await expect(connected.write("open")).resolves.toBe("written");

  const news = spec("bob", { [SHA_512]: `${SECRET}-new` });
  await expect(user.diff(news)).resolves.toEqual({ "credentials.SCRAM-SHA-512.password": UPDATE });
  const prototype = Object.getPrototypeOf(kafka.security) as SecurityAdmin;
  const remove = jest.spyOn(prototype, "removeCredential");
  const written: string[] = [];
  let changing = true;
  const writing = (async () => {
    while (changing) written.push(await connected.write("open"));
  })();
  await expect(user.up(news)).resolves.toBe("updated");
  changing = false;
  await writing;
  expect(new Set(written)).toEqual(new Set(["written"]));
  expect(remove).not.toHaveBeenCalled();
  remove.mockRestore();
  await expect(connected.write("open")).resolves.toBe("written");
  await opens("bob", SHA_512, `${SECRET}-new`);
  await refuses("bob", SHA_512, `${SECRET}-old`);
  await expect(user.up(news)).resolves.toBe("unchanged");
});

test("of two mechanisms one is changed while the other opens, and the last one goes at the end", async () => {
  const user = kafka.driver.resource(USER, "carol");
  await user.up(spec("carol", { [SHA_512]: `${SECRET}-a`, [SHA_256]: `${SECRET}-b` }));
  await user.up(spec("carol", { [SHA_512]: `${SECRET}-c`, [SHA_256]: `${SECRET}-b` }));
  await opens("carol", SHA_256, `${SECRET}-b`);
  await opens("carol", SHA_512, `${SECRET}-c`);

  const prototype = Object.getPrototypeOf(kafka.security) as SecurityAdmin;
  const set = jest.spyOn(prototype, "setCredential");
  const remove = jest.spyOn(prototype, "removeCredential");
  const last = spec("carol", { [SHA_512]: `${SECRET}-d` });
  await expect(user.diff(last)).resolves.toEqual({
    "credentials.SCRAM-SHA-512.password": UPDATE,
    "credentials.SCRAM-SHA-256": DELETE,
  });
  await user.up(last);
  expect(set).toHaveBeenCalledTimes(1);
  expect(remove).toHaveBeenCalledTimes(1);
  expect(remove.mock.invocationCallOrder[0]).toBeGreaterThan(set.mock.invocationCallOrder[0]!);
  set.mockRestore();
  remove.mockRestore();
  await refuses("carol", SHA_256, `${SECRET}-b`);
  await opens("carol", SHA_512, `${SECRET}-d`);
});

test("refresh tells what was done by hand, a changed password too, and the next up mends it", async () => {
  const user = kafka.driver.resource(USER, "dave");
  const news = spec("dave", { [SHA_512]: `${SECRET}-mine` });
  await user.up(news);

  await setByHand("dave", SHA_512, `${SECRET}-theirs`);
  // The same iterations: nothing but a login can tell.
  await settled(async () => {
    await user.refresh();
    return Object.keys(await user.diff(news)).length > 0;
  });
  await expect(user.diff(news)).resolves.toEqual({ "credentials.SCRAM-SHA-512.password": UPDATE });
  expect(kafka.driver.logs.at(-1)?.message).toMatch(
    /dave: the password of SCRAM-SHA-512 was changed/,
  );
  await expect(user.up(news)).resolves.toBe("updated");
  await opens("dave", SHA_512, `${SECRET}-mine`);

  await setByHand("dave", SHA_512, `${SECRET}-mine`, 4096);
  await setByHand("dave", SHA_256, `${SECRET}-added`);
  await settled(
    async () => Object.keys((await refreshed(user))?.["credentials"] ?? {}).length === 2,
  );
  await expect(user.diff(news)).resolves.toEqual({
    "credentials.SCRAM-SHA-512.iterations": UPDATE,
    "credentials.SCRAM-SHA-256": DELETE,
  });
  await user.up(news);
  await kafka.shows((security) => security.describeUser("dave"), new Map([[SHA_512, 8192]]));

  const known = user.known();
  await kafka.security.removeCredential("dave", SHA_512);
  await kafka.shows((security) => security.describeUser("dave"), new Map());
  user.state = known;
  await expect(user.refresh()).resolves.toBeUndefined();
});

test("what someone adds after the last refresh stays, and is told", async () => {
  const user = kafka.driver.resource(USER, "erin");
  await user.up(spec("erin", { [SHA_512]: `${SECRET}-e` }));
  await setByHand("erin", SHA_256, `${SECRET}-added`);
  await user.up(spec("erin", { [SHA_512]: `${SECRET}-f` }));
  expect(kafka.driver.logs.at(-1)?.message).toMatch(
    /erin: it also has SCRAM-SHA-256.*which stays/s,
  );
  await opens("erin", SHA_256, `${SECRET}-added`);
});

test("an existing user gets the declared credentials, and it is said", async () => {
  await kafkaTool("kafka.admin.ConfigCommand", kafka.servers, kafka.login, [
    ...["--alter", "--entity-type", "users", "--entity-name", "frank"],
    ...["--add-config", "SCRAM-SHA-512=[iterations=4096,password=by-hand]"],
  ]);
  await shown("frank", SHA_512, 4096);
  await kafka.driver.resource(USER, "frank").up(spec("frank", { [SHA_512]: `${SECRET}-frank` }));
  expect(kafka.driver.logs.map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/frank: it was there already with SCRAM-SHA-512/),
  );
  await opens("frank", SHA_512, `${SECRET}-frank`);
  await refuses("frank", SHA_512, "by-hand");
});

test("import by name knows no passwords; they are set by the next up", async () => {
  await setByHand("grace", SHA_512, `${SECRET}-hand`, 5000);
  const user = kafka.driver.resource(USER, "grace");
  const { inputs } = await user.import("grace");
  await expect(user.check(inputs as never)).resolves.toEqual([]);
  await expect(user.up(inputs as never)).resolves.toBe("unchanged");
  await user.up(spec("grace", { [SHA_512]: `${SECRET}-declared` }));
  await opens("grace", SHA_512, `${SECRET}-declared`);
  const nobody = kafka.driver.resource(USER, "x").import("nobody");
  await expect(nobody).rejects.toThrow(/nobody: the brokers know no user of that name/);
});

test("another name is another user, and delete removes what is known", async () => {
  const user = kafka.driver.resource(USER, "heidi");
  await user.up(spec("heidi", { [SHA_512]: `${SECRET}-h` }));
  await expect(user.diff(spec("ivan", { [SHA_512]: `${SECRET}-h` }))).resolves.toEqual({
    name: UPDATE_REPLACE,
  });
  const known = user.known();
  await setByHand("heidi", SHA_512, `${SECRET}-other`, 4096);
  await expect(user.delete()).rejects.toThrow(/heidi: not deleted.*SCRAM-SHA-512.*refresh/s);
  await user.refresh();
  await user.delete();
  await kafka.shows((security) => security.describeUser("heidi"), new Map());
  user.state = known;
  await user.delete();
});

test("two ups at once both end well", async () => {
  const second = await kafka.another();
  const news = spec("twin", { [SHA_512]: `${SECRET}-twin`, [SHA_256]: `${SECRET}-twin` });
  const ups = [kafka.driver, second].map((one) => one.resource(USER, "twin").up(news));
  await expect(Promise.all(ups)).resolves.toEqual(["created", "created"]);
  await opens("twin", SHA_512, `${SECRET}-twin`);
  await opens("twin", SHA_256, `${SECRET}-twin`);
});

test("a change of the provider's own credential is warned of", async () => {
  const first = kafka.driver.resource(USER, "own");
  await first.up(spec("own", { [SHA_512]: `${SECRET}-own` }));
  const sasl = { mechanism: SHA_512, username: "own", password: `${SECRET}-own` };
  const own = await kafka.another({ sasl: JSON.stringify(sasl) });
  const user = own.resource(USER, "own");
  user.state = first.known();
  const both = spec("own", { [SHA_512]: `${SECRET}-own`, [SHA_256]: `${SECRET}-2` });
  await expect(user.diff(both)).resolves.toEqual({ "credentials.SCRAM-SHA-256": ADD });
  expect(own.logs).toEqual([]);
  await user.diff(spec("own", { [SHA_512]: `${SECRET}-new` }));
  expect(own.logs.at(-1)?.message).toMatch(/own: the provider itself logs in/);
});

test("a wrong login of the provider's own is told as one, without its password", async () => {
  const sasl = { mechanism: "PLAIN", username: "root", password: `${SECRET}-wrong` };
  const wrong = await kafka.another({ sasl: JSON.stringify(sasl) });
  const up = wrong.resource(USER, "judy").up(spec("judy", { [SHA_512]: `${SECRET}-j` }));
  await expect(up).rejects.toThrow(/refused the login of "root" by PLAIN/);
  await expect(up).rejects.not.toThrow(SECRET);
});

test("with no broker in reach a refresh keeps what was known", async () => {
  const lost = await kafka.another({ bootstrapServers: "127.0.0.1:1" });
  const user = lost.resource(USER, "alice");
  const outputs = {
    name: "alice",
    credentials: { [SHA_512]: { iterations: 8192, password: new Secret(SECRET) } },
  };
  user.state = { id: "alice", inputs: outputs, outputs };
  await expect(user.refresh()).resolves.toMatchObject({ id: "alice", outputs });
  expect(lost.logs.at(-1)?.message).toMatch(/user alice: kept as last known: no broker answers/);
});

// Kafka itself forgets others where a credential is removed: see REMOVED_ITERATIONS. It comes upon this
// name first, since Java's hash of it is 0.
test("brokers that restart after a removal know all others still, and let nobody else in", async () => {
  const first = "f5a5a608";
  const gone = kafka.driver.resource(USER, first);
  const stays = kafka.driver.resource(USER, "zoe");
  await gone.up(spec(first, { [SHA_512]: `${SECRET}-gone` }));
  await gone.delete();
  await stays.up(spec("zoe", { [SHA_512]: `${SECRET}-stays` }));
  await kafka.restart();
  await opens("zoe", SHA_512, `${SECRET}-stays`);
  expect(await write(first, SHA_512, `${SECRET}-gone`)).toBe(REFUSED);
  await kafka.shows((security) => security.describeUser(first), new Map());
  await expect(gone.up(spec(first, { [SHA_512]: `${SECRET}-back` }))).resolves.toBe("created");
  await opens(first, SHA_512, `${SECRET}-back`);
});
