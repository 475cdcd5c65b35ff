/** A mistake or a circumstance that the user can mend. Shown without a stack trace; anything else is a bug. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** The message of anything thrown, for a sentence of ours. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** True for the error that node gives for a file that is not there. */
export function isMissingFile(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
