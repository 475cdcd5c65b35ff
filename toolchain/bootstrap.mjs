// The first step of every npm script: `node toolchain/bootstrap.mjs FILE ARGS…` installs the npm packages
// if they are missing or do not match package-lock.json, and then runs the TypeScript FILE of the checkout.
// It must work in a fresh clone: nothing but Node.js itself may be imported here.

import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

// What @platformatic/kafka asks for.
const oldestNode = [20, 19, 4];
const installAttempts = 2;
const npmOptions = ["--loglevel", "warn", "--include=dev"];
const lockDeadlineMs = 15 * 60_000;
const unreadableStaleMs = 90_000;

const checkout = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

class Failure extends Error {}

/** Says what is wrong with this Node.js, or nothing. */
export function nodeProblem(version) {
  const found = version
    .replace(/^v/, "")
    .split(".")
    .map((part) => Number.parseInt(part, 10));
  const differs = oldestNode.findIndex((part, i) => part !== found[i]);
  if (differs === -1 || found[differs] > oldestNode[differs]) return undefined;
  return (
    `Node.js ${version} is too old: ${oldestNode.join(".")} or newer is needed\n` +
    "  Install a current Node.js (20, 22 or 24) and run the command again."
  );
}

/**
 * Says which package of package-lock.json is not installed in that version, or nothing. What npm has
 * installed is in a lock file of its own inside node_modules, written at the very end of an installation.
 */
export function packagesProblem(folder) {
  const read = (name) => JSON.parse(fs.readFileSync(path.join(folder, name), "utf8")).packages;
  const wanted = read("package-lock.json");
  let installed;
  try {
    installed = read("node_modules/.package-lock.json");
  } catch {
    return "they are not installed yet";
  }
  for (const [name, entry] of Object.entries(wanted)) {
    if (name === "" || entry.link) continue;
    const found = installed[name];
    // Optional packages are those of other platforms.
    if (found === undefined && entry.optional) continue;
    if (found === undefined) return `${name} is missing`;
    if (found.version !== entry.version || found.integrity !== entry.integrity) {
      return `${name} is ${found.version}, package-lock.json has ${entry.version}`;
    }
  }
  return undefined;
}

/** One installation at a time: two would delete each other's files. */
async function withInstallLock(work) {
  const folder = path.join(checkout, ".pi-lab");
  const lock = path.join(folder, "npm-ci.lock");
  fs.mkdirSync(folder, { recursive: true });
  const started = Date.now();
  let told = false;
  while (!take(lock)) {
    const owner = readOwner(lock);
    if (isAbandoned(lock)) {
      // Of several that saw the dead owner one may remove its lock: a second would remove a live one.
      if (take(`${lock}.removal`)) {
        if (isAbandoned(lock)) fs.rmSync(lock, { force: true });
        fs.rmSync(`${lock}.removal`, { force: true });
        continue;
      }
      if (isAbandoned(`${lock}.removal`)) fs.rmSync(`${lock}.removal`, { force: true });
    } else if (!told && owner !== undefined) {
      console.error(`Waiting for process ${owner.pid}, which installs the npm packages …`);
      told = true;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (Date.now() - started > lockDeadlineMs) {
      throw new Failure(
        `${lock} is still held after ${lockDeadlineMs / 60_000} minutes\n` +
          "  If no npm install is running, delete that file and run the command again.",
      );
    }
  }
  try {
    return await work();
  } finally {
    fs.rmSync(lock, { force: true });
  }
}

/** Creates a lock, owner included, if there is none. */
function take(lock) {
  const owner = { pid: process.pid, started: startOf(process.pid), host: os.hostname() };
  const draft = `${lock}.${process.pid}`;
  fs.writeFileSync(draft, JSON.stringify(owner));
  try {
    fs.linkSync(draft, lock);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  } finally {
    fs.rmSync(draft, { force: true });
  }
}

/** Who holds a lock; undefined if nobody does any more. */
function readOwner(lock) {
  try {
    return JSON.parse(fs.readFileSync(lock, "utf8"));
  } catch {
    return undefined;
  }
}

/** A lock whose owner is dead, or which a power cut has left without a readable owner. */
function isAbandoned(lock) {
  const owner = readOwner(lock);
  if (owner !== undefined) return !isAlive(owner);
  const stat = fs.statSync(lock, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > unreadableStaleMs;
}

/** An owner on another machine counts as alive: nothing here can tell. */
function isAlive({ pid, started, host }) {
  if (host !== os.hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== "EPERM") return false;
  }
  return startOf(pid) === started;
}

/** Tells a process from a later one with the same id, on Linux. */
function startOf(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

async function installPackages() {
  const reason = packagesProblem(checkout);
  if (reason === undefined) return;
  console.error(`Installing the npm packages (${reason}) …`);
  const started = Date.now();
  for (let attempt = 1; ; attempt++) {
    // Its output goes to stderr: what the command itself prints must stay clean.
    // The outer npm may be silent, or told to leave development packages out: tsx is one of them.
    // Not `npm ci`: it refuses a lock file in which some other platform's optional binary is missing,
    // and registries miss some. The versions are the lock file's, and it is not changed.
    const npm = spawn("npm", ["install", "--no-save", "--no-audit", "--no-fund", ...npmOptions], {
      cwd: checkout,
      stdio: ["ignore", 2, 2],
    });
    const code = await ended(npm);
    if (code === 0) break;
    if (attempt === installAttempts) {
      throw new Failure(
        `npm install failed (${code}) in ${checkout}\n` +
          "  See what it says above. It needs npm on the PATH and a reachable npm registry.",
      );
    }
    console.error("npm install failed, trying once more …");
  }
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.error(`Installing the npm packages: done in ${seconds} s`);
}

/** The status or signal that a process ended with, or why it did not start. */
function ended(child) {
  return new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => resolve(code ?? signal));
  });
}

/** Runs the program and ends as it ends. */
async function runProgram(file, args) {
  // Found from the checkout, wherever the command was typed.
  const tsx = pathToFileURL(path.join(checkout, "node_modules/tsx/dist/loader.mjs")).href;
  const program = path.resolve(checkout, file);
  const child = spawn(process.execPath, ["--import", tsx, program, ...args], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // A terminal sends its Ctrl-C to both of us, and a second one means "at once" to Pulumi.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  const status = await ended(child);
  if (typeof status === "number") {
    process.exitCode = status;
  } else if (child.signalCode !== null) {
    process.removeAllListeners(child.signalCode);
    process.kill(process.pid, child.signalCode);
  } else {
    throw new Failure(`${process.execPath} could not be started: ${status}`);
  }
}

async function main([file, ...args]) {
  const problem = nodeProblem(process.version);
  if (problem !== undefined) throw new Failure(problem);
  if (file === undefined) throw new Failure("Usage: node toolchain/bootstrap.mjs FILE [ARGUMENT…]");
  if (packagesProblem(checkout) !== undefined) await withInstallLock(installPackages);
  await runProgram(file, args);
}

/** Not when a test imports this file. */
function isProgram() {
  const started = process.argv[1];
  if (started === undefined || !fs.existsSync(started)) return false;
  return fs.realpathSync(started) === fs.realpathSync(fileURLToPath(import.meta.url));
}

if (isProgram()) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(error instanceof Failure ? error.message : error);
    process.exitCode = 1;
  });
}
