import type { ConfigProblem } from "../errors";
import type { LabDraft } from "../schema";

/** Rules about what the client ring is told. */
export function ringProblems(_draft: LabDraft): ConfigProblem[] {
  return [];
}
