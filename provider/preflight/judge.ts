import type { HostFacts } from "./facts";
import type { Finding } from "./findings";
import { isError } from "./findings";
import { diskFindings } from "./judge-disk";
import { kafkaFindings } from "./judge-kafka";
import { systemFindings } from "./judge-system";
import type { Wanted } from "./wanted";

/**
 * What is wrong with a machine for what is wanted of it; errors first. Pure: the same facts give the same
 * findings. What was not told is not judged.
 */
export function judgeHost(facts: HostFacts, wanted: Wanted): Finding[] {
  const findings = [
    ...systemFindings(facts, wanted),
    ...diskFindings(facts, wanted),
    ...(wanted.kafka === undefined || facts.kafka === undefined
      ? []
      : kafkaFindings(facts.kafka, wanted.kafka, wanted.address)),
  ];
  return [...findings.filter(isError), ...findings.filter((finding) => !isError(finding))];
}
