import { createConnection } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

/** Where systemd has the ring make its socket. */
const SOCKET = "/run/pi-lab-ring/button.sock";

/** How long the ring may take to answer, ms: an election among the brokers, and some more. */
const ANSWER_MS = 15_000;
/** The longest hold, s. */
const MAX_HOLD_SECONDS = 3600;

const USAGE = `node ring.js --press | --hold SECONDS [--socket PATH]

Presses the button of the ring's client on this host, or holds it for so long. Ends with 0 if an alert was
acknowledged by Kafka, else with 1.`;

/** True where the program is to press the button of one that runs, not to be one. */
export const isPress = (args: readonly string[]): boolean =>
  args.some((arg) => /^--(press|hold|help)(=|$)/.test(arg));

/** Gives the exit code. */
export async function press(args: readonly string[], say: (line: string) => void): Promise<number> {
  const { seconds, path } = readArguments(args);
  if (path === undefined) {
    say(USAGE);
    return 1;
  }
  try {
    const answer = await withRing(path, async (ask) => {
      if (seconds === undefined) return ask("press");
      await ask("hold");
      // The connection keeps the program; without it there is nothing to wait for.
      await sleep(seconds * 1000, undefined, { ref: false });
      return ask("release");
    });
    say(answer);
    return /^(acknowledged|released [1-9])/.test(answer) ? 0 : 1;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

function readArguments(args: readonly string[]): { seconds?: number; path?: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        press: { type: "boolean" },
        hold: { type: "string" },
        socket: { type: "string", default: SOCKET },
      },
    });
    const path = values.socket;
    if (values.hold === undefined) return { path };
    const seconds = Number(values.hold);
    const isTime = seconds > 0 && seconds <= MAX_HOLD_SECONDS;
    return isTime && values.press !== true ? { path, seconds } : {};
  } catch {
    return {};
  }
}

/** One connection, on which each question is answered by a line. */
async function withRing(
  path: string,
  work: (ask: (line: string) => Promise<string>) => Promise<string>,
): Promise<string> {
  const socket = createConnection(path).setEncoding("utf8");
  let onLine: ((line: string) => void) | undefined;
  let rest = "";
  socket.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine?.(line);
  });
  const broken = new Promise<never>((_, reject) => {
    socket.once("error", (error: NodeJS.ErrnoException) => reject(notThere(path, error)));
    socket.once("close", () => reject(new Error("the ring has ended meanwhile")));
  });
  broken.catch(() => {});
  const ask = (line: string): Promise<string> => {
    const answered = new Promise<string>((resolve) => {
      onLine = resolve;
    });
    socket.write(`${line}\n`);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const words = `not acknowledged within ${ANSWER_MS / 1000} s: see that two brokers are in sync`;
      timer = setTimeout(() => reject(new Error(words)), ANSWER_MS);
    });
    return Promise.race([answered, broken, late]).finally(() => clearTimeout(timer));
  };
  try {
    return await Promise.race([work(ask), broken]);
  } finally {
    socket.destroy();
  }
}

function notThere(path: string, { code, message }: NodeJS.ErrnoException): Error {
  const remedies: Readonly<Record<string, string>> = {
    ENOENT: "the ring does not run here: look at `systemctl status pi-lab-ring`",
    ECONNREFUSED: "the ring does not run here: look at `systemctl status pi-lab-ring`",
    EACCES: "only root and the group pi-lab-ring may press: use sudo",
  };
  return new Error(`${path}: ${remedies[code ?? ""] ?? message}`);
}
