import type { Host, Lab } from "../../model";
import { bring } from "../../provider/packages/bring";
import type { PackageCache } from "../../provider/packages/cache";
import type { Filled } from "../../provider/packages/fill";
import { BringError, BringHost } from "../../provider/packages/host";
import { SshError } from "../../plugins/common/ssh";
import type { HostShell, Login, OpenShell } from "../../provider/ssh/port";
import { labPackages, renderBringScript } from "../../render";
import { pinnedKeys } from "./known-hosts";
import type { StateResource } from "./leftovers";
import { renderTable } from "./table";

/** What the cache has for one kind of machine. */
export interface FilledSystem {
  /** Distribution, release and architecture, e.g. `debian-12-arm64`. */
  readonly system: string;
  /** The lab's hosts of that kind. */
  readonly hosts: readonly string[];
  /** The one whose apt was asked. */
  readonly through: string;
  readonly filled: Filled | undefined;
  /** Why it was not filled. */
  readonly error?: string;
  /** What was told on the way: lists out of the cache, say. */
  readonly warnings: readonly string[];
}

export interface LabPackages {
  readonly lab: string;
  readonly packages: readonly string[];
  readonly systems: readonly FilledSystem[];
  /** Hosts that did not answer, with the reason. */
  readonly silent: readonly string[];
  readonly cache: { readonly folder: string; readonly files: number; readonly bytes: number };
}

export interface PackagesMeans {
  /** Text of the private key; undefined: the SSH agent is asked. */
  readonly privateKey: string | undefined;
  readonly state: readonly StateResource[];
  readonly open: OpenShell;
  readonly cache: PackageCache;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** One try: whoever is off is told of. */
const DIAL = { retries: 0, dialTimeoutMs: 10_000 };

interface Opened {
  readonly host: Host;
  readonly shell: HostShell;
  readonly system: string;
}

/** Fills the cache for the lab's hosts, through one of each kind. Nothing is installed on any of them. */
export async function fillForLab(lab: Lab, means: PackagesMeans): Promise<LabPackages> {
  const silent: string[] = [];
  const opened: Opened[] = [];
  try {
    await Promise.all(
      lab.hosts.map(async (host) => {
        try {
          opened.push(await openAndLook(lab, host, means));
        } catch (error) {
          if (!(error instanceof SshError) && !(error instanceof BringError)) throw error;
          silent.push(error.message);
        }
      }),
    );
    const systems: FilledSystem[] = [];
    for (const system of [...new Set(opened.map((one) => one.system))].sort()) {
      const same = lab.hosts.flatMap((host) =>
        opened.filter((one) => one.host === host && one.system === system),
      );
      systems.push(await fillThrough(lab, same, means));
    }
    const kept = await means.cache.store.list();
    return {
      lab: lab.name,
      packages: labPackages(lab),
      systems,
      silent: silent.sort(),
      cache: {
        folder: means.cache.store.folder,
        files: kept.length,
        bytes: kept.reduce((sum, { size }) => sum + size, 0),
      },
    };
  } finally {
    opened.forEach(({ shell }) => shell.close());
  }
}

async function openAndLook(lab: Lab, host: Host, means: PackagesMeans): Promise<Opened> {
  const { signal, progress } = means;
  const hostKey = pinnedKeys(lab, means.state).get(host.machine.name);
  if (hostKey === undefined)
    throw new BringError(`${host.name}: its machine is not there yet: \`up\` makes it`);
  const login: Login = {
    host: host.machine.address,
    port: lab.ssh.port,
    user: lab.ssh.user,
    hostKey,
    ...(means.privateKey === undefined ? {} : { privateKey: means.privateKey }),
    sudo: lab.ssh.user !== "root",
  };
  const shell = await means.open(login, { host: host.name, signal, status: progress, ...DIAL });
  try {
    const { system } = await new BringHost(host.name, shell, renderBringScript(lab, host)).look();
    return { host, shell, system };
  } catch (error) {
    shell.close();
    throw error;
  }
}

async function fillThrough(
  lab: Lab,
  same: readonly Opened[],
  { cache, signal, progress }: PackagesMeans,
): Promise<FilledSystem> {
  const [{ host, shell, system }] = same as [Opened];
  const warnings: string[] = [];
  const base = { system, hosts: same.map((one) => one.host.name), through: host.name, warnings };
  try {
    const { filled } = await bring(shell, cache, {
      host: host.name,
      script: renderBringScript(lab, host),
      install: false,
      mirrors: lab.packageMirrors,
      signal,
      status: progress,
      warn: (line) => warnings.push(line),
    });
    return { ...base, filled };
  } catch (error) {
    if (!(error instanceof SshError) && !(error instanceof BringError)) throw error;
    return { ...base, filled: undefined, error: error.message };
  }
}

/** 0 where each kind of machine that answered has all in the cache, and every host did answer. */
export function exitCodeOf({ systems, silent }: LabPackages): 0 | 1 {
  const isWhole = systems.every(({ filled }) => filled !== undefined && filled.missed.length === 0);
  return isWhole && silent.length === 0 ? 0 : 1;
}

const mib = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

/** The same as a person reads it. */
export function renderPackages({ lab, packages, systems, silent, cache }: LabPackages): string {
  const table = renderTable(
    ["SYSTEM", "HOSTS", "THROUGH", "PACKAGES", "SIZE", "FETCHED", "STATE"],
    systems.map(({ system, hosts, through, filled }) => [
      system,
      String(hosts.length),
      through,
      filled === undefined ? "-" : String(filled.files),
      filled === undefined ? "-" : mib(filled.bytes),
      filled === undefined ? "-" : mib(filled.fetched),
      filled === undefined
        ? "not filled"
        : filled.missed.length === 0
          ? "whole"
          : `${filled.missed.length} missing`,
    ]),
  );
  const told = systems.flatMap(({ error, warnings, filled }) => [
    ...warnings,
    ...(error === undefined ? [] : [error]),
    ...(filled?.missed ?? []).slice(0, 10).map(({ name, url, why }) => `${name}: ${url}: ${why}`),
  ]);
  return [
    `Lab ${lab}: ${packages.join(", ")}, with all that they need on a machine that has nothing.`,
    "",
    table,
    ...(told.length === 0 ? [] : ["", ...told]),
    ...(silent.length === 0
      ? []
      : ["", "Could not be asked:", ...silent.map((line) => `  ${line}`)]),
    "",
    `${cache.folder} holds ${cache.files} files, ${mib(cache.bytes)}.`,
  ].join("\n");
}
