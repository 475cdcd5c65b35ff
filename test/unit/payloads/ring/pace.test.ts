import { startPace } from "../../../../payloads/ring/pace";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

function paced(perMinute: number) {
  let sent = 0;
  const pace = startPace(perMinute, () => sent++);
  return { pace, sent: () => sent };
}

test("an even pace stays one, whatever becomes of the host's clock", () => {
  const { pace, sent } = paced(30);
  jest.advanceTimersByTime(10_000);
  expect(sent()).toBe(5);
  for (const hours of [-24, 1, -1]) {
    const before = sent();
    jest.setSystemTime(Date.now() + hours * 3_600_000);
    jest.advanceTimersByTime(60_000);
    expect(sent() - before).toBe(30);
  }
  pace.stop();
  const last = sent();
  jest.advanceTimersByTime(60_000);
  expect(sent()).toBe(last);
});

test("none sends nothing", () => {
  const { sent } = paced(0);
  jest.advanceTimersByTime(600_000);
  expect(sent()).toBe(0);
});
