import { DeadlineError, withDeadline } from "./deadline";

export interface Answer {
  readonly response: Response;
  /** The whole body. */
  readonly text: string;
}

/**
 * Asks an HTTP server and reads its answer to the end. It follows no redirection: what is sent to one server
 * (a login) is not for another.
 *
 * @param limitMs for both together
 * @throws Error whose message says why no answer came
 */
export async function ask(
  url: string,
  init: RequestInit,
  limitMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    return await withDeadline(limitMs, signal, async (limit) => {
      const response = await fetch(url, { ...init, redirect: "error", signal: limit });
      return { response, text: await response.text() };
    });
  } catch (error) {
    throw new Error(causeOf(error), { cause: error });
  }
}

/** What lies beneath `fetch failed`. */
export function causeOf(error: unknown): string {
  if (error instanceof DeadlineError) return "no answer in time";
  const { name, message, cause } = error as Error;
  if (name === "AbortError") return "given up";
  const { code, message: beneath } = (cause ?? {}) as NodeJS.ErrnoException;
  // The client's own codes say less than its words.
  return (code?.startsWith("UND_ERR") ? beneath : code) ?? beneath ?? message;
}

/**
 * A server's words without the secrets that it may repeat, at most so many characters. Cut last: of a secret
 * that is cut the rest would not be found.
 */
export function withoutSecrets(words: string, secrets: readonly string[], most: number): string {
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, "***"), words).slice(0, most);
}

/** What a `Retry-After` asks for (RFC 9110, 10.2.3): seconds, or a date. Undefined for anything else. */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
