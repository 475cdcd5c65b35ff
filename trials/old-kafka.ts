/** Kafka with ZooKeeper, from the jars in Maven: versions that the lab itself does not run. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PlatformaticAdmin } from "../provider/admin/platformatic";
import { asking, BRISK } from "../provider/admin/port";
import { freePorts, renderProperties } from "../test/support/kafka/kafka-cluster";
import { ensureJava, type Log } from "../toolchain";
import { ensureProgram } from "../toolchain/apt";
import { cached } from "../toolchain/cache";
import { run } from "../toolchain/process";
import { versions } from "../toolchain/versions";

const START_MS = 90_000;
const HEAP_MIB = 256;
const NODES = [1, 2, 3] as const;

/** Scala of the jars by version, and the binding that lets a broker say why it dies. */
const OLD = {
  "2.6.0": { scala: "2.12", binding: "org.slf4j:slf4j-simple:1.7.30" },
  "3.9.1": { scala: "2.13", binding: "org.slf4j:slf4j-simple:1.7.36" },
} as const;

export type OldVersion = keyof typeof OLD;
export const oldVersions = Object.keys(OLD) as OldVersion[];

/** Three brokers and one ZooKeeper on the loopback interface. */
export class OldKafka {
  private readonly processes: ChildProcess[] = [];

  private constructor(
    private readonly folder: string,
    private readonly libs: string,
    /** Client listeners, `host:port`, by node. */
    readonly servers: ReadonlyMap<number, string>,
  ) {}

  /** @throws Error with the ends of the logs where they do not serve in time */
  static async start(version: OldVersion, log: Log): Promise<OldKafka> {
    await ensureJava(log);
    const libs = await jars(version, log);
    const folder = mkdtempSync(join(tmpdir(), `pi-lab-kafka-${version}-`));
    const [zooKeeperPort, ...ports] = await freePorts(1 + NODES.length);
    const servers = new Map(NODES.map((node, i) => [node as number, `127.0.0.1:${ports[i]}`]));
    const kafka = new OldKafka(folder, libs, servers);
    try {
      await kafka.startAll(zooKeeperPort!);
    } catch (error) {
      await kafka.stop();
      throw error;
    }
    return kafka;
  }

  get bootstrapServers(): string {
    return [...this.servers.values()].join(",");
  }

  /** Ends all at once; their data is not needed any more. */
  async stop(): Promise<void> {
    await Promise.all(
      this.processes.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill("SIGKILL");
        await once(child, "exit");
      }),
    );
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async startAll(zooKeeperPort: number): Promise<void> {
    const zooKeeper = `127.0.0.1:${zooKeeperPort}`;
    this.startJava("zookeeper", "org.apache.zookeeper.server.quorum.QuorumPeerMain", {
      dataDir: join(this.folder, "zookeeper-data"),
      clientPort: String(zooKeeperPort),
      clientPortAddress: "127.0.0.1",
      "admin.enableServer": "false",
      maxClientCnxns: "0",
    });
    await this.until("ZooKeeper to listen", () => accepts(zooKeeperPort));
    for (const [node, server] of this.servers) {
      this.startJava(`broker-${node}`, "kafka.Kafka", {
        "broker.id": String(node),
        listeners: `PLAINTEXT://${server}`,
        "log.dirs": join(this.folder, `broker-${node}-data`),
        "zookeeper.connect": zooKeeper,
        "offsets.topic.replication.factor": "3",
        "auto.create.topics.enable": "false",
        "num.network.threads": "2",
        "num.io.threads": "2",
      });
    }
    await this.until("all brokers to know each other", () => this.allKnowAll());
  }

  private async allKnowAll(): Promise<boolean> {
    const views = [...this.servers.values()].map((server) =>
      asking(new PlatformaticAdmin([server], BRISK), async (admin) => {
        const brokers = await admin.listBrokers();
        return brokers.length === NODES.length;
      }),
    );
    return (await Promise.all(views)).every(Boolean);
  }

  private startJava(name: string, main: string, properties: Record<string, string>): void {
    const file = join(this.folder, `${name}.properties`);
    writeFileSync(file, renderProperties(properties));
    const log = openSync(this.logFile(name), "a");
    const flags = [`-Xmx${HEAP_MIB}m`, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
    const options = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", `${this.libs}/*`];
    this.processes.push(
      spawn("java", [...flags, ...options, main, file], { stdio: ["ignore", log, log] }),
    );
  }

  private logFile(name: string): string {
    return join(this.folder, `${name}.log`);
  }

  private async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    let last = "not yet";
    for (const end = Date.now() + START_MS; Date.now() < end; await sleep(250)) {
      const seen = await isSo().catch((error: unknown) => (last = (error as Error).message));
      if (seen === true) return;
    }
    const names = ["zookeeper", ...NODES.map((node) => `broker-${node}`)];
    const ends = names.map((name) => `${name}: ${this.logEnd(name)}`);
    throw new Error(`waited ${START_MS / 1000} s for ${what}: ${last}\n${ends.join("\n")}`);
  }

  private logEnd(name: string): string {
    try {
      return readFileSync(this.logFile(name), "utf8").split("\n").slice(-10).join("\n");
    } catch {
      return "(no log)";
    }
  }
}

/** The folder of a version's jars; fetched once a machine. */
function jars(version: OldVersion, log: Log): Promise<string> {
  const { scala, binding } = OLD[version];
  const entry = { name: `kafka/jars-${version}`, title: `Fetching Kafka ${version}'s jars` };
  return cached(log, entry, async (folder) => {
    const maven = await ensureProgram(log, "mvn", ["maven"], "to fetch Kafka's jars");
    const libs = join(folder, "libs");
    mkdirSync(libs);
    writeFileSync(
      join(folder, "pom.xml"),
      pom(`org.apache.kafka:kafka_${scala}:${version}`, binding),
    );
    const plugin = `org.apache.maven.plugins:maven-dependency-plugin:${versions.mavenDependencyPlugin}`;
    const goal = [`${plugin}:copy-dependencies`, "-DincludeScope=runtime"];
    await run(maven, ["-B", "-ntp", ...goal, `-DoutputDirectory=${libs}`], {
      timeoutMs: 10 * 60_000,
      cwd: folder,
      remedy: `See whether Maven reaches its repository, and whether it has Kafka ${version}.`,
    });
    return libs;
  });
}

function pom(...artifacts: readonly string[]): string {
  const dependencies = artifacts.map((artifact) => {
    const [group, name, version] = artifact.split(":");
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`;
  });
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>',
    "<groupId>pi-lab</groupId><artifactId>old-kafka</artifactId><version>1</version>",
    `<dependencies>${dependencies.join("")}</dependencies></project>`,
  ].join("\n");
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true)).once("error", () => end(false));
  });
}
