/** What is done on a host to bring it packages: the commands of `render/scripts/bring.sh`, and their answers. */
import type { HostShell } from "../ssh/port";
import { quote } from "../ssh/port";
import type { Expected } from "./cache";
import { Hindrance } from "./hindrance";
import type { Mirrors } from "./reach";

/** Each is looked up by this machine before anything is asked. */
const MAX_MIRRORS = 32;
/** Unpacking a JRE on a slow card takes minutes, and another program may hold apt's lock for five before. */
const INSTALL_MS = 40 * 60_000;
const LOOK_MS = 30_000;

export interface Look {
  /** Packages that are not there; `jre` stands for the one that the system has. */
  readonly missing: readonly string[];
  /** URLs of the archives that its apt sources name. */
  readonly sources: readonly string[];
  /** Such as `debian-12-arm64`: what has the same packages. */
  readonly system: string;
}

/** A file that is to be in the cache. */
export interface Listed extends Expected {
  readonly url: string;
}

/** Through which port of the host's loopback, and how strictly. */
export interface Way {
  readonly port: number;
  /** Names of the mirrors, without their ports. */
  readonly names: readonly string[];
  /** Whether lists that are no longer valid are taken. */
  readonly expired: boolean;
}

/** The script ended with its own word of what is wrong, which names the host. */
export class BringError extends Error {
  override readonly name = "BringError";
}

export class BringHost {
  constructor(
    readonly name: string,
    private readonly shell: HostShell,
    private readonly script: string,
  ) {}

  async look(): Promise<Look> {
    return parseLook(this.name, await this.run(["look"], "looking at its packages", LOOK_MS));
  }

  async update(way: Way): Promise<void> {
    await this.run(["update", ...words(way)], "reading the lists of packages", INSTALL_MS);
  }

  async list(way: Way): Promise<Listed[]> {
    return parseListed(
      await this.run(["list", ...words(way)], "listing the lab's packages", INSTALL_MS),
    );
  }

  async install(way: Way): Promise<void> {
    await this.run(["install", ...words(way)], "installing packages", INSTALL_MS);
  }

  async clean(): Promise<void> {
    await this.run(["clean"], "clearing up", LOOK_MS);
  }

  private async run(args: readonly string[], label: string, timeoutMs: number): Promise<string> {
    const command = ["bash", "-s", "--", ...args].map(quote).join(" ");
    const result = await this.shell.run(command, { stdin: this.script, label, timeoutMs });
    if (result.code === 0) return result.stdout;
    const said = result.stderr
      .trim()
      .split("\n")
      .at(-1)
      ?.replace(/^pi-lab: /, "");
    throw new BringError(said || `${this.name}: ${label} ended with status ${result.code}`);
  }
}

const words = ({ port, names, expired }: Way): string[] => [
  String(port),
  expired ? "expired" : "valid",
  ...names,
];

export function parseLook(host: string, stdout: string): Look {
  const all = (key: string): string[] =>
    stdout
      .split("\n")
      .flatMap((line) => (line.startsWith(`${key} `) ? [line.slice(key.length + 1)] : []));
  const [system] = all("system");
  if (system === undefined) throw new BringError(`${host}: the look at its packages broke off`);
  return { missing: all("missing"), sources: all("source"), system };
}

/** Lines of `apt-get --print-uris`: `'URL' FILE SIZE SHA256:HEX`. */
export function parseListed(stdout: string): Listed[] {
  return stdout.split("\n").flatMap((line): Listed[] => {
    const [, url, size, sha256] =
      /^'([^']+)' \S+ (\d+) SHA256:([0-9a-f]{64})$/.exec(line.trim()) ?? [];
    if (url === undefined || sha256 === undefined || !URL.canParse(url)) return [];
    return [{ url: new URL(url).href, size: Number(size), sha256 }];
  });
}

/**
 * The mirrors that a host's sources name.
 * @param named those that the lab's configuration names, and no others; none: any
 * @throws Hindrance for sources that nothing can be kept of, or that are not named
 */
export function mirrorsOf(sources: readonly string[], named: readonly string[]): Mirrors {
  const hosts = new Set<string>();
  const refused: string[] = [];
  for (const source of sources) {
    // What is on the host itself needs no mirror.
    if (/^(file|copy|cdrom):/.test(source)) continue;
    const url = URL.canParse(source) ? new URL(source) : undefined;
    if (url?.protocol === "http:" && url.username === "") hosts.add(url.host);
    else refused.push(source.replace(/\/\/[^/@]*@/, "//"));
  }
  if (refused.length > 0) {
    throw new Hindrance(
      `packages from ${refused.join(", ")} cannot come through this machine, which keeps what comes over plain http without a login`,
      "Write the http:// address of the mirror in its /etc/apt (packages are signed, whatever way they come), or take the source out.",
    );
  }
  if (hosts.size > MAX_MIRRORS) {
    throw new Hindrance(
      `its apt sources name ${hosts.size} mirrors, and no lab needs more than ${MAX_MIRRORS}`,
      "See who wrote them into the host's /etc/apt.",
    );
  }
  if (hosts.size === 0) {
    throw new Hindrance(
      "no source of packages is configured",
      "Name one in its /etc/apt/sources.list.d, e.g. http://mirror.example.org/debian.",
    );
  }
  const known = new Set(named.map((one) => new URL(`http://${one}`).host));
  const others = [...hosts].filter((one) => !known.has(one));
  if (named.length > 0 && others.length > 0) {
    throw new Hindrance(
      `its apt sources name ${others.join(", ")}, and \`packages.mirrors\` has ${named.join(", ")} alone`,
      "Add what is missing there, or take the source out of its /etc/apt.",
    );
  }
  return { hosts, named: named.length > 0 };
}
