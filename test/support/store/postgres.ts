import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { chown, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { Client } from "pg";

import { endChild } from "../child";
import type { Address, StoreAccess } from "../../../model";
import {
  POSTGRES_VERSION,
  postgresPaths,
  renderPostgresConf,
  renderPostgresHba,
} from "../../../render/services/postgres-conf";
import { renderRoles } from "../../../render/services/postgres-roles";
import { cached } from "../../../toolchain/cache";
import { run } from "../../../toolchain/process";
import { freePorts } from "../kafka/kafka-cluster";
import { waitFor } from "../wait";

const PACKAGE = `postgresql-${POSTGRES_VERSION}`;
/** Debian's user of nobody: PostgreSQL does not run as root. */
const NOBODY = 65_534;

/** A PostgreSQL on loopback, configured as the lab's is but for its folders, with the lab's roles. */
export interface LocalPostgres {
  /** What a role logs in with. */
  access(role: string): StoreAccess;
  /** Starts it on what it has, and waits until it answers. */
  start(): Promise<void>;
  /** SIGINT is the fast stop that systemd asks for; SIGKILL ends its first process. Waits for its end. */
  stop(signal?: "SIGINT" | "SIGKILL"): Promise<void>;
  /** All of it stands still while `task` runs, as a machine that hangs does. */
  whilePaused<T>(task: () => Promise<T>): Promise<T>;
  /**
   * Makes the roles, as each start of the unit does.
   * @param owners those that have a database of their own name. Default: none
   */
  makeRoles(readers: readonly string[], owners?: readonly string[]): Promise<void>;
  /** Asks as this role; by default as the owner, of the lab's database. */
  ask<R extends Record<string, unknown>>(
    sql: string,
    role?: string,
    database?: string,
  ): Promise<R[]>;
  /** Makes another database, empty, and gives the owner's access to it. */
  database(name: string): Promise<StoreAccess>;
  log(): Promise<string>;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

const password = (role: string): string => `password-of-${role}`;
const SALT = Buffer.alloc(16, 7).toString("base64");
const DATABASE = "pilab";

/** Prepares one and starts it. Whoever asks removes it in the end. */
export async function localPostgres(): Promise<LocalPostgres> {
  const folder = await mkdtemp(join(tmpdir(), "pi-lab-postgres-"));
  const { bin, libraries } = await postgresPrograms(folder);
  const [port = 0] = await freePorts(1);
  const data = join(folder, "data");
  const logFile = join(folder, "log");
  const isRoot = process.getuid?.() === 0;
  await mkdir(join(folder, "sockets"));
  await writeFile(logFile, "");
  if (isRoot) {
    for (const path of [folder, join(folder, "sockets"), logFile])
      await chown(path, NOBODY, NOBODY);
  }
  const env = { ...process.env, LD_LIBRARY_PATH: libraries };
  const asUser = (program: string, args: readonly string[]): [string, string[]] =>
    isRoot
      ? [
          "setpriv",
          [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", join(bin, program), ...args],
        ]
      : [join(bin, program), [...args]];
  const tool = async (program: string, ...args: string[]) => {
    const [file, all] = asUser(program, args);
    return run(file, all, { timeoutMs: 60_000, env, cwd: folder });
  };
  await tool(
    "initdb",
    "-D",
    data,
    "-U",
    "postgres",
    "-A",
    "trust",
    "-E",
    "UTF8",
    "--locale=C",
    "-N",
  );
  await configure(folder, data, port);

  let child: ChildProcess | undefined;
  let readers: readonly string[] = ["dashboards"];
  const log = () => readFile(logFile, "utf8");
  const access = (role: string, database = DATABASE): StoreAccess => ({
    ...{ address: "127.0.0.1", port, database, username: role, password: password(role) },
  });
  const makeRoles = async (wanted: readonly string[], owners: readonly string[] = []) => {
    readers = wanted;
    const passwords = Object.fromEntries(
      ["sink", ...readers, ...owners].map((role) => [
        role,
        { password: password(role), salt: SALT },
      ]),
    );
    const file = join(folder, "roles.sql");
    await writeFile(file, renderRoles({ database: DATABASE, readers, owners }, passwords));
    const where = ["-h", join(folder, "sockets"), "-p", String(port), "-U", "postgres"];
    await tool("psql", "-X", "-q", ...where, "-d", "postgres", "-f", file);
  };
  const begin = (): ChildProcess => {
    const [file, args] = asUser("postgres", ["-D", data]);
    const words = ["-c", 'exec "$@" 2>>"$0"', logFile, file, ...args];
    return spawn("/bin/sh", words, { env, cwd: folder, stdio: "ignore", detached: true });
  };
  const start = async () => {
    child = begin();
    await waitFor(
      `PostgreSQL to answer on ${port}`,
      async () => {
        if (child?.exitCode !== null) {
          // What was killed leaves children that hold its memory for a moment: systemd starts it again, too.
          if (!(await log()).includes("shared memory block")) throw new Error(await log());
          child = begin();
        }
        // Fails while it replays what was written before it was killed.
        return tool("pg_isready", "-q", "-h", join(folder, "sockets"), "-p", String(port));
      },
      { deadlineMs: 30_000, pauseMs: 50 },
    );
    await makeRoles(readers);
  };
  const stop = async (signal: "SIGINT" | "SIGKILL" = "SIGINT") => {
    const running = child;
    child = undefined;
    await endChild("PostgreSQL", running, signal);
  };
  const ask = async <R extends Record<string, unknown>>(
    sql: string,
    { address, username, ...rest }: StoreAccess,
  ): Promise<R[]> => {
    const client = new Client({ host: address, user: username, ...rest });
    await client.connect();
    try {
      return (await client.query<R>(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const postgres: LocalPostgres = {
    access,
    start,
    stop,
    makeRoles,
    ask: (sql, role = "sink", database) => ask(sql, access(role, database)),
    async database(name) {
      const where = ["-h", join(folder, "sockets"), "-p", String(port), "-U", "postgres"];
      await tool("createdb", ...where, "-O", "sink", "-T", "template0", name);
      return access("sink", name);
    },
    async whilePaused(task) {
      const pid = child?.pid;
      if (pid === undefined) throw new Error("PostgreSQL does not run");
      const processes = await familyOf(pid);
      for (const one of processes) process.kill(one, "SIGSTOP");
      try {
        return await task();
      } finally {
        for (const one of processes) process.kill(one, "SIGCONT");
      }
    },
    log,
    async remove() {
      await stop("SIGINT");
      await rm(folder, { recursive: true, force: true });
    },
  };
  await start();
  return postgres;
}

async function configure(folder: string, data: string, port: number): Promise<void> {
  const conf = renderPostgresConf({ port }, "127.0.0.1" as Address)
    .replace(postgresPaths.hba, join(folder, "hba.conf"))
    .replace(postgresPaths.sockets, join(folder, "sockets"));
  // Nothing here outlives a power cut.
  await writeFile(join(data, "postgresql.auto.conf"), `${conf}fsync = off\n`);
  // The administrator of these tests is whoever runs them; other databases are theirs too.
  const hba = renderPostgresHba({ database: "all" }, { subnet: "127.0.0.0/8" }, ["metabase"]);
  await writeFile(join(folder, "hba.conf"), hba.replace("peer", "trust"));
}

async function familyOf(pid: number): Promise<number[]> {
  const { stdout } = await run("pgrep", ["-P", String(pid)], { timeoutMs: 10_000 });
  return [pid, ...stdout.trim().split("\n").map(Number)];
}

/**
 * Debian's PostgreSQL: the one that is installed, else the packages' files in the cache. Installing it would
 * start a server on this machine, which nobody asked for.
 *
 * @param folder where whoever runs it may read
 */
async function postgresPrograms(folder: string): Promise<{ bin: string; libraries: string }> {
  if (existsSync(join(postgresPaths.bin, "postgres"))) {
    return { bin: postgresPaths.bin, libraries: "" };
  }
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const policy = await run("apt-cache", ["policy", PACKAGE], { timeoutMs: 60_000 });
  const version = /Candidate: ([^\s(]+)/.exec(policy.stdout)?.[1];
  if (version === undefined) {
    throw new Error(
      `apt knows no package ${PACKAGE}: run \`sudo apt-get update\`, or install PostgreSQL ${POSTGRES_VERSION}`,
    );
  }
  const entry = {
    name: `postgresql/${version.replaceAll(/[^\w.+~-]/g, "_")}`,
    title: "Unpacking PostgreSQL",
  };
  const home = await cached(log, entry, async (target) => {
    const plan = await run("apt-get", ["install", "-s", "--no-install-recommends", PACKAGE], {
      timeoutMs: 60_000,
    });
    const lacking = [...plan.stdout.matchAll(/^Inst (\S+)/gm)].map(([, name = ""]) => name);
    // LLVM is for code that is compiled at run time, which the lab turns off.
    const needed = lacking.filter((name) => /^(postgresql-|lib(?!llvm))/.test(name));
    await run("apt-get", ["-q", "download", ...new Set([PACKAGE, ...needed])], {
      timeoutMs: 300_000,
      cwd: target,
    });
    await run("/bin/sh", ["-c", "for deb in *.deb; do dpkg -x $deb root && rm $deb; done"], {
      timeoutMs: 120_000,
      cwd: target,
    });
    return join(target, "root");
  });
  // The cache may be in a folder that is closed to others.
  const copy = join(folder, "programs");
  await cp(home, copy, { recursive: true });
  const { stdout } = await run("find", [copy, "-name", "libpq.so.5"], { timeoutMs: 10_000 });
  return { bin: join(copy, postgresPaths.bin), libraries: dirname(stdout.trim()) };
}
