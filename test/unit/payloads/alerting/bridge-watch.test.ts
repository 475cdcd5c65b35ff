import { createServer } from "node:http";
import { BridgeWatch } from "../../../../payloads/alerting/bridge-watch";
import { listen, type Listening } from "../../../../payloads/lib/listen";
import { waitFor } from "../../../support/wait";

let bridge: Listening;
let onQuestion = (): void => {};
let answers = true;
let questions = 0;

beforeAll(async () => {
  const server = createServer((_request, response) => {
    questions++;
    onQuestion();
    if (answers) response.end('pilab_bridge_sessions{state="away"} 0\n');
  });
  bridge = await listen(server, { address: "127.0.0.1", port: 0 });
});
afterAll(() => bridge.close());

test("a bridge that does not answer is ill; a program that stood still calls none so", async () => {
  const lags: number[] = [];
  const watched = { host: "data-1", url: bridge.url };
  const watch = new BridgeWatch([watched], (_host, lag) => lags.push(lag), 200);
  const told = (count: number) =>
    waitFor(`${count} answers`, () => Promise.resolve(lags.length >= count || undefined), {
      ...{ deadlineMs: 10_000, pauseMs: 5 },
    });
  await told(1);
  onQuestion = () => {
    onQuestion = () => {};
    const until = performance.now() + 800;
    while (performance.now() < until);
  };
  const before = questions;
  await told(2);
  expect(watch.flows()).toBe(true);
  expect(lags).toEqual([0, 0]);
  expect(questions).toBe(before + 2);
  answers = false;
  await told(3);
  expect(watch.flows()).toBe(false);
  expect(lags[2]).toBeGreaterThan(0.9);
  watch.stop();
});
