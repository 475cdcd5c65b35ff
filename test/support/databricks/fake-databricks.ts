import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

/** What becomes of a request instead of what should: an answer, or the connection torn down. */
type Fault =
  | { readonly status: number; readonly retryAfter?: string; readonly error_code?: string }
  /** After the file is stored: the client does not know. */
  | "dropped after"
  | "dropped before";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly status: number | "dropped";
}

/** The line of a file, as docs/databricks.md has it. */
export type Line = Readonly<Record<string, unknown>>;

const CLIENT_ID = "client-1";
const SECRET = "dose-secret";
const VOLUME = "/Volumes/main/lab/records";

/**
 * A workspace as a client sees it, by what Databricks publishes: the Files API 2.0
 * (https://docs.databricks.com/api/workspace/files: PUT files with `overwrite`, PUT directories; errors as
 * `error_code` and `message`) and OAuth for service principals (RFC 6749, 4.4 and 5.2, at /oidc/v1/token).
 */
export class FakeDatabricks {
  static readonly access = { volume: VOLUME, clientId: CLIENT_ID, secret: SECRET } as const;
  /** By path, as stored. */
  readonly files = new Map<string, Buffer>();
  readonly seen: Seen[] = [];
  /** Taken one by one by the requests for files. */
  readonly faults: Fault[] = [];
  /** Whether folders above a file come by themselves. */
  makesFolders = false;
  tokenSeconds = 3600;
  volumeIsThere = true;
  mayWrite = true;
  url = "";
  private readonly folders = new Set<string>([VOLUME]);
  private readonly tokens = new Set<string>();
  private count = 0;
  private readonly server = createServer((request, response) => void this.serve(request, response));

  static async start(): Promise<FakeDatabricks> {
    const fake = new FakeDatabricks();
    await new Promise<void>((resolve) => fake.server.listen(0, "127.0.0.1", resolve));
    fake.url = `http://127.0.0.1:${(fake.server.address() as AddressInfo).port}`;
    return fake;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  revokeTokens(): void {
    this.tokens.clear();
  }

  /** The lines of all files, in their names' order. */
  lines(): Line[] {
    return [...this.files]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, body]) => gunzipSync(body).toString("utf8").split("\n").slice(0, -1))
      .map((line) => JSON.parse(line) as Line);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "" } = request;
    const url = new URL(request.url ?? "", this.url);
    const path = decodeURIComponent(url.pathname);
    const body = await read(request);
    const answer = (status: number, content: object = {}, headers: Record<string, string> = {}) => {
      this.seen.push({ method, path, status });
      const type = { "content-type": "application/json" };
      response.writeHead(status, { ...type, ...headers });
      response.end(status === 204 ? undefined : JSON.stringify(content));
    };
    const refuse = (status: number, error_code: string, headers: Record<string, string> = {}) =>
      answer(status, { error_code, message: `${method} ${path} is refused` }, headers);
    if (method === "POST" && path === "/oidc/v1/token") {
      const { status, content } = this.login(request.headers, body);
      return answer(status, content);
    }
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    if (!this.tokens.has(token) && token !== "pat") return refuse(401, "UNAUTHENTICATED");
    const [, kind, target = ""] = /^\/api\/2\.0\/fs\/(files|directories)(\/.+)$/.exec(path) ?? [];
    if (method !== "PUT" || kind === undefined) return refuse(404, "ENDPOINT_NOT_FOUND");
    if (!this.mayWrite) return refuse(403, "PERMISSION_DENIED");
    const isInVolume = target === VOLUME || target.startsWith(`${VOLUME}/`);
    if (!this.volumeIsThere || !isInVolume) return refuse(404, "NOT_FOUND");
    const fault = kind === "files" ? this.faults.shift() : undefined;
    const drop = () => {
      this.seen.push({ method, path, status: "dropped" });
      request.socket.destroy();
    };
    if (fault === "dropped before") return drop();
    if (typeof fault === "object") {
      const after = fault.retryAfter === undefined ? {} : { "retry-after": fault.retryAfter };
      return refuse(fault.status, fault.error_code ?? "REQUEST_LIMIT_EXCEEDED", after);
    }
    const folder = target.slice(0, target.lastIndexOf("/"));
    if (kind === "directories" || this.makesFolders) {
      this.makeFolder(kind === "directories" ? target : folder);
    }
    if (kind === "directories") return answer(204);
    if (!this.folders.has(folder)) return refuse(404, "NOT_FOUND");
    if (url.searchParams.get("overwrite") === "false" && this.files.has(target)) {
      return refuse(409, "ALREADY_EXISTS");
    }
    this.files.set(target, body);
    if (fault === "dropped after") return drop();
    return answer(204);
  }

  private makeFolder(path: string): void {
    for (let at = path; at.length > VOLUME.length; at = at.slice(0, at.lastIndexOf("/"))) {
      this.folders.add(at);
    }
  }

  private login(headers: IncomingMessage["headers"], body: Buffer) {
    const form = new URLSearchParams(body.toString("utf8"));
    const login = Buffer.from(`${CLIENT_ID}:${SECRET}`).toString("base64");
    const isForm = headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
    if (headers.authorization !== `Basic ${login}`) {
      const error_description = "Client authentication failed";
      return { status: 401, content: { error: "invalid_client", error_description } };
    }
    if (!isForm || form.get("grant_type") !== "client_credentials") {
      return { status: 400, content: { error: "unsupported_grant_type" } };
    }
    if (form.get("scope") !== "all-apis") {
      return { status: 400, content: { error: "invalid_scope" } };
    }
    const access_token = `token-${++this.count}`;
    this.tokens.add(access_token);
    return {
      status: 200,
      content: { access_token, token_type: "Bearer", expires_in: this.tokenSeconds },
    };
  }
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
