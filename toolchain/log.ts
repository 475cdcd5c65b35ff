/** Takes one line of progress, without a line break. */
export type Log = (line: string) => void;

/** How often a step that is still running says so. */
const reminderMs = 20_000;

/** "8.2 s", "3 min 05 s". */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/**
 * Runs `work` with a line at its start, one now and then while it lasts, and one with its time at its end.
 *
 * @param note what to add to the reminders, e.g. the last line that a build printed
 */
export async function step<T>(
  log: Log,
  title: string,
  work: () => Promise<T>,
  note: () => string = () => "",
): Promise<T> {
  const started = Date.now();
  const elapsed = () => formatDuration(Date.now() - started);
  log(`${title} …`);
  const reminder = setInterval(() => {
    const detail = note();
    log(`${title}: ${elapsed()} so far${detail === "" ? "" : ` (${detail})`}`);
  }, reminderMs);
  try {
    const result = await work();
    log(`${title}: done in ${elapsed()}`);
    return result;
  } catch (error) {
    log(`${title}: failed after ${elapsed()}`);
    throw error;
  } finally {
    clearInterval(reminder);
  }
}
