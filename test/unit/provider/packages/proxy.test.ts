import { createHash } from "node:crypto";
import { open, readdir, truncate, utimes } from "node:fs/promises";
import { join } from "node:path";

import { PackageCache } from "../../../../provider/packages/cache";
import { HostProxy, refusalOf } from "../../../../provider/packages/proxy";
import type { Mirrors } from "../../../../provider/packages/reach";
import { PackageStore } from "../../../../provider/packages/store";
import { Upstream } from "../../../../provider/packages/upstream";
import {
  ask,
  listening,
  Mirror,
  sendRaw,
  temporaryCache,
  type Got,
  type Serve,
} from "../../../support/packages/mirror";

const DEB = "/debian/pool/main/c/chrony/chrony_4.3-2_arm64.deb";
const RELEASE = "/debian/dists/bookworm/InRelease";
const deb = (text: string): string => `!<arch>\n${text}`;
const release = (text: string): string => `-----BEGIN PGP SIGNED MESSAGE-----\n${text}`;
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

interface Bench {
  readonly proxy: HostProxy;
  readonly folder: string;
  readonly store: Awaited<ReturnType<typeof temporaryCache>>["store"];
  readonly get: (url: URL | string, options?: Parameters<typeof ask>[2]) => Promise<Got>;
  /** Another host's proxy on the same cache. */
  readonly beside: (mirror: Mirror) => Promise<Bench>;
  readonly port: number;
}

/** They are on loopback, as the lab's configuration says. */
const mirrorsFor = (mirrors: readonly Mirror[]): Mirrors => ({
  hosts: new Set(mirrors.map(({ host }) => host)),
  named: true,
});

async function mirrorOf(files: Parameters<typeof Mirror.start>[0]): Promise<Mirror> {
  const mirror = await Mirror.start(files);
  endings.push(() => mirror.stop());
  return mirror;
}

async function benchOf(
  mirrors: readonly Mirror[],
  options: { limit?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<Bench> {
  const { cache, store, folder, remove } = await temporaryCache(options.limit, options.env);
  endings.push(remove);
  const make = async (some: readonly Mirror[]): Promise<Bench> => {
    const proxy = new HostProxy(cache, mirrorsFor(some));
    const { port, stop } = await listening(proxy);
    endings.push(stop);
    return {
      ...{ proxy, folder, store, port },
      get: (url, how) => ask(port, String(url), how),
      beside: (mirror) => make([mirror]),
    };
  };
  return make(mirrors);
}

/** Waits for what happens after an answer has gone out. */
async function kept(store: Bench["store"], url: URL): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    if ((await store.find(url.href)) !== undefined) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

describe("what is kept", () => {
  test("a version of a package is fetched once, and then had without its mirror", async () => {
    const mirror = await mirrorOf({ [DEB]: deb("chrony") });
    const bench = await benchOf([mirror]);
    const first = await bench.get(mirror.url(DEB));
    expect(first).toMatchObject({ status: 200, body: deb("chrony") });
    await mirror.stop();
    const second = await bench.get(mirror.url(DEB));
    expect(second).toMatchObject({ status: 200, body: deb("chrony") });
    expect(second.headers["content-length"]).toBe(String(deb("chrony").length));
    expect(mirror.asked).toEqual([`GET ${DEB}`]);
    expect(bench.proxy.misses).toEqual([]);
  });

  test("six hosts that ask at once cause one download, and all read along", async () => {
    const whole = deb("x".repeat(300_000));
    let send: () => void = () => undefined;
    const mirror = await mirrorOf({
      [DEB]: (_request, response) => {
        response.writeHead(200, { "Content-Length": whole.length });
        response.write(whole.slice(0, 100_000));
        send = () => response.end(whole.slice(100_000));
      },
    });
    const bench = await benchOf([mirror]);
    const others = await Promise.all([1, 2, 3, 4, 5].map(() => bench.beside(mirror)));
    const asked = [bench, ...others].map(({ get }) => get(mirror.url(DEB)));
    await new Promise((resolve) => setTimeout(resolve, 100));
    // One who comes late, in the middle of the download.
    asked.push(bench.get(mirror.url(DEB)));
    await new Promise((resolve) => setTimeout(resolve, 50));
    send();
    for (const { status, body } of await Promise.all(asked)) {
      expect([status, body === whole]).toEqual([200, true]);
    }
    expect(mirror.asked).toHaveLength(1);
  });

  test("lists are asked anew, with the date of what is kept, once for all hosts of a run", async () => {
    let text = release("one");
    const date = "Sat, 28 Nov 2026 20:00:00 GMT";
    const serve: Serve = (request, response) => {
      if (request.headers["if-modified-since"] === date) response.writeHead(304).end();
      else
        response.writeHead(200, { "Last-Modified": date, "Content-Length": text.length }).end(text);
    };
    const mirror = await mirrorOf({ [RELEASE]: serve });
    const bench = await benchOf([mirror]);
    expect((await bench.get(mirror.url(RELEASE))).headers["last-modified"]).toBe(date);
    expect(await kept(bench.store, mirror.url(RELEASE))).toBe(true);
    await bench.get(mirror.url(RELEASE));
    expect(mirror.asked).toHaveLength(1);

    // A later run.
    const later = await laterRun(bench, mirror);
    expect(await later.get(mirror.url(RELEASE))).toMatchObject({ status: 200, body: text });
    expect(mirror.asked).toHaveLength(2);
    // apt itself has it already.
    const known = { headers: { "If-Modified-Since": date } };
    expect(await later.get(mirror.url(RELEASE), known)).toMatchObject({ status: 304, body: "" });

    text = release("two");
    const changed = await mirrorOf({ [RELEASE]: text });
    const other = await laterRun(bench, changed);
    expect((await other.get(changed.url(RELEASE))).body).toBe(text);
  });
});

/** Another process on the same folder. */
async function laterRun(before: Bench, mirror: Mirror): Promise<Bench> {
  const store = new PackageStore(before.folder, 1e9);
  const cache = new PackageCache(store, new Upstream({}));
  endings.push(() => cache.close());
  const proxy = new HostProxy(cache, mirrorsFor([mirror]));
  const { port, stop } = await listening(proxy);
  endings.push(stop);
  return { ...before, proxy, store, port, get: (url, how) => ask(port, String(url), how) };
}

describe("without the mirror", () => {
  test("lists are taken as they were last seen, and how old they are is known", async () => {
    const mirror = await mirrorOf({ [RELEASE]: release("old") });
    const bench = await benchOf([mirror]);
    await bench.get(mirror.url(RELEASE));
    expect(await kept(bench.store, mirror.url(RELEASE))).toBe(true);
    await mirror.stop();
    const aged = new Date(Date.now() - 3 * 86_400_000);
    for (const name of await readdir(join(bench.folder, "files"), { recursive: true })) {
      await utimes(join(bench.folder, "files", name), aged, aged);
    }
    const later = await laterRun(bench, mirror);
    expect(await later.get(mirror.url(RELEASE))).toMatchObject({
      status: 200,
      body: release("old"),
    });
    expect(later.proxy.stale?.ageMs).toBeGreaterThan(2.9 * 86_400_000);
    expect(later.proxy.stale?.why).toMatch(/does not answer \(.*ECONNREFUSED/);
    // Being asked for while nobody vouches for it makes it no younger.
    await later.get(mirror.url(RELEASE));
    expect(later.proxy.stale?.ageMs).toBeGreaterThan(2.9 * 86_400_000);
  });

  test("apt hears again that a mirror has no such list, and so goes on to another form of it", async () => {
    const mirror = await mirrorOf({});
    const bench = await benchOf([mirror]);
    expect((await bench.get(mirror.url(RELEASE))).status).toBe(404);
    await mirror.stop();
    const later = await laterRun(bench, mirror);
    expect((await later.get(mirror.url(RELEASE))).status).toBe(404);
    expect(later.proxy.misses).toEqual([]);
  });

  test.each([
    ["a network's login page", { type: "text/html", body: "<html>Log in</html>" }],
    ["a login page that says nothing of its kind", { type: "text/plain", body: "log in!" }],
  ])("%s is no list, and does not take a kept one's place", async (_, { type, body }) => {
    let isCaptive = false;
    const mirror = await mirrorOf({
      [RELEASE]: (_request, response) => {
        const text = isCaptive ? body : release("good");
        response.writeHead(200, { "Content-Type": isCaptive ? type : "text/plain" }).end(text);
      },
    });
    const bench = await benchOf([mirror]);
    await bench.get(mirror.url(RELEASE));
    expect(await kept(bench.store, mirror.url(RELEASE))).toBe(true);
    isCaptive = true;
    const later = await laterRun(bench, mirror);
    expect((await later.get(mirror.url(RELEASE))).body).toBe(release("good"));
    expect(later.proxy.stale?.why).toMatch(/is no file of a package archive/);
  });

  test("a mirror that fails, or leads elsewhere, is as good as none", async () => {
    let answer: Serve = (_request, response) =>
      void response.writeHead(200, { "Content-Length": 38 }).end(release("abc"));
    const mirror = await mirrorOf({ [RELEASE]: (request, response) => answer(request, response) });
    const bench = await benchOf([mirror]);
    await bench.get(mirror.url(RELEASE));
    expect(await kept(bench.store, mirror.url(RELEASE))).toBe(true);
    answer = (_request, response) => void response.writeHead(503).end();
    const failing = await laterRun(bench, mirror);
    expect((await failing.get(mirror.url(RELEASE))).status).toBe(200);
    expect(failing.proxy.stale?.why).toMatch(/answers 503/);
    answer = (_request, response) =>
      void response.writeHead(302, { Location: "http://login.example/" }).end();
    const leading = await laterRun(bench, mirror);
    expect((await leading.get(mirror.url(RELEASE))).status).toBe(200);
    expect(leading.proxy.stale?.why).toMatch(/leads to http:\/\/login\.example/);
  });

  test("what is not kept is told with URL and cause, packages first", async () => {
    const mirror = await mirrorOf({});
    const bench = await benchOf([mirror]);
    await mirror.stop();
    expect(await bench.get(mirror.url(RELEASE))).toMatchObject({ status: 504 });
    const got = await bench.get(mirror.url(DEB));
    expect(got.status).toBe(504);
    expect(got.statusText).toMatch(/does not answer/);
    expect(bench.proxy.misses.map(({ url }) => url)).toEqual([
      mirror.url(DEB).href,
      mirror.url(RELEASE).href,
    ]);
    expect(bench.proxy.misses[0]?.why).toMatch(/^it is not in the cache, and .*ECONNREFUSED/);
  });

  test("the proxy of this machine's environment is the way to the mirrors", async () => {
    const mirror = await mirrorOf({ [DEB]: deb("direct") });
    const upstream = await mirrorOf({ [DEB]: deb("through the proxy") });
    const env = { http_proxy: `http://pi:secret@${upstream.host}` };
    const bench = await benchOf([mirror], { env });
    expect((await bench.get(mirror.url(DEB))).body).toBe(deb("through the proxy"));
    expect(upstream.asked).toEqual([`GET ${mirror.url(DEB).href}`]);
    expect(mirror.asked).toEqual([]);
  });
});

describe("what is damaged", () => {
  test("a file that its mirror cuts short breaks off for those who asked, and is not kept", async () => {
    let isWhole = false;
    const whole = deb("y".repeat(5000));
    const mirror = await mirrorOf({
      [DEB]: (_request, response) => {
        response.writeHead(200, { "Content-Length": whole.length });
        if (isWhole) response.end(whole);
        else response.write(whole.slice(0, 2000), () => response.destroy());
      },
    });
    const bench = await benchOf([mirror]);
    const asked = [1, 2, 3].map(() => bench.get(mirror.url(DEB)));
    for (const outcome of await Promise.allSettled(asked)) expect(outcome.status).toBe("rejected");
    expect(await bench.store.list()).toEqual([]);
    expect(await readdir(join(bench.folder, "tmp"))).toEqual([]);
    expect(bench.proxy.misses[0]?.url).toBe(mirror.url(DEB).href);
    isWhole = true;
    expect((await bench.get(mirror.url(DEB))).body).toBe(whole);
    expect(bench.proxy.misses).toEqual([]);
  });

  test("what is not what the signed lists say is not kept", async () => {
    const mirror = await mirrorOf({ [DEB]: deb("evil") });
    const bench = await benchOf([mirror]);
    const { href } = mirror.url(DEB);
    bench.proxy.expected.set(href, { size: deb("good").length, sha256: sha256(deb("good")) });
    await bench.get(href).catch(() => undefined);
    expect(bench.proxy.misses[0]?.why).toMatch(/is not what the archive's lists say/);
    expect(await bench.store.list()).toEqual([]);
  });

  test("a list that is named by its content must have it", async () => {
    const path = (hex: string): string => `/debian/dists/b/main/by-hash/SHA256/${hex}`;
    const [good, bad] = [path(sha256("list")), path(sha256("another"))];
    const mirror = await mirrorOf({ [good]: "list", [bad]: "list" });
    const bench = await benchOf([mirror]);
    await bench.get(mirror.url(good));
    await bench.get(mirror.url(bad)).catch(() => undefined);
    expect(await kept(bench.store, mirror.url(good))).toBe(true);
    expect((await bench.store.list()).map(({ url }) => url)).toEqual([mirror.url(good).href]);
  });

  test.each([
    ["cut short", (path: string) => truncate(path, 20)],
    ["without its end", (path: string) => truncate(path, 30)],
  ])("a kept file that is %s is fetched again", async (_, damage) => {
    const mirror = await mirrorOf({ [DEB]: deb("whole and sound") });
    const bench = await benchOf([mirror]);
    await bench.get(mirror.url(DEB));
    expect(await kept(bench.store, mirror.url(DEB))).toBe(true);
    for (const name of await readdir(join(bench.folder, "files"), { recursive: true })) {
      if (name.length > 3) await damage(join(bench.folder, "files", name));
    }
    expect((await bench.get(mirror.url(DEB))).body).toBe(deb("whole and sound"));
    expect(mirror.asked).toHaveLength(2);
  });

  test("a kept file whose bytes a bad disk has changed goes to one at most", async () => {
    const mirror = await mirrorOf({ [DEB]: deb("whole and sound") });
    const bench = await benchOf([mirror]);
    await bench.get(mirror.url(DEB));
    expect(await kept(bench.store, mirror.url(DEB))).toBe(true);
    for (const name of await readdir(join(bench.folder, "files"), { recursive: true })) {
      if (name.length <= 3) continue;
      const file = await open(join(bench.folder, "files", name), "r+");
      await file.write("W", 8);
      await file.close();
    }
    expect((await bench.get(mirror.url(DEB))).body).toBe(deb("Whole and sound"));
    expect((await bench.get(mirror.url(DEB))).body).toBe(deb("whole and sound"));
  });
});

test("closing breaks off what is under way, and nothing that has waited begins", async () => {
  let asked = 0;
  const mirror = await mirrorOf({ [DEB]: () => void asked++ });
  const upstream = new Upstream({});
  const wish = { mirrors: mirrorsFor([mirror]), deadlineMs: 60_000 };
  const all = Array.from({ length: 20 }, () => upstream.get(mirror.url(DEB), wish));
  const outcomes = Promise.allSettled(all);
  for (let i = 0; asked < 8 && i < 500; i++) await new Promise((next) => setTimeout(next, 10));
  upstream.close();
  for (const { status } of await outcomes) expect(status).toBe("rejected");
  expect(asked).toBe(8);
});

describe("what is refused", () => {
  const mirrors = new Set(["deb.example.org", "mirror.example:8080"]);
  test.each([
    ["POST", "http://deb.example.org/debian/x", 405],
    ["PUT", "http://deb.example.org/debian/x", 405],
    ["GET", "/debian/x", 400],
    ["GET", "https://deb.example.org/debian/x", 400],
    ["GET", "ftp://deb.example.org/debian/x", 400],
    ["GET", "http://example.com/", 403],
    ["GET", "http://deb.example.org.example.com/", 403],
    ["GET", "http://deb.example.org:8080/", 403],
    ["GET", "http://mirror.example/", 403],
    ["GET", "http://deb.example.org@example.com/", 403],
    ["GET", "http://127.0.0.1/a.deb", 403],
    ["GET", "http://[::1]/a.deb", 403],
    ["GET", "http://deb.example.org/debian/x", 403],
    ["GET", "http://deb.example.org/a.deb?reboot", 403],
  ])("%s %s", (method, url, status) => {
    expect(refusalOf({ method, url }, mirrors)?.status).toBe(status);
  });

  test.each([
    ["GET", "http://deb.example.org/debian/dists/bookworm/InRelease"],
    ["HEAD", "http://mirror.example:8080/y.deb"],
    ["GET", "http://DEB.example.org:80/debian/x.deb"],
  ])("but not %s %s", (method, url) => {
    expect(refusalOf({ method, url }, mirrors)).toBeUndefined();
  });

  test("a refusal is told, asks nobody, and leaves nothing", async () => {
    const [mirror, other] = [await mirrorOf({ [DEB]: deb("x") }), await mirrorOf({ "/": "inner" })];
    const bench = await benchOf([mirror]);
    const got = await bench.get(other.url("/"));
    expect(got).toMatchObject({ status: 403 });
    expect(got.statusText).toMatch(/is not in the apt sources of this host/);
    expect(other.asked).toEqual([]);
    expect(await bench.store.list()).toEqual([]);
    const tunnel = `CONNECT ${mirror.host} HTTP/1.1\r\nHost: ${mirror.host}\r\n\r\n`;
    expect(await sendRaw(bench.port, tunnel)).toMatch(/^HTTP\/1\.1 405 /);
    expect(mirror.asked).toEqual([]);
  });

  test("a mirror's redirection is followed to another mirror of the sources, and nowhere else", async () => {
    const [mirror, other] = [
      await mirrorOf({
        "/pool/a.deb": (_request, response) =>
          void response.writeHead(302, { Location: other.url("/pool/b.deb").href }).end(),
      }),
      await mirrorOf({ "/pool/b.deb": deb("there") }),
    ];
    const narrow = await benchOf([mirror]);
    expect((await narrow.get(mirror.url("/pool/a.deb"))).status).toBe(504);
    expect(other.asked).toEqual([]);
    const wide = await benchOf([mirror, other]);
    expect((await wide.get(mirror.url("/pool/a.deb"))).body).toBe(deb("there"));
  });

  test("HEAD tells the size alone", async () => {
    const mirror = await mirrorOf({ [DEB]: deb("chrony") });
    const bench = await benchOf([mirror]);
    const got = await bench.get(mirror.url(DEB), { method: "HEAD" });
    expect(got).toMatchObject({ status: 200, body: "" });
    expect(got.headers["content-length"]).toBe(String(deb("chrony").length));
  });
});

test("the folder is bounded: what was not used for longest goes first, and never what this run has used", async () => {
  const paths = ["a", "b", "c", "d"].map((name) => `/pool/${name}.deb`);
  const files = Object.fromEntries(paths.map((path) => [path, deb(path.repeat(100))]));
  const mirror = await mirrorOf(files);
  const bench = await benchOf([mirror]);
  for (const path of paths) {
    await bench.get(mirror.url(path));
    expect(await kept(bench.store, mirror.url(path))).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  const held = async (store: Bench["store"]): Promise<string[]> =>
    (await store.list()).map(({ url }) => new URL(url).pathname);
  const same = new PackageStore(bench.folder, 2_500);
  await same.find(mirror.url(paths[0]!).href);
  await same.prune();
  expect(await held(same)).toEqual([paths[3], paths[0]]);
  const roomy = new PackageStore(bench.folder, 10_000);
  expect(await roomy.prune()).toBe(0);
  const tight = new PackageStore(bench.folder, 10);
  expect(await tight.prune()).toBe(2);
  expect(await held(tight)).toEqual([]);
});
