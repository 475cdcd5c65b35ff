import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { Hindrance } from "./hindrance";
import { isOfArchive } from "./judge";
import {
  guardedLookup,
  type Mirrors,
  refuseBarred,
  refuseBarredAddress,
  type Resolve,
  resolveHere,
} from "./reach";

/** Nobody answers for a mirror, or not as one. */
export class UpstreamAway extends Error {
  override readonly name = "UpstreamAway";
}

export interface Ask {
  /** Where the URL and a redirection may lead to. */
  readonly mirrors: Mirrors;
  /** Sent as `If-Modified-Since`. */
  readonly ifModifiedSince?: string | undefined;
  /** Until it begins to answer, ms. */
  readonly deadlineMs: number;
}

/** An exhibit's whole lab asks at once; mirrors serve a few connections of one client willingly. */
const MAX_CONNECTIONS = 8;
/** Silence in the middle of a file, ms: less than apt has patience. */
const IDLE_MS = 20_000;
/** How long nobody is asked again after no answer, ms: without internet each question costs its whole deadline. */
const AWAY_MS = 20_000;
const MAX_REDIRECTIONS = 3;
/** For a name that is looked up for its judgement alone, ms. */
const RESOLVE_MS = 2_000;

/** Asks mirrors over HTTP, through the proxy that this machine's environment names. */
export class Upstream {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });
  private readonly away = new Map<
    string,
    { readonly untilMs: number; readonly error: UpstreamAway }
  >();

  private readonly judged = new Map<string, Promise<void>>();
  private isClosed = false;

  constructor(
    private readonly env: NodeJS.ProcessEnv = process.env,
    private readonly resolve: Resolve = resolveHere,
  ) {}

  /**
   * The answer to a GET, whatever its status but a redirection; its body must be read.
   * @throws UpstreamAway if there is none
   * @throws Hindrance where it is not asked
   */
  async get(url: URL, ask: Ask): Promise<IncomingMessage> {
    const known = this.away.get(url.host);
    if (known !== undefined && known.untilMs > Date.now()) throw known.error;
    for (let at = url, redirections = 0; ; redirections++) {
      const answer = await this.once(at, ask).catch((error: unknown) => {
        if (error instanceof Hindrance) throw error;
        const away = new UpstreamAway(`${at.host} does not answer (${(error as Error).message})`);
        this.away.set(url.host, { untilMs: Date.now() + AWAY_MS, error: away });
        throw away;
      });
      const { statusCode = 0, headers } = answer;
      if (statusCode < 300 || statusCode === 304 || statusCode >= 400) return answer;
      answer.resume();
      const { location = "" } = headers;
      const next = URL.canParse(location, at.href) ? new URL(location, at.href) : undefined;
      if (
        next?.protocol === "http:" &&
        ask.mirrors.hosts.has(next.host) &&
        isOfArchive(next) &&
        redirections < MAX_REDIRECTIONS
      ) {
        at = next;
        continue;
      }
      const to = next === undefined ? "nowhere" : next.origin;
      throw new UpstreamAway(
        `${at.host} leads to ${to}, which is no file of an http mirror of the host's sources`,
      );
    }
  }

  /**
   * Says before anything is asked what will not be.
   * @throws Hindrance
   */
  async check(mirrors: Mirrors): Promise<void> {
    const urls = [...mirrors.hosts].map((host) => new URL(`http://${host}/`));
    for (const url of urls) proxyFor(url, this.env);
    await Promise.all(urls.map((url) => this.refuse(url, mirrors)));
  }

  /** What is under way breaks off, and what waits for a connection does not begin. */
  close(): void {
    this.isClosed = true;
    this.agent.destroy();
  }

  private async once(url: URL, ask: Ask): Promise<IncomingMessage> {
    const proxy = proxyFor(url, this.env);
    // A proxy resolves by itself; what this machine knows of the name is asked at least.
    if (proxy === undefined) refuseBarredAddress(url, ask.mirrors);
    else await this.refuse(url, ask.mirrors);
    return this.send(url, ask, proxy);
  }

  /** Each name is looked up once for it: without a name server that takes long. */
  private refuse(url: URL, mirrors: Mirrors): Promise<void> {
    if (mirrors.named) return Promise.resolve();
    const known = this.judged.get(url.hostname);
    if (known !== undefined) return known;
    const within: Resolve = (name) =>
      Promise.race([this.resolve(name), sleep(RESOLVE_MS, [], { ref: false })]);
    const judging = refuseBarred(url, mirrors, within);
    this.judged.set(url.hostname, judging);
    return judging;
  }

  private send(url: URL, ask: Ask, proxy: URL | undefined): Promise<IncomingMessage> {
    const { hostname, port } = proxy ?? url;
    return new Promise((resolve, reject) => {
      const sent = request({
        agent: this.agent,
        host: hostname.replace(/^\[|\]$/g, ""),
        port: port === "" ? 80 : Number(port),
        ...(proxy === undefined ? { lookup: guardedLookup(ask.mirrors, this.resolve) } : {}),
        path: proxy === undefined ? `${url.pathname}${url.search}` : url.href,
        headers: {
          host: url.host,
          "user-agent": "pi-lab",
          "accept-encoding": "identity",
          ...(ask.ifModifiedSince === undefined
            ? {}
            : { "if-modified-since": ask.ifModifiedSince }),
          ...(proxy === undefined ? {} : authorization(proxy)),
        },
      });
      let timer: NodeJS.Timeout | undefined;
      // Not while it waits for one of the connections.
      sent.once("socket", () => {
        if (this.isClosed) return void sent.destroy(new Error("given up"));
        const late = (): unknown =>
          sent.destroy(new Error(`no answer within ${ask.deadlineMs / 1000} s`));
        timer = setTimeout(late, ask.deadlineMs).unref();
      });
      sent.once("error", (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        // A kept connection that the mirror was just closing says nothing of the mirror.
        if (sent.reusedSocket && error.code === "ECONNRESET") {
          this.send(url, ask, proxy).then(resolve, reject);
        } else reject(error.message === "" ? new Error(error.code ?? "no connection") : error);
      });
      sent.once("response", (answer) => {
        clearTimeout(timer);
        sent.setTimeout(IDLE_MS, () => answer.destroy(new Error(`silent for ${IDLE_MS / 1000} s`)));
        resolve(answer);
      });
      sent.end();
    });
  }
}

/**
 * As curl and apt have it: `http_proxy`, but for what `no_proxy` names.
 * @throws Hindrance for one that is no proxy over plain HTTP; its login is not told
 */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv): URL | undefined {
  const named = env["http_proxy"] || env["HTTP_PROXY"];
  if (named === undefined || named === "") return undefined;
  const without = (env["no_proxy"] ?? env["NO_PROXY"] ?? "")
    .split(",")
    .map((name) => name.trim().replace(/^\*?\./, ""))
    .filter((name) => name !== "");
  const isNamed = (name: string): boolean =>
    name === "*" || name === url.host || name === url.hostname || url.hostname.endsWith(`.${name}`);
  if (without.some(isNamed)) return undefined;
  const text = named.includes("://") ? named : `http://${named}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy?.protocol === "http:") return proxy;
  throw new Hindrance(
    proxy === undefined
      ? "http_proxy of this machine's environment is no URL"
      : `http_proxy of this machine's environment is a proxy over ${proxy.protocol.slice(0, -1)} (${proxy.host})`,
    "Write it as http://HOST:PORT, or unset it where none is needed.",
  );
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === "") return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(login).toString("base64")}` };
}
