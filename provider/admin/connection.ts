/** How requests reach a server: one that answers among several, or a very one. */
import { KafkaLink, LinkError } from "./kafka-link";
import { isLoginRefusal } from "./login";
import type { AdminOptions } from "./port";
import { KafkaError } from "./port";

export type Work<T> = (link: KafkaLink, doing: string) => Promise<T>;

/** The server's own limit, ms: below ours, so that it is the server that says what took so long. */
export const serverLimitMs = ({ requestTimeoutMs }: AdminOptions): number =>
  Math.floor(requestTimeoutMs * 0.8);

/** A connection to one of several servers, made at the first request and shared by all. */
export class Connection {
  private current: Promise<KafkaLink> | undefined;

  constructor(
    private readonly bootstrapServers: readonly string[],
    private readonly options: AdminOptions,
  ) {}

  /** A question may be put to another server when a connection is lost. */
  async read<T>(doing: string, work: Work<T>): Promise<T> {
    try {
      return await work(await this.link(doing), doing);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
    }
    return this.write(doing, work);
  }

  async write<T>(doing: string, work: Work<T>): Promise<T> {
    const link = await this.link(doing);
    try {
      return await work(link, doing);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      throw new KafkaError(
        "unreachable",
        `lost the connection while asking to ${doing} (${error.message}). ` +
          "Run it again: what was done already is kept.",
      );
    }
  }

  async close(): Promise<void> {
    const link = await this.current?.catch(() => undefined);
    this.current = undefined;
    await link?.close();
  }

  private async link(doing: string): Promise<KafkaLink> {
    const before = this.current;
    const known = await before?.catch(() => undefined);
    if (known?.alive === true) return known;
    // Whoever comes first dials; the others share the outcome.
    const dialled =
      this.current === before || this.current === undefined ? this.dial() : this.current;
    this.current = dialled;
    try {
      return await dialled;
    } catch (error) {
      if (this.current === dialled) this.current = undefined;
      const refusal = loginRefusalIn(error);
      if (refusal !== undefined) throw refusal;
      const servers = this.bootstrapServers.join(",");
      throw new KafkaError(
        "unreachable",
        `no broker answers at ${servers}, asked to ${doing} (${reasonsOf(error)}). ` +
          "See that the brokers run and that the provider's bootstrapServers name them.",
      );
    }
  }

  /** All servers at once, so that dead ones cost no time while one lives. */
  private async dial(): Promise<KafkaLink> {
    const dials = this.bootstrapServers.map((server) => KafkaLink.dial(server, this.options));
    const first = await Promise.any(dials);
    for (const dial of dials) {
      void dial.then((link) => (link === first ? undefined : link.close())).catch(() => {});
    }
    return first;
  }
}

/** A question to this very server, on a connection of its own. */
export async function askAlone<T>(
  server: string,
  options: AdminOptions,
  work: (link: KafkaLink) => Promise<T>,
): Promise<T> {
  try {
    const link = await KafkaLink.dial(server, options);
    try {
      return await work(link);
    } finally {
      await link.close();
    }
  } catch (error) {
    if (!(error instanceof LinkError)) throw error;
    throw new KafkaError("unreachable", error.message);
  }
}

/** The login that was refused, among the reasons of several servers: the silence of others is no more than that. */
export function loginRefusalIn(error: unknown): KafkaError | undefined {
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.find(isLoginRefusal);
}

export function reasonsOf(error: unknown): string {
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.map((one) => (one instanceof Error ? one.message : String(one))).join("; ");
}
