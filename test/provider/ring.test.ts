import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { RingConfig } from "../../model";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import { readAlert } from "../../payloads/ring/alert";
import { freePorts, StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { readTopic } from "../support/kafka/read-topic";
import { awaitLeader } from "../support/kafka/write-records";
import { StartedProgram } from "../support/started-program";
import { waitFor } from "../support/wait";

/** The client ring as it runs on the Pis: three programs, three real brokers of which one dies. */

jest.setTimeout(240_000);

const TOPICS = ["red", "green", "blue"];

let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;
let root: string;
let clients: StartedProgram[] = [];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "pi-lab-ring-"));
  cluster = await StartedKafkaCluster.start();
  admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
  for (const name of TOPICS) {
    await admin.createTopic({ name, partitions: 1, replicationFactor: 3, config: {} });
    await awaitLeader(admin, name);
  }
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.kill()));
});

afterAll(async () => {
  await admin?.close();
  await cluster?.stop();
  rmSync(root, { recursive: true, force: true });
});

async function start(overrides: Partial<RingConfig> = {}): Promise<StartedProgram[]> {
  const ports = await freePorts(TOPICS.length);
  clients = TOPICS.map((topic, i) => {
    const host = `client-${i + 1}`;
    const config: RingConfig = {
      host,
      endpoint: { address: "127.0.0.1", port: ports[i]! },
      kafka: { bootstrapServers: cluster.brokers.map(({ address }) => address) },
      topic,
      others: TOPICS.filter((other) => other !== topic),
      brokers: cluster.brokers.map(({ id, address }) => ({
        host: `broker-${id}`,
        nodeId: id,
        address,
      })),
      alertsPerMinute: 600,
      repeatPerSecond: 40,
      ...overrides,
    };
    const folder = join(root, host);
    mkdirSync(folder, { recursive: true });
    const file = join(folder, "ring.json");
    writeFileSync(file, JSON.stringify(config));
    return new StartedProgram("ring", [file], { RUNTIME_DIRECTORY: folder }, ports[i]);
  });
  await Promise.all(clients.map((client) => client.awaitHealthy()));
  return clients;
}

const socketOf = (i: number): string => join(root, `client-${i + 1}`, "button.sock");

/** Presses or holds the button of a client as its host's command does. */
async function press(i: number, ...how: string[]): Promise<string> {
  const { code, output } = await new StartedProgram("ring", [
    ...how,
    "--socket",
    socketOf(i),
  ]).ended();
  expect(`${code} ${output}`).toMatch(/^0 /);
  return output.trim();
}

/** The numbers of one client's alerts in its own lines or another's. */
const numbers = (client: StartedProgram, message: "SEND" | "RECV", from: string): number[] =>
  client.lines
    .filter((line) => line["message"] === message && line["from"] === from)
    .map((line) => line["seq"] as number);

test("a broker killed, buttons pressed, a client stopped: all that was sent came to the others, once", async () => {
  const [red, green, blue] = await start();
  const begun = clients.map((client, i) =>
    Math.max(0, ...numbers(client, "SEND", `client-${i + 1}`)),
  );
  expect(await press(0, "--press")).toMatch(/^acknowledged \d+$/);
  const holding = press(1, "--hold", "12");
  await sleep(1500);
  const victim = await awaitLeader(admin, "green");
  const killedAt = Date.now();
  await cluster.stopBroker(victim, "SIGKILL");
  for (const client of clients) {
    await client.said("DOWN", { broker: `broker-${victim}` });
  }
  expect(Date.now() - killedAt).toBeLessThan(5000);
  expect(await holding).toMatch(/^released \d{2,}$/);

  // One of them is stopped in the middle of a held button.
  const last = press(2, "--hold", "60").catch(() => "ended");
  await sleep(1000);
  const { code } = await blue!.stop();
  expect(code).toBe(0);
  await last;
  cluster.startBroker(victim);
  await cluster.awaitUnfenced([1, 2, 3]);
  for (const client of [red!, green!]) await client.said("UP", { broker: `broker-${victim}` });
  expect(await press(0, "--press")).toMatch(/^acknowledged/);

  // All of them stand still: what is in Kafka by now is all there is.
  await sleep(2000);
  const reads = [red!, green!].map((client) => client.figures());
  const [redFigures, greenFigures] = await Promise.all(reads);
  const stops = await Promise.all([red!.stop(), green!.stop()]);
  expect(stops.map((stop) => stop.code)).toEqual([0, 0]);

  for (const [i, topic] of TOPICS.entries()) {
    const from = `client-${i + 1}`;
    const stored = await readTopic(
      cluster.brokers.map(({ id, address }) => [id, address]),
      topic,
    );
    const inKafka = stored.map((record) => readAlert({ value: record.value! })?.seq);
    const sent = numbers(clients[i]!, "SEND", from).sort((a, b) => a - b);
    // Sent = acknowledged = in Kafka, each once and in order.
    expect(inKafka).toEqual(sent);
    expect(sent).toEqual(Array.from({ length: sent.length }, (_, n) => n + 1));
    expect(sent.length).toBeGreaterThan(100);
    // = received by those others that were there all the time, until the first of them was stopped.
    for (const other of [red!, green!]) {
      if (other === clients[i]) continue;
      const received = numbers(other, "RECV", from).filter((seq) => seq > begun[i]!);
      const until = i === 2 ? Infinity : received.at(-1)!;
      expect(received).toEqual(sent.filter((seq) => seq > begun[i]! && seq <= until));
      expect(received.length).toBeGreaterThan(100);
    }
  }
  for (const figures of [redFigures!, greenFigures!]) {
    expect(figures("pilab_ring_lost")).toBe(0);
    expect(figures("pilab_ring_duplicated_total")).toBe(0);
    expect(figures("pilab_ring_held_back_total")).toBeLessThan(figures("pilab_ring_sent_total"));
    expect(figures("pilab_ring_latency_seconds_count")).toBeGreaterThan(200);
  }
});

test("with all brokers gone a client holds back, says so, and goes on when they are back", async () => {
  const [red] = await start({ alertsPerMinute: 6000 });
  await Promise.all([1, 2, 3].map((id) => cluster.stopBroker(id, "SIGKILL")));
  await red!.said("sending no more: 50 alerts are not acknowledged yet");
  await waitFor("the trouble in its health", async () => {
    const { status, body } = await red!.health();
    return (status === 503 && body.includes("no broker answers")) || undefined;
  });
  const during = await red!.figures();
  expect(during("pilab_ring_under_way")).toBe(50);
  expect(during("pilab_ring_broker_up")).toBe(0);
  for (const id of [1, 2, 3]) cluster.startBroker(id);
  await red!.said("sending again");
  await red!.awaitHealthy();
  const after = await red!.figures();
  expect(after("pilab_ring_held_back_total")).toBeGreaterThan(50);
  expect((await red!.stop()).code).toBe(0);
});
