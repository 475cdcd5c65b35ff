import { formatDuration, type Log } from "../../toolchain/log";
import { nameOfUrn, shortType, type EngineEvent, type StepMetadata } from "./engine-events";

/** How long a step may be silent before a line says that it still runs. */
const REMINDER_MS = 20_000;

/** Past tense and sign of the operations that a user sees; others (`same`, `read`) are not shown. */
const SHOWN: Readonly<Record<string, { sign: string; done: string; doing: string }>> = {
  create: { sign: "+", done: "made", doing: "making" },
  update: { sign: "~", done: "changed", doing: "changing" },
  delete: { sign: "-", done: "removed", doing: "removing" },
  replace: { sign: "±", done: "replaced", doing: "replacing" },
  "create-replacement": { sign: "+", done: "made anew", doing: "making anew" },
  "delete-replaced": { sign: "-", done: "removed the old", doing: "removing the old" },
  import: { sign: "=", done: "taken over", doing: "taking over" },
};

/**
 * Turns the engine's events into few lines: one for each finished step with its time, the errors whole,
 * and a reminder for steps that take long.
 */
export class Progress {
  readonly #running = new Map<
    string,
    { metadata: StepMetadata; since: number; nextReminder: number }
  >();
  /** What each resource said last of its own progress, by urn: shown with the reminder. */
  readonly #status = new Map<string, string>();
  #errors = 0;

  /** @param now milliseconds; a parameter for tests */
  constructor(
    private readonly log: Log,
    private readonly now: () => number = Date.now,
  ) {}

  /** How many errors were shown. */
  get errors(): number {
    return this.#errors;
  }

  /** Steps of a preview are not shown: nothing is done in them yet. */
  handle(event: EngineEvent): void {
    const { resourcePreEvent: pre, resOutputsEvent: outputs } = event;
    if (pre && !pre.planning) this.#begin(pre.metadata);
    if (outputs && !outputs.planning) this.#end(outputs.metadata, "done");
    if (event.resOpFailedEvent) this.#end(event.resOpFailedEvent.metadata, "failed");
    if (event.diagnosticEvent) this.#say(event.diagnosticEvent);
    if (event.stdoutEvent) this.#lines("  ", event.stdoutEvent.message);
  }

  /** Says which steps still run. To be called every few seconds. */
  tick(): void {
    const now = this.now();
    for (const step of this.#running.values()) {
      if (now < step.nextReminder) continue;
      step.nextReminder = now + REMINDER_MS;
      const doing = SHOWN[step.metadata.op]?.doing ?? step.metadata.op;
      const time = formatDuration(now - step.since);
      const status = this.#status.get(step.metadata.urn);
      const context = status === undefined ? "" : `: ${cut(status)}`;
      this.log(`  … still ${doing} ${title(step.metadata)} (${time})${context}`);
    }
  }

  #begin(metadata: StepMetadata): void {
    if (!SHOWN[metadata.op] || isComponent(metadata)) return;
    const now = this.now();
    this.#running.set(key(metadata), { metadata, since: now, nextReminder: now + REMINDER_MS });
  }

  #end(metadata: StepMetadata, how: "done" | "failed"): void {
    const shown = SHOWN[metadata.op];
    const step = this.#running.get(key(metadata));
    this.#running.delete(key(metadata));
    this.#status.delete(metadata.urn);
    if (!shown) return;
    const time = step ? ` ${formatDuration(this.now() - step.since)}` : "";
    if (how === "failed") {
      this.log(`  ✗ ${title(metadata)}: failed${step ? ` after${time}` : ""}`);
      return;
    }
    if (isComponent(metadata)) return;
    this.log(`  ${shown.sign} ${title(metadata)} ${shown.done}${changes(metadata)}${time}`);
  }

  #say({
    severity,
    message,
    urn,
    prefix,
    ephemeral,
  }: NonNullable<EngineEvent["diagnosticEvent"]>): void {
    const text = plain(message);
    if (text.trim() === "") return;
    const of = urn ? `${title({ urn, type: urn.split("::")[2]?.split("$").at(-1) ?? "" })}: ` : "";
    switch (severity) {
      case "debug":
        return;
      case "error":
        // Bridged plugins say each error twice, first with the place in their source.
        if (/^\s*sdk-v2\/provider/.test(text)) return;
        this.#errors += 1;
        this.#lines("  ✗ ", `${of}${text}`);
        return;
      case "warning":
        this.#lines("  ! ", `${of}${text}`);
        return;
      case "info":
      case "info#err":
        // What a resource waits for changes twice a second; only the latest is worth a line, now and then.
        if (urn && ephemeral) {
          this.#status.set(urn, text.trim());
          return;
        }
        // Remote commands log all that they print; what our own provider says of its progress is worth a line.
        if (!urn || urn.includes("pilab:"))
          this.#lines("  · ", `${of}${plain(prefix ?? "")}${text}`);
        return;
      default:
        severity satisfies never;
    }
  }

  #lines(first: string, text: string): void {
    const [head = "", ...rest] = text.trimEnd().split("\n");
    this.log(`${first}${head}`);
    for (const line of rest) this.log(`    ${line}`);
  }
}

/** The first line of a status, at most so long that the terminal keeps it on one or two lines. */
function cut(text: string, length = 160): string {
  const [line = ""] = text.split("\n");
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

function key({ urn, op }: StepMetadata): string {
  return `${op} ${urn}`;
}

function title({ urn, type }: Pick<StepMetadata, "urn" | "type">): string {
  return `${shortType(type)} ${nameOfUrn(urn)}`;
}

/** Components, and the stack, end when their children have: their lines have told it all. */
function isComponent({ provider }: StepMetadata): boolean {
  return provider === "";
}

function changes({ op, detailedDiff, diffs }: StepMetadata): string {
  if (op !== "update" && op !== "replace") return "";
  const paths = Object.keys(detailedDiff ?? {});
  const shown = paths.length > 0 ? paths : [...(diffs ?? [])];
  if (shown.length === 0) return "";
  const more = shown.length > 4 ? `, ${shown.length - 4} more` : "";
  return ` (${shown.slice(0, 4).join(", ")}${more})`;
}

/** Without the engine's colour marks (`<{%reset%}>`) and terminal codes. */
export function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- terminal colours begin with the control character ESC
  return text.replace(/<\{%[^%]*%\}>/g, "").replace(/\u001b\[[0-9;]*m/g, "");
}
