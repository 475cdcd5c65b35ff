interface Fault {
  readonly message?: string;
  readonly code?: string;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
}

/**
 * The innermost cause of an error: what the operating system or the broker said, under what the client library
 * made of it. A name with several addresses that all fail brings an error without words of its own.
 */
export function rootCause(error: unknown): string {
  let current = error as Fault;
  for (let next = inner(current); next !== undefined; next = inner(current)) current = next;
  return current.message || current.code || String(error);
}

function inner({ cause, errors }: Fault): Fault | undefined {
  const found = errors?.[0] ?? cause;
  return typeof found === "object" && found !== null ? found : undefined;
}
