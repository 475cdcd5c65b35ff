import type { Neighbour } from "../../support/lab/neighbour";
import type { Outcome, TestStack } from "../../support/stack";

/** The one lab that the chapters of `lab.test.ts` share, in the state in which the one before left it. */
export interface SharedLab {
  readonly stack: TestStack;
  /** The `up` that made it from nothing. */
  readonly coldUp: Outcome;
  /** Somebody else's lab on the same machine. */
  readonly neighbour: Neighbour;
}

/** Given to each chapter: the lab is made after the tests are declared. */
export type GetLab = () => SharedLab;
