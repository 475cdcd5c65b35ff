import { chmod, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { Outcome } from "./sender";

/**
 * The client's button as a Unix socket. One command a line, one answer a line:
 *
 *     press     one alert: `acknowledged 17`, `held-back WORDS` or `refused WORDS`
 *     hold      alerts at the repeat rate, until `release` or the end of the connection: `holding`
 *     release   `released 12`: how many were acknowledged meanwhile
 */

/** What waits for an end of line, bytes. */
const LINE_BYTES = 64;
const CONNECTIONS = 16;

export interface ButtonOptions {
  readonly path: string;
  readonly repeatPerSecond: number;
  readonly press: () => Promise<Outcome>;
}

export class ButtonSocket {
  private readonly connections = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly options: ButtonOptions,
  ) {
    server.maxConnections = CONNECTIONS;
    server.on("connection", (socket) => this.serve(socket));
  }

  static async open(options: ButtonOptions): Promise<ButtonSocket> {
    // One that a killed program has left refuses everybody.
    await rm(options.path, { force: true });
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(options.path, resolve);
    });
    // Its user, its group, and root: whoever may press may make the lab busy.
    await chmod(options.path, 0o660);
    return new ButtonSocket(server, options);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    for (const socket of this.connections) socket.destroy();
    await closed;
  }

  private serve(socket: Socket): void {
    this.connections.add(socket);
    const hold = new Hold(this.options);
    let rest = "";
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) void this.answer(socket, line.trim(), hold);
      if (rest.length > LINE_BYTES) socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      hold.end();
      this.connections.delete(socket);
    });
  }

  private async answer(socket: Socket, line: string, hold: Hold): Promise<void> {
    const say = (text: string): void => {
      if (socket.writable) socket.write(`${text}\n`);
    };
    switch (line) {
      case "press":
        return say(toLine(await this.options.press()));
      case "hold":
        hold.begin();
        return say("holding");
      case "release":
        return say(`released ${hold.end()}`);
      default:
        return say(`error: no command: write press, hold or release`);
    }
  }
}

/** A button that one connection holds. */
class Hold {
  private timer: NodeJS.Timeout | undefined;
  private acknowledged = 0;

  constructor(private readonly options: ButtonOptions) {}

  begin(): void {
    if (this.timer !== undefined) return;
    this.acknowledged = 0;
    const press = (): void => {
      void this.options.press().then(({ kind }) => {
        if (kind === "acknowledged") this.acknowledged += 1;
      });
    };
    press();
    this.timer = setInterval(press, 1000 / this.options.repeatPerSecond);
  }

  end(): number {
    clearInterval(this.timer);
    this.timer = undefined;
    return this.acknowledged;
  }
}

function toLine(outcome: Outcome): string {
  switch (outcome.kind) {
    case "acknowledged":
      return `acknowledged ${outcome.seq}`;
    case "refused":
    case "held-back":
      return `${outcome.kind} ${outcome.words}`;
    default:
      return outcome satisfies never;
  }
}
