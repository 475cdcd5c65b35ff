import { bootstrapServers } from "../model";
import { levelOfName, METADATA_FEATURE, nameOfLevel } from "../model/kafka/features";
import { PlatformaticAdmin } from "../provider/admin/platformatic";
import { asking, PATIENT } from "../provider/admin/port";
import { ensureKafka } from "../toolchain";
import type { Ground } from "./ground";

/** Each version of Kafka from the template's on, in the order of their upgrades. */
export const UPGRADES = ["4.2.0", "4.3.0", "4.4.0"] as const;

/** The archives are fetched first, as the user's command does: `up` is not to wait for a download. */
export async function fetchKafka(ground: Ground, versions: readonly string[]): Promise<void> {
  for (const version of versions) await ensureKafka(ground.log, version);
}

export function setVersion(ground: Ground, version: string): void {
  ground.own.set(["cluster", "kafkaVersion"], version);
}

export function setMetadataVersion(ground: Ground, name: string): void {
  ground.own.set(["cluster", "metadataVersion"], name);
}

/** Rejects unless each broker's process was started with the version that the configuration wants. */
export async function assertVersionRuns(ground: Ground): Promise<void> {
  const wanted = ground.lab.cluster.kafkaVersion;
  const found = await Promise.all(
    ground.brokerPis().map(async (pi) => {
      const version = await pi.run("cat /run/kafka/started/version");
      return version === wanted ? [] : [`${pi.host.name} runs Kafka ${version}, not ${wanted}`];
    }),
  );
  if (found.flat().length > 0) throw new Error(found.flat().join("\n"));
}

/** Rejects unless the cluster has finalized the metadata version that the configuration wants. */
export async function assertMetadataVersion(ground: Ground): Promise<void> {
  const wanted = ground.lab.cluster.metadataVersion;
  const servers = bootstrapServers(ground.lab).split(",");
  const { finalized } = await asking(new PlatformaticAdmin(servers, PATIENT), (admin) =>
    admin.describeFeatures(),
  );
  const level = finalized[METADATA_FEATURE] ?? 0;
  if (wanted !== undefined && level === levelOfName(wanted)) return;
  throw new Error(`the metadata version is ${nameOfLevel(level)}, not ${wanted ?? "set"}`);
}
