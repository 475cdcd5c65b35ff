import path from "node:path/posix";
import { Readable } from "node:stream";
import type { SFTPWrapper } from "ssh2";
import { SshError } from "./errors";

export interface WriteOptions {
  /** Permission bits, such as 0o644. Default: the host's umask decides; an existing file keeps its own. */
  readonly mode?: number;
  /** Told after each piece that the host has confirmed. */
  readonly onProgress?: (bytesWritten: number) => void;
}

export type RemoteKind = "file" | "directory" | "absent";

/** One SFTP request's payload; every server takes as much. */
const PIECE_BYTES = 32 * 1024;
/** Requests under way at once: 2 MiB, enough to fill a gigabit line with 16 ms of delay. */
const WINDOW = 64;
const NO_SUCH_FILE = 2;
const FAILURE = 4;

export class RemoteFiles {
  /** Refusers of what is under way: ssh2 forgets its requests when a connection breaks. */
  private readonly underWay = new Set<() => void>();

  constructor(
    private readonly sftp: SFTPWrapper,
    private readonly address: string,
    /** Aborted when the connection is gone or nobody waits any more. */
    private readonly ended: AbortSignal,
  ) {
    ended.addEventListener("abort", () => this.underWay.forEach((refuse) => refuse()));
  }

  /** What is at the path; links are followed. */
  async kindOf(file: string): Promise<RemoteKind> {
    try {
      const stats = await this.call<{ isDirectory(): boolean }>(`looking at ${file}`, (done) =>
        this.sftp.stat(file, done),
      );
      return stats.isDirectory() ? "directory" : "file";
    } catch (error) {
      if (statusOf(error) === NO_SUCH_FILE) return "absent";
      throw error;
    }
  }

  async mkdir(folder: string): Promise<void> {
    await this.call<void>(`making the folder ${folder}`, (done) => this.sftp.mkdir(folder, done));
  }

  /** Makes the folder and those above it. Those that exist are left as they are. */
  async mkdirAll(folder: string): Promise<void> {
    const kind = await this.kindOf(folder);
    if (kind === "directory") return;
    if (kind === "file") throw this.error(`${folder} exists and is not a folder`);
    await this.mkdirAll(path.dirname(folder));
    await this.mkdir(folder);
  }

  async write(
    file: string,
    content: Readable | Buffer | string,
    options: WriteOptions = {},
  ): Promise<void> {
    const source = content instanceof Readable ? content : Readable.from([Buffer.from(content)]);
    const handle = await this.call<Buffer>(`opening ${file}`, (done) =>
      this.sftp.open(file, "w", done),
    );
    try {
      await this.writeAll(file, handle, source, options.onProgress);
    } catch (error) {
      throw await this.explainWrite(error, file);
    } finally {
      // The failure that brought us here says more than that of the close.
      await this.call<void>(`closing ${file}`, (done) => this.sftp.close(handle, done)).catch(
        (error: unknown) => {
          if (!this.ended.aborted) throw error;
        },
      );
    }
    const { mode } = options;
    if (mode !== undefined) {
      await this.call<void>(`setting the mode of ${file}`, (done) =>
        this.sftp.chmod(file, mode, done),
      );
    }
  }

  private async writeAll(
    file: string,
    handle: Buffer,
    source: Readable,
    onProgress: WriteOptions["onProgress"],
  ): Promise<void> {
    const underWay = new Set<Promise<void>>();
    let failure: unknown;
    let position = 0;
    let confirmed = 0;
    for await (const chunk of source as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        const piece = chunk.subarray(at, at + PIECE_BYTES);
        const start = position;
        position += piece.length;
        const write = this.call<void>(`writing ${file}`, (done) =>
          this.sftp.write(handle, piece, 0, piece.length, start, done),
        )
          .then(() => onProgress?.((confirmed += piece.length)))
          .catch((error: unknown) => (failure ??= error))
          .then(() => void underWay.delete(write));
        underWay.add(write);
        if (underWay.size >= WINDOW) await Promise.race(underWay);
        if (failure !== undefined) break;
      }
      if (failure !== undefined) break;
    }
    await Promise.all(underWay);
    if (failure !== undefined) throw failure as Error;
  }

  /** SFTP has no word for a full disk. */
  private async explainWrite(error: unknown, file: string): Promise<unknown> {
    if (statusOf(error) !== FAILURE) return error;
    const free = await this.freeBlocks(path.dirname(file)).catch(() => undefined);
    if (free !== 0) return error;
    return this.error(`writing ${file}: the disk is full; free some space there`);
  }

  private async freeBlocks(folder: string): Promise<number> {
    const stats = await this.call<{ f_bavail: number }>(
      `asking for the space on ${folder}`,
      (done) => this.sftp.ext_openssh_statvfs(folder, done as never),
    );
    return stats.f_bavail;
  }

  private call<T>(
    doing: string,
    start: (done: (error: Error | null | undefined, result: T) => void) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const refuse = (): void => {
        const { reason } = this.ended as { reason: unknown };
        const why = reason instanceof Error ? reason.message : "the connection is gone";
        reject(this.error(`${doing}: ${why}`));
      };
      if (this.ended.aborted) return refuse();
      this.underWay.add(refuse);
      start((error, result) => {
        this.underWay.delete(refuse);
        if (error === null || error === undefined) resolve(result);
        else reject(this.error(`${doing}: ${error.message}`, error));
      });
    });
  }

  private error(text: string, cause?: Error): SshError {
    return new SshError("sftp_failed", `${this.address}: ${text}`, { cause });
  }
}

/** The SFTP status code under the error. */
function statusOf(error: unknown): number | undefined {
  const { cause } = error as { cause?: { code?: number } };
  return cause?.code;
}
