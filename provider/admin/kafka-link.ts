import type * as client from "@platformatic/kafka";

import { rootCause } from "../../shared/kafka/root-cause";
import { type Api, loadClient, type VersionRange } from "./client";
import { loginRefusal, loginWanted } from "./login";
import type { AdminOptions } from "./port";
import { KafkaError } from "./port";
import { API_VERSIONS, apiVersions } from "./requests/api-versions";

export { loadClient, type Api } from "./client";

/** A connection that was lost or fell silent: whether the request took effect is not known. */
export class LinkError extends Error {
  override readonly name = "LinkError";
}

/** One connection to one server. */
export class KafkaLink {
  private versions: Promise<ReadonlyMap<number, VersionRange>> | undefined;
  /** Whether it has answered anything but what every server tells everyone. */
  private answered = false;

  private constructor(
    readonly server: string,
    private readonly options: AdminOptions,
    private readonly connection: client.Connection,
  ) {}

  /**
   * Connects, and logs in where the options have a login.
   * @throws LinkError where nobody answers, KafkaError where the login is refused
   */
  static async dial(server: string, options: AdminOptions): Promise<KafkaLink> {
    const { Connection } = await loadClient();
    const { host, port } = splitServer(server);
    const connection = new Connection("pi-lab", {
      connectTimeout: options.connectTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      ...(options.sasl && { sasl: options.sasl }),
    });
    // Failures reach us through the requests; an event without a listener would end the process.
    connection.on("error", () => {});
    try {
      await connection.connect(host, port);
    } catch (error) {
      const refusal = options.sasl && loginRefusal(server, options.sasl, error);
      throw refusal ?? new LinkError(`${server}: ${rootCause(error)}`);
    }
    return new KafkaLink(server, options, connection);
  }

  get alive(): boolean {
    return this.connection.isConnected();
  }

  /**
   * Sends one request. Error codes inside the answer are left to the caller: the client's own
   * error for them hides which of several items failed, and stumbles over codes newer than itself.
   * @throws KafkaError `UNSUPPORTED_VERSION` where the server does not know the request
   */
  async ask<Args extends unknown[], Response>(
    api: Api<Args, Response>,
    ...args: Args
  ): Promise<Response> {
    if (api.key !== API_VERSIONS) await this.assertKnown(api);
    return this.send(api, ...args);
  }

  /** Whether the server knows a request in this version. Asked once a connection. */
  async knows(key: number, version: number): Promise<boolean> {
    this.versions ??= this.askVersions();
    const range = (await this.versions).get(key);
    return range !== undefined && range[0] <= version && version <= range[1];
  }

  async close(): Promise<void> {
    await this.connection.close().catch(() => {});
  }

  private async send<Args extends unknown[], Response>(
    api: Api<Args, Response>,
    ...args: Args
  ): Promise<Response> {
    try {
      const answer = await api.async(this.connection, ...args);
      if (api.key !== API_VERSIONS) this.answered = true;
      return answer;
    } catch (error) {
      const answer = (error as { response?: Response }).response;
      if (answer !== undefined) return answer;
      const closed = !this.alive;
      // A late answer would be taken for the next one's: the connection is of no use any more.
      void this.close();
      const { server, options } = this;
      if (closed && !this.answered && options.sasl === undefined) {
        const refusal = await loginWanted(server, splitServer(server), options);
        if (refusal !== undefined) throw refusal;
      }
      throw new LinkError(`${server}: ${rootCause(error)}`);
    }
  }

  private async askVersions(): Promise<ReadonlyMap<number, VersionRange>> {
    const { errorCode, versions } = await this.send(await apiVersions(3));
    await assertOk("tell the versions of its requests", this.server, errorCode, null);
    return versions;
  }

  /** A server that does not know a request says nothing, and closes the connection. */
  private async assertKnown({ key, version }: { key: number; version: number }): Promise<void> {
    if (await this.knows(key, version)) return;
    const { protocolAPIsById } = await loadClient();
    const name = protocolAPIsById[key] ?? `number ${key}`;
    const range = (await this.versions)?.get(key);
    const lack =
      range === undefined
        ? "its Kafka is too old for that, or it is no broker"
        : `it knows versions ${range[0]} to ${range[1]}`;
    throw new KafkaError(
      "refused",
      `${this.server} does not know the request ${name} in version ${version}: ${lack}`,
      "UNSUPPORTED_VERSION",
    );
  }
}

/** Throws unless Kafka's error code is 0. `doing` reads like `create topic red`. */
export async function assertOk(
  doing: string,
  server: string,
  code: number,
  message: string | null | undefined,
): Promise<void> {
  const fault = await faultOf(doing, server, code, message);
  if (fault !== undefined) throw fault;
}

/** The error that `assertOk` throws; undefined for code 0. */
export async function faultOf(
  doing: string,
  server: string,
  code: number,
  message: string | null | undefined,
): Promise<KafkaError | undefined> {
  if (code === 0) return undefined;
  const { id, text } = await errorText(code, message);
  return new KafkaError("refused", `${server} refused to ${doing}: ${id}: ${text}`, id);
}

/** Kafka's name of an error, and its words or the server's own. */
export async function errorText(
  code: number,
  message: string | null | undefined,
): Promise<{ readonly id: string; readonly text: string }> {
  const { protocolErrors, protocolErrorsCodesById } = await loadClient();
  const id = protocolErrorsCodesById[code] ?? `error ${code}`;
  return { id, text: message ?? protocolErrors[id]?.message ?? "no further words" };
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

/** The reverse of `splitServer`. */
export function joinServer(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** From the client's hexadecimal notation to Kafka's: URL-safe base64 without padding. */
export function toKafkaId(uuid: string): string {
  return Buffer.from(uuid.replaceAll("-", ""), "hex").toString("base64url");
}

export function fromKafkaId(id: string): string {
  return Buffer.from(id, "base64url").toString("hex");
}
