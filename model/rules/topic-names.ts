import { didYouMean } from "../nearest";
import type { LabDraft } from "../schema";
import { inOrder, type Report } from "./report";

type Path = readonly (string | number)[];

/**
 * That a topic that is named somewhere is one of the lab's.
 *
 * @param otherwise what may be written there instead
 */
export function checkTopicName(
  path: Path,
  topic: string,
  { topics }: LabDraft,
  report: Report,
  otherwise = "",
): void {
  const known = inOrder(topics).map(([name]) => name);
  if (known.includes(topic)) return;
  const remedies = [
    didYouMean(topic, known, ""),
    "Add it to topics, or name one of those.",
    otherwise,
  ];
  const remedy = remedies.filter((words) => words !== "").join(" ");
  report.add(path, topic, "is not one of topics", remedy);
}

/** The same of each of a list, which names none twice. What is misshapen in it is told elsewhere. */
export function checkTopicNames(
  path: Path,
  named: readonly (string | undefined)[],
  draft: LabDraft,
  report: Report,
): void {
  named.forEach((topic, i) => {
    if (topic === undefined) return;
    checkTopicName([...path, i], topic, draft, report);
    if (named.indexOf(topic) < i) {
      report.add([...path, i], topic, "is named before", "Name each topic once.");
    }
  });
}
