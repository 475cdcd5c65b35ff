import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { ask, retryAfterMs, withoutSecrets } from "../../../../payloads/lib/ask";
import { listen, type Listening } from "../../../../payloads/lib/listen";

let listening: Listening | undefined;
afterEach(() => listening?.close());

async function serve(answer: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(answer);
  listening = await listen(server, { address: "127.0.0.1", port: 0 });
  return { url: listening.url, server };
}

const never = new AbortController().signal;

test("an answer has its whole body", async () => {
  const { url } = await serve((_request, response) => {
    response.writeHead(503);
    response.write("not ");
    setTimeout(() => response.end("yet"), 20);
  });
  const { response, text } = await ask(url, {}, 5_000, never);
  expect([response.status, text]).toEqual([503, "not yet"]);
});

test.each<readonly [string, RequestListener]>([
  ["says nothing", () => {}],
  ["stops amid its answer", (_request, response) => void response.write("a")],
])("a server that %s is not waited for any longer than that", async (_what, answer) => {
  const { url } = await serve(answer);
  await expect(ask(url, {}, 100, never)).rejects.toThrow("no answer in time");
});

test("whoever asks may give up", async () => {
  const { url, server } = await serve(() => {});
  const giveUp = new AbortController();
  const asking = ask(url, {}, 20_000, giveUp.signal);
  const failed = expect(asking).rejects.toThrow("given up");
  await once(server, "request");
  giveUp.abort();
  await failed;
});

test("it is said why there is no answer, and nobody is followed elsewhere", async () => {
  const { url } = await serve((_request, response) => {
    response.writeHead(302, { location: "http://127.0.0.1:9/" }).end();
  });
  await expect(ask(url, {}, 5_000, never)).rejects.toThrow("redirect");
  await listening?.close();
  await expect(ask(url, {}, 5_000, never)).rejects.toThrow("ECONNREFUSED");
});

test("Retry-After is seconds or a date", () => {
  const now = Date.parse("2026-11-28T20:00:00Z");
  expect(retryAfterMs(null, now)).toBeUndefined();
  expect(retryAfterMs("soon", now)).toBeUndefined();
  expect(retryAfterMs("120", now)).toBe(120_000);
  expect(retryAfterMs("Sat, 28 Nov 2026 20:00:30 GMT", now)).toBe(30_000);
  expect(retryAfterMs("Sat, 28 Nov 2026 19:00:00 GMT", now)).toBe(0);
});

test("a secret is taken out before words are cut", () => {
  expect(withoutSecrets("no hunter2 and hunter22", ["hunter2", "other"], 100)).toBe(
    "no *** and ***2",
  );
  expect(withoutSecrets("no hunter2", ["hunter2"], 6)).toBe("no ***");
});
