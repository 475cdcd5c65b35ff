import { changes } from "./faults/change";
import { fullDisks } from "./faults/full-disk";
import { kills } from "./faults/kill";
import { killedUps } from "./faults/kill-up";
import { orphans } from "./faults/orphans";
import { silences } from "./faults/silence";
import { swaps } from "./faults/swap";
import { upgrades } from "./faults/upgrade";
import type { Trial } from "./trial";

/** All trials, in the order in which they run. Those that leave the lab as it was come first. */
export const trials: readonly Trial[] = [
  ...changes,
  ...kills,
  ...silences,
  ...swaps,
  ...fullDisks,
  ...orphans,
  ...upgrades,
  ...killedUps,
];
