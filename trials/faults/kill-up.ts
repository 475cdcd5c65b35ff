import { anotherRoll, killAnywhere } from "../kill/anywhere";
import type { Trial } from "../trial";

/** The engine killed (-9) at each moment of a change. Each takes many minutes. */
export const killedUps: readonly Trial[] = [
  {
    name: "kill-roll",
    title: "the engine killed at each moment of a roll, the next `up` run",
    befall: (ground) => killAnywhere(ground, anotherRoll),
  },
];
