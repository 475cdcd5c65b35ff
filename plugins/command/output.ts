import type { Log, PropertyMap, PropertyValue } from "../common/rpc";
import { isMap, reveal, Secret } from "../common/rpc";

export const LOGGING = ["stdout", "stderr", "stdoutAndStderr", "none"] as const;
export type Logging = (typeof LOGGING)[number];

/** How much of a failed command's output its error shows, in characters: the end says why. */
const SHOWN_OUTPUT = 8_000;
const SHOWN_COMMAND = 200;

/**
 * Follows a command's output: lines go to the engine as they come, the whole is kept for the
 * error of a command that fails. Neither contains a secret that the command was given.
 */
export class OutputFollower {
  private combined = "";
  private readonly partial = { stdout: "", stderr: "" };

  constructor(
    private readonly log: Log,
    private readonly logging: Logging,
    private readonly redact: (text: string) => string,
  ) {}

  readonly onStdout = (text: string): void => this.follow("stdout", text);
  readonly onStderr = (text: string): void => this.follow("stderr", text);

  /** Call when the command has ended: its last line may lack a line feed. */
  end(): void {
    for (const stream of ["stdout", "stderr"] as const) {
      if (this.partial[stream] !== "") this.log.status(this.redact(this.partial[stream]));
    }
  }

  /** What the command said, both streams in the order in which they came. */
  get text(): string {
    const text = this.redact(this.combined);
    if (text.length <= SHOWN_OUTPUT) return text;
    return `… ${text.length - SHOWN_OUTPUT} characters left out …\n${text.slice(-SHOWN_OUTPUT)}`;
  }

  private follow(stream: "stdout" | "stderr", text: string): void {
    // More than is shown, so that redaction sees what straddles the cut.
    this.combined = `${this.combined}${text}`.slice(-4 * SHOWN_OUTPUT);
    if (this.logging !== "stdoutAndStderr" && this.logging !== stream) return;
    const lines = `${this.partial[stream]}${text}`.split("\n");
    this.partial[stream] = lines.pop() ?? "";
    for (const line of lines) this.log.status(this.redact(line));
  }
}

export function readLogging(inputs: PropertyMap): Logging {
  return (reveal(inputs["logging"]) as Logging | null | undefined) ?? "stdoutAndStderr";
}

/** The command as an error may show it: not if it is secret, and not at length. */
export function showCommand(command: PropertyValue | undefined): string {
  const text = reveal(command);
  if (command instanceof Secret || typeof text !== "string") return "[secret]";
  return JSON.stringify(text.length > SHOWN_COMMAND ? `${text.slice(0, SHOWN_COMMAND)}…` : text);
}

/** Shorter texts turn up by chance and tell nothing. */
const SHORTEST_SECRET = 4;
const SHORTEST_LINE = 8;

/** Makes texts fit to be shown: every secret text, and every line of one, becomes [secret]. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const longEnough = (texts: readonly string[], least: number): string[] =>
    texts.map((text) => text.trim()).filter((text) => text.length >= least);
  const parts = [
    ...longEnough(secrets, SHORTEST_SECRET),
    ...longEnough(
      secrets.flatMap((text) => text.split("\n")),
      SHORTEST_LINE,
    ),
    // The longest first: a line of a secret must not break up the whole.
  ].sort((a, b) => b.length - a.length);
  return (text) => parts.reduce((rest, part) => rest.replaceAll(part, "[secret]"), text);
}

/** The texts below a value that are marked as secret. */
export function secretTexts(value: PropertyValue | undefined, secret = false): string[] {
  if (value instanceof Secret) return secretTexts(value.value, true);
  if (typeof value === "string") return secret ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((item) => secretTexts(item, secret));
  if (isMap(value)) return Object.values(value).flatMap((item) => secretTexts(item, secret));
  return [];
}

/** As the official plugin has it: one final line feed goes. */
export const trimFinalNewline = (text: string): string => text.replace(/\n$/, "");
