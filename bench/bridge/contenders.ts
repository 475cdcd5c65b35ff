import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BridgeConfig, MqttAccess } from "../../model";
import { debianProgram, type DebianProgram } from "../../test/support/debian";
import type { PlainConfig } from "./plain-bridge";

const ROOT = join(__dirname, "../..");
const END_MS = 20_000;

/** What each is to carry, and from where to where. */
export interface Way {
  readonly mqtt: MqttAccess;
  readonly bootstrapServers: readonly string[];
  readonly filter: string;
  readonly topic: string;
  readonly folder: string;
  /** A free port of this machine. */
  readonly port: number;
}

/** A process, or a pipeline of them, that carries messages from MQTT into Kafka. */
export class Contender {
  private child: ChildProcess | undefined;

  private constructor(
    private readonly command: readonly [program: string, ...args: string[]],
    private readonly env: Readonly<Record<string, string>>,
    private readonly logFile: string,
  ) {}

  /** The lab's. */
  static async ours(way: Way): Promise<Contender> {
    const config: BridgeConfig = {
      host: "data-1",
      endpoint: { address: "127.0.0.1", port: way.port },
      mqtt: way.mqtt,
      kafka: { bootstrapServers: way.bootstrapServers },
      routes: [{ from: way.filter, topic: way.topic, key: "{topic}" }],
      bridges: ["data-1"],
      ownTopics: "pi-lab/bridge/",
    };
    return Contender.ofNode("ours", "payloads/bridge/main.ts", config, way);
  }

  /** Acknowledges to MQTT without waiting for Kafka. */
  static async plain(way: Way): Promise<Contender> {
    const config: PlainConfig = {
      mqtt: way.mqtt,
      clientId: "plain-bridge",
      kafka: { bootstrapServers: way.bootstrapServers },
      from: way.filter,
      topic: way.topic,
    };
    return Contender.ofNode("plain", "bench/bridge/plain-bridge.ts", config, way);
  }

  /** Debian's `mosquitto_sub | kcat`. */
  static async piped(way: Way): Promise<Contender> {
    const [sub, kcat] = await Promise.all([
      debianProgram("mosquitto-clients", "/usr/bin/mosquitto_sub"),
      debianProgram("kcat", "/usr/bin/kcat"),
    ]);
    const login = ["-h", way.mqtt.address, "-p", String(way.mqtt.port), "-u", way.mqtt.username];
    const session = ["-P", way.mqtt.password, "-V", "mqttv5", "-i", "piped", "-c", "-q", "1"];
    const window = ["-D", "connect", "receive-maximum", "1000"];
    const what = ["-t", way.filter, "-F", "%t\t%p"];
    // Into a pipe it would keep the last lines until some kilobytes are full.
    const from = ["stdbuf", "-oL", sub.program, ...login, ...session, ...window, ...what];
    const to = [kcat.program, "-P", "-b", way.bootstrapServers.join(","), "-t", way.topic];
    const how = ["-K", "\t", "-X", "acks=all"];
    const line = `${withEnv(sub)}${from.map(quote).join(" ")} | ${withEnv(kcat)}${[...to, ...how].map(quote).join(" ")}`;
    return new Contender(["/bin/sh", "-c", line], {}, join(way.folder, "piped.log"));
  }

  private static async ofNode(
    name: string,
    file: string,
    config: object,
    { folder }: Way,
  ): Promise<Contender> {
    const configFile = join(folder, `${name}.json`);
    await writeFile(configFile, JSON.stringify(config), { mode: 0o600 });
    const args = ["--import", "tsx", join(ROOT, file), configFile] as const;
    return new Contender([process.execPath, ...args], {}, join(folder, `${name}.log`));
  }

  start(): void {
    const out = openSync(this.logFile, "a");
    const [program, ...args] = this.command;
    this.child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...this.env },
      stdio: ["ignore", out, out],
      // A group of its own: a pipeline ends as a whole.
      detached: true,
    });
    closeSync(out);
  }

  /** All processes of it; SIGKILL leaves them no time. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    process.kill(-child.pid, signal);
    const late = sleep(END_MS, "late" as const, { ref: false });
    if ((await Promise.race([ended, late])) === "late") process.kill(-child.pid, "SIGKILL");
  }

  log(): Promise<string> {
    return readFile(this.logFile, "utf8").catch(() => "");
  }
}

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

const withEnv = ({ env }: DebianProgram): string =>
  Object.entries(env)
    .map(([name, value]) => `${name}=${quote(value)} `)
    .join("");
