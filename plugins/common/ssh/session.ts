import { constants } from "node:os";
import { StringDecoder } from "node:string_decoder";
import type { Duplex, Readable } from "node:stream";
import type { Client, ClientChannel } from "ssh2";
import { reasonOf } from "./dial";
import { SshError } from "./errors";
import { RemoteFiles } from "./files";
import type { WriteOptions } from "./files";
import { answering, askForEnv, sendSignal } from "./internals";

export interface ExecOptions {
  /** Default: empty. Never shown in an error. */
  readonly stdin?: string | Buffer | undefined;
  /** Each must be let in by the server's AcceptEnv. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** As `env`, but what the server does not let in is left out; told to `onEnvRefused`. */
  readonly optionalEnv?: Readonly<Record<string, string>> | undefined;
  readonly onEnvRefused?: ((name: string) => void) | undefined;
  /** What errors call the command. Default: its first line. */
  readonly label?: string | undefined;
  /** Default: none. */
  readonly timeoutMs?: number | undefined;
  /** Gets the output piece by piece as it comes; characters are never cut. */
  readonly onStdout?: ((text: string) => void) | undefined;
  readonly onStderr?: ((text: string) => void) | undefined;
  /** False: the result holds no output, for a command that prints without end. Default: true. */
  readonly keep?: boolean | undefined;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit status; 128 + n for a command that signal n killed, as shells have it. */
  readonly code: number;
  /** Name without SIG, if a signal killed it. */
  readonly signal?: string;
}

const LOOPBACK = "127.0.0.1";

/** Time that a command has to end after SIGTERM, before its channel is dropped. */
const TERM_GRACE_MS = 1_000;

/** A connection that is logged in. Several commands may run on it at once. */
export class SshSession {
  private lost: Error | undefined;
  private files: Promise<RemoteFiles> | undefined;

  constructor(
    private readonly client: Client,
    /** `host:port`, for messages. */
    readonly address: string,
    private readonly signal?: AbortSignal,
  ) {
    // A failure of the connection reaches each command and file through its own channel.
    client.on("error", (error) => (this.lost = error));
    client.on("close", () => (this.lost ??= new Error("closed by the other side")));
    askForEnv(client);
  }

  /** Runs a command in the user's shell. A status other than 0 is a result, not an error. */
  async exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    this.signal?.throwIfAborted();
    const { timeoutMs = 0, label = firstLine(command) } = options;
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(this.error("aborted", reasonOf(this.signal)));
    const onTimeout = (): void => {
      const text = `the command did not end within ${timeoutMs / 1000} s: ${label}`;
      stop.abort(this.error("exec_timeout", text));
    };
    const timer = timeoutMs > 0 ? setTimeout(onTimeout, timeoutMs) : undefined;
    this.signal?.addEventListener("abort", onAbort);
    try {
      return await this.run(command, options, label, stop.signal);
    } finally {
      clearTimeout(timer);
      this.signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Writes a file; what is there is overwritten. The folder must exist. */
  async writeFile(
    path: string,
    content: Readable | Buffer | string,
    options: WriteOptions = {},
  ): Promise<void> {
    await (await this.sftp()).write(path, content, options);
  }

  /** The host's files, over one SFTP channel. */
  sftp(): Promise<RemoteFiles> {
    this.files ??= new Promise((resolve, reject) => {
      this.client.sftp((error, sftp) => {
        if (error === undefined) resolve(new RemoteFiles(sftp, this.address, this.ended()));
        else {
          const remedy = "its sshd needs the line: Subsystem sftp internal-sftp";
          reject(this.error("sftp_failed", `SFTP cannot be started: ${error.message}; ${remedy}`));
        }
      });
    });
    return this.files;
  }

  /**
   * Has the host listen on a free port of its loopback, until the connection ends.
   * @param serve gets each connection to it; what goes wrong with one is its own affair
   * @returns the port
   */
  async forwardIn(serve: (connection: Duplex) => void): Promise<number> {
    const { client } = this;
    const port = await new Promise<number>((resolve, reject) => {
      const ended = (): void => reject(this.lostWhile("asking for a port"));
      client.once("close", ended);
      client.forwardIn(LOOPBACK, 0, (error, bound) => {
        client.removeListener("close", ended);
        if (error === undefined) return resolve(bound);
        const remedy = "its sshd_config needs the line: AllowTcpForwarding yes (or remote)";
        const text = `the server does not forward a port: ${error.message}; ${remedy}`;
        reject(this.error("forward_refused", text));
      });
    });
    client.on("tcp connection", ({ destPort }, accept, reject) => {
      if (destPort !== port) return reject();
      const connection: Duplex = accept();
      // The other end may be gone before anybody listens here.
      connection.on("error", () => undefined);
      serve(connection);
    });
    return port;
  }

  /** What is under way on the connection breaks. */
  close(): void {
    this.client.end();
    // Nobody waits for the other side's goodbye.
    this.client.destroy();
  }

  /** Aborted when the connection is gone or the session is told to stop. */
  private ended(): AbortSignal {
    const ended = new AbortController();
    this.client.once("close", () => ended.abort(this.lost));
    this.signal?.addEventListener("abort", () => ended.abort(this.signal?.reason));
    return ended.signal;
  }

  private run(
    command: string,
    options: ExecOptions,
    label: string,
    stop: AbortSignal,
  ): Promise<ExecResult> {
    return new Promise((resolve, reject) => {
      stop.addEventListener("abort", () => {
        // A server that does not even open a channel: nothing is there to be ended gently.
        if (!opened) reject(stop.reason as SshError);
      });
      let opened = false;
      const env = this.environment(options) as unknown as NodeJS.ProcessEnv;
      try {
        this.client.exec(command, { env }, (error, channel) => {
          if (error === undefined) {
            opened = true;
            // At once: output, status and end of a short command may all have arrived already, and
            // ssh2 reports them before anything that was put off until later gets its turn.
            this.follow(channel, options, label, stop).then(resolve, reject);
          } else if (error instanceof SshError) reject(error);
          else reject(this.lost === undefined ? this.refused(error) : this.lostWhile("starting"));
        });
      } catch (error) {
        reject(this.lostWhile(`starting: ${(error as Error).message}`));
      }
    });
  }

  private follow(
    channel: ClientChannel,
    options: ExecOptions,
    label: string,
    stop: AbortSignal,
  ): Promise<ExecResult> {
    return new Promise((resolve, reject) => {
      const out = collect(channel, options.onStdout, options.keep);
      const err = collect(channel.stderr, options.onStderr, options.keep);
      let exit: Pick<ExecResult, "code" | "signal"> | undefined;
      const end = (): void => {
        sendSignal(this.client, channel, "TERM");
        setTimeout(() => channel.destroy(), TERM_GRACE_MS).unref();
      };
      stop.addEventListener("abort", end);
      if (stop.aborted) end();
      channel.on("exit", (code: number | null, signal?: string) => {
        exit = code === null ? killedBy(signal ?? "") : { code };
      });
      channel.on("close", () => {
        if (stop.aborted) reject(stop.reason as SshError);
        else if (exit === undefined) reject(this.lostWhile(`running ${label}`));
        else resolve({ stdout: out(), stderr: err(), ...exit });
      });
      // A command that ends without reading its input breaks the pipe; its status says the rest.
      channel.on("error", () => undefined);
      channel.end(options.stdin ?? "");
    });
  }

  private environment(options: ExecOptions): Record<string, Buffer> {
    const env: Record<string, Buffer> = {};
    for (const [name, value] of Object.entries(options.optionalEnv ?? {})) {
      env[name] = answering(value, () => {
        options.onEnvRefused?.(name);
        return undefined;
      });
    }
    for (const [name, value] of Object.entries(options.env ?? {})) {
      const remedy = `add "AcceptEnv ${name}" to its sshd_config, or pass the value on stdin`;
      const text = `the server does not accept the environment variable ${name}: ${remedy}`;
      env[name] = answering(value, () => this.error("env_refused", text));
    }
    return env;
  }

  private refused(error: Error): SshError {
    return this.error("exec_refused", `the server does not run the command: ${error.message}`);
  }

  private lostWhile(doing: string): SshError {
    const why = this.lost === undefined ? "ended without a status" : this.lost.message;
    return this.error("connection_lost", `the connection broke (${why}) while ${doing}`);
  }

  private error(code: SshError["code"], text: string): SshError {
    return new SshError(code, `${this.address}: ${text}`);
  }
}

function collect(
  stream: Readable,
  onText: ((text: string) => void) | undefined,
  keep = true,
): () => string {
  const chunks: Buffer[] = [];
  const decoder = new StringDecoder("utf8");
  stream.on("data", (chunk: Buffer) => {
    if (keep) chunks.push(chunk);
    const text = onText === undefined ? "" : decoder.write(chunk);
    if (text !== "") onText?.(text);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

function killedBy(name: string): Pick<ExecResult, "code" | "signal"> {
  const signal = name.replace(/^SIG/, "");
  const number = constants.signals[`SIG${signal}` as NodeJS.Signals] as number | undefined;
  return { code: 128 + (number ?? 0), signal };
}

/** Enough of a command to recognise it. */
function firstLine(command: string): string {
  const [line = ""] = command.split("\n");
  return line.length > 120 || line !== command ? `${line.slice(0, 120)}…` : line;
}
