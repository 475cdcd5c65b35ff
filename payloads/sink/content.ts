import { z } from "zod";
import { eventTime } from "../lib/event-time";

/** What a record's value is to the store. */
export type Content =
  | { readonly kind: "reading"; readonly reading: Reading; readonly payload: string }
  /** JSON, but no telemetry. */
  | { readonly kind: "json"; readonly payload: string; readonly fault: string }
  /** Kept as its bytes. */
  | { readonly kind: "raw"; readonly fault: string };

/** A device's message, as docs/mqtt.md has it; undefined for what it does not tell. */
export type Reading = z.output<typeof shape>;

/** PostgreSQL's limit of an indexed text is 2704 bytes; a name of that length is none. */
const MAX_NAME = 255;

const absent = <T extends z.ZodType>(type: T) =>
  z
    .union([type, z.null()])
    .optional()
    .transform((value) => value ?? undefined);

const shape = z.object({
  device: z.string().min(1).max(MAX_NAME),
  /** Epoch ms; undefined also for what is no time: the reading holds all the same. */
  time: z.unknown().optional().transform(eventTime),
  seq: absent(z.int()),
  session: absent(z.string().max(MAX_NAME)),
  temperatureC: absent(z.number()),
  cpuLoad: absent(z.number()),
  underVoltage: absent(z.boolean()),
  throttled: absent(z.boolean()),
  clockOffsetSeconds: absent(z.number()),
});

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Never throws, whatever the bytes are. */
export function readContent(value: Buffer): Content {
  if (value.length === 0) return { kind: "raw", fault: "is empty" };
  let payload: string;
  let parsed: unknown;
  try {
    payload = utf8.decode(value);
  } catch {
    return { kind: "raw", fault: "is no UTF-8 text" };
  }
  try {
    parsed = JSON.parse(payload);
  } catch {
    return { kind: "raw", fault: "is no JSON" };
  }
  if (hasRefusedText(payload)) {
    return {
      kind: "raw",
      fault: "has text that PostgreSQL cannot hold: U+0000, or half a character",
    };
  }
  const result = shape.safeParse(parsed);
  if (result.success) return { kind: "reading", reading: result.data, payload };
  const [issue] = result.error.issues;
  const where = issue?.path.join(".") ?? "";
  const what = issue?.message ?? "is none";
  return {
    kind: "json",
    payload,
    fault: `no telemetry: ${where === "" ? "" : `${where}: `}${what}`,
  };
}

/** Escapes of JSON that `jsonb` refuses: U+0000, and surrogates that are no pair. */
export function hasRefusedText(json: string): boolean {
  if (!json.includes("\\u")) return false;
  let high = -2;
  for (const match of json.matchAll(/\\(?:u([0-9a-fA-F]{4})|.)/gs)) {
    if (match[1] === undefined) continue;
    const code = Number.parseInt(match[1], 16);
    const isLow = code >= 0xdc00 && code <= 0xdfff;
    const followsHigh = high === match.index;
    if (code === 0 || isLow !== followsHigh) return true;
    // Where the other half must stand.
    high = code >= 0xd800 && code <= 0xdbff ? match.index + match[0].length : -2;
    if (high >= 0 && !json.startsWith("\\u", high)) return true;
  }
  return false;
}
