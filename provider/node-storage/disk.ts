/** A node's log directory on its host: looked into, and made where its disk has none yet. */
import type { HostShell } from "../ssh/port";
import { quote } from "../ssh/port";
import type { Disk } from "./plan";
import type { Storage } from "./storage";

/** Separates the listing from meta.properties; no line of either is like it. */
const END_OF_LISTING = "-- meta.properties --";

export async function look(shell: HostShell, { host, dataDir }: Storage): Promise<Disk> {
  const dir = quote(dataDir);
  const result = await shell.run(
    `test -d ${dir} || exit 3; find ${dir} -mindepth 1 -maxdepth 2 -printf '%P\\n' && ` +
      `echo '${END_OF_LISTING}' && if test -e ${dir}/meta.properties; then cat ${dir}/meta.properties; else exit 4; fi`,
    { label: `looking into ${dataDir}` },
  );
  if (result.code === 3) {
    throw new Error(
      `${host}: ${dataDir} does not exist. Is its disk mounted? Then run \`up\` again.`,
    );
  }
  const [listing, meta] = result.stdout.split(`${END_OF_LISTING}\n`);
  if (listing === undefined || meta === undefined || (result.code !== 0 && result.code !== 4)) {
    throw new Error(`${host}: looking into ${dataDir} failed: ${result.stderr.trim()}`);
  }
  return {
    meta: result.code === 4 ? undefined : meta,
    entries: listing.split("\n").filter((line) => line !== ""),
  };
}

/** A disk that was mounted since the host was prepared has no folder for the data yet. */
export async function ensureFolder(shell: HostShell, storage: Storage): Promise<void> {
  const { host, dataDir } = storage;
  const made = await shell.run(`test -e ${quote(dataDir)} || ${makeFolder(storage)}`, {
    label: `making ${dataDir}`,
  });
  if (made.code === 0) return;
  throw new Error(
    `${host}: ${dataDir} cannot be made: ${made.stderr.trim()}. Is its disk mounted, and writable? ` +
      "Then run `up` again.",
  );
}

export const makeFolder = ({ dataDir, serviceUser }: Storage): string =>
  `install -d -m 0750 -o ${quote(serviceUser)} -g ${quote(serviceUser)} ${quote(dataDir)}`;
