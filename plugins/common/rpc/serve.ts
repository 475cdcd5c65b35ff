import { fstatSync } from "node:fs";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { EngineLog } from "./engine-log";
import { type CancelledError, EngineGoneError } from "./errors";
import { Lifecycle } from "./lifecycle";
import { CHANNEL_OPTIONS } from "./limits";
import type { Provider } from "./provider";
import { resourceProviderService } from "./service";

export interface RunningServer {
  readonly port: number;
  /**
   * Aborts what is under way, refuses what comes, and resolves when every call is answered: at once where
   * there is none.
   */
  end(reason: string | CancelledError): Promise<void>;
  /** Drops every connection. */
  close(): void;
}

export interface StartOptions {
  /** host:port of the engine's Log endpoint. Default: none until a handshake names it. */
  readonly engineAddress?: string | undefined;
  /** Called when the engine is found to answer no longer. */
  readonly onEngineGone?: () => void;
}

/** Serves on a free port of the loopback interface. `serve` is this plus the process's duties. */
export async function startServer(
  provider: Provider,
  options: StartOptions = {},
): Promise<RunningServer> {
  const lifecycle = new Lifecycle();
  const log = new EngineLog(options.engineAddress, () => options.onEngineGone?.());
  const server = new Server(CHANNEL_OPTIONS);
  server.addService(ResourceProviderService, resourceProviderService(provider, lifecycle, log));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    port,
    async end(reason) {
      const { idle } = lifecycle;
      lifecycle.end(reason);
      // An engine that ends closes its connection in this very moment, and the library may then wait in
      // vain for the other side's end of it. Without an answer to send there is nothing to wait for.
      if (idle) return;
      await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    },
    close() {
      server.forceShutdown();
      log.close();
    },
  };
}

export interface ServeOptions {
  /** Time that aborted handlers have to answer before the process exits, in ms. Default: 3000. */
  readonly graceMs?: number;
}

/**
 * Runs a provider plugin: prints the port that the engine waits for, and ends with the engine.
 *
 * SIGINT and SIGTERM (how the engine ends its plugins; one that stays delays every run by 5 s or
 * more) abort what is under way and exit, at once if nothing is. The end of standard input means
 * that the engine died without a word: the same, so that no orphan goes on changing hosts.
 */
export async function serve(provider: Provider, options: ServeOptions = {}): Promise<void> {
  let ending = false;
  const exit = (reason: string | CancelledError): void => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(0), options.graceMs ?? 3_000);
    void started.then((server) => server.end(reason)).then(() => process.exit(0));
  };
  process.on("SIGINT", () => exit("interrupted"));
  process.on("SIGTERM", () => exit("terminated"));
  onStdinEnd(() => exit(new EngineGoneError("the engine has ended")));

  const started = startServer(provider, {
    engineAddress: process.argv[2],
    onEngineGone: () => exit(new EngineGoneError("the engine no longer answers")),
  });
  process.stdout.write(`${(await started).port}\n`);
}

/** Only a pipe says something by its end: a plugin run by hand may have no standard input. */
function onStdinEnd(end: () => void): void {
  const stdin = fstatSync(0);
  if (!stdin.isFIFO() && !stdin.isSocket()) return;
  process.stdin.on("end", end).on("error", end).resume();
}
