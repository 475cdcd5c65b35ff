import { Connection, TimeoutError } from "@platformatic/kafka";
import type { KafkaAccess } from "../../../model";
import { rootCause } from "../../../shared/kafka/root-cause";

/** A connection that did not come about, was lost or fell silent: whether a request took effect is not known. */
export class LinkError extends Error {
  override readonly name = "LinkError";

  /** @param isSilence the other side said nothing within the time; it may hang, or be cut off */
  constructor(
    message: string,
    readonly isSilence = false,
  ) {
    super(message);
  }
}

/** A request, as the client library's low-level modules export it. */
export interface Api<Args extends unknown[], Response> {
  async(connection: Connection, ...args: Args): Promise<Response>;
}

/** Limit of a dial with its login, ms: a host that is off does not answer at all. */
const CONNECT_MS = 3_000;

/** One connection to one broker. It answers requests in turn: one that waits keeps up those behind it. */
export class KafkaLink {
  private constructor(
    readonly server: string,
    private readonly connection: Connection,
  ) {}

  /**
   * Connects, and logs in where the access says so.
   * @param server `host:port`
   * @param requestMs limit of each request
   * @throws LinkError, with no password in its words
   */
  static async dial(
    server: string,
    sasl: KafkaAccess["sasl"],
    requestMs: number,
  ): Promise<KafkaLink> {
    const connection = new Connection("pi-lab", {
      connectTimeout: CONNECT_MS,
      requestTimeout: requestMs,
      ...(sasl && { sasl }),
    });
    // Failures reach us through the requests; an event without a listener would end the process.
    connection.on("error", () => {});
    const at = server.lastIndexOf(":");
    try {
      await connection.connect(server.slice(0, at), Number(server.slice(at + 1)));
    } catch (error) {
      void connection.close().catch(() => {});
      throw new LinkError(`${server}: ${rootCause(error)}`);
    }
    return new KafkaLink(server, connection);
  }

  get alive(): boolean {
    return this.connection.isConnected();
  }

  /** Sends a request. Error codes inside the answer are left to the caller. */
  async ask<Args extends unknown[], Response>(
    api: Api<Args, Response>,
    ...args: Args
  ): Promise<Response> {
    try {
      return await api.async(this.connection, ...args);
    } catch (error) {
      // The library throws answers that hold an error code; which of several items failed is in them.
      const answer = (error as { response?: Response }).response;
      if (answer !== undefined) return answer;
      // A late answer would be taken for the next one's: the connection is of no use any more.
      void this.close();
      throw new LinkError(`${this.server}: ${rootCause(error)}`, error instanceof TimeoutError);
    }
  }

  /** Resolves when the connection has ended, whoever ended it. */
  ended(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.connection.off("close", end);
        signal.removeEventListener("abort", end);
        resolve();
      };
      this.connection.on("close", end);
      signal.addEventListener("abort", end);
      if (!this.alive || signal.aborted) end();
    });
  }

  /** Without a word to the broker: what is under way fails now. */
  abort(): void {
    this.connection.socket?.destroy();
  }

  async close(): Promise<void> {
    await this.connection.close().catch(() => {});
  }
}
