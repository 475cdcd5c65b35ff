import { createHash } from "node:crypto";
import * as fs from "node:fs";
import type { ServerResponse } from "node:http";
import * as path from "node:path";

import { download, DownloadError, findDigest } from "../../../toolchain/download";
import { cleanUp, serve, serveFiles, temporaryFolder } from "./support";

const content = Buffer.from("the official archive ".repeat(5000));
const digest = (algorithm: string, data = content) =>
  createHash(algorithm).update(data).digest("hex");
const silent = () => undefined;

afterEach(cleanUp);

/** Downloads tool.tgz from there; the failure if it fails, or what is at the target. */
async function fetchFrom(base: string, times = {}) {
  const folder = temporaryFolder();
  const target = path.join(folder, "tool.tgz");
  const file = { url: `${base}/tool.tgz`, checksumUrl: `${base}/sums.txt` };
  try {
    await download(silent, file, target, { pausesMs: [], ...times });
  } catch (error) {
    expect(error).toBeInstanceOf(DownloadError);
    // Neither a file that looks finished nor a part of one stays behind.
    expect(fs.readdirSync(folder)).toEqual([]);
    return error as DownloadError;
  }
  expect(fs.readdirSync(folder)).toEqual(["tool.tgz"]);
  return fs.readFileSync(target);
}

describe("download", () => {
  it.each(["sha1", "sha256", "sha512"])(
    "accepts a file with the published %s digest",
    async (name) => {
      const { url } = await serveFiles({
        "/tool.tgz": content,
        "/sums.txt": `${"0".repeat(64)}  other.tgz\n${digest(name)}  ./tool.tgz\n`,
      });
      expect(await fetchFrom(url)).toEqual(content);
    },
  );

  it("follows a redirect", async () => {
    const { url } = await serve((request, response) => {
      if (request.url === "/tool.tgz") response.writeHead(302, { location: "/elsewhere" }).end();
      else response.end(request.url === "/elsewhere" ? content : digest("sha256"));
    });
    expect(await fetchFrom(url)).toEqual(content);
  });

  it("refuses a redirect that never ends", async () => {
    const { url } = await serve((request, response) =>
      request.url === "/sums.txt"
        ? response.end(digest("sha256"))
        : response.writeHead(302, { location: "/tool.tgz" }).end(),
    );
    expect(await fetchFrom(url)).toMatchObject({ kind: "status" });
  });

  it("refuses a file whose digest differs, and names both", async () => {
    const { url } = await serveFiles({
      "/tool.tgz": Buffer.concat([content, Buffer.from("!")]),
      "/sums.txt": `${digest("sha256")}  tool.tgz\n`,
    });
    const error = await fetchFrom(url);
    expect(error).toMatchObject({ kind: "checksum" });
    expect(String(error)).toContain(digest("sha256"));
    expect(String(error)).toContain(digest("sha256", Buffer.concat([content, Buffer.from("!")])));
  });

  it("does not even fetch a file that its vendor lists no digest of", async () => {
    const { url, asked } = await serveFiles({
      "/tool.tgz": content,
      "/sums.txt": `${digest("sha256")}  other.tgz\n`,
    });
    expect(await fetchFrom(url)).toMatchObject({ kind: "checksum" });
    expect(asked).toEqual(["/sums.txt"]);
  });

  it("refuses a file without a checksum file", async () => {
    const { url } = await serveFiles({ "/tool.tgz": content });
    expect(await fetchFrom(url)).toMatchObject({ kind: "not-found" });
  });

  it("refuses a file that breaks off", async () => {
    const { url } = await serve((request, response) => {
      if (request.url === "/sums.txt") {
        response.end(digest("sha256"));
        return;
      }
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 1000), () => response.destroy());
    });
    expect(await fetchFrom(url)).toMatchObject({ kind: "truncated" });
  });

  it("reports a missing file and a failing server", async () => {
    const sums = { "/sums.txt": digest("sha256") };
    expect(await fetchFrom((await serveFiles(sums)).url)).toMatchObject({ kind: "not-found" });
    for (const [status, kind] of [
      [503, "unavailable"],
      [429, "unavailable"],
      [403, "status"],
    ] as const) {
      const { url } = await serve((_, response) => response.writeHead(status).end());
      expect(await fetchFrom(url)).toMatchObject({ kind });
    }
  });

  it("gives up on a server that never answers, and on one that stops in the middle", async () => {
    const mute = await serve(() => undefined);
    expect(await fetchFrom(mute.url, { stallMs: 100 })).toMatchObject({ kind: "stalled" });
    const halting = await serve((request, response) => {
      if (request.url === "/sums.txt") response.end(digest("sha256"));
      else response.writeHead(200).write("the beginning");
    });
    expect(await fetchFrom(halting.url, { stallMs: 100 })).toMatchObject({ kind: "stalled" });
  });

  type Fault = (response: ServerResponse) => void;
  const faults: [string, Fault][] = [
    ["a reset", (response) => response.destroy()],
    ["an overloaded server", (response) => response.writeHead(503).end()],
    ["silence", () => undefined],
    [
      "a connection that breaks off",
      (response) => {
        response.writeHead(200, { "content-length": content.length });
        response.write(content.subarray(0, 1000), () => response.destroy());
      },
    ],
  ];
  const quick = { pausesMs: [1, 1], stallMs: 200 };
  /** Serves the file after so many of these faults. */
  const recovering = async (count: number, fault: Fault) => {
    let left = count;
    return serve((request, response) => {
      if (request.url === "/sums.txt") response.end(digest("sha256"));
      else if (left-- > 0) fault(response);
      else response.end(content);
    });
  };

  it.each(faults)("tries again after %s", async (_, fault) => {
    const { url } = await recovering(2, fault);
    expect(await fetchFrom(url, quick)).toEqual(content);
  });

  it.each(faults)("gives up after the third time of %s", async (_, fault) => {
    const { url, asked } = await recovering(3, fault);
    expect(await fetchFrom(url, quick)).toBeInstanceOf(DownloadError);
    expect(asked.filter((path) => path === "/tool.tgz")).toHaveLength(3);
  });

  it.each([
    ["a missing file", 404],
    ["a refusal", 403],
  ])("does not repeat its question after %s", async (_, status) => {
    const { url, asked } = await recovering(1, (response) => response.writeHead(status).end());
    expect(await fetchFrom(url, quick)).toBeInstanceOf(DownloadError);
    expect(asked).toEqual(["/sums.txt", "/tool.tgz"]);
  });

  it("does not repeat beyond the time for the whole file", async () => {
    const { url, asked } = await recovering(1, (response) => response.destroy());
    const late = { pausesMs: [1_000], totalMs: 500 };
    expect(await fetchFrom(url, late)).toMatchObject({ kind: "truncated" });
    expect(asked).toEqual(["/sums.txt", "/tool.tgz"]);
  });

  it("asks a host that refuses connections only once", async () => {
    const { url } = await serve(() => undefined);
    await cleanUp();
    expect(await fetchFrom(url)).toMatchObject({ kind: "unreachable" });
    const again = await fetchFrom(url);
    expect(again).toMatchObject({ kind: "unreachable" });
    expect(String(again)).toContain("a moment ago");
  });
});

describe("findDigest", () => {
  const sha512 = digest("sha512");
  const grouped = sha512.toUpperCase().replace(/(.{8})/g, "$1 ");

  it("reads GnuPG's wrapped form", () => {
    const half = grouped.length / 2;
    const text = `kafka.tgz: ${grouped.slice(0, half)}\n           ${grouped.slice(half)}\n`;
    expect(findDigest(text, "kafka.tgz")).toBe(sha512);
  });

  it("reads a bare digest", () => {
    expect(findDigest(`${digest("sha256")}\n`, "go.tar.gz")).toBe(digest("sha256"));
  });

  it("tells a file from another whose name ends in the same way", () => {
    const text = `${digest("sha1")}  ./big-tool.tgz\n${digest("sha256")} *tool.tgz\n`;
    expect(findDigest(text, "tool.tgz")).toBe(digest("sha256"));
  });

  it("finds nothing in an error page", () => {
    expect(findDigest("<html>abc</html>", "tool.tgz")).toBeUndefined();
    expect(findDigest("abcdef  tool.tgz", "tool.tgz")).toBeUndefined();
  });
});
