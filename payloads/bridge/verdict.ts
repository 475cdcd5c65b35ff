/**
 * Kafka's errors that are about the record itself: the same record is refused again however the lab is
 * cured. All others (no such topic, not allowed, …) are held: what is not known is never dropped.
 */
const OF_THE_RECORD: ReadonlySet<string> = new Set([
  "CORRUPT_MESSAGE",
  "INVALID_RECORD",
  "INVALID_TIMESTAMP",
  "MESSAGE_TOO_LARGE",
  "RECORD_LIST_TOO_LARGE",
]);

/** @param code Kafka's name of the error */
export const isOfTheRecord = (code: string): boolean => OF_THE_RECORD.has(code);
