import * as fc from "fast-check";
import { AckWindow } from "../../../../payloads/bridge/ack-window";

/** Settles the messages of a window in an order, and gives what was acknowledged at each step. */
function play(count: number, order: readonly number[]): number[][] {
  const window = new AckWindow();
  const slots = Array.from({ length: count }, (_, i) => window.add(i + 1));
  return order.map((index) => window.settle(slots[index]!));
}

const shuffled = fc
  .integer({ min: 0, max: 60 })
  .chain((count) =>
    fc.shuffledSubarray([...Array(count).keys()]).map((order) => ({ count, order })),
  );

it("acknowledges in the order in which messages came, each once, and none before it is settled", () => {
  fc.assert(
    fc.property(shuffled, ({ count, order }) => {
      const steps = play(count, order);
      const all = steps.flat();
      expect(all).toEqual(all.map((_, i) => i + 1));
      steps.reduce<{ settled: Set<number>; acknowledged: number }>(
        ({ settled, acknowledged }, ids, step) => {
          settled.add(order[step]! + 1);
          for (const id of ids) expect(settled).toContain(id);
          const done = acknowledged + ids.length;
          // Nothing waits that needs not: the next one is not settled yet.
          expect(settled).not.toContain(done + 1);
          return { settled, acknowledged: done };
        },
        { settled: new Set(), acknowledged: 0 },
      );
    }),
  );
});

it("forgets what is done, however many pass through it", () => {
  const window = new AckWindow();
  const last = window.add(0);
  for (let i = 1; i <= 5000; i++) window.settle(window.add(i));
  expect(window.size).toBe(5001);
  expect(window.settle(last)).toHaveLength(5001);
  expect(window.size).toBe(0);
});
