/** What the `stage` helper on a host answers. */
export interface StagedAnswer {
  /** SHA-256 (hex) of the bundle that was written. */
  readonly hash: string;
  /** When it was written, ISO 8601. */
  readonly time: string;
}

/**
 * Reads the staging command's output: one line of JSON, the last one, since a login's profile may
 * have printed others before.
 *
 * @throws Error naming the host and what came instead
 */
export function parseStaged(host: string, stdout: string): StagedAnswer {
  const line = stdout.trim().split("\n").at(-1) ?? "";
  let answer: unknown;
  try {
    answer = JSON.parse(line);
  } catch {
    answer = undefined;
  }
  if (typeof answer === "object" && answer !== null && "hash" in answer && "time" in answer) {
    const { hash, time } = answer;
    if (typeof hash === "string" && typeof time === "string") return { hash, time };
  }
  throw new Error(
    `${host}: staging its files answered ${JSON.stringify(line.slice(0, 120))}, not with the hash of ` +
      `what it wrote. See what prints on that host at login, then run \`pulumi up --replace '**${host}-files'\`.`,
  );
}
