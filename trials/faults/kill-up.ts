import { metadataLevel, metadataVersionWords } from "../../model/kafka/features";
import { kafkaPaths } from "../../render";
import type { Ground } from "../ground";
import { anotherRoll, killAnywhere, type Change } from "../kill/anywhere";
import type { Trial } from "../trial";
import {
  assertMetadataVersion,
  assertVersionRuns,
  fetchKafka,
  setMetadataVersion,
  setVersion,
} from "../versions";
import { wipeMachine } from "./swap";

/** A broker moves to a spare, and in each further round back to the machine that it left, which is blank again. */
async function swapsToAndFro(ground: Ground): Promise<Change> {
  const { name } = (await ground.leader()).host;
  let next = await ground.spare();
  let first = true;
  return {
    edit: async () => {
      const now = ground.pi(name).host.machine.name;
      if (!first) await wipeMachine(ground, next);
      first = false;
      ground.own.set(["hosts", name, "machine"], next);
      next = now;
    },
  };
}

/** The template's, and the one after it: going back is allowed, since nothing newer is finalized. */
const TO_AND_FRO = ["4.1.1", "4.2.0"] as const;

/** To the other version in each round, which is pushed and unpacked anew: nothing of it is on the Pis. */
function upgradesToAndFro(ground: Ground): Change {
  return {
    edit: async () => {
      const next = TO_AND_FRO.find((version) => version !== ground.lab.cluster.kafkaVersion)!;
      const folder = kafkaPaths.version(next);
      await Promise.all(ground.brokerPis().map((pi) => pi.run(`rm -rf ${folder}`)));
      setVersion(ground, next);
    },
    assertDone: () => assertVersionRuns(ground),
  };
}

/** Knows the most metadata versions: each round needs another one, since there is no way back. */
const NEWEST = "4.4.0";

/** Those above the one that a cluster of the template's Kafka is born with, in their order. */
const METADATA_STEPS = metadataVersionWords.filter(
  (word) => (metadataLevel(word) ?? 0) > metadataLevel("4.1-IV1")!,
);

function metadataSteps(ground: Ground): Change {
  // The first one was set when the trial was prepared.
  let step = 1;
  return {
    edit: () => {
      const next = METADATA_STEPS[step++];
      if (next === undefined) {
        throw new Error(
          `Kafka ${NEWEST} knows no further metadata version: choose fewer moments with --kills N, or share them out between runs with --part I/N`,
        );
      }
      setMetadataVersion(ground, next);
    },
    assertDone: () => assertMetadataVersion(ground),
  };
}

/** The engine killed (-9) at each moment of a change. Each takes many minutes. */
export const killedUps: readonly Trial[] = [
  {
    name: "kill-roll",
    title: "the engine killed at each moment of a roll, the next `up` run",
    atMoments: true,
    befall: (ground) => killAnywhere(ground, { edit: () => anotherRoll(ground) }),
  },
  {
    name: "kill-swap",
    title: "the engine killed at each moment of a swap, the next `up` run",
    atMoments: true,
    befall: async (ground) => killAnywhere(ground, await swapsToAndFro(ground)),
  },
  {
    name: "kill-upgrade",
    title: `the engine killed at each moment of a change between Kafka ${TO_AND_FRO.join(" and ")}, the next \`up\` run`,
    atMoments: true,
    // It may end with either version.
    spoilsLab: true,
    prepare: (ground) => fetchKafka(ground, TO_AND_FRO),
    befall: (ground) => killAnywhere(ground, upgradesToAndFro(ground)),
  },
  {
    name: "kill-metadata",
    title: "the engine killed at each moment of a metadata version's change, the next `up` run",
    atMoments: true,
    spoilsLab: true,
    prepare: async (ground) => {
      await fetchKafka(ground, [NEWEST]);
      setVersion(ground, NEWEST);
      await ground.up();
      // A change of the key, not its first appearance, is what the rounds repeat.
      setMetadataVersion(ground, METADATA_STEPS[0]!);
      await ground.up();
      await ground.waitUntilWell();
      await ground.spreadLeaders();
    },
    befall: (ground) => killAnywhere(ground, metadataSteps(ground)),
  },
];
