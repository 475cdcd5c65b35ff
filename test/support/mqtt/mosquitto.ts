import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import type { Address, HostName, Mqtt, MqttAccess, MqttUser } from "../../../model";
import { renderAcl, renderPasswords } from "../../../render/services/mosquitto";
import { mosquittoPaths, renderMosquittoConf } from "../../../render/services/mosquitto-conf";
import { endChild } from "../child";
import { debianProgram } from "../debian";
import { freePorts } from "../kafka/kafka-cluster";
import { waitFor } from "../wait";

/** A Mosquitto on loopback, configured as the lab's is but for its folders. It is not started yet. */
export interface LocalMosquitto {
  readonly address: string;
  readonly port: number;
  /** What a client of this user logs in with. */
  access(user: string): MqttAccess;
  /** Starts it on what it has saved, and waits until it listens. */
  start(): Promise<void>;
  /** SIGTERM is the clean stop; SIGKILL is not. Waits for its end. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Stands still while `task` runs, as a machine that hangs does. */
  whilePaused<T>(task: () => Promise<T>): Promise<T>;
  /** All that it has said since the first start. */
  log(): Promise<string>;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

export interface MosquittoOptions {
  readonly limits?: Partial<Pick<Mqtt, "maxConnections" | "maxQueuedMessages" | "maxMessageBytes">>;
  /** Changes the configuration that the lab renders. */
  readonly edit?: (conf: string) => string;
}

/** The password of a user in these tests. */
export const testPassword = (user: string): string => `password-of-${user}`;

/** Prepares a broker for these users. Whoever asks removes it in the end. */
export async function localMosquitto(
  users: readonly MqttUser[],
  { limits = {}, edit = (conf) => conf }: MosquittoOptions = {},
): Promise<LocalMosquitto> {
  const { program, env } = await debianProgram("mosquitto", "/usr/sbin/mosquitto");
  const folder = await mkdtemp(join(tmpdir(), "pi-lab-mosquitto-"));
  const [port = 0] = await freePorts(1);
  await writeConfig(folder, port, users, limits, edit);
  const logFile = join(folder, "log");
  await writeFile(logFile, "");
  const log = () => readFile(logFile, "utf8");
  let child: ChildProcess | undefined;

  const start = async () => {
    const conf = join(folder, "pi-lab.conf");
    // The shell takes itself out of the way: the process is Mosquitto's.
    const started = spawn("/bin/sh", ["-c", 'exec "$0" -c "$1" 2>>"$2"', program, conf, logFile], {
      env: { ...process.env, ...env },
      stdio: "ignore",
    });
    child = started;
    await waitFor(
      `Mosquitto to listen on ${port}`,
      async () => {
        if (started.exitCode !== null) return `ended: ${await log()}`;
        return (await listens(port)) ? "listening" : undefined;
      },
      { deadlineMs: 20_000, pauseMs: 30 },
    ).then((state) => {
      if (state !== "listening") throw new Error(`Mosquitto ${state}`);
    });
  };
  const stop = async (signal: "SIGTERM" | "SIGKILL" = "SIGTERM") => {
    const running = child;
    child = undefined;
    await endChild("Mosquitto", running, signal);
  };
  return {
    address: "127.0.0.1",
    port,
    access: (username) => ({
      address: "127.0.0.1",
      port,
      username,
      password: testPassword(username),
    }),
    start,
    stop,
    async whilePaused(task) {
      const running = child;
      if (running === undefined) throw new Error("Mosquitto does not run");
      running.kill("SIGSTOP");
      try {
        return await task();
      } finally {
        running.kill("SIGCONT");
      }
    },
    log,
    async remove() {
      await stop("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function writeConfig(
  folder: string,
  port: number,
  users: readonly MqttUser[],
  limits: Partial<Mqtt>,
  edit: (conf: string) => string,
): Promise<void> {
  const mqtt: Mqtt = {
    host: "data-1" as HostName,
    port,
    maxConnections: 2000,
    maxQueuedMessages: 100_000,
    maxMessageBytes: 65_536,
    devices: [],
    ...limits,
  };
  const conf = renderMosquittoConf(mqtt, "127.0.0.1" as Address)
    .replaceAll(dirname(mosquittoPaths.config), folder)
    .replaceAll(mosquittoPaths.data, join(folder, "data"));
  const names = users.map(({ name }) => name);
  const salt = (name: string) =>
    createHash("sha256").update(name).digest().subarray(0, 12).toString("base64");
  const secrets = {
    mqtt: Object.fromEntries(names.map((name) => [name, testPassword(name)])),
    mqttSalts: Object.fromEntries(names.map((name) => [name, salt(name)])),
  };
  await mkdir(join(folder, "data"));
  // Who is root stays it: the package's user may not be there.
  const own = process.getuid?.() === 0 ? "user root\n" : "";
  await writeFile(join(folder, "pi-lab.conf"), edit(conf) + own);
  await writeFile(join(folder, "pi-lab.passwords"), renderPasswords(users, secrets));
  await writeFile(join(folder, "pi-lab.acl"), renderAcl(users));
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const answer = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once("connect", () => answer(true)).once("error", () => answer(false));
  });
