import { credentials, status } from "@grpc/grpc-js";
import { EngineClient } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { LogRequest, LogSeverity } from "@pulumi/pulumi/proto/engine_pb";
import { CHANNEL_OPTIONS } from "./limits";
import type { Log } from "./provider";

/** Longest wait for messages that are still under way when a call is answered. */
const FLUSH_MS = 2_000;

/**
 * Sends messages to the engine's own Log endpoint, in order. Nothing waits for them but `flush`,
 * and no failure of theirs fails any work.
 */
export class EngineLog {
  private client: EngineClient | undefined;
  private tail: Promise<void> = Promise.resolve();
  /** Status messages that wait to be sent, by urn. */
  private readonly statuses = new Map<string, string>();

  /** `onGone` is called when the engine no longer answers at its address. */
  constructor(
    address: string | undefined,
    private readonly onGone: () => void,
  ) {
    if (address !== undefined) this.connect(address);
  }

  connect(address: string): void {
    this.client?.close();
    this.client = new EngineClient(address, credentials.createInsecure(), CHANNEL_OPTIONS);
  }

  forUrn(urn: string): Log {
    return {
      debug: (message) => this.send(LogSeverity.DEBUG, urn, message),
      info: (message) => this.send(LogSeverity.INFO, urn, message),
      warn: (message) => this.send(LogSeverity.WARNING, urn, message),
      error: (message) => this.send(LogSeverity.ERROR, urn, message),
      status: (message) => this.sendStatus(urn, message),
    };
  }

  /** Resolves when all that was logged so far has arrived, or after 2 s. */
  async flush(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_MS);
    });
    await Promise.race([this.tail, limit]);
    clearTimeout(timer);
  }

  close(): void {
    this.client?.close();
  }

  private send(severity: LogSeverity, urn: string, message: string): void {
    this.queue(() => {
      const request = new LogRequest();
      request.setSeverity(severity);
      request.setUrn(urn);
      return request.setMessage(message);
    });
  }

  /** One that still waits to be sent is overtaken: a chatty command must not hold up its answer. */
  private sendStatus(urn: string, message: string): void {
    const waiting = this.statuses.has(urn);
    this.statuses.set(urn, message);
    if (waiting) return;
    this.queue(() => {
      const request = new LogRequest();
      request.setSeverity(LogSeverity.INFO);
      request.setUrn(urn);
      request.setEphemeral(true);
      request.setMessage(this.statuses.get(urn) ?? "");
      this.statuses.delete(urn);
      return request;
    });
  }

  private queue(makeRequest: () => LogRequest): void {
    const { client } = this;
    if (client === undefined) return;
    this.tail = this.tail.then(
      () =>
        new Promise((resolve) => {
          client.log(makeRequest(), (error) => {
            if (error?.code === status.UNAVAILABLE) this.onGone();
            resolve();
          });
        }),
    );
  }
}
