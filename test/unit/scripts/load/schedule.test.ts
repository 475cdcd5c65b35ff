import fc from "fast-check";
import { Schedule, type Stage } from "../../../../scripts/lib/load/schedule";

const stages: fc.Arbitrary<Stage> = fc.record({
  devices: fc.integer({ min: 1, max: 400 }),
  ratePerSecond: fc.double({ min: 0.05, max: 50, noNaN: true }),
  seconds: fc.integer({ min: 1, max: 60 }),
});

test("devices at the same rate send one after the other, evenly spread", () => {
  const schedule = new Schedule({ devices: 4, ratePerSecond: 2, seconds: 3 });
  expect(schedule).toMatchObject({ perDevice: 6, total: 24, stepMs: 125 });
  const first = [0, 1, 2, 3, 4].map((i) => [
    schedule.dueMs(i),
    schedule.deviceOf(i),
    schedule.sequenceOf(i),
  ]);
  expect(first).toEqual([
    [0, 0, 0],
    [125, 1, 0],
    [250, 2, 0],
    [375, 3, 0],
    [500, 0, 1],
  ]);
  // The last message is due before the stage's time is over.
  expect(schedule.dueMs(schedule.total - 1)).toBe(2875);
});

test("a device's messages are due at its own rate, whatever the number of devices", () => {
  fc.assert(
    fc.property(stages, fc.nat(), fc.nat(), (stage, someDevice, someSequence) => {
      const schedule = new Schedule(stage);
      const device = someDevice % stage.devices;
      const sequence = someSequence % schedule.perDevice;
      const index = schedule.indexOf(device, sequence)!;
      expect([schedule.deviceOf(index), schedule.sequenceOf(index)]).toEqual([device, sequence]);
      const periodMs = 1000 / stage.ratePerSecond;
      const phaseMs = (device * periodMs) / stage.devices;
      expect(schedule.dueMs(index)).toBeCloseTo(phaseMs + sequence * periodMs, 3);
    }),
  );
});

test("what is due at a moment is what has a due time up to it", () => {
  fc.assert(
    fc.property(stages, fc.double({ min: 0, max: 70_000, noNaN: true }), (stage, elapsedMs) => {
      const schedule = new Schedule(stage);
      const due = schedule.dueAfter(elapsedMs);
      expect(due).toBeGreaterThanOrEqual(1);
      expect(due).toBeLessThanOrEqual(schedule.total);
      const slackMs = 1e-6 * (1 + elapsedMs);
      expect(schedule.dueMs(due - 1)).toBeLessThanOrEqual(elapsedMs + slackMs);
      if (due < schedule.total) expect(schedule.dueMs(due)).toBeGreaterThan(elapsedMs - slackMs);
    }),
  );
  expect(new Schedule({ devices: 1, ratePerSecond: 1, seconds: 1 }).dueAfter(-1)).toBe(0);
});

test.each([
  [-1, 0],
  [2, 0],
  [0, -1],
  [0, 3],
  [0.5, 0],
  [0, 0.5],
])("there is no message of device %p with number %p", (device, sequence) => {
  const schedule = new Schedule({ devices: 2, ratePerSecond: 1, seconds: 3 });
  expect(schedule.indexOf(device, sequence)).toBeUndefined();
});
