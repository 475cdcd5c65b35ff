import { get, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Registry } from "prom-client";

import { makeFigures } from "../../../../payloads/status-page/figures";
import type { Listening } from "../../../../payloads/lib/listen";
import { openPage } from "../../../../payloads/status-page/server";
import { Stream, type StreamOptions } from "../../../../payloads/status-page/stream";
import { waitFor } from "../../../support/wait";

const EVERY = { everyMs: 20, beatMs: 60 };

let items: Map<string, object>;
let figures: ReturnType<typeof makeFigures>;
let stream: Stream;
let server: Listening;

async function serve(options: Partial<StreamOptions> = {}, idleMs?: number): Promise<void> {
  items = new Map<string, object>([["lab", { title: "Lab" }]]);
  figures = makeFigures(new Registry());
  stream = new Stream({ items: () => items, figures, ...EVERY, ...options });
  server = await openPage({ address: "127.0.0.1", port: 0 }, stream, figures, idleMs);
}

afterEach(async () => {
  stream.close();
  await server.close();
});

interface Event {
  readonly event: string;
  readonly id: string;
  readonly data: { readonly at: number; readonly items?: Record<string, unknown> };
}

/** Follows as a browser does. */
class Follower {
  readonly events: Event[] = [];
  /** The first of it. */
  head = "";
  isOver = false;
  private rest = "";

  private constructor(readonly response: IncomingMessage) {
    response.setEncoding("utf8").on("data", (chunk: string) => {
      this.head ||= chunk;
      const parts = (this.rest + chunk).split("\n\n");
      this.rest = parts.pop() ?? "";
      this.events.push(...parts.map(parse));
    });
    response.on("close", () => (this.isOver = true)).on("error", () => {});
  }

  static on(response: IncomingMessage): Follower {
    return new Follower(response);
  }

  static async open(headers: Record<string, string> = {}): Promise<Follower> {
    return new Promise((resolve, reject) => {
      get(`${server.url}/events`, { headers }, (response) => resolve(new Follower(response))).on(
        "error",
        reject,
      );
    });
  }

  async awaitEvent(what: (event: Event) => boolean): Promise<Event> {
    return waitFor("an event", () => Promise.resolve(this.events.find(what)), {
      ...{ deadlineMs: 5_000, pauseMs: 5 },
    });
  }

  close(): void {
    this.response.destroy();
  }
}

function parse(text: string): Event {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1] ?? "";
  const data = JSON.parse(field("data")) as Event["data"];
  return { event: field("event"), id: field("id"), data };
}

describe("the files", () => {
  beforeEach(() => serve());

  test.each([
    ["/", "text/html; charset=utf-8"],
    ["/?theme=dark", "text/html; charset=utf-8"],
    ["/page.css", "text/css; charset=utf-8"],
    ["/page.js", "text/javascript; charset=utf-8"],
    ["/icon.svg", "image/svg+xml"],
    ["/api/state", "application/json"],
  ])("%s is served under a policy that lets nothing else in", async (path, type) => {
    const response = await fetch(server.url + path);
    expect(response.status).toBe(200);
    expect((await response.text()).length).toBeGreaterThan(20);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": type,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    });
  });

  test("are sent once, and again when they are others", async () => {
    const first = await fetch(`${server.url}/page.css`);
    const tag = first.headers.get("etag") ?? "";
    await first.text();
    expect(tag).toMatch(/^"[\w-]{22}"$/);
    const again = await fetch(`${server.url}/page.css`, { headers: { "if-none-match": tag } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    const other = await fetch(`${server.url}/page.css`, { headers: { "if-none-match": '"x"' } });
    expect(other.status).toBe(200);
    await other.text();
  });

  test("there are no others", async () => {
    for (const path of [
      "/../package.json",
      "/%2e%2e/main.ts",
      "/metrics",
      "//page.css",
      "/constructor",
    ]) {
      const response = await fetch(server.url + path);
      expect([path, response.status, await response.text()]).toEqual([path, 404, "not here\n"]);
    }
  });

  test("nothing can be written", async () => {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const response = await fetch(`${server.url}/`, { method });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
      await response.text();
    }
  });

  test("HEAD tells of each without its content", async () => {
    for (const path of ["/", "/api/state", "/events"]) {
      const response = await fetch(server.url + path, { method: "HEAD" });
      expect([path, response.status, await response.text()]).toEqual([path, 200, ""]);
    }
  });

  test("what has no end as a request is ended", async () => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    const text = await new Promise<string>((resolve) => {
      let answer = "";
      socket.on("data", (chunk) => (answer += String(chunk))).on("close", () => resolve(answer));
      socket.on("error", () => resolve(answer));
      socket.write(`GET /${"x".repeat(10_000)} HTTP/1.1\r\nHost: lab\r\n\r\n`);
    });
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
  });
});

describe("the events", () => {
  test("begin with all there is, and go on with what changes", async () => {
    await serve();
    items.set("topic red", { rate: 1 });
    const one = await Follower.open();
    expect(one.response.headers).toMatchObject({
      ...{ "content-type": "text/event-stream", "cache-control": "no-store" },
    });
    const first = await one.awaitEvent(() => true);
    expect(first).toMatchObject({
      ...{ event: "snapshot" },
      data: { items: { lab: { title: "Lab" }, "topic red": { rate: 1 } } },
    });
    expect(one.head).toMatch(/^retry: 2000\n/);
    items.set("topic red", { rate: 2 });
    const change = await one.awaitEvent(({ event }) => event === "change");
    expect(change.data.items).toEqual({ "topic red": { rate: 2 } });
    // Who comes later has it in the beginning, and the same changes from then on.
    const two = await Follower.open();
    expect((await two.awaitEvent(() => true)).data.items).toMatchObject({
      "topic red": { rate: 2 },
    });
    items.delete("topic red");
    for (const follower of [one, two]) {
      const gone = await follower.awaitEvent(({ data }) => data.items?.["topic red"] === null);
      expect(Object.keys(gone.data.items ?? {})).toEqual(["topic red"]);
    }
    const ids = one.events.map(({ id }) => Number(id));
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect(new Set(ids).size).toBe(ids.length);
    one.close();
    two.close();
  });

  test("say that they are still there where nothing changes", async () => {
    await serve();
    const follower = await Follower.open();
    await follower.awaitEvent(({ event }) => event === "beat");
    await sleep(150);
    const beats = follower.events.filter(({ event }) => event === "beat").length;
    expect(beats).toBeGreaterThanOrEqual(2);
    expect(beats).toBeLessThan(8);
    follower.close();
  });

  test("begin anew for who comes back, whatever came last", async () => {
    await serve();
    for (const last of ["7", "-1", "x\u00ff", "9".repeat(400)]) {
      const follower = await Follower.open({ "last-event-id": last });
      expect((await follower.awaitEvent(() => true)).event).toBe("snapshot");
      follower.close();
    }
  });

  test("are for so many at once, and for others as soon as one has gone", async () => {
    await serve({ maxClients: 2 });
    const followers = [await Follower.open(), await Follower.open()];
    const refused = await fetch(`${server.url}/events`);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(await refused.text()).toBe("too many follow already\n");
    followers[0]?.close();
    await waitFor("the place to be free", async () => ((await count()) === 1 ? true : undefined), {
      ...{ deadlineMs: 5_000, pauseMs: 10 },
    });
    const third = await Follower.open();
    await third.awaitEvent(({ event }) => event === "snapshot");
    third.close();
    followers[1]?.close();
  });

  /** Follows, and takes nothing until it is asked to; changes are made until the system's own buffers are full. */
  async function stuckFollower(isStuck: () => Promise<boolean>): Promise<IncomingMessage> {
    const slow = request(`${server.url}/events`);
    slow.on("error", () => {}).end();
    const response = await new Promise<IncomingMessage>((resolve) => slow.on("response", resolve));
    response.pause().on("error", () => {});
    let round = 0;
    const change = async () => {
      items.set("topic red", { round: round++, text: "x".repeat(300_000) });
      return (await isStuck()) || undefined;
    };
    await waitFor("the slow one to be stuck", change, { deadlineMs: 20_000, pauseMs: 25 });
    return response;
  }

  test("wait for one that does not keep up, and tell it then how all is", async () => {
    await serve({ beatMs: 20 });
    let before = -1;
    let still = 0;
    const response = await stuckFollower(async () => {
      const now = await value(figures.sentBytes);
      still = now === before ? still + 1 : 0;
      before = now;
      return still === 10;
    });
    const held = await value(figures.sentBytes);
    for (let round = 0; round < 10; round++) {
      items.set("topic red", { late: round, text: "y".repeat(300_000) });
      await sleep(25);
    }
    items.set("topic red", { last: true });
    await sleep(50);
    expect(await value(figures.sentBytes)).toBe(held);
    const follower = Follower.on(response);
    response.resume();
    const last = await follower.awaitEvent(
      ({ data }) => JSON.stringify(data.items?.["topic red"]) === '{"last":true}',
    );
    expect(last.event).toBe("snapshot");
    const topics = follower.events.map(({ data }) => data.items?.["topic red"]);
    expect(topics.filter((one) => JSON.stringify(one)?.includes("late"))).toEqual([]);
    await follower.awaitEvent(({ event }) => event === "beat");
    expect(await dropped()).toBe(0);
    follower.close();
  }, 30_000);

  test("drop one that takes nothing any more, and no other", async () => {
    await serve({ stuckMs: 200 });
    const quick = await Follower.open();
    const response = await stuckFollower(async () => (await dropped()) > 0);
    expect(await dropped()).toBe(1);
    expect(await count()).toBe(1);
    items.set("topic red", { last: true });
    await quick.awaitEvent(
      ({ data }) => JSON.stringify(data.items) === '{"topic red":{"last":true}}',
    );
    response.destroy();
    quick.close();
  }, 30_000);

  test("end when the page is closed", async () => {
    await serve();
    const follower = await Follower.open();
    await follower.awaitEvent(() => true);
    stream.close();
    await server.close();
    await waitFor("the end", () => Promise.resolve(follower.isOver || undefined), {
      ...{ deadlineMs: 5_000, pauseMs: 5 },
    });
  });

  test("are not made while nobody follows", async () => {
    let made = 0;
    await serve({
      items: () => {
        made++;
        return items;
      },
    });
    await sleep(120);
    expect(made).toBe(0);
    await (await fetch(`${server.url}/api/state`)).text();
    expect(made).toBe(1);
  });
});

test("the state holds what the page shows", async () => {
  await serve();
  const state = (await (await fetch(`${server.url}/api/state`)).json()) as { at: number };
  expect(state).toEqual({ at: expect.any(Number) as number, items: { lab: { title: "Lab" } } });
  expect(Math.abs(state.at - Date.now())).toBeLessThan(5_000);
});

test("a connection on which nothing moves is closed", async () => {
  await serve({}, 200);
  items.set("topic red", { text: "x".repeat(20_000_000) });
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
  socket.on("error", () => {});
  let isOver = false;
  socket.on("close", () => (isOver = true));
  socket.write("GET /api/state HTTP/1.1\r\nHost: lab\r\n\r\n");
  // Nothing is read until somebody asks for it.
  await sleep(600);
  socket.resume();
  await waitFor("the end", () => Promise.resolve(isOver || undefined), {
    ...{ deadlineMs: 5_000, pauseMs: 5 },
  });
  expect(socket.bytesRead).toBeLessThan(20_000_000);
  socket.destroy();
});

const value = async (metric: { get(): Promise<{ values: { value: number }[] }> }) =>
  (await metric.get()).values.reduce((sum, { value: one }) => sum + one, 0);
const count = () => value(figures.clients);
const dropped = () => value(figures.dropped);
