export type Level = "error" | "warn" | "info" | "debug";

/** What a line of the log may hold besides its message: flat, and no secrets. */
export type Fields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** One JSON object a line. `journalctl -o cat -u UNIT` shows them as they are. */
export type Log = (level: Level, message: string, fields?: Fields) => void;

/** sd-daemon(3): the journal takes the priority from the line's beginning. */
const PRIORITY: Readonly<Record<Level, number>> = { error: 3, warn: 4, info: 6, debug: 7 };

/**
 * A log that writes to standard output, as systemd's journal takes it.
 *
 * @param forJournal whether each line begins with its priority; else it is JSON alone
 */
export function makeLog(
  program: string,
  write: (line: string) => void,
  forJournal: boolean,
  now: () => Date = () => new Date(),
): Log {
  return (level, message, fields = {}) => {
    const line = JSON.stringify({ time: now().toISOString(), level, program, message, ...fields });
    write(`${forJournal ? `<${PRIORITY[level]}>` : ""}${line}\n`);
  };
}
