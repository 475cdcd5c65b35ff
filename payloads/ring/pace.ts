import { nextDue } from "./core";

/** Calls evenly; never for 0 a minute. By a steady clock: one that is set back must not silence a client. */
export function startPace(perMinute: number, send: () => void): { stop(): void } {
  if (perMinute === 0) return { stop: () => {} };
  const periodMs = 60_000 / perMinute;
  let due = performance.now() + periodMs;
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    timer = setTimeout(() => {
      send();
      due = nextDue(due, periodMs, performance.now());
      wait();
    }, due - performance.now());
  };
  wait();
  return { stop: () => clearTimeout(timer) };
}
