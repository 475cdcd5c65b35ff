import { type Host, isKafkaHost } from "../../model";
import { connect, type SshTarget } from "../../plugins/common/ssh";
import { quote } from "../../shared/shell";
import { INTERRUPTED } from "./interruption";
import type { Output } from "./output";

export interface JournalQuery {
  /** Undefined: the whole journal. */
  readonly unit: string | undefined;
  /** The last so many lines; undefined: all. */
  readonly lines: number | undefined;
  readonly follow: boolean;
  /** As journalctl takes it. */
  readonly since: string | undefined;
  readonly json: boolean;
}

/** Enough to see why something has just died. */
const LINES = 100;

/** What is asked for when the user does not say: Kafka's own journal where it runs, all of it elsewhere. */
export function journalQuery(
  host: Host,
  asked: Omit<JournalQuery, "unit" | "lines"> & {
    readonly unit: string | undefined;
    readonly lines: number | undefined;
    readonly all: boolean;
  },
): JournalQuery {
  const { all, unit, lines, since, ...rest } = asked;
  const own = isKafkaHost(host) ? "kafka" : undefined;
  return {
    ...rest,
    since,
    unit: all ? undefined : (unit ?? own),
    // Who names a time wants everything since.
    lines: lines ?? (since === undefined ? LINES : undefined),
  };
}

/** The command that prints it on a host; root, or who may use sudo without a password, may read it all. */
export function journalCommand(query: JournalQuery, user: string): string {
  const words = [
    ...(user === "root" ? [] : ["sudo", "-n"]),
    "journalctl",
    "--no-pager",
    "--quiet",
    ...(query.unit === undefined ? [] : [`--unit=${query.unit}`]),
    ...(query.lines === undefined ? [] : [`--lines=${query.lines}`]),
    ...(query.since === undefined ? [] : [`--since=${query.since}`]),
    ...(query.follow ? ["--follow"] : []),
    `--output=${query.json ? "json" : "short-iso"}`,
  ];
  return words.map(quote).join(" ");
}

export interface PrintOptions {
  readonly follow: boolean;
  readonly signal: AbortSignal;
  readonly output: Output;
}

/** One try: who asks for a journal looks on, and can ask again. */
const DIAL = { retries: 0, dialTimeoutMs: 10_000 } as const;

/**
 * Runs a command that prints a journal on a host, and prints what it prints as it comes.
 * @returns the exit code that tells of it
 */
export async function printJournal(
  target: SshTarget,
  command: string,
  { follow, signal, output }: PrintOptions,
): Promise<number> {
  const failed = new AbortController();
  const print = (text: string): void => {
    output.write(text).catch((error: unknown) => failed.abort(error));
  };
  const ended = AbortSignal.any([signal, output.closed, failed.signal]);
  try {
    const session = await connect(target, { ...DIAL, signal: ended });
    try {
      const { code } = await session.exec(command, {
        label: "journalctl",
        keep: false,
        onStdout: print,
        onStderr: (text) => process.stderr.write(text),
      });
      return code === 0 ? 0 : 1;
    } finally {
      session.close();
    }
  } catch (error) {
    failed.signal.throwIfAborted();
    if (output.closed.aborted) return 0;
    // What has no end of its own is ended so.
    if (signal.aborted) return follow ? 0 : INTERRUPTED;
    throw error;
  }
}
