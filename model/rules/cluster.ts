import type { ConfigProblem } from "../errors";
import type { LabDraft } from "../schema";
import { Report } from "./report";

export function clusterProblems(_draft: LabDraft): ConfigProblem[] {
  return new Report().problems;
}
