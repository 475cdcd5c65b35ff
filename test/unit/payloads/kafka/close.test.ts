import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { KafkaConsumer, KafkaProducer } from "../../../../payloads/lib/kafka";

/** A broker that hangs: it takes connections, and says nothing. */
const sockets = new Set<Socket>();
let server: Server;
let access: { bootstrapServers: string[] };

beforeAll(async () => {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  access = { bootstrapServers: [`127.0.0.1:${(server.address() as { port: number }).port}`] };
});

afterAll(async () => {
  const closed = new Promise((resolve) => server.close(resolve));
  for (const socket of sockets) socket.destroy();
  await closed;
});

const silent = (): void => undefined;

async function took(work: Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work;
  return performance.now() - begin;
}

test.each([undefined, "a-group"])(
  "a consumer (group %s) ends at once where no broker answers",
  async (group) => {
    const consumer = new KafkaConsumer(access, { group, topics: ["red"], from: "latest" }, silent);
    const running = consumer.run(() => Promise.resolve());
    await sleep(200);
    expect(await took(consumer.close())).toBeLessThan(500);
    await running;
  },
);

test("a producer waits for what is under way as long as it is told to, and no longer", async () => {
  const producer = new KafkaProducer(access, silent);
  const sent = producer.send([{ topic: "red", value: Buffer.from("x") }]);
  const refused = expect(sent).rejects.toThrow("not acknowledged within 0.3 s of the stop");
  await sleep(100);
  const ms = await took(producer.close(300));
  expect(ms).toBeGreaterThan(290);
  expect(ms).toBeLessThan(800);
  await refused;
});
