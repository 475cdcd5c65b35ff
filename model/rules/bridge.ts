import type { ConfigProblem } from "../errors";
import type { LabDraft } from "../schema";

/** Rules about the bridge and its routes. */
export function bridgeProblems(_draft: LabDraft): ConfigProblem[] {
  return [];
}
