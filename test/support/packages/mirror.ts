import { mkdtemp, rm } from "node:fs/promises";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer, request } from "node:http";
import { connect, createServer as createNetServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { PackageCache } from "../../../provider/packages/cache";
import type { HostProxy } from "../../../provider/packages/proxy";
import { PackageStore } from "../../../provider/packages/store";
import { Upstream } from "../../../provider/packages/upstream";

export type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/** A mirror on loopback that serves as it is told, and counts. */
export class Mirror {
  /** `METHOD path`, in order. */
  readonly asked: string[] = [];
  private constructor(
    private readonly server: Server,
    readonly host: string,
  ) {}

  static async start(files: Readonly<Record<string, string | Buffer | Serve>>): Promise<Mirror> {
    const server = createServer((incoming, response) => {
      const { pathname } = new URL(incoming.url ?? "", "http://any");
      mirror.asked.push(`${incoming.method} ${incoming.url}`);
      const file = files[pathname];
      if (typeof file === "function") file(incoming, response);
      else if (file === undefined) response.writeHead(404).end();
      else response.writeHead(200, { "Content-Length": Buffer.byteLength(file) }).end(file);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const mirror = new Mirror(server, `127.0.0.1:${(server.address() as AddressInfo).port}`);
    return mirror;
  }

  url(path: string): URL {
    return new URL(`http://${this.host}${path}`);
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }
}

/** A cache in a folder of its own. */
export async function temporaryCache(
  limitBytes = 1e9,
  env: NodeJS.ProcessEnv = {},
): Promise<{
  cache: PackageCache;
  store: PackageStore;
  folder: string;
  remove: () => Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), "pi-lab-packages-"));
  const store = new PackageStore(folder, limitBytes);
  const cache = new PackageCache(store, new Upstream(env));
  return {
    ...{ cache, store, folder },
    remove: async () => {
      await cache.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Lets TCP connections into a proxy that itself listens nowhere. */
export async function listening(
  proxy: HostProxy,
): Promise<{ port: number; stop: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createNetServer((socket) => {
    sockets.add(socket);
    proxy.accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        sockets.forEach((socket) => socket.destroy());
      }),
  };
}

export interface Got {
  readonly status: number;
  readonly statusText: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** One request as apt sends it: the whole URL in its first line. Rejects where the answer breaks off. */
export function ask(
  port: number,
  url: string,
  { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path: url, method, headers, agent: false });
    sent.on("error", reject);
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          statusText: response.statusMessage ?? "",
          headers: response.headers,
          body: Buffer.concat(chunks).toString("latin1"),
        }),
      );
    });
    sent.end();
  });
}

/** The first bytes that come back for what is sent as it is. */
export function sendRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    let said = "";
    socket.on("data", (chunk) => (said += chunk.toString("latin1")));
    socket.on("error", reject);
    socket.on("close", () => resolve(said));
  });
}
