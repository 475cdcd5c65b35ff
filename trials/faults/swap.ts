import { kafkaPaths } from "../../render";
import type { Pi } from "../../test/support/lab/pi";
import type { Ground } from "../ground";
import type { Trial } from "../trial";

/** As with a disk that was replaced by a blank one: nothing of the node's is left, and its process is gone. */
const WIPE = [
  "systemctl kill --signal=KILL kafka || true",
  `find ${kafkaPaths.data} -mindepth 1 -delete`,
].join("\n");

/** `up` with what was edited, timed. */
async function upNoted(ground: Ground): Promise<void> {
  const { seconds } = await ground.up();
  ground.note(`up took ${seconds.toFixed(1)} s`);
}

async function moveTo(ground: Ground, pi: Pi, machine: string): Promise<void> {
  ground.note(`${pi.host.name} moves from ${pi.host.machine.name} to ${machine}`);
  ground.own.set(["hosts", pi.host.name, "machine"], machine);
  await upNoted(ground);
}

/** A node gets another machine or disk. Its recovery is counted from the end of `up`. */
export const swaps: readonly Trial[] = [
  {
    name: "swap-living",
    title: "a broker given another machine while the old one answers, `up`",
    befall: async (ground) => moveTo(ground, await ground.leader(), await ground.spare()),
  },
  {
    name: "swap-dead",
    title: "a broker's machine dead, given another one, `up`",
    befall: async (ground) => {
      const [pi, machine] = [await ground.leader(), await ground.spare()];
      await ground.docker("kill", pi.container);
      await moveTo(ground, pi, machine);
    },
  },
  {
    name: "card-wiped",
    title: "a broker's data wiped, `disk` raised by one, `up`",
    befall: async (ground) => {
      const pi = await ground.leader();
      await pi.run(WIPE);
      const { name } = pi.host;
      const disk = pi.host.role === "broker" ? pi.host.disk : 1;
      ground.own.set(["hosts", name, "disk"], disk + 1);
      await upNoted(ground);
    },
  },
];

/** Makes a machine blank that a node has left, so that one can move there. */
export async function wipeMachine(ground: Ground, machine: string): Promise<void> {
  await ground.docker("exec", `${ground.lab.name}-${machine}`, "bash", "-c", WIPE);
}
