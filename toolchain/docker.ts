import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { ensureProgram } from "./apt";
import { pingSocket, socketPath, type DockerHost, type Reachability } from "./docker-api";
import { ToolchainError } from "./errors";
import { processStart, withLock } from "./lock";
import { step, type Log } from "./log";
import { cacheDir } from "./paths";
import { run, which } from "./process";

/** A daemon that answers. */
export interface Docker {
  /** As in DOCKER_HOST. */
  readonly host: DockerHost;
  /** True if this project started it, now or in an earlier run; `stop` ends only such a daemon. */
  readonly startedByUs: boolean;
  /** True if this very call started it: only then may a test stop it. */
  readonly startedNow: boolean;
  /**
   * Ends the daemon if it is ours and runs no container. Returns whether it was ended.
   * A user's own daemon is never touched.
   */
  stop(): Promise<boolean>;
}

const defaultSocket = "/var/run/docker.sock";
const startTimeoutMs = 60_000;
const stopTimeoutMs = 30_000;

const pidFile = () => path.join(cacheDir(), "docker", "dockerd.pid");
const logFile = () => path.join(cacheDir(), "docker", "dockerd.log");

/**
 * A reachable Docker daemon: the one that DOCKER_HOST or the client's current context names, else the
 * default socket, else (root on Linux) one that is started here and kept running.
 */
export async function ensureDocker(log: Log): Promise<Docker> {
  requireLinux();
  // The client is a package of its own in newer releases.
  await ensureProgram(log, "docker", ["docker.io", "docker-cli?"], "to run virtual Pis");
  const named = await namedHost();
  const host = named ?? `unix://${defaultSocket}`;
  const state = await reach(host);
  if (state.kind === "up") return running(host, false);
  if (state.kind === "denied") {
    throw new ToolchainError(
      `Docker at ${host} cannot be used by this user: ${state.detail}`,
      "Add the user to the group docker (sudo usermod -aG docker $USER, then log in again), or run the command as root.",
    );
  }
  if (named !== undefined && named !== `unix://${defaultSocket}`) {
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
  return withLock(
    path.join(cacheDir(), "locks", "dockerd.lock"),
    "Starting Docker",
    log,
    async () => {
      // Another process may have started it while this one waited.
      if ((await reach(host)).kind === "up") return running(host, false);
      await step(log, "Starting Docker", () => start(log, host));
      return running(host, true);
    },
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

async function reach(host: DockerHost): Promise<Reachability> {
  const socket = socketPath(host);
  if (socket !== undefined) return pingSocket(socket);
  try {
    await run("docker", ["-H", host, "version"], { timeoutMs: 20_000 });
    return { kind: "up" };
  } catch (error) {
    return { kind: "refused", detail: (error as Error).message };
  }
}

function running(host: DockerHost, startedNow: boolean): Docker {
  const ours = socketPath(host) === defaultSocket && recordedDaemon() !== undefined;
  return { host, startedByUs: ours, startedNow, stop: () => stopDaemon(host) };
}

/** The process of the daemon that this project started, if it still runs. */
function recordedDaemon(): number | undefined {
  try {
    const record = JSON.parse(fs.readFileSync(pidFile(), "utf8")) as {
      pid: number;
      started: string;
    };
    return processStart(record.pid) === record.started ? record.pid : undefined;
  } catch {
    return undefined;
  }
}

async function start(log: Log, host: DockerHost): Promise<void> {
  const dockerd = await ensureProgram(log, "dockerd", ["docker.io"], "to run virtual Pis");
  await ensureProgram(log, "iptables", ["iptables"], "by Docker's networks");
  if (fs.existsSync("/run/systemd/system") && (await startWithSystemd(host))) return;
  fs.mkdirSync(path.dirname(logFile()), { recursive: true });
  const output = fs.openSync(logFile(), "w");
  // A group of its own: an interrupted command must not take the daemon with it.
  const child = spawn(dockerd, ["--host", host, "--pidfile", "/var/run/pi-lab-dockerd.pid"], {
    detached: true,
    stdio: ["ignore", output, output],
  });
  fs.closeSync(output);
  let ended: string | undefined;
  child.on("error", (error) => (ended = error.message));
  child.on("exit", (code, signal) => (ended = `it ended with ${signal ?? `status ${code}`}`));
  child.unref();
  if (child.pid !== undefined) {
    const record = { pid: child.pid, started: processStart(child.pid) ?? "" };
    fs.writeFileSync(pidFile(), JSON.stringify(record));
  }
  const deadline = Date.now() + startTimeoutMs;
  while ((await reach(host)).kind !== "up") {
    if (ended !== undefined || Date.now() > deadline) {
      if (ended === undefined) child.kill("SIGTERM");
      fs.rmSync(pidFile(), { force: true });
      const tail = fs
        .readFileSync(logFile(), "utf8")
        .trimEnd()
        .split("\n")
        .slice(-12)
        .join("\n    ");
      throw new ToolchainError(
        `dockerd did not start: ${ended ?? `no answer within ${startTimeoutMs / 1000} s`}; the end of ${logFile()}:\n    ${tail}`,
        "See what the log says; a daemon that runs already can be named by DOCKER_HOST.",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Where systemd runs, Docker is its service: it is started there and from then on the machine's own. */
async function startWithSystemd(host: DockerHost): Promise<boolean> {
  if (which("systemctl") === undefined) return false;
  try {
    await run("systemctl", ["start", "docker"], { timeoutMs: startTimeoutMs });
  } catch {
    return false;
  }
  return (await reach(host)).kind === "up";
}

async function stopDaemon(host: DockerHost): Promise<boolean> {
  const pid = socketPath(host) === defaultSocket ? recordedDaemon() : undefined;
  if (pid === undefined) return false;
  const { stdout } = await run("docker", ["-H", host, "ps", "--quiet"], { timeoutMs: 20_000 });
  // Another lab's machines, or the user's: they came after the daemon and depend on it.
  if (stdout.trim() !== "") return false;
  process.kill(pid, "SIGTERM");
  const deadline = Date.now() + stopTimeoutMs;
  while (recordedDaemon() !== undefined) {
    if (Date.now() > deadline) {
      throw new ToolchainError(
        `dockerd (process ${pid}) did not end within ${stopTimeoutMs / 1000} s of SIGTERM`,
        `See ${logFile()}, and end process ${pid} by hand if it hangs.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  fs.rmSync(pidFile(), { force: true });
  return true;
}
