import * as fs from "node:fs";

import { ToolchainError } from "./errors";
import { step, type Log } from "./log";
import { CommandError, run, which } from "./process";

/** How long apt waits for another package manager to finish. */
const lockWaitSeconds = 300;
const attempts = 3;

/** True where this process may install Debian packages. */
export function canInstallPackages(): boolean {
  return process.getuid?.() === 0 && which("apt-get") !== undefined;
}

function required(packages: readonly string[]): string[] {
  return packages.filter((name) => !name.endsWith("?"));
}

/** The command that a user would type to install the packages. */
export function installCommand(packages: readonly string[]): string {
  return `sudo apt-get install ${required(packages).join(" ")}`;
}

/** True if another try may go better: the network failed, or an index was older than the archive. */
export function isTransientAptFailure(output: string): boolean {
  return /Failed to fetch|Temporary failure|Could not (connect|resolve)|Connection (timed out|failed)|Hash Sum mismatch|404 +Not Found/i.test(
    output,
  );
}

/**
 * Makes sure that a program is there: found on the PATH, or installed with apt by root.
 *
 * @param packages what to install; a name that ends in `?` is left out where the release has no such package
 * @param why what it is needed for
 * @returns its path
 */
export function ensureProgram(
  log: Log,
  program: string,
  packages: readonly string[],
  why: string,
): Promise<string> {
  return ensure(log, { name: program, find: () => which(program) }, packages, why);
}

/** Makes sure that a file of a package is there, as `ensureProgram` does for a program. */
export function ensureFile(
  log: Log,
  file: string,
  packages: readonly string[],
  why: string,
): Promise<string> {
  const find = () => (fs.existsSync(file) ? file : undefined);
  return ensure(log, { name: file, find }, packages, why);
}

async function ensure(
  log: Log,
  wanted: { readonly name: string; readonly find: () => string | undefined },
  packages: readonly string[],
  why: string,
): Promise<string> {
  const found = wanted.find();
  if (found !== undefined) return found;
  if (!canInstallPackages()) {
    throw new ToolchainError(
      `${wanted.name} is missing; it is needed ${why}`,
      which("apt-get") === undefined
        ? `Install it (Debian's package is ${required(packages).join(", ")}) with this machine's package manager and run the command again.`
        : `Install it (${installCommand(packages)}) or run the command as root, which does so itself.`,
    );
  }
  await step(log, `Installing ${required(packages).join(", ")} with apt`, () =>
    install(log, packages),
  );
  const installed = wanted.find();
  if (installed === undefined) {
    throw new ToolchainError(
      `${wanted.name} is still missing after ${required(packages).join(", ")} was installed`,
      wanted.name.startsWith("/")
        ? `See what that package has (dpkg -L); the file is needed ${why}.`
        : `Put ${wanted.name} on the PATH; it is needed ${why}.`,
    );
  }
  return installed;
}

async function install(log: Log, packages: readonly string[]): Promise<void> {
  const apt = (args: readonly string[]) =>
    run("apt-get", ["-q", "-o", `DPkg::Lock::Timeout=${lockWaitSeconds}`, ...args], {
      timeoutMs: (lockWaitSeconds + 600) * 1000,
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      remedy: `Run ${installCommand(packages)} by hand and see what it says.`,
    });
  // A fresh machine knows no package names yet; a stale one asks for files that are gone.
  let update = !hasIndexes();
  for (let attempt = 1; ; attempt++) {
    try {
      if (update) await apt(["update"]);
      const names = [...required(packages), ...(await availableOptional(packages))];
      await apt(["install", "-y", "--no-install-recommends", ...names]);
      return;
    } catch (error) {
      const output = error instanceof CommandError ? error.output : "";
      const firstTime = !update;
      if (attempt >= attempts || (!firstTime && !isTransientAptFailure(output))) throw error;
      log(`apt failed, trying again after an update (${attempt} of ${attempts - 1})`);
      update = true;
    }
  }
}

/** Those of the optional packages that this release has. */
async function availableOptional(packages: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of packages) {
    if (!name.endsWith("?")) continue;
    const { stdout } = await run("apt-cache", ["policy", name.slice(0, -1)], { timeoutMs: 60_000 });
    if (/Candidate: (?!\(none\))/.test(stdout)) found.push(name.slice(0, -1));
  }
  return found;
}

function hasIndexes(): boolean {
  try {
    return fs.readdirSync("/var/lib/apt/lists").some((name) => name.includes("_Packages"));
  } catch {
    return false;
  }
}
