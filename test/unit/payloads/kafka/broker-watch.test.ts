import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { BrokerWatch } from "../../../../payloads/lib/kafka/broker-watch";
import { waitFor } from "../../../support/wait";

/** Metadata of a cluster without brokers and topics, after the head of an answer; and the size of both. */
const METADATA = Buffer.from("00" + "00000000" + "01" + "00" + "ffffffff" + "01" + "00", "hex");
const SIZE = Buffer.from([0, 0, 0, 4 + METADATA.length]);

/** A server that answers as a broker does, as long as it is to. */
class StandIn {
  readonly sockets = new Set<Socket>();
  answers = true;
  onQuestion: (() => void) | undefined;
  private server: Server | undefined;
  port = 0;

  async start(): Promise<void> {
    this.server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.sockets.delete(socket));
      socket.on("data", (question: Buffer) => {
        if (!this.answers) return;
        this.onQuestion?.();
        socket.write(Buffer.concat([SIZE, question.subarray(8, 12), METADATA]));
      });
    });
    await new Promise<void>((resolve) => this.server?.listen(this.port, "127.0.0.1", resolve));
    this.port = (this.server.address() as { port: number }).port;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server?.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

const broker = new StandIn();
let told: boolean[];
let watch: BrokerWatch;

beforeEach(async () => {
  broker.answers = true;
  await broker.start();
  told = [];
  const watched = { host: "broker-1", address: `127.0.0.1:${broker.port}` };
  watch = new BrokerWatch(watched, undefined, (_, isUp) => told.push(isUp));
  await becomes([true]);
});

afterEach(async () => {
  watch.stop();
  await broker.stop();
});

const becomes = (wanted: readonly boolean[]): Promise<unknown> =>
  waitFor(
    `${wanted.join()}, seen ${told.join()}`,
    () => Promise.resolve(told.join() === wanted.join() || undefined),
    { deadlineMs: 10_000, pauseMs: 10 },
  );

test("a process that ends is down at once, and up when it is back", async () => {
  const begun = Date.now();
  await broker.stop();
  await becomes([true, false]);
  expect(Date.now() - begun).toBeLessThan(1000);
  await broker.start();
  await becomes([true, false, true]);
});

test("one that hangs is down within three seconds, though it still takes connections", async () => {
  broker.answers = false;
  const begun = Date.now();
  await becomes([true, false]);
  expect(Date.now() - begun).toBeLessThan(4500);
  broker.answers = true;
  await becomes([true, false, true]);
});

test("a connection that the broker closes, and takes the next, is no outage", async () => {
  for (const socket of broker.sockets) socket.destroy();
  await waitFor("another connection", () => Promise.resolve(broker.sockets.size > 0 || undefined), {
    pauseMs: 10,
  });
  await sleep(300);
  expect(told).toEqual([true]);
});

test("a program that stood still while it was answered does not call the broker down", async () => {
  watch.stop();
  const seen: boolean[] = [];
  const options = { askMs: 50, answerMs: 200 };
  const watched = { host: "broker-1", address: `127.0.0.1:${broker.port}` };
  const brisk = new BrokerWatch(watched, undefined, (_, isUp) => seen.push(isUp), options);
  await waitFor("an answer", () => Promise.resolve(seen.length || undefined), { pauseMs: 5 });
  let questions = 0;
  broker.onQuestion = () => {
    if (questions++ > 0) return;
    const until = performance.now() + 800;
    while (performance.now() < until);
  };
  await waitFor("the next question", () => Promise.resolve(questions > 1 || undefined), {
    ...{ deadlineMs: 10_000, pauseMs: 20 },
  });
  broker.onQuestion = undefined;
  brisk.stop();
  expect(seen).toEqual([true]);
});
