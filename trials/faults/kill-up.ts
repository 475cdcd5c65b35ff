import { anotherRoll, killAnywhere } from "../kill/anywhere";
import type { Ground } from "../ground";
import { wipeMachine } from "./swap";
import type { Trial } from "../trial";

/** A broker moves to a spare, and in each further round back to the machine that it left, which is blank again. */
async function swapsToAndFro(ground: Ground): Promise<() => Promise<void>> {
  const { name } = (await ground.leader()).host;
  let next = await ground.spare();
  let first = true;
  return async () => {
    const now = ground.pi(name).host.machine.name;
    if (!first) await wipeMachine(ground, next);
    first = false;
    ground.own.set(["hosts", name, "machine"], next);
    next = now;
  };
}

/** The engine killed (-9) at each moment of a change. Each takes many minutes. */
export const killedUps: readonly Trial[] = [
  {
    name: "kill-roll",
    title: "the engine killed at each moment of a roll, the next `up` run",
    befall: (ground) => killAnywhere(ground, () => anotherRoll(ground)),
  },
  {
    name: "kill-swap",
    title: "the engine killed at each moment of a swap, the next `up` run",
    befall: async (ground) => killAnywhere(ground, await swapsToAndFro(ground)),
  },
];
