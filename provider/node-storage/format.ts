/** Kafka's format of a blank disk. */
import type { HostShell } from "../ssh/port";
import { quote } from "../ssh/port";
import { look, makeFolder } from "./disk";
import { planStorage } from "./plan";
import type { Storage } from "./storage";

/** A JVM's start on a Pi takes seconds; a minute is more than a slow card needs. */
const FORMAT_TIMEOUT_MS = 120_000;

/** Status of a format that found the disk formatted meanwhile. */
const FORMATTED_MEANWHILE = 75;

/** The command line of Kafka's format, for a shell. Values as `--flag=value`: an id may begin with a hyphen. */
function formatCommand(storage: Storage, config: string, ...flags: string[]): string {
  const java = [
    "java",
    "-Xmx128m",
    "-XX:TieredStopAtLevel=1",
    "-cp",
    // Quoted below: the JVM expands it, and no shell may.
    `${storage.kafkaHome}/libs/*`,
    "kafka.tools.StorageTool",
    "format",
    `--cluster-id=${storage.clusterId}`,
    `--config=${config}`,
    ...flags,
  ];
  return `runuser -u ${quote(storage.serviceUser)} -- ${java.map(quote).join(" ")}`;
}

/** At the birth of the cluster. A broker that is no controller is none of its voters: it joins them. */
export function formatAtBirth(storage: Storage): string {
  const voters = storage.birthVoters.split(",");
  const isVoter = voters.some((voter) => voter.startsWith(`${storage.nodeId}@`));
  return isVoter ? birthCommand(storage) : joinCommand(storage);
}

/** For a first voter: the string of the voters gives it its directory id. */
function birthCommand(storage: Storage): string {
  const { configFile, birthVoters, birthMetadataVersion } = storage;
  const voters = `--initial-controllers=${birthVoters}`;
  const release =
    birthMetadataVersion === undefined ? [] : [`--release-version=${birthMetadataVersion}`];
  return formatCommand(storage, configFile, voters, ...release);
}

/**
 * For a node that joins: Kafka's format takes no directory id then and makes one of its own. So it formats a
 * folder beside the data, and meta.properties goes to the disk last and whole, with the id that is wanted.
 * Kafka does not start here before the rollout lifts the hold, whatever reboots meanwhile.
 */
export function joinCommand(storage: Storage): string {
  const { host, dataDir, configFile, directoryId, serviceUser } = storage;
  const data = quote(dataDir);
  const scratch = quote(`${dataDir}.pi-lab-format`);
  const config = quote(`${dataDir}.pi-lab-format/server.properties`);
  const hold = quote(
    `${host} joins its cluster; pi-lab holds Kafka until no former node of this id runs, and lifts this itself.`,
  );
  const user = quote(serviceUser);
  return [
    `printf '%s\\n' ${hold} >/etc/kafka/hold`,
    // Where a disk is mounted right there, its folder is root's.
    makeFolder(storage),
    `rm -rf ${scratch}`,
    `install -d -o ${user} -g ${user} ${scratch} ${scratch}/data`,
    `sed ${quote(`s|^log\\.dirs=.*|log.dirs=${dataDir}.pi-lab-format/data|`)} ${quote(configFile)} >${config}`,
    formatCommand(
      storage,
      `${dataDir}.pi-lab-format/server.properties`,
      "--no-initial-controllers",
    ),
    `sed -i ${quote(`s|^directory\\.id=.*|directory.id=${directoryId}|`)} ${scratch}/data/meta.properties`,
    `chown ${user}:${user} ${scratch}/data/meta.properties`,
    `mv ${scratch}/data/meta.properties ${scratch}/meta.properties`,
    `find ${scratch}/data -mindepth 1 -maxdepth 1 -exec mv -t ${data} {} +`,
    `mv ${scratch}/meta.properties ${data}/meta.properties.pi-lab-new`,
    `sync ${data}/meta.properties.pi-lab-new`,
    `mv ${data}/meta.properties.pi-lab-new ${data}/meta.properties`,
    `rm -rf ${scratch}`,
  ].join(" && ");
}

/** Formats a blank disk, and looks whether it is as wanted afterwards. */
export async function format(
  shell: HostShell,
  storage: Storage,
  leftovers: readonly string[],
  command: string,
): Promise<void> {
  const { host, dataDir } = storage;
  const remove = leftovers.map((entry) => quote(`${dataDir}/${entry}`)).join(" ");
  const clear = remove === "" ? "" : `rm -rf -- ${remove} && `;
  const meta = quote(`${dataDir}/meta.properties`);
  // One step under a lock: another run may have formatted the disk since the look.
  const locked = `if test -e ${meta}; then exit ${FORMATTED_MEANWHILE}; fi; ${clear}cd / && ${command}`;
  const result = await shell.run(`flock -w 60 ${quote(dataDir)} sh -c ${quote(locked)}`, {
    timeoutMs: FORMAT_TIMEOUT_MS,
    label: `formatting ${dataDir}`,
  });
  if (result.code !== 0 && result.code !== FORMATTED_MEANWHILE) {
    const said = `${result.stdout}\n${result.stderr}`.trim().split("\n").slice(-5).join("\n  ");
    throw new Error(
      `${host}: formatting ${dataDir} failed with status ${result.code}:\n  ${said}\n` +
        "Mend what it names (a full disk? a wrong setting?), then run `up` again.",
    );
  }
  const plan = planStorage(storage, await look(shell, storage));
  if (plan.kind !== "adopt") {
    const cause = plan.kind === "refuse" ? plan.cause : "meta.properties is missing";
    throw new Error(`${host}: formatting ${dataDir} ended, but ${cause}. Report this as a bug.`);
  }
}
