/** A mistake or a circumstance that the user can mend. Shown without a stack trace; anything else is a bug. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** The message of anything thrown, for a sentence of ours. */
export function reasonOf(error: unknown): string {
  return hasText(error, "message") ? error.message : String(error);
}

/** True for the error that node gives for a file that is not there. */
export function isMissingFile(error: unknown): boolean {
  return hasText(error, "code") && error.code === "ENOENT";
}

/** By shape, not by class: an error of another realm (a test's sandbox) is no instance of this realm's Error. */
export function hasText<K extends string>(value: unknown, key: K): value is Record<K, string> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as Partial<Record<K, unknown>>)[key] === "string"
  );
}
