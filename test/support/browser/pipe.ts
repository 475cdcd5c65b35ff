import type { Readable, Writable } from "node:stream";

/** A message of the DevTools protocol without an id: something has happened. */
export interface DevToolsEvent {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly sessionId?: string;
}

interface Answer {
  readonly id?: number;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** A browser that does not answer within that time hangs, ms. */
const ANSWER_MS = 15_000;

/** The DevTools protocol over two pipes (`--remote-debugging-pipe`): JSON texts, each ended by a zero byte. */
export class DevToolsPipe {
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private readonly listeners = new Set<(event: DevToolsEvent) => void>();
  private id = 0;
  private rest = "";

  constructor(
    private readonly input: Writable,
    output: Readable,
  ) {
    // Its end shows in what is waited for.
    input.on("error", () => {});
    output.setEncoding("utf8").on("data", (chunk: string) => {
      const messages = (this.rest + chunk).split("\0");
      this.rest = messages.pop() ?? "";
      for (const message of messages) this.take(JSON.parse(message) as Answer & DevToolsEvent);
    });
  }

  on(listener: (event: DevToolsEvent) => void): void {
    this.listeners.add(listener);
  }

  send(
    method: string,
    params: Readonly<Record<string, unknown>> = {},
    sessionId?: string,
  ): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.id;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new Error(`waited ${ANSWER_MS / 1000} s for the browser to answer ${method}`));
      }, ANSWER_MS);
      this.waiting.set(id, ({ result, error }) => {
        clearTimeout(timer);
        if (error === undefined) resolve(result ?? {});
        else reject(new Error(`${method}: ${error.message}`));
      });
      this.input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  private take(message: Answer & DevToolsEvent): void {
    if (message.id === undefined) {
      for (const listener of this.listeners) listener(message);
      return;
    }
    this.waiting.get(message.id)?.(message);
    this.waiting.delete(message.id);
  }
}
