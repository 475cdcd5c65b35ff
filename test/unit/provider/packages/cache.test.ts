import { PackageCache } from "../../../../provider/packages/cache";
import { Hindrance, toldOf } from "../../../../provider/packages/hindrance";
import { proxyFor, Upstream } from "../../../../provider/packages/upstream";
import { Mirror, type Serve, temporaryCache } from "../../../support/packages/mirror";

const DEB = "/debian/pool/main/c/chrony/chrony_4.3-2_arm64.deb";
const MIB = 1024 ** 2;

/** What comes of a file that a mirror sends so, at a bound of a MiB. */
async function cameOf(serve: Serve): Promise<{ error: unknown; kept: number }> {
  const mirror = await Mirror.start({ [DEB]: serve });
  const { store, remove } = await temporaryCache();
  const cache = new PackageCache(store, new Upstream({}), MIB);
  try {
    const wish = { mirrors: { hosts: new Set([mirror.host]), named: true } };
    const answer = await cache.get(mirror.url(DEB), wish);
    if (answer.kind !== "file") throw new Error(`it was ${answer.kind}`);
    for await (const chunk of answer.body) void chunk;
    return { error: undefined, kept: (await store.list()).length };
  } catch (error) {
    return { error, kept: (await store.list()).length };
  } finally {
    await cache.close();
    await mirror.stop();
    await remove();
  }
}

describe("a file that is larger than anything a lab needs", () => {
  const start = Buffer.from("!<arch>\n".padEnd(1024, "x"));

  test("is not begun where its server tells its size", async () => {
    const { error, kept } = await cameOf((_, response) => {
      response.writeHead(200, { "Content-Length": 2 * MIB }).write(start);
    });
    expect(error).toBeInstanceOf(Hindrance);
    expect((error as Hindrance).message).toMatch(/^127\.0\.0\.1:\d+ sends more than 1 MiB for it$/);
    expect((error as Hindrance).remedy).toMatch(/see what answers for 127\.0\.0\.1:\d+\./);
    expect(kept).toBe(0);
  });

  test("breaks off where it has no end", async () => {
    const { error, kept } = await cameOf((_, response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(start));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    });
    expect(error).toBeInstanceOf(Hindrance);
    expect(kept).toBe(0);
  });

  test("one of the bound's size is kept", async () => {
    const { error, kept } = await cameOf((_, response) => {
      response.writeHead(200, { "Content-Length": MIB }).end(Buffer.concat([start], MIB));
    });
    expect([error, kept]).toEqual([undefined, 1]);
  });
});

test("a full disk is told as one, and being online is no remedy for it", () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), {
    code: "ENOSPC",
  });
  expect(toldOf(full, "/cache/packages")).toEqual({
    why: "the disk of this machine's cache is full",
    remedy:
      "Make room in /cache/packages, or give the cache another place (PI_LAB_CACHE), and run the command again.",
  });
  expect(toldOf(new Error("mirror.example does not answer"), "/cache/packages")).toEqual({
    why: "mirror.example does not answer",
  });
  expect(toldOf(new Hindrance("it is barred", "See."), "/cache")).toEqual({
    why: "it is barred",
    remedy: "See.",
  });
});

test("a proxy that is none over plain HTTP is told, without its login", () => {
  const url = new URL("http://mirror.example/debian/");
  const told = (http_proxy: string): unknown => {
    try {
      return proxyFor(url, { http_proxy })?.href;
    } catch (error) {
      return error instanceof Hindrance ? error.message : error;
    }
  };
  expect(told("proxy.example:3128")).toBe("http://proxy.example:3128/");
  expect(told("https://ann:secret@proxy.example:8443")).toBe(
    "http_proxy of this machine's environment is a proxy over https (proxy.example:8443)",
  );
  expect(told("http://ann:secret@:3128:9")).toBe(
    "http_proxy of this machine's environment is no URL",
  );
});
