/** Why a file of an archive cannot be had where it would not help to be online. */
export class Hindrance extends Error {
  override readonly name = "Hindrance";

  /**
   * @param message the cause with its value, without a full stop
   * @param remedy whole sentences
   */
  constructor(
    message: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Why something was not had, and what helps. */
export interface Told {
  /** A sentence without its full stop. */
  readonly why: string;
  /** Whole sentences; undefined: to be online. */
  readonly remedy?: string | undefined;
}

/** @param folder the cache's */
export function toldOf(error: unknown, folder: string): Told {
  if (error instanceof Hindrance) return { why: error.message, remedy: error.remedy };
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== "ENOSPC") return { why: message };
  return {
    why: "the disk of this machine's cache is full",
    remedy: `Make room in ${folder}, or give the cache another place (PI_LAB_CACHE), and run the command again.`,
  };
}
