import { anotherRoll } from "../kill/anywhere";
import type { Trial } from "../trial";

/** What users do to a lab at work. */
export const changes: readonly Trial[] = [
  {
    name: "quiet",
    title: "nothing: what the checker sees of a lab that is well",
    holdMs: 20_000,
    befall: () => Promise.resolve(),
  },
  {
    name: "roll",
    title: "a broker setting edited, `up`: all three restarted in turn",
    befall: async (ground) => {
      anotherRoll(ground);
      const { seconds } = await ground.up();
      ground.note(`up took ${seconds.toFixed(1)} s`);
    },
  },
];
