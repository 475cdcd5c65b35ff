import fc from "fast-check";
import type { Alert } from "../../../../payloads/alerting/core/ledger";
import { Alerting, type CoreState } from "../../../../payloads/alerting/core/alerting";
import type { Reading } from "../../../../payloads/alerting/core/reading";
import { core, hot, quick, settings, T0 } from "./rules";

/** What happens to a lab, at some time after what happened before. */
type Happening =
  | {
      readonly kind: "reading";
      readonly device: string;
      readonly value: number;
      readonly agoMs: number;
    }
  | { readonly kind: "broker"; readonly isUp: boolean }
  | { readonly kind: "weak"; readonly count: number }
  | { readonly kind: "flows"; readonly isFlowing: boolean }
  | { readonly kind: "lag"; readonly seconds: number }
  | { readonly kind: "nothing" };

const device = fc.constantFrom("a", "b", "c", "d", "stranger");
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("reading" as const),
      device,
      value: fc.integer({ min: 70, max: 85 }),
      agoMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 15_000 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("broker" as const), isUp: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("weak" as const), count: fc.nat({ max: 2 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("flows" as const), isFlowing: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("lag" as const), seconds: fc.nat({ max: 20 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("nothing" as const) }) },
);
const step = fc.tuple(fc.integer({ min: 0, max: 20_000 }), happening);
const story = fc.array(step, { maxLength: 60 });

function apply(alerting: Alerting, one: Happening, now: number): void {
  switch (one.kind) {
    case "reading": {
      const { device: name, value, agoMs } = one;
      const values = { temperatureC: value };
      alerting.reading({ device: name, timeMs: now - agoMs, arrivedMs: now, values }, now);
      break;
    }
    case "broker":
      alerting.broker("broker-1", one.isUp, now);
      break;
    case "weak":
      alerting.partitions(
        Array.from({ length: one.count }, (_, partition) => ({
          ...{ topic: "red", partition, inSync: 1, needed: 2 },
        })),
        now,
      );
      break;
    case "flows":
      alerting.flows(one.isFlowing, now);
      break;
    case "lag":
      alerting.bridge("data-1", one.seconds, now);
      break;
    case "nothing":
      break;
    default:
      one satisfies never;
  }
  alerting.tick(now);
}

/** Gives what is told, and the time at the end. */
function play(alerting: Alerting, steps: readonly (readonly [number, Happening])[], from = T0) {
  let now = from;
  const told: Alert[] = [];
  for (const [passes, one] of steps) {
    now += passes;
    apply(alerting, one, now);
    told.push(...alerting.take());
  }
  return { told, now };
}

const keyOf = ({ rule, subject }: Pick<Alert, "rule" | "subject">): string => `${rule}/${subject}`;

test("the same alert is told no sooner than after its period, and ends at most once each time", () => {
  fc.assert(
    fc.property(story, (steps) => {
      const { told } = play(core(), steps);
      const last = new Map<string, Alert>();
      const lastFiring = new Map<string, number>();
      for (const alert of told) {
        const key = keyOf(alert);
        const time = Date.parse(alert.at);
        if (alert.status === "firing") {
          const before = lastFiring.get(key) ?? -Infinity;
          expect(time - before).toBeGreaterThanOrEqual(settings.periodSeconds * 1000);
          lastFiring.set(key, time);
        } else {
          expect(last.get(key)).toMatchObject({ status: "firing", id: alert.id });
        }
        last.set(key, alert);
      }
    }),
  );
});

test("all that fires resolves once all is well", () => {
  fc.assert(
    fc.property(story, (steps) => {
      const alerting = core();
      const { told, now } = play(alerting, steps);
      const names = ["a", "b", "c", "d", "e", "f", "stranger"];
      const calm = Array.from({ length: 200 }, () =>
        names.map((name): readonly [number, Happening] => [
          name === "a" ? 1000 : 0,
          { kind: "reading", device: name, value: 70, agoMs: 0 },
        ]),
      ).flat();
      const well: (readonly [number, Happening])[] = [
        [0, { kind: "flows", isFlowing: true }],
        [0, { kind: "broker", isUp: true }],
        [0, { kind: "weak", count: 0 }],
        [1000, { kind: "lag", seconds: 0 }],
      ];
      told.push(...play(alerting, [...well, ...calm], now).told);
      expect(alerting.raised()).toEqual([]);
      const status = new Map(told.map((alert) => [keyOf(alert), alert.status]));
      expect([...status.values()].filter((one) => one === "firing")).toEqual([]);
    }),
    { numRuns: 50 },
  );
});

test("in the band nothing changes, from wherever it is entered", () => {
  const band = fc.array(fc.integer({ min: 76, max: 80 }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 60, max: 95 }), { maxLength: 20 }),
      band,
      (into, flat) => {
        const alerting = core({ rules: [hot, quick] });
        const steps = (values: readonly number[]) =>
          values.map((value): readonly [number, Happening] => [
            1000,
            { kind: "reading", device: "a", value, agoMs: 0 },
          ]);
        const { now } = play(alerting, steps(into));
        const before = alerting.raised().map(({ rule }) => rule.name);
        play(alerting, steps(flat), now);
        expect(alerting.raised().map(({ rule }) => rule.name)).toEqual(before);
      },
    ),
  );
});

test("where a rule stands does not depend on the order in which readings come, within the lateness", () => {
  const values = fc.array(fc.integer({ min: 70, max: 85 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(values, fc.infiniteStream(fc.integer({ min: 0, max: 9999 })), (temps, delays) => {
      const sent = temps.map((temperatureC, second) => {
        const timeMs = T0 + second * 1000;
        const [delay = 0] = delays.take(1);
        return { device: "a", timeMs, arrivedMs: timeMs + delay, values: { temperatureC } };
      });
      const phases = (readings: readonly Reading[]) => {
        const alerting = core({ rules: [hot, quick] });
        for (const one of readings) {
          expect(alerting.reading(one, one.arrivedMs)).toBe("used");
        }
        return alerting.raised().map(({ rule }) => rule.name);
      };
      const inOrder = phases(sent.map((one) => ({ ...one, arrivedMs: one.timeMs })));
      expect(phases([...sent].sort((a, b) => a.arrivedMs - b.arrivedMs))).toEqual(inOrder);
    }),
  );
});

test("a snapshot, written as JSON and read again, goes on the same way", () => {
  fc.assert(
    fc.property(story, story, (before, after) => {
      const one = core();
      const { now } = play(one, before);
      const written = JSON.parse(JSON.stringify(one.snapshot())) as CoreState;
      const other = new Alerting(settings, written);
      // What the watchers tell first, whatever it was.
      const first: (readonly [number, Happening])[] = [
        [0, { kind: "flows", isFlowing: false }],
        [0, { kind: "flows", isFlowing: true }],
        [0, { kind: "broker", isUp: false }],
        [0, { kind: "weak", count: 1 }],
      ];
      expect(play(other, [...first, ...after], now).told).toEqual(
        play(one, [...first, ...after], now).told,
      );
      expect(other.snapshot()).toEqual(one.snapshot());
    }),
  );
});
