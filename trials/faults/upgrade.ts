import type { Ground } from "../ground";
import type { Trial } from "../trial";
import {
  assertMetadataVersion,
  assertVersionRuns,
  fetchKafka,
  setMetadataVersion,
  setVersion,
  UPGRADES,
} from "../versions";

/** The metadata version of the last upgrade. */
const METADATA = "4.4";

async function upgrade(ground: Ground, what: string, edit: () => void): Promise<void> {
  edit();
  const { seconds } = await ground.up();
  ground.note(`${what}: up took ${seconds.toFixed(1)} s`);
  await ground.waitUntilWell();
}

export const upgrades: readonly Trial[] = [
  {
    name: "upgrade",
    title: `Kafka ${["4.1.1", ...UPGRADES].join(" => ")} by edits and \`up\`, then the metadata version`,
    // It does not go back, and other trials are of the template's version.
    spoilsLab: true,
    prepare: (ground) => fetchKafka(ground, UPGRADES),
    befall: async (ground) => {
      for (const version of UPGRADES) {
        const from = ground.lab.cluster.kafkaVersion;
        await upgrade(ground, `${from} => ${version}`, () => setVersion(ground, version));
        await assertVersionRuns(ground);
      }
      await upgrade(ground, `metadata version ${METADATA}`, () =>
        setMetadataVersion(ground, METADATA),
      );
      await assertMetadataVersion(ground);
    },
  },
];
