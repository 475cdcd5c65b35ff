import { kafkaTool } from "../support/kafka/guarded";
import { GuardedProvider } from "../support/kafka/guarded-provider";

const QUOTA = "pilab:kafka/quota:Quota";
const [ADD, DELETE, UPDATE] = [0, 2, 4] as const;

jest.setTimeout(120_000);

let kafka: GuardedProvider;

beforeAll(async () => {
  kafka = await GuardedProvider.start();
});

afterEach(() => kafka.stopOthers());

afterAll(() => kafka?.stop());

test("a quota is owned key by key, and Kafka's own tool shows it", async () => {
  const quota = kafka.driver.resource(QUOTA, "alice");
  const entity = { user: "alice", clientId: "a=b,c" };
  const live = { user: "alice", clientId: "a=b,c" };
  await kafka.security.alterQuota(live, { request_percentage: 50 }, []);
  await kafka.shows((security) => security.describeQuota(live), { request_percentage: 50 });
  const limits = { producer_byte_rate: 1_000_000, consumer_byte_rate: 2_000_000 };
  await expect(quota.up({ entity, limits })).resolves.toBe("created");
  expect(quota.known().id).toBe("user=alice,client-id=a%3Db%2Cc");
  const command = "kafka.admin.ConfigCommand";
  const shown = await kafkaTool(command, kafka.servers, kafka.login, [
    ...["--describe", "--entity-type", "users", "--entity-name", "alice"],
    ...["--entity-type", "clients", "--entity-name", "a=b,c"],
  ]);
  expect(shown).toMatch(/producer_byte_rate=1000000/);
  expect(shown).toMatch(/request_percentage=50/);

  const news = { entity, limits: { producer_byte_rate: 3_000_000, controller_mutation_rate: 0.5 } };
  await expect(quota.diff(news)).resolves.toEqual({
    "limits.producer_byte_rate": UPDATE,
    "limits.consumer_byte_rate": DELETE,
    "limits.controller_mutation_rate": ADD,
  });
  await quota.up(news);
  await kafka.shows((security) => security.describeQuota(live), {
    ...news.limits,
    request_percentage: 50,
  });
  await quota.refresh();
  await expect(quota.up(news)).resolves.toBe("unchanged");

  await kafka.security.alterQuota(live, { producer_byte_rate: 7 }, ["controller_mutation_rate"]);
  await kafka.shows((security) => security.describeQuota(live), {
    producer_byte_rate: 7,
    request_percentage: 50,
  });
  await expect(quota.delete()).rejects.toThrow(
    /not deleted.*producer_byte_rate is 7, not 3000000/s,
  );
  await quota.refresh();
  await expect(quota.diff(news)).resolves.toEqual({
    "limits.producer_byte_rate": UPDATE,
    "limits.controller_mutation_rate": ADD,
  });
  await quota.up(news);
  const known = quota.known();
  await quota.delete();
  await kafka.shows((security) => security.describeQuota(live), { request_percentage: 50 });
  quota.state = known;
  await expect(quota.refresh()).resolves.toBeUndefined();
  quota.state = known;
  await quota.delete();
});

test("quotas of every kind of entity, of the defaults too, apart from each other", async () => {
  const bytes = { producer_byte_rate: 1000 };
  const connections = { connection_creation_rate: 5 };
  const all = [
    { id: "user=zoe", entity: { user: "zoe" }, limits: bytes },
    { id: "user=<default>", entity: { user: "<default>" }, limits: { producer_byte_rate: 2000 } },
    { id: "client-id=zoe", entity: { clientId: "zoe" }, limits: bytes },
    {
      id: "user=zoe,client-id=<default>",
      entity: { user: "zoe", clientId: "<default>" },
      limits: { ...bytes, request_percentage: 12.5 },
    },
    { id: "ip=127.0.0.9", entity: { ip: "127.0.0.9" }, limits: connections },
    { id: "ip=<default>", entity: { ip: "<default>" }, limits: { connection_creation_rate: 9 } },
  ];
  for (const { id, ...inputs } of all) {
    const quota = kafka.driver.resource(QUOTA, id);
    await expect(quota.up(inputs)).resolves.toBe("created");
    expect(quota.known().id).toBe(id);
  }
  for (const { id, ...inputs } of all) {
    const imported = kafka.driver.resource(QUOTA, id);
    await imported.import(id);
    await expect(imported.up(inputs)).resolves.toBe("unchanged");
    await imported.delete();
    await expect(imported.import(id)).rejects.toThrow(/the brokers have none of it/);
  }
  await expect(kafka.driver.resource(QUOTA, "x").import("zoe")).rejects.toThrow(
    /no id of a quota; write/,
  );
});

test("what we refuse of a quota, Kafka refuses too", async () => {
  const bad = [
    [{ user: "zoe" }, { producer_byte_rate: 0 }],
    [{ user: "zoe" }, { producer_byte_rate: 1.5 }],
    [{ user: "zoe" }, { request_percentage: -1 }],
    [{ user: "zoe" }, { connection_creation_rate: 1 }],
    [{ ip: "127.0.0.1" }, { producer_byte_rate: 1 }],
    [{ ip: "127.0.0.1" }, { connection_creation_rate: 2 ** 31 }],
    [{ ip: "127.0.0.1", user: "zoe" }, { connection_creation_rate: 1 }],
  ] as const;
  for (const [entity, limits] of bad) {
    const quota = kafka.driver.resource(QUOTA, "bad");
    expect(await quota.check({ entity, limits })).not.toEqual([]);
    await expect(kafka.security.alterQuota(entity, limits, [])).rejects.toThrow(
      /refused to change/,
    );
  }
});

test("two ups at once both end well", async () => {
  const second = await kafka.another();
  const inputs = {
    entity: { user: "twin" },
    limits: { producer_byte_rate: 1, consumer_byte_rate: 2 },
  };
  const ups = [kafka.driver, second].map((one) => one.resource(QUOTA, "twin").up(inputs));
  await expect(Promise.all(ups)).resolves.toEqual(["created", "created"]);
  await kafka.shows((security) => security.describeQuota({ user: "twin" }), inputs.limits);
});

test("with no broker in reach a refresh keeps what was known", async () => {
  const lost = await kafka.another({ bootstrapServers: "127.0.0.1:1" });
  const quota = lost.resource(QUOTA, "alice");
  const limited = { entity: { user: "alice" }, limits: { producer_byte_rate: 1 } };
  quota.state = { id: "user=alice", inputs: limited, outputs: limited };
  await expect(quota.refresh()).resolves.toMatchObject({ id: "user=alice", outputs: limited });
  expect(lost.logs.at(-1)?.message).toMatch(/quota user=alice: kept as last known: no broker/);
});
