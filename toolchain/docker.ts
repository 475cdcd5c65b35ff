import { ensureProgram } from "./apt";
import { daemonInfo, pingSocket, socketPath, type DockerHost } from "./docker-api";
import {
  defaultHost,
  enlist,
  ownDaemon,
  startDaemon,
  stopOwnDaemon,
  withDaemonLock,
} from "./docker-daemon";
import { ToolchainError } from "./errors";
import { step, type Log } from "./log";
import { run } from "./process";

/** A daemon that answers. */
export interface Docker {
  /** As in DOCKER_HOST. */
  readonly host: DockerHost;
  /** True if this project started it, now or in an earlier run; `stop` ends only such a daemon. */
  readonly startedByUs: boolean;
  /** True if this very call started it: only then may a test stop it. */
  readonly startedNow: boolean;
  /**
   * Ends the daemon if it is ours, no other command relies on it and no container runs on it. Returns
   * whether it was ended. A user's own daemon is never touched.
   */
  stop(): Promise<boolean>;
}

/**
 * A reachable Docker daemon on this machine: the one that DOCKER_HOST or the client's current context
 * names, else the default socket, else (root on Linux) one that is started here and kept running.
 */
export async function ensureDocker(log: Log): Promise<Docker> {
  requireLinux();
  // The client is a package of its own in newer releases.
  await ensureProgram(log, "docker", ["docker.io", "docker-cli?"], "to run virtual Pis");
  const named = await namedHost();
  const host = named ?? defaultHost;
  const socket = localSocket(host);
  if (isOurs(host)) {
    // Under the lock: whoever is about to stop the daemon sees this user, or this one finds it gone.
    const found = await withDaemonLock(log, "Finding Docker", async () =>
      (await pingSocket(socket)).kind === "up" ? relyOn(log, host, false) : undefined,
    );
    if (found !== undefined) return found;
  }
  const state = await pingSocket(socket);
  if (state.kind === "up") {
    await requireSuitable(host, socket);
    return relyOn(log, host, false);
  }
  if (state.kind === "denied") {
    throw new ToolchainError(
      `Docker at ${host} cannot be used by this user: ${state.detail}`,
      "Add the user to the group docker (sudo usermod -aG docker $USER, then log in again), or run the command as root.",
    );
  }
  if (named !== undefined && named !== defaultHost) {
    throw new ToolchainError(
      `Docker at ${host} does not answer: ${state.detail}`,
      "Start that daemon, or unset DOCKER_HOST (docker context use default) to use this machine's own.",
    );
  }
  if (process.getuid?.() !== 0) {
    throw new ToolchainError(
      `Docker does not answer at ${host}: ${state.detail}`,
      "Start it (sudo systemctl start docker), or run the command as root, which starts a daemon itself.",
    );
  }
  return withDaemonLock(log, "Starting Docker", async () => {
    // Another process may have started it while this one waited.
    if ((await pingSocket(socket)).kind === "up") return relyOn(log, host, false);
    await step(log, "Starting Docker", () => startDaemon(log));
    return relyOn(log, host, true);
  });
}

/** The socket of a daemon on this machine. */
function localSocket(host: DockerHost): string {
  const socket = socketPath(host);
  if (socket !== undefined) return socket;
  throw new ToolchainError(
    `Docker at ${host} cannot run virtual Pis: they are reached by their own addresses, which only the daemon's machine can do`,
    "Unset DOCKER_HOST (docker context use default) to use this machine's own daemon, or run the command on that machine.",
  );
}

/** Refuses daemons whose containers this machine cannot reach by address. */
async function requireSuitable(host: DockerHost, socket: string): Promise<void> {
  const { rootless, operatingSystem } = await daemonInfo(socket);
  const kind = rootless
    ? "a rootless daemon"
    : operatingSystem.includes("Docker Desktop")
      ? "Docker Desktop"
      : undefined;
  if (kind === undefined) return;
  throw new ToolchainError(
    `Docker at ${host} is ${kind}: its containers have no addresses that this machine reaches, and virtual Pis need them`,
    "Use the system's Docker Engine (sudo apt-get install docker.io; docker context use default; unset DOCKER_HOST).",
  );
}

function requireLinux(): void {
  if (process.platform === "linux") return;
  throw new ToolchainError(
    `Virtual Pis need Linux; this machine runs ${process.platform}`,
    "Run the virtual lab in a Linux machine or virtual machine (2 cores, 8 GiB or more). The stack for real Pis works here.",
  );
}

/** The daemon that the user's environment names, or undefined where nothing does. */
async function namedHost(): Promise<DockerHost | undefined> {
  const fromEnvironment = process.env["DOCKER_HOST"];
  if (fromEnvironment !== undefined && fromEnvironment !== "") return fromEnvironment;
  try {
    const format = "{{.Endpoints.docker.Host}}";
    const { stdout } = await run("docker", ["context", "inspect", "--format", format], {
      timeoutMs: 10_000,
    });
    return stdout.trim() === "" ? undefined : stdout.trim();
  } catch {
    // Clients without contexts know the default socket only.
    return undefined;
  }
}

/** True if the daemon at this host is one that this project started and that still runs. */
function isOurs(host: DockerHost): boolean {
  return host === defaultHost && ownDaemon() !== undefined;
}

function relyOn(log: Log, host: DockerHost, startedNow: boolean): Docker {
  const startedByUs = isOurs(host);
  if (startedByUs) enlist();
  const stop = () => (host === defaultHost ? stopOwnDaemon(log) : Promise.resolve(false));
  return { host, startedByUs, startedNow, stop };
}
