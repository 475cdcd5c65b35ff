import type { ConfigProblem } from "../errors";
import type { LabDraft } from "../schema";
import { Report } from "./report";

export function networkProblems(_draft: LabDraft): ConfigProblem[] {
  return new Report().problems;
}
