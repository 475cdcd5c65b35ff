import { randomBytes } from "node:crypto";

import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import type { ConnectAdmin, KafkaAdmin, LiveTopic } from "../../provider/admin/port";
import { KafkaError, PATIENT } from "../../provider/admin/port";
import { pilabProvider } from "../../provider/provider";
import { targetOf } from "../../provider/topic/assignment";
import { BrokerThrottle } from "../../provider/topic/throttle";
import { MoveError, Mover } from "../../provider/topic/mover";
import { StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { writeRecords } from "../support/kafka/write-records";
import type { ResourceDriver } from "../support/provider-driver";
import { ProviderDriver } from "../support/provider-driver";

const TOPIC = "pilab:kafka/topic:Topic";
const [ADD, DELETE, UPDATE] = [0, 2, 4] as const;
/** Bytes a second: a megabyte for each of three partitions takes some seconds. */
const THROTTLE = 500_000;
const FOLLOWERS = "follower.replication.throttled.replicas";
const LEADERS = "leader.replication.throttled.replicas";

jest.setTimeout(240_000);

let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;
const openShell = () => Promise.reject(new Error("dialled a host"));
const started: ProviderDriver[] = [];

/** A plugin process of its own, which ends with the test. */
async function plugin(
  connectAdmin: ConnectAdmin = (servers, options) => new PlatformaticAdmin(servers, options),
): Promise<ProviderDriver> {
  const driver = await ProviderDriver.start(pilabProvider({ connectAdmin, openShell }), {
    bootstrapServers: cluster.bootstrapServers,
    reassignmentThrottle: THROTTLE,
    liveChecks: false,
  });
  started.push(driver);
  return driver;
}

/** Its process is as good as killed at a method's answer: the cluster has done it, and nothing follows. */
async function deafAfter(method: keyof KafkaAdmin): Promise<[ProviderDriver, Promise<void>]> {
  let tell = (): void => undefined;
  const reached = new Promise<void>((resolve) => (tell = resolve));
  const driver = await plugin((servers, options) => {
    const real = new PlatformaticAdmin(servers, options);
    return new Proxy(real, {
      get:
        (target, name: keyof KafkaAdmin) =>
        async (...args: never[]) => {
          const answer: unknown = await (target[name] as (...args: never[]) => unknown)(...args);
          if (name !== method) return answer;
          tell();
          return new Promise(() => undefined);
        },
    });
  });
  return [driver, reached];
}

const spec = (name: string, changes: object = {}) => ({
  name,
  partitions: 3,
  replicationFactor: 1,
  config: {},
  deletionProtection: false,
  ...changes,
});

const ON_ONE = [[1], [2], [1]];

const isNotLeading = (error: unknown): false => {
  if (error instanceof KafkaError && error.code === "NOT_LEADER_OR_FOLLOWER") return false;
  throw error;
};

/** A topic with a megabyte in each partition, or another amount. */
async function filled(
  name: string,
  placement: readonly number[][],
  batches = 2,
): Promise<[ProviderDriver, ResourceDriver]> {
  const driver = await plugin();
  const topic = driver.resource(TOPIC, name);
  const [first = []] = placement;
  await topic.up(
    spec(name, { partitions: placement.length, replicationFactor: first.length, placement }),
  );
  for (const [partition, [leader = 0]] of placement.entries()) {
    for (let i = 0; i < batches; i++) {
      const value = randomBytes(500_000);
      const write = () =>
        writeRecords(cluster.broker(leader).address, name, partition, [{ value }]);
      // The leader itself may be the last one to hear that it leads.
      await settled(() => write().then(() => true, isNotLeading));
    }
  }
  return [driver, topic];
}

async function live(name: string): Promise<LiveTopic> {
  const found = await admin.describeTopic(name);
  if (found === undefined) throw new Error(`there is no topic ${name}`);
  return found;
}

const replicasOf = async (name: string): Promise<readonly (readonly number[])[]> =>
  (await live(name)).partitions.map(({ replicas }) => replicas);
const leadersOf = async (name: string): Promise<number[]> =>
  (await live(name)).partitions.map(({ leader }) => leader);

/** Nothing is under way, and nobody is throttled. */
async function expectTidy(name: string): Promise<void> {
  await settled(async () => Object.keys((await live(name)).config).length === 0);
  await settled(async () => (await admin.replicationThrottles()).size === 0);
  expect(await admin.listReassignments()).toEqual([]);
}

async function endsOf(name: string): Promise<Record<string, string>> {
  const partitions = (await live(name)).partitions.map(({ partition }) => partition);
  const ends = await admin.offsets(name, partitions, "latest");
  return Object.fromEntries([...ends].map(([partition, end]) => [partition, String(end)]));
}

beforeAll(async () => {
  cluster = await StartedKafkaCluster.start({}, { count: 4 });
  admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

afterAll(async () => {
  await admin?.close();
  await cluster?.stop();
});

test("a factor is raised under a throttle that is gone afterwards, and lowered to what min ISR allows", async () => {
  const [driver, topic] = await filled("raised", ON_ONE);
  const ends = await endsOf("raised");
  const news = spec("raised", { replicationFactor: 3 });
  await expect(topic.diff(news)).resolves.toEqual({
    replicationFactor: UPDATE,
    placement: DELETE,
    changes: ADD,
  });
  const update = topic.up(news);
  await settled(async () => (await admin.listReassignments(["raised"])).length === 3);
  const during = await live("raised");
  expect(during.config[LEADERS]).toBe("0:1,1:2,2:1");
  expect(during.config[FOLLOWERS]?.split(",").map((pair) => pair[0])).toEqual([..."001122"]);
  expect(new Set((await admin.replicationThrottles()).values())).toEqual(new Set([THROTTLE]));
  await expect(update).resolves.toBe("updated");
  const placement = await replicasOf("raised");
  expect(placement.map((replicas) => replicas[0])).toEqual([1, 2, 1]);
  expect(placement.map((replicas) => new Set(replicas).size)).toEqual([3, 3, 3]);
  expect((await live("raised")).partitions.every(({ isr }) => isr.length === 3)).toBe(true);
  expect(await endsOf("raised")).toEqual(ends);
  await expectTidy("raised");
  expect(driver.logs.some(({ message }) => /of 3 partitions done, .* behind/.test(message))).toBe(
    true,
  );
  await expect(topic.up(news)).resolves.toBe("unchanged");
  await topic.refresh();
  await expect(topic.diff(news)).resolves.toEqual({});

  await topic.up(spec("raised", { replicationFactor: 2 }));
  const lowered = await replicasOf("raised");
  expect(lowered.map((replicas) => replicas.length)).toEqual([2, 2, 2]);
  expect(lowered.map((replicas) => replicas[0])).toEqual([1, 2, 1]);
  await expect(topic.up(spec("raised"))).rejects.toThrow(
    /replicationFactor: 1 is below the topic's min\.insync\.replicas of 2.*Declare at least 2/s,
  );
  await expect(topic.up(spec("raised", { replicationFactor: 5 }))).rejects.toThrow(
    /replicationFactor: 5 replicas need as many brokers, and 4 serve: 1, 2, 3, 4/,
  );
  await expectTidy("raised");
});

test("a placement is made, its leaders lead, and what moves by hand shows as drift of its partition", async () => {
  const before = [
    [1, 2],
    [2, 3],
  ];
  const after = [
    [4, 1],
    [3, 2],
  ];
  const [, topic] = await filled("placed", before);
  const want = (placement: readonly number[][]) =>
    spec("placed", { partitions: placement.length, replicationFactor: 2, placement });
  await expect(topic.up(want([[1, 9], ...before.slice(1)]))).rejects.toThrow(
    /placement\[0\]: there is no broker 9 in the cluster, which has 1, 2, 3, 4\. Name one of them/,
  );
  await topic.up(want(after));
  expect(await replicasOf("placed")).toEqual(after);
  expect(await leadersOf("placed")).toEqual([4, 3]);
  await expectTidy("placed");

  const raised = [...after, [1, 4]];
  await expect(topic.diff(want(raised))).resolves.toEqual({
    partitions: UPDATE,
    "placement[2]": ADD,
    changes: ADD,
  });
  await topic.up(want(raised));
  expect(await replicasOf("placed")).toEqual(raised);

  await admin.reassign("placed", new Map([[1, [2, 1]]]));
  await settled(async () => (await replicasOf("placed"))[1]?.join() === "2,1");
  await topic.refresh();
  expect(topic.known().outputs["placement"]).toEqual([raised[0], [2, 1], raised[2]]);
  await expect(topic.diff(want(raised))).resolves.toEqual({
    "placement[1]": UPDATE,
    changes: ADD,
  });
  await topic.up(want(raised));
  expect(await replicasOf("placed")).toEqual(raised);
  expect(await leadersOf("placed")).toEqual([4, 3, 1]);

  // Taken over where only the placement differs.
  const other = (await plugin()).resource(TOPIC, "placed-again");
  await other.up(want([...before, [4, 1]]));
  expect(await replicasOf("placed")).toEqual([...before, [4, 1]]);
  await expectTidy("placed");
});

test("a plugin that is killed between request and answer: the next run waits for its moves and removes its throttle", async () => {
  const [, topic] = await filled("killed", ON_ONE);
  const old = topic.known();
  const [deaf, reached] = await deafAfter("reassign");
  const dying = deaf.resource(TOPIC, "killed");
  dying.state = old;
  const news = spec("killed", { replicationFactor: 3 });
  const cut = expect(dying.up(news)).rejects.toThrow();
  await reached;
  await deaf.client.cancel();
  const moves = await admin.listReassignments(["killed"]);
  expect(moves).toHaveLength(3);

  const next = await plugin();
  // A refresh bears what is under way: the partitions are where they lead.
  const borne = next.resource(TOPIC, "killed");
  borne.state = old;
  await borne.refresh();
  const { outputs } = borne.known();
  expect(outputs).toMatchObject({ replicationFactor: 3, placement: moves.map(targetOf) });
  expect(outputs).not.toHaveProperty("unfinished");

  const resumed = next.resource(TOPIC, "killed");
  resumed.state = old;
  await expect(resumed.up(news)).resolves.toBe("updated");
  expect(await replicasOf("killed")).toEqual(moves.map(targetOf));
  await expectTidy("killed");
  await deaf.stop();
  started.splice(started.indexOf(deaf), 1);
  await cut;
});

test("moves that a killed run left are taken back where they lead elsewhere", async () => {
  const [, topic] = await filled("elsewhere", ON_ONE);
  await admin.throttleReplication([1, 2, 3, 4], THROTTLE);
  await admin.alterTopicConfig("elsewhere", { [LEADERS]: "0:1", [FOLLOWERS]: "0:4" }, []);
  await settled(async () => (await admin.replicationThrottles()).size === 4);
  await admin.reassign("elsewhere", new Map([[0, [4]]]));
  const news = spec("elsewhere", {
    replicationFactor: 2,
    placement: [
      [1, 2],
      [2, 1],
      [3, 1],
    ],
  });
  await topic.up(news);
  expect(await replicasOf("elsewhere")).toEqual(news["placement" as keyof typeof news]);
  expect(await leadersOf("elsewhere")).toEqual([1, 2, 3]);
  await settled(async () => Object.keys((await live("elsewhere")).config).length === 0);
  // Broker 4 was named on the topic alone: it is released with the others.
  await expectTidy("elsewhere");
});

test("cancelled, it takes the moves back, removes the throttle, tells what is true, and goes on", async () => {
  const [driver, topic] = await filled("cancelled", ON_ONE);
  const news = spec("cancelled", { replicationFactor: 3 });
  const update = topic.up(news);
  await settled(async () => (await admin.listReassignments(["cancelled"])).length === 3);
  await driver.client.cancel();
  await expect(update).rejects.toThrow(
    /topic cancelled: cancelled by the user\n.*the move of partition 0, 1, 2 was taken back\n.*next `pulumi up` goes on/,
  );
  await expectTidy("cancelled");
  expect(await replicasOf("cancelled")).toEqual(ON_ONE);
  expect(topic.known().outputs).toMatchObject({ replicationFactor: 1, partitions: 3 });
  const again = (await plugin()).resource(TOPIC, "cancelled");
  again.state = topic.known();
  await expect(again.up(news, { forced: true })).resolves.toBe("updated");
  expect((await replicasOf("cancelled")).map(({ length }) => length)).toEqual([3, 3, 3]);
  await expectTidy("cancelled");
});

test("a broker that is killed in the middle of a move and comes back: the move goes on to its end", async () => {
  const placement = [[1, 4], ...ON_ONE.slice(1).map(([id = 0]) => [id, 4])];
  const [driver, topic] = await filled("crash", ON_ONE);
  const update = topic.up(spec("crash", { replicationFactor: 2, placement }));
  await settled(async () => (await admin.listReassignments(["crash"])).length === 3);
  await cluster.stopBroker(4, "SIGKILL");
  await settled(() =>
    Promise.resolve(driver.logs.some(({ message }) => /broker 4 does not serve/.test(message))),
  );
  cluster.startBroker(4);
  await expect(update).resolves.toBe("updated");
  expect(await replicasOf("crash")).toEqual(placement);
  await expectTidy("crash");
});

test("a broker that stays away: the deadline names it, the moves are taken back, and its limit is remembered", async () => {
  const placement = [[1, 4], ...ON_ONE.slice(1).map(([id = 0]) => [id, 4])];
  const [, topic] = await filled("away", ON_ONE);
  const warnings: string[] = [];
  const mute = () => undefined;
  const log = { debug: mute, info: mute, error: mute, status: mute };
  const context = {
    signal: new AbortController().signal,
    log: { ...log, warn: (line: string) => warnings.push(line) },
  };
  const throttle = new BrokerThrottle(
    () => admin,
    () => THROTTLE,
  );
  const want = { replicationFactor: 2, placement };
  const times = { intervalMs: 200, stallMs: 8_000, promptMs: 20_000 };
  const moving = new Mover("away", want, admin, throttle, context, times).run(2);
  const failure = moving.then(
    () => undefined,
    (error: unknown) => error,
  );
  await settled(async () => (await admin.listReassignments(["away"])).length === 3);
  await cluster.stopBroker(4, "SIGKILL");
  const error = await failure;
  expect(error).toBeInstanceOf(MoveError);
  expect((error as MoveError).reasons).toEqual([
    expect.stringMatching(
      /waited \d+ s for replicas of topic away to move: 0 of 3 partitions done, .* behind; broker 4 does not serve/,
    ),
    "the move of partition 0, 1, 2 was taken back",
  ]);
  expect(warnings).toEqual([
    expect.stringMatching(/broker 4 does not serve and may keep its limit/),
  ]);
  expect(await replicasOf("away")).toEqual(ON_ONE);
  expect(await admin.listReassignments()).toEqual([]);
  await settled(async () => (await admin.replicationThrottles()).size === 0);
  await topic.refresh();
  const same = spec("away", { placement: ON_ONE });
  await expect(topic.diff(same)).resolves.toEqual({ unfinished: DELETE });

  cluster.startBroker(4);
  await cluster.awaitUnfenced([1, 2, 3, 4]);
  expect([...(await admin.replicationThrottles())]).toEqual([[4, THROTTLE]]);
  await expect(topic.up(same)).resolves.toBe("updated");
  await expectTidy("away");
});

test("what a throttle left shows as unfinished, is removed by an update, and others' limits stay", async () => {
  const [, topic] = await filled("left", ON_ONE, 0);
  const same = spec("left", { placement: ON_ONE });
  await admin.alterTopicConfig("left", { [FOLLOWERS]: "0:2,0:3" }, []);
  await admin.throttleReplication([2], THROTTLE);
  await admin.throttleReplication([3], 7_000_000);
  await settled(async () => (await admin.replicationThrottles()).size === 2);
  await settled(async () => (await topic.refresh())?.outputs["unfinished"] !== undefined);
  expect(topic.known().outputs["unfinished"]).toEqual([
    `replicas are throttled though none moves: ${FOLLOWERS} to be removed`,
  ]);
  await expect(topic.diff(same)).resolves.toEqual({ unfinished: DELETE });
  await topic.up(same);
  expect(topic.known().outputs).not.toHaveProperty("unfinished");
  await settled(async () => Object.keys((await live("left")).config).length === 0);
  await settled(async () => (await admin.replicationThrottles()).size === 1);

  // A move goes by the limit of others, and leaves it to them.
  await topic.up(spec("left", { placement: [[3], [2], [1]] }));
  expect([...(await admin.replicationThrottles())]).toEqual([[3, 7_000_000]]);
  await admin.throttleReplication([3], undefined);
  await expectTidy("left");
});

test("a stale state: what is there already is not made again", async () => {
  const [, topic] = await filled("stale", ON_ONE, 0);
  const old = topic.known();
  await topic.up(spec("stale", { replicationFactor: 2 }));
  const placement = await replicasOf("stale");
  topic.state = old;
  const reassign = jest.spyOn(PlatformaticAdmin.prototype, "reassign");
  await expect(topic.up(spec("stale", { replicationFactor: 2 }))).resolves.toBe("updated");
  expect(reassign).not.toHaveBeenCalled();
  reassign.mockRestore();
  expect(await replicasOf("stale")).toEqual(placement);
});

test("two updates at once, of two processes, and two topics at once of one", async () => {
  const [driver, topic] = await filled("twice", ON_ONE);
  const [, beside] = await filled("beside", ON_ONE, 4);
  const second = (await plugin()).resource(TOPIC, "twice");
  second.state = topic.known();
  const other = driver.resource(TOPIC, "beside");
  other.state = beside.known();
  const news = (name: string) => spec(name, { replicationFactor: 2 });
  await Promise.all([topic.up(news("twice")), second.up(news("twice")), other.up(news("beside"))]);
  for (const name of ["twice", "beside"]) {
    expect((await replicasOf(name)).map(({ length }) => length)).toEqual([2, 2, 2]);
    await expectTidy(name);
  }
});

/** Kafka's metadata reaches each broker in its own time. */
async function settled(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited 30 s for ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
