import type { AlertLevel } from "../../../model";

/** Where a rule stands with one device. */
export type LevelState =
  | { readonly phase: "fine" }
  /** Bad since then, and not for long enough yet. */
  | { readonly phase: "pending"; readonly sinceMs: number }
  | { readonly phase: "firing"; readonly sinceMs: number };

export const FINE: LevelState = { phase: "fine" };

export type Judgement = "bad" | "between" | "good";

export function judge({ side, limit, clear }: AlertLevel, value: number): Judgement {
  const sign = side === "below" ? -1 : 1;
  const height = sign * (side === "magnitude" ? Math.abs(value) : value);
  if (height > sign * limit) return "bad";
  return height <= sign * clear ? "good" : "between";
}

/**
 * The next state. Until it fires, all must be bad without a break; what fires goes on in between, until it
 * is good again.
 */
export function step(
  state: LevelState,
  judgement: Judgement,
  timeMs: number,
  forMs: number,
): LevelState {
  if (state.phase === "firing") return judgement === "good" ? FINE : state;
  if (judgement !== "bad") return FINE;
  // A clock that was set back must not make it wait for longer.
  const sinceMs = state.phase === "pending" ? Math.min(state.sinceMs, timeMs) : timeMs;
  return { phase: timeMs - sinceMs >= forMs ? "firing" : "pending", sinceMs };
}
