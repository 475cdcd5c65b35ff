import { kafkaPaths } from "../../render";
import type { Pi } from "../../test/support/lab/pi";
import type { Trial } from "../trial";

/** Beside what is there already: room for the records before the fault, soon full when it comes. */
const ROOM_MIB = 64;
const HOLD_MS = 15_000;
const FILLER = `${kafkaPaths.volume}/filler`;

/**
 * Puts a file system of a limited size under one broker's data: the volumes of all Pis are folders on this
 * machine's own disk. It is the kernel that says when it is full, as on a card.
 */
async function limitDisk(pi: Pi): Promise<void> {
  const volume = kafkaPaths.volume;
  await pi.run(
    [
      "set -e",
      "systemctl stop kafka",
      `used=$(du --summarize --block-size=1M ${volume} | cut -f1)`,
      "mkdir /mnt/small",
      `mount -t tmpfs -o size=$((used + ${ROOM_MIB}))m,mode=$(stat -c %a ${volume}) tmpfs /mnt/small`,
      `cp --archive --sparse=always ${volume}/. /mnt/small/`,
      `mount --bind /mnt/small ${volume}`,
      "systemctl start kafka",
    ].join("\n"),
  );
}

export const fullDisks: readonly Trial[] = [
  {
    name: "disk-filled",
    title: `leader's data disk filled to the last byte for ${HOLD_MS / 1000} s`,
    holdMs: HOLD_MS,
    // Its data lie on the small file system then, not on the volume that the lab knows.
    spoilsLab: true,
    prepare: async (ground) => {
      const pi = await ground.leader();
      await limitDisk(pi);
      ground.chosen = pi;
      await ground.waitUntilWell();
      await ground.spreadLeaders();
    },
    befall: async (ground) => {
      const pi = ground.chosen;
      if (pi === undefined) throw new Error("no broker has the small disk");
      await pi.run(`cat /dev/zero > ${FILLER} || test -s ${FILLER}`);
      return async () => {
        const died = await pi.run("systemctl show kafka --property=NRestarts --value");
        ground.note(`${pi.host.name}'s broker died of it ${died} times`);
        await pi.run(`rm ${FILLER}`);
      };
    },
  },
];
