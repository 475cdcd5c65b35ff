import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

import { ensureProgram } from "./apt";
import { pingSocket, socketPath, type DockerHost } from "./docker-api";
import { ToolchainError } from "./errors";
import { withLock } from "./lock";
import type { Log } from "./log";
import { cacheDir } from "./paths";
import { run, which } from "./process";
import { processStart } from "./process-start";

/** Where the daemon listens that is started here: the client's default. */
export const defaultHost: DockerHost = "unix:///var/run/docker.sock";

const startTimeoutMs = 60_000;
const stopTimeoutMs = 30_000;

const pidFile = () => path.join(cacheDir(), "docker", "dockerd.pid");
const logFile = () => path.join(cacheDir(), "docker", "dockerd.log");
const usersDir = () => path.join(cacheDir(), "docker", "users");

/** One command at a time starts the daemon, ends it, or makes known that it relies on it. */
export function withDaemonLock<T>(log: Log, what: string, work: () => Promise<T>): Promise<T> {
  return withLock(path.join(cacheDir(), "locks", "dockerd.lock"), what, log, work);
}

/** The process of the daemon that this project started, if it still runs. */
export function ownDaemon(): number | undefined {
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

/** Makes known that this process relies on the daemon, for as long as it lives. Under the daemon's lock. */
export function enlist(): void {
  fs.mkdirSync(usersDir(), { recursive: true });
  fs.writeFileSync(path.join(usersDir(), String(process.pid)), processStart(process.pid) ?? "");
}

/** Living processes, this one left out, that rely on the daemon, containers or none. */
function otherUsers(): number[] {
  if (!fs.existsSync(usersDir())) return [];
  return fs.readdirSync(usersDir()).flatMap((name) => {
    const file = path.join(usersDir(), name);
    const pid = Number(name);
    if (processStart(pid) !== fs.readFileSync(file, "utf8")) {
      fs.rmSync(file, { force: true });
      return [];
    }
    return pid === process.pid ? [] : [pid];
  });
}

/** What a daemon may need of the environment: where programs are, and the way to registries. */
const daemonVariables = /^(PATH|HOME|(https?|no|all)_proxy)$/i;

/**
 * The environment for a process that outlives the command that starts it. A run of the tests and a run
 * of the engine know all that they have started by variables; the daemon is nobody's in that sense.
 */
export function daemonEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => daemonVariables.test(name)));
}

/** Starts a daemon at the default socket and waits until it answers. Under the daemon's lock. */
export async function startDaemon(log: Log): Promise<void> {
  const dockerd = await ensureProgram(log, "dockerd", ["docker.io"], "to run virtual Pis");
  await ensureProgram(log, "iptables", ["iptables"], "by Docker's networks");
  if (fs.existsSync("/run/systemd/system") && (await startWithSystemd())) return;
  fs.mkdirSync(path.dirname(logFile()), { recursive: true });
  const output = fs.openSync(logFile(), "w");
  // A group of its own: an interrupted command must not take the daemon with it.
  const args = ["--host", defaultHost, "--pidfile", "/var/run/pi-lab-dockerd.pid"];
  const child = spawn(dockerd, args, {
    detached: true,
    env: daemonEnvironment(),
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
  while (!(await answers())) {
    if (ended !== undefined || Date.now() > deadline) {
      if (ended === undefined) child.kill("SIGTERM");
      fs.rmSync(pidFile(), { force: true });
      throw new ToolchainError(
        `dockerd did not start: ${ended ?? `no answer within ${startTimeoutMs / 1000} s`}; the end of ${logFile()}:\n    ${endOfLog()}`,
        "See what the log says; a daemon that runs already can be named by DOCKER_HOST.",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function endOfLog(): string {
  const lines = fs.readFileSync(logFile(), "utf8").trimEnd().split("\n");
  return lines.slice(-12).join("\n    ");
}

async function answers(): Promise<boolean> {
  return (await pingSocket(socketPath(defaultHost)!)).kind === "up";
}

/** Where systemd runs, Docker is its service: it is started there and from then on the machine's own. */
async function startWithSystemd(): Promise<boolean> {
  if (which("systemctl") === undefined) return false;
  try {
    await run("systemctl", ["start", "docker"], { timeoutMs: startTimeoutMs });
  } catch {
    return false;
  }
  return answers();
}

/**
 * Ends the daemon that this project started, unless another command relies on it or a container runs
 * on it. Any other daemon is left alone.
 *
 * @returns whether it was ended
 */
export async function stopOwnDaemon(log: Log): Promise<boolean> {
  if (ownDaemon() === undefined) return false;
  return withDaemonLock(log, "Stopping Docker", async () => {
    const pid = ownDaemon();
    if (pid === undefined || otherUsers().length > 0) return false;
    const ps = ["-H", defaultHost, "ps", "--quiet"];
    const { stdout } = await run("docker", ps, { timeoutMs: 20_000 });
    // Another lab's machines, or the user's: they came after the daemon and depend on it.
    if (stdout.trim() !== "") return false;
    process.kill(pid, "SIGTERM");
    const deadline = Date.now() + stopTimeoutMs;
    while (ownDaemon() !== undefined) {
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
  });
}
