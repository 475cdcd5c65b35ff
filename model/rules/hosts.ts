import type { ConfigProblem } from "../errors";
import type { LabDraft } from "../schema";
import { Report } from "./report";

export function hostProblems(_draft: LabDraft): ConfigProblem[] {
  return new Report().problems;
}
