import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import type { Answer, Expected, PackageCache } from "./cache";
import { type Told, toldOf } from "./hindrance";
import { isOfArchive, isPackage, packageOf } from "./judge";
import type { Mirrors } from "./reach";

/** Something that a host asked for and did not get. */
export interface Missed extends Told {
  readonly url: string;
}

/**
 * An HTTP proxy for one host, on connections that are handed to it: it listens nowhere. It serves GET and HEAD of
 * files of package archives on the mirrors that the host's own sources name, over plain HTTP, and nothing else.
 */
export class HostProxy {
  /** By URL, what apt is known to ask for, from the archive's signed lists. */
  readonly expected = new Map<string, Expected>();
  /** Lists that were given as they were last seen: how old the oldest is, ms, and why. */
  stale: { readonly ageMs: number; readonly why: string } | undefined;
  private readonly missed = new Map<string, Missed>();
  private readonly server = createServer((request, response) => void this.serve(request, response));

  constructor(
    private readonly cache: PackageCache,
    readonly mirrors: Mirrors,
  ) {
    this.server.on("connect", (_request: IncomingMessage, connection: Duplex) => {
      connection.end(`HTTP/1.1 405 ${HTTPS_WHY}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    });
    this.server.on("clientError", (_error, connection: Duplex) => connection.destroy());
  }

  /** What was asked for and not had: packages before lists. */
  get misses(): readonly Missed[] {
    const all = [...this.missed.values()];
    return [
      ...all.filter(({ url }) => isPackage(url)),
      ...all.filter(({ url }) => !isPackage(url)),
    ];
  }

  /** Serves one connection until its other side ends it. */
  accept(connection: Duplex): void {
    this.server.emit("connection", connection);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = refusalOf(request, this.mirrors.hosts);
    if (refusal !== undefined) return end(response, refusal.status, refusal.why);
    const url = new URL(request.url ?? "");
    try {
      const expected = this.expected.get(url.href);
      const answer = await this.cache.get(url, { mirrors: this.mirrors, expected });
      this.note(url.href, answer);
      await give(answer, request, response);
    } catch (error) {
      const told = toldOf(error, this.cache.store.folder);
      this.missed.set(url.href, { url: url.href, ...told });
      if (response.headersSent) response.destroy();
      else end(response, 502, `${packageOf(url.href)} could not be had`);
    }
  }

  private note(url: string, answer: Answer): void {
    switch (answer.kind) {
      case "file":
        this.missed.delete(url);
        if (answer.from === "stale" && answer.ageMs >= (this.stale?.ageMs ?? 0)) {
          this.stale = { ageMs: answer.ageMs, why: answer.why ?? "" };
        }
        return;
      case "refused":
        // apt asks for some lists in several forms, and takes what there is.
        if (isPackage(url)) this.missed.set(url, { url, why: answer.why });
        return;
      case "away":
        this.missed.set(url, { url, why: `it is not in the cache, and ${answer.why}` });
        return;
      default:
        answer satisfies never;
    }
  }
}

const HTTPS_WHY = "only http comes through the controlling machine";

/** Why a request is not served. */
export function refusalOf(
  { method, url = "" }: Pick<IncomingMessage, "method" | "url">,
  mirrors: ReadonlySet<string>,
): { readonly status: number; readonly why: string } | undefined {
  if (method !== "GET" && method !== "HEAD")
    return { status: 405, why: "only GET and HEAD are served" };
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== "http:") return { status: 400, why: HTTPS_WHY };
  if (parsed.username !== "" || !mirrors.has(parsed.host)) {
    return { status: 403, why: `${parsed.host} is not in the apt sources of this host` };
  }
  if (!isOfArchive(parsed)) {
    return { status: 403, why: "only files of package archives come through here" };
  }
  return undefined;
}

async function give(
  answer: Answer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (answer.kind === "refused") return end(response, answer.status, answer.why);
  if (answer.kind === "away") return end(response, 504, answer.why);
  const { size, lastModified, body } = answer;
  if (size !== undefined) response.setHeader("Content-Length", size);
  if (lastModified !== undefined) response.setHeader("Last-Modified", lastModified);
  response.setHeader("Content-Type", "application/octet-stream");
  const known = Date.parse(request.headers["if-modified-since"] ?? "");
  if (known >= Date.parse(lastModified ?? "")) {
    response.removeHeader("Content-Length");
    response.writeHead(304).end();
    return;
  }
  if (request.method === "HEAD") return void response.end();
  await pipeline(Readable.from(body, { objectMode: false }), response);
}

/** Says why in the status line too: that is what apt shows. */
function end(response: ServerResponse, status: number, why: string): void {
  const text = why.replace(/[^\x20-\x7e]/g, "?").slice(0, 300);
  response.writeHead(status, text, { "Content-Type": "text/plain", "Content-Length": text.length });
  response.end(response.req.method === "HEAD" ? undefined : text);
}
