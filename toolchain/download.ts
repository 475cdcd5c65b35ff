import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import * as path from "node:path";

import { formatDuration, step, type Log } from "./log";
import { versions } from "./versions";

export interface DownloadTimes {
  /** To reach the host, name look-up and TLS included. */
  readonly connectMs: number;
  /** Without a byte, before the answer begins or while it goes on. */
  readonly stallMs: number;
  /** For the whole file, repetitions included. */
  readonly totalMs: number;
  /** Before each repetition after a passing fault; their number is that of the repetitions. */
  readonly pausesMs: readonly number[];
}

const defaultTimes: DownloadTimes = {
  connectMs: 5_000,
  stallMs: 20_000,
  totalMs: 20 * 60_000,
  pausesMs: [1_000, 4_000],
};

/** What a download is checked against. */
export interface Download {
  readonly url: string;
  /** The vendor's file with the checksums, published beside the download. */
  readonly checksumUrl: string;
}

/** `unavailable`: the server says that it cannot answer now (5xx, 429). */
export type DownloadFailure =
  "unreachable" | "not-found" | "status" | "unavailable" | "stalled" | "truncated" | "checksum";

/** What may be over a moment later. An unreachable host is not among them: each attempt would wait for it. */
const passing: readonly DownloadFailure[] = ["unavailable", "stalled", "truncated"];

/** True if another attempt, now or at the next command, may go better. */
export function isPassing(error: unknown): boolean {
  return error instanceof DownloadError && passing.includes(error.kind);
}

/** An official download could not be had. Callers go on to the next way of getting the tool. */
export class DownloadError extends Error {
  override readonly name = "DownloadError";

  constructor(
    readonly kind: DownloadFailure,
    message: string,
  ) {
    super(message);
  }
}

/** Hosts that this process found unreachable: asking again for the next tool would only cost time. */
const unreachable = new Set<string>();

/**
 * Fetches a file and verifies it against the digest in versions.json, or else against the checksum file
 * that its vendor publishes. Nothing is left at `target` unless it is verified.
 *
 * @throws DownloadError
 */
export async function download(
  log: Log,
  file: Download,
  target: string,
  overrides: Partial<DownloadTimes> = {},
): Promise<void> {
  const times = { ...defaultTimes, ...overrides };
  const name = path.posix.basename(new URL(file.url).pathname);
  const origin = new URL(file.url).origin;
  if (unreachable.has(origin)) {
    throw new DownloadError("unreachable", `${origin} could not be reached a moment ago`);
  }
  const partial = `${target}.partial`;
  let received = 0;
  try {
    await step(
      log,
      `Downloading ${file.url}`,
      () =>
        repeat(log, times, async (left) => {
          received = 0;
          // The checksum first: without one the download would be of no use.
          const expected = versions.sha256[name] ?? (await publishedDigest(file, name, left));
          const handle = fs.openSync(partial, "w");
          try {
            await get(file.url, left, (chunk) => {
              fs.writeSync(handle, chunk);
              received += chunk.length;
            });
          } finally {
            fs.closeSync(handle);
          }
          const actual = await digestOf(partial, algorithmOf(expected));
          if (actual !== expected) {
            throw new DownloadError(
              "checksum",
              `${file.url} has the ${algorithmOf(expected)} digest ${actual}, its vendor says ${expected}`,
            );
          }
          fs.renameSync(partial, target);
        }),
      () => `${(received / 1e6).toFixed(1)} MB`,
    );
  } catch (error) {
    if (error instanceof DownloadError && error.kind === "unreachable") unreachable.add(origin);
    throw error;
  } finally {
    fs.rmSync(partial, { force: true });
  }
}

/** Repeats an attempt that met a passing fault, while there is time; `attempt` gets the time that is left. */
async function repeat(
  log: Log,
  times: DownloadTimes,
  attempt: (left: DownloadTimes) => Promise<void>,
): Promise<void> {
  const deadline = Date.now() + times.totalMs;
  for (const pause of [...times.pausesMs, undefined]) {
    try {
      await attempt({ ...times, totalMs: deadline - Date.now() });
      return;
    } catch (error) {
      if (pause === undefined || !isPassing(error) || Date.now() + pause >= deadline) throw error;
      log(`${(error as Error).message}; trying again in ${formatDuration(pause)}`);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

async function publishedDigest(
  file: Download,
  name: string,
  times: DownloadTimes,
): Promise<string> {
  const chunks: Buffer[] = [];
  await get(file.checksumUrl, times, (chunk) => chunks.push(chunk));
  const digest = findDigest(Buffer.concat(chunks).toString("utf8"), name);
  if (digest === undefined) {
    throw new DownloadError("checksum", `${file.checksumUrl} has no checksum of ${name}`);
  }
  return digest;
}

/**
 * The digest of a file in a vendor's checksum file, in lower case: lines of `DIGEST  [./]NAME`, or a
 * bare digest, or GnuPG's `NAME: AB12 CD34 …` wrapped over several lines.
 */
export function findDigest(text: string, name: string): string | undefined {
  for (const line of text.split("\n")) {
    const match = /^([0-9a-fA-F]+)\s+\*?(?:\.\/)?(\S+)\s*$/.exec(line);
    if (match?.[2] === name && isDigest(match[1]!)) return match[1]!.toLowerCase();
  }
  const start = text.indexOf(`${name}:`);
  const rest = start === -1 ? text : text.slice(start + name.length + 1);
  const joined = rest.replace(/\s+/g, "");
  return isDigest(joined) ? joined.toLowerCase() : undefined;
}

function isDigest(text: string): boolean {
  return /^[0-9a-fA-F]+$/.test(text) && [40, 64, 128].includes(text.length);
}

function algorithmOf(digest: string): "sha1" | "sha256" | "sha512" {
  return digest.length === 40 ? "sha1" : digest.length === 64 ? "sha256" : "sha512";
}

/** The digest of a file, in lower-case hexadecimal. */
export async function digestOf(file: string, algorithm = "sha256"): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of fs.createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Whether a file is there and has the SHA-256 that lies beside it in `FILE.sha256`, as sha256sum writes it. */
export async function isIntact(file: string): Promise<boolean> {
  if (!fs.existsSync(file) || !fs.existsSync(`${file}.sha256`)) return false;
  const expected = fs.readFileSync(`${file}.sha256`, "utf8").split(/\s/)[0];
  return (await digestOf(file)) === expected;
}

/** Reads a URL, following redirects, and hands on what arrives. */
async function get(
  url: string,
  times: DownloadTimes,
  onData: (chunk: Buffer) => void,
  redirectsLeft = 5,
): Promise<void> {
  const next = await getOnce(url, times, onData);
  if (next === undefined) return;
  if (redirectsLeft === 0) throw new DownloadError("status", `${url} redirects too often`);
  const target = new URL(next, url);
  if (url.startsWith("https:") && target.protocol !== "https:") {
    throw new DownloadError("status", `${url} redirects to ${target.href}, which is not encrypted`);
  }
  await get(target.href, times, onData, redirectsLeft - 1);
}

/** One request; the result is where it redirects to, if it does. */
function getOnce(
  url: string,
  times: DownloadTimes,
  onData: (chunk: Buffer) => void,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let settled = false;
    const settle = (act: () => void) => {
      if (settled) return;
      settled = true;
      for (const timer of [connect, stall, total]) clearTimeout(timer);
      act();
    };
    const fail = (kind: DownloadFailure, message: string) =>
      settle(() => {
        reject(new DownloadError(kind, message));
        request.destroy();
      });

    const request = (url.startsWith("https:") ? https : http).get(url, { agent: false });
    const stalled = () =>
      fail("stalled", `${url} sent nothing for ${formatDuration(times.stallMs)}`);
    const connect = setTimeout(
      () => fail("unreachable", `${url}: no connection within ${formatDuration(times.connectMs)}`),
      times.connectMs,
    );
    let stall: NodeJS.Timeout | undefined;
    const total = setTimeout(
      () => fail("stalled", `${url} took longer than ${formatDuration(times.totalMs)}`),
      times.totalMs,
    );
    let connected = false;
    request.on("socket", (socket) =>
      socket.once(url.startsWith("https:") ? "secureConnect" : "connect", () => {
        connected = true;
        clearTimeout(connect);
        stall ??= setTimeout(stalled, times.stallMs);
      }),
    );
    request.on("error", (error) =>
      fail(connected ? "truncated" : "unreachable", `${url}: ${error.message}`),
    );
    request.on("response", (response) => {
      const status = response.statusCode ?? 0;
      if (status >= 300 && status < 400 && response.headers.location !== undefined) {
        const location = response.headers.location;
        settle(() => resolve(location));
        request.destroy();
        return;
      }
      if (status !== 200) {
        fail(failureOf(status), `${url} answered with status ${status}`);
        return;
      }
      response.on("data", (chunk: Buffer) => {
        clearTimeout(stall);
        stall = setTimeout(stalled, times.stallMs);
        try {
          onData(chunk);
        } catch (error) {
          settle(() => reject(error instanceof Error ? error : new Error(String(error))));
          request.destroy();
        }
      });
      response.on("end", () => settle(() => resolve(undefined)));
      response.on("aborted", () => fail("truncated", `${url} broke off`));
      response.on("error", (error) => fail("truncated", `${url}: ${error.message}`));
    });
  });
}

function failureOf(status: number): DownloadFailure {
  if (status === 404) return "not-found";
  return status >= 500 || status === 429 ? "unavailable" : "status";
}

/** A vendor's base URL, which an environment variable can replace (a mirror, or a server of a test). */
export function baseUrl(variable: string, official: string): string {
  const own = process.env[variable];
  return (own !== undefined && own !== "" ? own : official).replace(/\/+$/, "");
}
