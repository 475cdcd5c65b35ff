import { readdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { run } from "../../toolchain/process";
import { UserError, isMissingFile } from "./errors";
import { labValue, parseStackFile, parseSubnet, subnetsOverlap } from "./lab-config";
import { labsDir } from "./lab-folder";

/** The subnet in a lab's plain value, as it stands there. */
export function subnetOf(lab: unknown): string | undefined {
  const subnet = (lab as { switch?: { subnet?: unknown } } | undefined)?.switch?.subnet;
  return typeof subnet === "string" ? subnet : undefined;
}

/**
 * The first subnet from the wanted one upwards, of the same size, that overlaps none of those taken.
 * @throws UserError when the next 200 are taken too
 */
export function freeSubnet(wanted: string, taken: readonly string[]): string {
  const start = parseSubnet(wanted);
  if (!start)
    throw new UserError(
      `switch.subnet: ${wanted} is not an IPv4 network. Write it like 10.0.42.0/24.`,
    );
  const size = 2 ** (32 - start.prefix);
  for (let i = 0; i < 200; i++) {
    const base = start.base + i * size;
    const address = [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join(".");
    const candidate = `${address}/${start.prefix}`;
    if (!taken.some((other) => subnetsOverlap(candidate, other))) return candidate;
  }
  throw new UserError(
    `From ${wanted} on, 200 subnets are taken on this machine. Remove unused Docker networks (docker network prune).`,
  );
}

/** The subnets that this machine knows: its interfaces', Docker's networks', and those of other labs. */
export async function takenSubnets(dockerHost: string): Promise<string[]> {
  const interfaces = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const own = interfaces.flatMap(({ family, cidr }) => (family === "IPv4" && cidr ? [cidr] : []));
  return [...own, ...(await dockerSubnets(dockerHost)), ...otherLabs()];
}

async function dockerSubnets(host: string): Promise<string[]> {
  const docker = async (...args: string[]): Promise<string> =>
    (await run("docker", ["-H", host, ...args], { timeoutMs: 60_000 })).stdout;
  const ids = (await docker("network", "ls", "--quiet")).split("\n").filter(Boolean);
  if (ids.length === 0) return [];
  interface Network {
    IPAM?: { Config?: { Subnet?: string }[] | null };
  }
  const networks = JSON.parse(await docker("network", "inspect", ...ids)) as Network[];
  return networks.flatMap(({ IPAM }) => (IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []));
}

/** The subnets of labs that are described beside this one, whether or not they are up. */
function otherLabs(): string[] {
  return stacksOnDisk().flatMap((stack) => {
    try {
      const file = join(labsDir(), stack, `Pulumi.${stack}.yaml`);
      return subnetOf(labValue(parseStackFile(readFileSync(file, "utf8"), file))) ?? [];
    } catch {
      return []; // a lab whose file is missing or broken takes no subnet
    }
  });
}

/** Names of the labs that have a folder. */
function stacksOnDisk(): string[] {
  try {
    return readdirSync(labsDir());
  } catch (error) {
    if (isMissingFile(error)) return [];
    throw error;
  }
}
