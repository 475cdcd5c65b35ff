import { dataPlane } from "./data-plane/trial";
import { changes } from "./faults/change";
import { fullDisks } from "./faults/full-disk";
import { kills } from "./faults/kill";
import { killedUps } from "./faults/kill-up";
import { orphans } from "./faults/orphans";
import { silences } from "./faults/silence";
import { swaps } from "./faults/swap";
import { upgrades } from "./faults/upgrade";
import { killMove } from "./moves/kill-move";
import { topicTrials } from "./topics/trials";
import type { AnyTrial } from "./trial";

/** All trials, in the order in which they run: those with brokers or a lab of their own, then those that leave the common one as it was. */
export const trials: readonly AnyTrial[] = [
  ...topicTrials,
  killMove,
  dataPlane,
  ...changes,
  ...kills,
  ...silences,
  ...swaps,
  ...fullDisks,
  ...orphans,
  ...upgrades,
  ...killedUps,
];
