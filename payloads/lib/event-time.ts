import { z } from "zod";

/** No telemetry of a lab is older than the lab's own program: such a time is a clock that was not set, or seconds. */
export const FIRST_MS = Date.parse("2025-01-01T00:00:00Z");
/** Beyond it nothing is believed: microseconds, say. */
export const LAST_MS = Date.parse("2100-01-01T00:00:00Z");

const iso = z.iso.datetime({ offset: true });
/** `%z` of strftime(3) has no colon. */
const PLAIN_ZONE = /([+-]\d\d)(\d\d)$/;

/**
 * The `time` of a message as its device tells it (docs/mqtt.md): ISO 8601 with a zone, or epoch ms.
 *
 * @returns epoch ms; undefined for anything else, and for what is no time of a lab
 */
export function eventTime(raw: unknown): number | undefined {
  const ms = typeof raw === "number" ? Math.round(raw) : typeof raw === "string" ? read(raw) : NaN;
  return ms >= FIRST_MS && ms < LAST_MS ? ms : undefined;
}

function read(raw: string): number {
  const text = raw.replace(PLAIN_ZONE, "$1:$2");
  return iso.safeParse(text).success ? Date.parse(text) : NaN;
}
