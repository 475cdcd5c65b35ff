import type * as client from "@platformatic/kafka";

import type { AdminOptions } from "./port";
import { KafkaError } from "./port";

type Client = typeof client;

/** Loads the Kafka client: half a second unbundled, hence never before the first request. */
export function loadClient(): Promise<Client> {
  return import("@platformatic/kafka");
}

/** A request of the client's, as its low-level modules export it. */
export interface Api<Args extends unknown[], Response> {
  async(connection: client.Connection, ...args: Args): Promise<Response>;
}

/** A connection that was lost or fell silent: whether the request took effect is not known. */
export class LinkError extends Error {
  override readonly name = "LinkError";
}

/** One connection to one server. */
export class KafkaLink {
  private constructor(
    readonly server: string,
    private readonly connection: client.Connection,
  ) {}

  static async dial(server: string, options: AdminOptions): Promise<KafkaLink> {
    const { Connection } = await loadClient();
    const { host, port } = splitServer(server);
    const connection = new Connection("pi-lab", {
      connectTimeout: options.connectTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
    });
    // Failures reach us through the requests; an event without a listener would end the process.
    connection.on("error", () => {});
    try {
      await connection.connect(host, port);
    } catch (error) {
      throw new LinkError(`${server}: ${rootCause(error)}`);
    }
    return new KafkaLink(server, connection);
  }

  get alive(): boolean {
    return this.connection.isConnected();
  }

  /**
   * Sends one request. Error codes inside the answer are left to the caller: the client's own
   * error for them hides which of several items failed, and stumbles over codes newer than itself.
   */
  async ask<Args extends unknown[], Response>(
    api: Api<Args, Response>,
    ...args: Args
  ): Promise<Response> {
    try {
      return await api.async(this.connection, ...args);
    } catch (error) {
      const answer = (error as { response?: Response }).response;
      if (answer !== undefined) return answer;
      // A late answer would be taken for the next one's: the connection is of no use any more.
      void this.close();
      throw new LinkError(`${this.server}: ${rootCause(error)}`);
    }
  }

  async close(): Promise<void> {
    await this.connection.close().catch(() => {});
  }
}

/** Throws unless Kafka's error code is 0. `doing` reads like `create topic red`. */
export async function assertOk(
  doing: string,
  server: string,
  code: number,
  message: string | null | undefined,
): Promise<void> {
  if (code === 0) return;
  const { protocolErrors, protocolErrorsCodesById } = await loadClient();
  const id = protocolErrorsCodesById[code] ?? `error ${code}`;
  const text = message ?? protocolErrors[id]?.message ?? "no further words";
  throw new KafkaError("refused", `${server} refused to ${doing}: ${id}: ${text}`, id);
}

/** `host:port`, IPv6 in brackets. */
export function splitServer(server: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(server) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new KafkaError("refused", `"${server}" is no server address; write host:port`);
  }
  return { host, port: Number(port) };
}

/** From the client's hexadecimal notation to Kafka's: URL-safe base64 without padding. */
export function toKafkaId(uuid: string): string {
  return Buffer.from(uuid.replaceAll("-", ""), "hex").toString("base64url");
}

export function fromKafkaId(id: string): string {
  return Buffer.from(id, "base64url").toString("hex");
}

/** The innermost cause: what the operating system said, under what the client made of it. */
function rootCause(error: unknown): string {
  let current = error as { cause?: unknown; message?: string; code?: string };
  while (typeof current.cause === "object" && current.cause !== null) current = current.cause;
  // A name with several addresses that all fail brings an error without words of its own.
  return current.message || current.code || String(error);
}
