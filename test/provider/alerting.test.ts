import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { AlertingConfig } from "../../model";
import type { Alert } from "../../payloads/alerting/core/ledger";
import { signatureOf } from "../../payloads/alerting/outputs";
import { KafkaProducer } from "../../payloads/lib/kafka";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import { freePorts, StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { readTopic } from "../support/kafka/read-topic";
import { awaitLeader } from "../support/kafka/write-records";
import { StartedProgram } from "../support/started-program";
import { waitFor } from "../support/wait";

/** Alerting as it runs on a Pi: a program, three real brokers, a web server that takes what it tells. */

jest.setTimeout(240_000);

const SECRET = "a secret of thirty-two characters";
const DEVICES = ["client-1", "client-2", "client-3", "client-4"];
const METRICS = 'pilab_bridge_sessions{state="away"} 0\npilab_bridge_in_flight 0\n';

interface Got {
  readonly atMs: number;
  readonly alert: Alert;
}

let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;
let producer: KafkaProducer;
let folder: string;
let web: Server;
let pacing: NodeJS.Timeout;
let port: number;
let config: AlertingConfig;
const got: Got[] = [];
/** What each device tells each second; who has none is off. */
const temperatures = new Map(DEVICES.map((name) => [name, 40]));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pi-lab-alerting-"));
  cluster = await StartedKafkaCluster.start();
  admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), PATIENT);
  for (const name of ["telemetry", "alerts"]) {
    await admin.createTopic({ name, partitions: 2, replicationFactor: 3, config: {} });
    await awaitLeader(admin, name);
  }
  // Two replicas, both needed: either's broker takes the partition below min ISR.
  await admin.createTopic({ name: "pair", partitions: 3, replicationFactor: 2, config: {} });
  web = createServer((request, response) => {
    if (request.url === "/metrics") return response.end(METRICS);
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      const timestamp = Number(request.headers["x-pi-lab-timestamp"]);
      expect(request.headers["x-pi-lab-signature"]).toBe(signatureOf(SECRET, timestamp, body));
      got.push({ atMs: Date.now(), alert: JSON.parse(body) as Alert });
      response.end();
    });
    return undefined;
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  const at = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  [port] = (await freePorts(1)) as [number];
  const servers = cluster.brokers.map(({ address }) => address);
  config = {
    ...{ host: "data-1", endpoint: { address: "127.0.0.1", port } },
    kafka: { bootstrapServers: servers },
    telemetryTopics: ["telemetry"],
    brokers: cluster.brokers.map(({ id, address }) => ({
      ...{ host: `broker-${id}`, nodeId: id, address },
    })),
    topics: ["telemetry", "alerts", "pair"].map((name) => ({ name, minInsyncReplicas: 2 })),
    bridges: [{ host: "data-1", url: `${at}/metrics` }],
    groups: [
      { kind: "supply", name: "psu-1", hosts: DEVICES.slice(1) },
      { kind: "switch", name: "SW-008", hosts: [...DEVICES, "data-1"] },
    ],
    rules: [
      {
        ...{ name: "hot", type: "threshold", severity: "warning", forSeconds: 0 },
        level: { field: "temperatureC", side: "above", limit: 80, clear: 75 },
      },
      {
        ...{ name: "silent", type: "silence", severity: "critical", afterSeconds: 4 },
        ...{ devices: DEVICES, together: 3 },
      },
      { name: "down", type: "broker-down", severity: "critical", forSeconds: 0 },
      { name: "weak", type: "under-min-isr", severity: "critical", forSeconds: 0 },
    ],
    ...{ periodSeconds: 3600, lateSeconds: 10 },
    outputs: { topic: "alerts", webhook: { url: `${at}/hook`, secret: SECRET } },
  };
  producer = new KafkaProducer({ bootstrapServers: servers }, () => {});
  pacing = setInterval(() => {
    for (const [device, temperatureC] of temperatures) void tell(device, { temperatureC });
  }, 1000);
});

afterAll(async () => {
  clearInterval(pacing);
  await producer?.close(2000);
  await admin?.close();
  await cluster?.stop();
  await new Promise((resolve) => web?.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

function tell(device: string, rest: object): Promise<void> {
  const value = JSON.stringify({ device, time: new Date().toISOString(), ...rest });
  return producer.send([{ topic: "telemetry", key: device, value: Buffer.from(value) }]);
}

async function start(): Promise<StartedProgram> {
  const file = join(folder, "alerting.json");
  writeFileSync(file, JSON.stringify(config));
  const program = new StartedProgram("alerting", [file], { STATE_DIRECTORY: folder }, port);
  await program.awaitHealthy();
  return program;
}

const lines = (from = 0): string[] =>
  got.slice(from).map(({ alert }) => `${alert.status} ${alert.rule}/${alert.subject}`);

/** When an alert came, by the web server's clock. */
function came(line: string): Promise<number> {
  return waitFor(
    `${line}; so far ${lines().join(", ")}`,
    () => Promise.resolve(got[lines().indexOf(line)]?.atMs),
    { deadlineMs: 30_000, pauseMs: 20 },
  );
}

test("brokers, partitions, heat and silence: told within 2 s, once, over a kill, and resolved", async () => {
  let program = await start();
  // A quiet stretch.
  await sleep(6000);
  expect(lines()).toEqual([]);
  expect((await program.figures())("pilab_alerting_telemetry_flows")).toBe(1);

  const heated = Date.now();
  await tell("client-1", { temperatureC: 81 });
  expect((await came("firing hot/client-1")) - heated).toBeLessThan(2000);
  temperatures.set("client-1", 60);
  await came("resolved hot/client-1");

  // One broker dies: it, and the partitions that are left with one replica.
  const pair = await admin.describeTopic("pair");
  const victim = pair!.partitions[0]!.leader;
  const killed = Date.now();
  await cluster.stopBroker(victim, "SIGKILL");
  expect((await came(`firing down/broker-${victim}`)) - killed).toBeLessThan(2000);
  const shrunk = await waitFor(
    "Kafka to say that the partition is below min ISR",
    async () => {
      const topic = await admin.describeTopic("pair");
      return topic?.partitions.some(({ isr }) => isr.length < 2) ? Date.now() : undefined;
    },
    { pauseMs: 50 },
  );
  expect((await came("firing weak/cluster")) - shrunk).toBeLessThan(2000);

  // Whoever is killed knows what he has told; what was told is told by nobody again.
  await sleep(500);
  const before = lines();
  await program.kill();
  program = await start();
  await sleep(3000);
  expect(lines()).toEqual(before);

  cluster.startBroker(victim);
  await came(`resolved down/broker-${victim}`);
  await came("resolved weak/cluster");

  // A supply fails: one alert for all that hang on it.
  await sleep(5000);
  for (const device of DEVICES.slice(1)) temperatures.delete(device);
  const off = Date.now();
  const silent = (await came("firing silent/psu-1")) - off;
  expect(silent).toBeGreaterThan(2500);
  expect(silent).toBeLessThan(4000 + 2000);
  for (const device of DEVICES.slice(1)) temperatures.set(device, 40);
  await came("resolved silent/psu-1");

  // What cannot be is counted, and tells nothing.
  await tell("client-1", { temperatureC: "NaN" });
  await tell("client-1", { temperatureC: 1e6 });
  await tell("client-1", { temperatureC: 99, time: new Date(Date.now() - 30_000) });
  await tell("client-1", { temperatureC: 50, time: new Date(Date.now() + 3_600_000) });
  await waitFor("the counts", async () => {
    const figures = await program.figures();
    const all = figures("pilab_alerting_faults_total");
    return all === 3 || undefined;
  });
  const figures = await program.figures();
  expect(figures('pilab_alerting_readings_total{outcome="late"}')).toBeGreaterThan(0);

  expect(lines()).toEqual([
    ...["firing hot/client-1", "resolved hot/client-1"],
    ...[`firing down/broker-${victim}`, "firing weak/cluster"],
    ...[`resolved down/broker-${victim}`, "resolved weak/cluster"],
    ...["firing silent/psu-1", "resolved silent/psu-1"],
  ]);
  expect((await program.stop()).code).toBe(0);
  // The topic has the same, each once.
  const stored = await readTopic(
    cluster.brokers.map(({ id, address }) => [id, address]),
    "alerts",
  );
  const ids = stored.map(({ value }) => (JSON.parse(value!.toString()) as Alert).id).sort();
  expect(ids).toEqual(got.map(({ alert }) => alert.id).sort());
});
