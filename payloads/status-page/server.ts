import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listen, type Listening } from "../lib/listen";
import type { Figures } from "./figures";
import { type PageFile, pageFiles } from "./page-files";
import type { Stream } from "./stream";

/** Connections at once: who follows, and a few that load the page. More are closed as they come. */
const MAX_CONNECTIONS = 250;
/** How long a browser may take to ask, ms. */
const REQUEST_MS = 10_000;
/** A connection on which nothing moves for so long is closed, ms: followers hear something each 5 s. */
const IDLE_MS = 30_000;
const RETRY_SECONDS = 5;

/**
 * Nothing from elsewhere, nothing inline, in no frame: whatever a device has written, the page cannot be made to
 * run or load it.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const SECURITY_HEADERS = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
} as const;

/** Serves the page, its events at `/events` and all it shows at `/api/state`. Reads only. */
export async function openPage(
  at: { readonly address: string; readonly port: number },
  stream: Stream,
  figures: Figures,
  idleMs = IDLE_MS,
): Promise<Listening> {
  const options = { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, maxHeaderSize: 8_192 };
  const server = createServer(options, (request, response) => {
    answer(request, response, stream);
    figures.requests.inc({ status: response.statusCode });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = idleMs;
  return listen(server, at);
}

function answer(request: IncomingMessage, response: ServerResponse, stream: Stream): void {
  const path = (request.url ?? "").split("?", 1)[0] ?? "";
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  if (request.method !== "GET" && request.method !== "HEAD") {
    return plain(response.setHeader("allow", "GET, HEAD"), 405, "GET and HEAD alone\n");
  }
  const file = pageFiles.get(path);
  if (file !== undefined) return sendFile(request, response, file);
  response.setHeader("cache-control", "no-store");
  if (path === "/api/state") {
    response.setHeader("content-type", "application/json");
    return void response.end(stream.state());
  }
  if (path !== "/events") return plain(response, 404, "not here\n");
  if (request.method === "HEAD") return void response.end();
  if (stream.isFull) {
    return plain(
      response.setHeader("retry-after", RETRY_SECONDS),
      503,
      "too many follow already\n",
    );
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  stream.join(response);
}

/** The page is asked for again each time: a lab's next version must not be shown by half. */
function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { type, text }: PageFile,
): void {
  const tag = `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`;
  response.setHeader("etag", tag).setHeader("cache-control", "no-cache");
  if (request.headers["if-none-match"] === tag) {
    response.statusCode = 304;
    return void response.end();
  }
  response.setHeader("content-type", type).setHeader("content-length", Buffer.byteLength(text));
  response.end(text);
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.end(text);
}
