import { protocolErrors, protocolErrorsCodesById } from "@platformatic/kafka";

/** Kafka's numbers of errors that are told apart here. */
export const Code = {
  none: 0,
  offsetOutOfRange: 1,
  unknownTopic: 3,
  messageTooLarge: 10,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  recordListTooLarge: 18,
  unknownMember: 25,
  topicAuthorization: 29,
  groupAuthorization: 30,
  clusterAuthorization: 31,
  invalidTimestamp: 32,
  duplicateSequence: 46,
  invalidRecord: 87,
  unknownTopicId: 100,
  fencedMemberEpoch: 110,
  staleMemberEpoch: 113,
} as const;

/** Elections, replicas that are slow or away, disks: another try mends them. */
const PASSING: ReadonlySet<number> = new Set([
  2, 5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 20, 51, 56, 72, 74, 75, 76, 78, 89, 100, 103,
]);

/**
 * What a broker that has just started, or has not heard of a new topic or rule yet, says for a moment: final
 * only where it stays.
 */
const SETTLING: ReadonlySet<number> = new Set([
  Code.unknownTopic,
  Code.topicAuthorization,
  Code.groupAuthorization,
  Code.clusterAuthorization,
]);

/** The broker does not know the producer's number or its count of records: another number is needed. */
const RENUMBER: ReadonlySet<number> = new Set([45, 47, 49, 59, 90]);

/** About the records of a batch: some of them may pass without the others. */
const CONTENT: ReadonlySet<number> = new Set([
  Code.messageTooLarge,
  Code.recordListTooLarge,
  Code.invalidTimestamp,
  Code.invalidRecord,
]);

export type Verdict = "done" | "passing" | "settling" | "renumber" | "content" | "final";

/** What an error code in the answer to a write means for the batch. */
export function verdictOf(code: number): Verdict {
  // A duplicate is in the log already: its first answer was lost.
  if (code === Code.none || code === Code.duplicateSequence) return "done";
  if (PASSING.has(code)) return "passing";
  if (SETTLING.has(code)) return "settling";
  if (RENUMBER.has(code)) return "renumber";
  return CONTENT.has(code) ? "content" : "final";
}

/** Kafka's name of an error. */
export function nameOf(code: number): string {
  return protocolErrorsCodesById[code] ?? `error ${code}`;
}

/** Kafka's name and words, or the broker's own. */
export function wordsOf(code: number, message?: string | null): string {
  const name = nameOf(code);
  return `${name}: ${message ?? protocolErrors[name]?.message ?? "no further words"}`;
}
