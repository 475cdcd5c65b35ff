import fc from "fast-check";
import type { AlertRule } from "../../../../model";
import { Alerting } from "../../../../payloads/alerting/core/alerting";
import type { Alert } from "../../../../payloads/alerting/core/ledger";
import { EvenTime } from "../../../../payloads/alerting/even-time";
import { hot, lagging, settings, silent, T0 } from "./rules";

/**
 * Hours of a lab where all are well, on a clock that is played: nothing is told, whatever befalls the program, its
 * host's clock, a bridge or a broker for a while meanwhile.
 */

const HOUR_MS = 3_600_000;
const TICK_MS = 250;
const DEVICES = ["a", "b", "c", "d", "e", "f", "g"];
/** As the lab has them where `rules` is left out. */
const rules: readonly AlertRule[] = [
  { ...hot, forSeconds: 10 },
  { ...silent, afterSeconds: 10, devices: DEVICES },
  lagging,
  {
    ...{ name: "clock", type: "clock-offset", severity: "warning", forSeconds: 0 },
    level: { field: "clockOffsetSeconds", side: "magnitude", limit: 0.5, clear: 0.25 },
  },
];

type Trouble =
  /** The program does nothing for so long: a full card, a machine without a core to spare. */
  | { readonly kind: "stall"; readonly atMs: number; readonly forMs: number }
  /** A bridge is started again, and carries then what was published meanwhile. */
  | { readonly kind: "bridge"; readonly atMs: number; readonly forMs: number }
  /** A leader is gone until another is elected; nobody says so at first. */
  | { readonly kind: "broker"; readonly atMs: number; readonly forMs: number }
  /** The host's clock is set, and set right again. */
  | {
      readonly kind: "clock";
      readonly atMs: number;
      readonly forMs: number;
      readonly byMs: number;
    };

const atMs = fc.integer({ min: 60_000, max: HOUR_MS });
const trouble: fc.Arbitrary<Trouble> = fc.oneof(
  ...(["stall", "bridge"] as const).map((kind) =>
    fc.record({ kind: fc.constant(kind), atMs, forMs: fc.integer({ min: 500, max: 90_000 }) }),
  ),
  fc.record({
    ...{ kind: fc.constant("broker" as const), atMs },
    forMs: fc.integer({ min: 500, max: 7_000 }),
  }),
  fc.record({
    ...{ kind: fc.constant("clock" as const), atMs },
    forMs: fc.integer({ min: 1_000, max: 60_000 }),
    // Ahead of who stamps the records by more than `afterSeconds` nobody's sign of life counts: docs/alerting.md.
    byMs: fc.integer({ min: -HOUR_MS, max: 5_000 }),
  }),
);

/** A random number from 0 to 1 that is the same each time. */
function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Those who come one after the other: one at a time is what a lab must bear. */
function apart(troubles: readonly Trouble[]): Trouble[] {
  const found: Trouble[] = [];
  for (const one of [...troubles].sort((a, b) => a.atMs - b.atMs)) {
    const last = found.at(-1);
    if (last === undefined || one.atMs > last.atMs + last.forMs + 30_000) found.push(one);
  }
  return found;
}

/** Plays an hour. @returns what was told */
function play(troubles: readonly Trouble[], seed: number): Alert[] {
  const random = makeRandom(seed);
  const alerting = new Alerting({ ...settings, host: "g", rules });
  const time = new EvenTime();
  const told: Alert[] = [];
  const during = (kind: Trouble["kind"], ms: number) =>
    troubles.find((one) => one.kind === kind && ms >= one.atMs && ms < one.atMs + one.forMs);
  const ahead = (ms: number): number => {
    const clock = during("clock", ms);
    return clock?.kind === "clock" ? clock.byMs : 0;
  };
  const published = DEVICES.map((device, n) => ({ device, dueMs: n * 130 }));
  /** Written, and not read yet. */
  let written: { readonly device: string; readonly sentMs: number; readonly atMs: number }[] = [];
  const read = (ms: number): void => {
    const rest = written.filter((one) => one.atMs > ms);
    for (const { device, sentMs, atMs: arrivedMs } of written) {
      if (arrivedMs > ms) continue;
      const values = { temperatureC: 40 + 30 * random(), clockOffsetSeconds: 0.4 * random() - 0.2 };
      const reading = { device, timeMs: T0 + sentMs, arrivedMs: T0 + arrivedMs, values };
      alerting.reading(reading, T0 + ms + ahead(ms));
    }
    written = rest;
  };
  for (let ms = 0; ms < HOUR_MS; ms += TICK_MS) {
    for (const one of published) {
      for (; one.dueMs <= ms; one.dueMs += 1000) {
        const sentMs = one.dueMs + Math.floor(400 * random());
        const held = during("bridge", sentMs) ?? during("broker", sentMs);
        const from = held === undefined ? sentMs : held.atMs + held.forMs;
        written.push({ device: one.device, sentMs, atMs: from + Math.floor(800 * random()) });
      }
    }
    if (during("stall", ms) !== undefined) continue;
    const now = T0 + ms + ahead(ms);
    // As the program does: what its timers do comes before what was sent to it meanwhile.
    const isEven = time.look(now, ms);
    const broker = during("broker", ms);
    // A broker that hangs is known to after 2.5 s.
    const serves = broker === undefined || ms - broker.atMs < 2_500;
    alerting.flows(isEven && serves && during("bridge", ms) === undefined, now);
    if (ms % 1000 === 0) alerting.bridge("g", 0.2 + random(), now);
    alerting.tick(now);
    read(ms);
    told.push(...alerting.take());
  }
  return told;
}

test("an hour of steady readings with jitter tells nothing, whatever befalls who listens", () => {
  fc.assert(
    fc.property(fc.array(trouble, { maxLength: 12 }), fc.nat(), (troubles, seed) => {
      expect(play(apart(troubles), seed)).toEqual([]);
    }),
    { numRuns: 4 },
  );
});

test.each<Trouble>([
  { kind: "stall", atMs: 600_000, forMs: 30_000 },
  { kind: "clock", atMs: 600_000, forMs: 30_000, byMs: -HOUR_MS },
  { kind: "bridge", atMs: 600_000, forMs: 60_000 },
  { kind: "broker", atMs: 600_000, forMs: 7_000 },
])("nothing is told over $kind", (one) => {
  expect(play([one], 1)).toEqual([]);
});
