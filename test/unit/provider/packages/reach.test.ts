import type { LookupAddress, LookupOptions } from "node:dns";
import { networkInterfaces } from "node:os";

import fc from "fast-check";

import { Hindrance } from "../../../../provider/packages/hindrance";
import { barred, guardedLookup, type Mirrors } from "../../../../provider/packages/reach";
import { Upstream } from "../../../../provider/packages/upstream";
import { Mirror } from "../../../support/packages/mirror";

const DEB = "/debian/pool/main/c/chrony/chrony_4.3-2_arm64.deb";
const deb = "!<arch>\nchrony";

const v4 = (address: string): LookupAddress => ({ address, family: 4 });
const mirrors = (hosts: readonly string[], named = false): Mirrors => ({
  hosts: new Set(hosts),
  named,
});

describe("addresses that nothing is fetched from for a host", () => {
  const own = ["192.168.1.7", "fd00::7"];

  test.each([
    ["127.0.0.1", "a loopback address"],
    ["127.9.8.7", "a loopback address"],
    ["::1", "a loopback address"],
    ["::ffff:127.0.0.1", "a loopback address"],
    ["::ffff:7f00:1", "a loopback address"],
    ["169.254.169.254", "a link-local address"],
    ["fe80::1", "a link-local address"],
    ["fe80::1%eth0", "a link-local address"],
    ["febf::1", "a link-local address"],
    ["0.0.0.0", "no address of a machine"],
    ["::", "no address of a machine"],
    ["::127.0.0.1", "no address of a machine"],
    ["255.255.255.255", "no address of a machine"],
    ["224.0.0.251", "a multicast address"],
    ["ff02::1", "a multicast address"],
    ["168.63.129.16", "a cloud's metadata service"],
    ["fd00:ec2::254", "a cloud's metadata service"],
    ["192.168.1.7", "an address of this machine"],
    ["::ffff:192.168.1.7", "an address of this machine"],
    ["fd00::7", "an address of this machine"],
    ["fd00:0:0::7", "an address of this machine"],
  ])("%s is %s", (address, what) => {
    expect(barred(address, own)).toBe(what);
  });

  test.each([
    "192.168.1.8",
    "10.0.0.5",
    "172.16.0.1",
    "151.101.2.132",
    "2a04:4e42::644",
    "fd00::8",
  ])("but a mirror may have %s", (address) => {
    expect(barred(address, own)).toBeUndefined();
  });

  test("whatever this machine's interfaces have is its own", () => {
    const all = Object.values(networkInterfaces()).flatMap((some = []) => some);
    for (const { address } of all)
      expect([address, barred(address)]).not.toEqual([address, undefined]);
  });

  test("loopback is told however IPv6 writes it", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(byte, byte, byte, (b, c, d) => {
        const hex = `::ffff:7f${b.toString(16).padStart(2, "0")}:${(c * 256 + d).toString(16)}`;
        return barred(hex, []) !== undefined && barred(`127.${b}.${c}.${d}`, []) !== undefined;
      }),
    );
  });
});

describe("a name is resolved once, and what was judged is dialled", () => {
  const looked = (
    answers: readonly LookupAddress[][],
    named: boolean,
    options: LookupOptions,
  ): Promise<{ asked: number; error: Error | null; got: unknown }> => {
    let asked = 0;
    const resolve = () => Promise.resolve(answers[asked++] ?? []);
    return new Promise((end) => {
      guardedLookup(mirrors([], named), resolve)("mirror.example", options, (error, got) =>
        end({ asked, error, got }),
      );
    });
  };

  test("a name that leads elsewhere the second time leads there in vain", async () => {
    const rebound = [[v4("10.0.0.5")], [v4("127.0.0.1")]];
    const { asked, got } = await looked(rebound, false, { all: true });
    expect([asked, got]).toEqual([1, [v4("10.0.0.5")]]);
    expect((await looked(rebound, false, {})).got).toBe("10.0.0.5");
  });

  test("one address among others is enough", async () => {
    const { error } = await looked([[v4("10.0.0.5"), v4("127.0.0.1")]], false, { all: true });
    expect(error).toBeInstanceOf(Hindrance);
    expect(error?.message).toBe(
      "mirror.example is 127.0.0.1, and that is a loopback address, from where nothing is fetched for a host that only its own apt sources send there",
    );
    expect((error as Hindrance).remedy).toMatch(/`packages\.mirrors`.*\/etc\/apt/);
  });

  test("the configuration's own word stands", async () => {
    const { error, got } = await looked([[v4("127.0.0.1")]], true, { all: true });
    expect([error, got]).toEqual([null, [v4("127.0.0.1")]]);
  });
});

describe("a request for a host", () => {
  const resolve = (name: string): Promise<LookupAddress[]> => {
    if (name === "inner.example") return Promise.resolve([v4("127.0.0.1")]);
    if (name === "mirror.example") return Promise.resolve([v4("10.0.0.5")]);
    return Promise.reject(new Error(`getaddrinfo ENOTFOUND ${name}`));
  };
  let mirror: Mirror;
  let upstream: Upstream;
  let port: string;
  beforeEach(async () => {
    mirror = await Mirror.start({
      [DEB]: deb,
      "/pool/away.deb": (_request, response) =>
        void response.writeHead(302, { Location: `http://127.0.0.1:${port}${DEB}` }).end(),
      "/pool/command.deb": (_request, response) =>
        void response.writeHead(302, { Location: "/reboot.cgi" }).end(),
    });
    port = new URL(`http://${mirror.host}`).port;
  });
  afterEach(async () => {
    upstream.close();
    await mirror.stop();
  });

  /** What comes of it. */
  async function fetched(url: string, env: NodeJS.ProcessEnv, more: Partial<Mirrors> = {}) {
    upstream = new Upstream(env, resolve);
    const all = { ...mirrors([new URL(url).host, `127.0.0.1:${port}`]), ...more };
    try {
      const answer = await upstream.get(new URL(url), { mirrors: all, deadlineMs: 5_000 });
      answer.resume();
      return answer.statusCode;
    } catch (error) {
      return error;
    }
  }

  test.each(["127.0.0.1", "inner.example", "[::ffff:127.0.0.1]", "2130706433"])(
    "is not sent to %s",
    async (host) => {
      const url = `http://${host}:${port}${DEB}`;
      expect(await fetched(url, {})).toBeInstanceOf(Hindrance);
      await expect(upstream.check(mirrors([new URL(url).host]))).rejects.toThrow(/loopback/);
      expect(mirror.asked).toEqual([]);
    },
  );

  test("is sent where the configuration says so", async () => {
    expect(await fetched(`http://inner.example:${port}${DEB}`, {}, { named: true })).toBe(200);
    await upstream.check(mirrors([`inner.example:${port}`], true));
  });

  test("goes through the environment's proxy wherever that is, and leads it to nothing inside", async () => {
    const env = { http_proxy: `http://${mirror.host}` };
    expect(await fetched(`http://mirror.example${DEB}`, env)).toBe(200);
    expect(await fetched(`http://192.168.250.250${DEB}`, env)).toBe(200);
    // Only the proxy knows it.
    expect(await fetched(`http://unknown.example${DEB}`, env)).toBe(200);
    expect(mirror.asked).toHaveLength(3);
    for (const host of ["127.0.0.1", "inner.example", "169.254.169.254", "[::1]"]) {
      expect(await fetched(`http://${host}${DEB}`, env)).toBeInstanceOf(Hindrance);
    }
    expect(mirror.asked).toHaveLength(3);
  });

  test("follows no redirection to what it would not be sent to, and none to what is no archive's", async () => {
    const env = { http_proxy: `http://${mirror.host}` };
    expect(await fetched("http://mirror.example/pool/away.deb", env)).toBeInstanceOf(Hindrance);
    expect(await fetched("http://mirror.example/pool/command.deb", env)).toMatchObject({
      message: expect.stringMatching(
        /leads to http:\/\/mirror\.example, which is no file of/,
      ) as string,
    });
    expect(mirror.asked).toHaveLength(2);
  });
});
