/**
 * Something that the machine lacks or that failed while getting it.
 * The message says what happened and with which value; `remedy` is what the user can do about it.
 */
export class ToolchainError extends Error {
  override readonly name = "ToolchainError";

  constructor(
    readonly problem: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(`${problem}\n  ${remedy}`, options);
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
