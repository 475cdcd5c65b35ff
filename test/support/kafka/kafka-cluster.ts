import type { ChildProcess } from "node:child_process";
import { execFile, spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { openSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

import { PlatformaticAdmin } from "../../../provider/admin/platformatic";
import type { Sasl } from "../../../provider/admin/port";
import { BRISK } from "../../../provider/admin/port";
import { guardedProperties } from "./guarded";
import { kafkaHome } from "./kafka-home";

const run = promisify(execFile);
const START_MS = 60_000;
const STOP_MS = 20_000;

export interface LocalBroker {
  readonly id: number;
  /** Client listener, `host:port`. */
  readonly address: string;
  readonly controllerAddress: string;
  readonly folder: string;
  /** Path of its server.properties. */
  readonly configFile: string;
  /** Id of its log directory, as its storage is formatted. */
  readonly directoryId: string;
}

/** How clients, other brokers included, talk to a broker. */
type ClientProtocol = "PLAINTEXT" | "SASL_PLAINTEXT";

/** A KRaft id: 16 random bytes in URL-safe base64 that does not begin with a hyphen. */
export function kafkaId(): string {
  for (;;) {
    const id = randomBytes(16).toString("base64url");
    if (!id.startsWith("-")) return id;
  }
}

/** What a broker of a test cluster is told, beside what each test adds. */
export function brokerProperties(
  broker: LocalBroker,
  all: readonly LocalBroker[],
  extra: Readonly<Record<string, string>> = {},
  protocol: ClientProtocol = "PLAINTEXT",
): Record<string, string> {
  const own = `${protocol}://${broker.address},CONTROLLER://${broker.controllerAddress}`;
  return {
    "process.roles": "broker,controller",
    "node.id": String(broker.id),
    listeners: own,
    "advertised.listeners": own,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": `${protocol}:${protocol},CONTROLLER:PLAINTEXT`,
    "controller.quorum.bootstrap.servers": all.map((one) => one.controllerAddress).join(","),
    "log.dirs": join(broker.folder, "data"),
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "auto.create.topics.enable": "false",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "controlled.shutdown.enable": "true",
    ...extra,
  };
}

export const renderProperties = (properties: Readonly<Record<string, string>>): string =>
  Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");

/** Three brokers' places: folders and free ports, nothing formatted or started yet. */
export async function planBrokers(root: string, count = 3): Promise<LocalBroker[]> {
  const ports = await freePorts(count * 2);
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const folder = join(root, `broker-${index + 1}`);
      await mkdir(folder, { recursive: true });
      return {
        id: index + 1,
        address: `127.0.0.1:${ports[index * 2]}`,
        controllerAddress: `127.0.0.1:${ports[index * 2 + 1]}`,
        folder,
        configFile: join(folder, "server.properties"),
        directoryId: kafkaId(),
      };
    }),
  );
}

/** Writes each broker's settings and formats its storage, all as the first voters of one cluster. */
export async function formatStorage(
  brokers: readonly LocalBroker[],
  extra: Readonly<Record<string, string>> = {},
  options: {
    readonly version?: string | undefined;
    readonly releaseVersion?: string | undefined;
    readonly protocol?: ClientProtocol | undefined;
  } = {},
): Promise<void> {
  const { version, releaseVersion, protocol } = options;
  const home = await kafkaHome(version);
  const clusterId = kafkaId();
  const voters = brokers
    .map((one) => `${one.id}@${one.controllerAddress}:${one.directoryId}`)
    .join();
  await Promise.all(
    brokers.map(async (broker) => {
      await writeFile(
        broker.configFile,
        renderProperties(brokerProperties(broker, brokers, extra, protocol)),
      );
      await run("java", [
        ...jvm(home, 128),
        "kafka.tools.StorageTool",
        "format",
        `--cluster-id=${clusterId}`,
        `--initial-controllers=${voters}`,
        `--config=${broker.configFile}`,
        ...(releaseVersion === undefined ? [] : [`--release-version=${releaseVersion}`]),
      ]);
    }),
  );
}

/** The command line that runs a broker, for a shell. */
export async function kafkaCommand(configFile: string): Promise<string> {
  const args = jvm(await kafkaHome(), 256).map((arg) => `'${arg}'`);
  return `java ${args.join(" ")} kafka.Kafka "${configFile}"`;
}

/** A running three-broker KRaft cluster on the loopback interface. */
export class StartedKafkaCluster {
  private readonly processes = new Map<number, ChildProcess>();

  private constructor(
    private readonly root: string,
    private readonly home: string,
    readonly brokers: readonly LocalBroker[],
    private readonly sasl: Sasl | undefined,
    private readonly heapMib = 256,
  ) {}

  static async start(
    extra: Readonly<Record<string, string>> = {},
    options: {
      readonly count?: number;
      /** Of Kafka. Default: 4.1.1. */
      readonly version?: string;
      readonly releaseVersion?: string;
      /** Who may do everything; without it clients do not log in at all. */
      readonly superUser?: { readonly username: string; readonly password: string };
      /** Of each broker, MiB. Default: 256, which some hundred topics fill. */
      readonly heapMib?: number;
    } = {},
  ): Promise<StartedKafkaCluster> {
    const home = await kafkaHome(options.version);
    const root = await mkdtemp(join(tmpdir(), "pi-lab-kafka-"));
    const brokers = await planBrokers(root, options.count);
    const { superUser } = options;
    const sasl = superUser && { mechanism: "PLAIN" as const, ...superUser };
    const cluster = new StartedKafkaCluster(root, home, brokers, sasl, options.heapMib);
    try {
      const properties = { ...(sasl && guardedProperties(sasl)), ...extra };
      const { version, releaseVersion } = options;
      const protocol = sasl && "SASL_PLAINTEXT";
      await formatStorage(brokers, properties, { version, releaseVersion, protocol });
      for (const broker of brokers) cluster.startBroker(broker.id);
      await cluster.awaitUnfenced(brokers.map((broker) => broker.id));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get bootstrapServers(): string {
    return this.brokers.map((broker) => broker.address).join(",");
  }

  broker(id: number): LocalBroker {
    const found = this.brokers.find((one) => one.id === id);
    if (found === undefined) throw new Error(`there is no broker ${id}`);
    return found;
  }

  startBroker(id: number): void {
    const { folder, configFile } = this.broker(id);
    const log = openSync(join(folder, "broker.log"), "a");
    const child = spawn("java", [...jvm(this.home, this.heapMib), "kafka.Kafka", configFile], {
      stdio: ["ignore", log, log],
    });
    this.processes.set(id, child);
  }

  async stopBroker(id: number, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.processes.get(id);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill(signal);
    const late = sleep(STOP_MS, "late" as const, { ref: false });
    if ((await Promise.race([gone, late])) === "late") {
      child.kill("SIGKILL");
      await gone;
    }
  }

  /** A broker stands still while `task` runs, as one that hangs does: its connections stay open. */
  async whilePaused<T>(id: number, task: () => Promise<T>): Promise<T> {
    const child = this.processes.get(id);
    if (child === undefined) throw new Error(`broker ${id} does not run`);
    child.kill("SIGSTOP");
    try {
      return await task();
    } finally {
      child.kill("SIGCONT");
    }
  }

  /** Waits until exactly these brokers serve. */
  async awaitUnfenced(ids: readonly number[]): Promise<void> {
    const admin = new PlatformaticAdmin(
      ids.map((id) => this.broker(id).address),
      { ...BRISK, sasl: this.sasl },
    );
    const want = [...ids].sort().join();
    let seen = "nothing";
    try {
      for (const end = Date.now() + START_MS; Date.now() < end; await sleep(200)) {
        const found = await admin.listBrokers().catch((error: unknown) => (error as Error).message);
        seen = typeof found === "string" ? found : unfenced(found);
        if (seen === want) return;
      }
    } finally {
      await admin.close();
    }
    const logs = await Promise.all(this.brokers.map((broker) => logTail(broker)));
    throw new Error(`brokers ${want} do not serve; last seen: ${seen}\n${logs.join("\n")}`);
  }

  /** Ends all brokers at once; their data is not needed any more. */
  async stop(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => this.stopBroker(broker.id, "SIGKILL")));
    await rm(this.root, { recursive: true, force: true });
  }
}

const unfenced = (brokers: readonly { id: number; fenced: boolean }[]): string =>
  brokers
    .filter((broker) => !broker.fenced)
    .map((broker) => broker.id)
    .sort()
    .join();

const jvm = (home: string, heapMib: number): string[] => [
  `-Xmx${heapMib}m`,
  "-XX:+UseSerialGC",
  "-XX:TieredStopAtLevel=1",
  "-cp",
  `${home}/libs/*`,
];

async function logTail({ id, folder }: LocalBroker): Promise<string> {
  const text = await readFile(join(folder, "broker.log"), "utf8").catch(() => "(no log)");
  return `broker ${id}: ${text.split("\n").slice(-15).join("\n")}`;
}

/** Ports that this process was given: whoever has one may not listen on it yet. */
const givenPorts = new Set<number>();

/**
 * Ports of loopback on which nobody listens. They lie below those that Linux gives to outgoing connections
 * (32768 and up), so that a broker that was down for a while finds its port free again; by chance, so that
 * tests side by side do not get the same.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries++) {
    if (tries > 100 + count) throw new Error(`No ${count} ports of loopback are free.`);
    const port = randomInt(10_000, 32_000);
    if (!givenPorts.has(port) && (await isFree(port))) {
      ports.add(port);
      givenPorts.add(port);
    }
  }
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
