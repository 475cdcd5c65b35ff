import { z } from "zod";
import { type Answer, ask, retryAfterMs, withoutSecrets } from "../lib/ask";

/** Limit of a request, ms: Metabase tests a connection before it keeps it, which takes 10 s at most. */
const REQUEST_MS = 30_000;
/** What of an error's words is told. */
const MOST_WORDS = 300;

/** A request that did not do what it should. No password is in its words. */
export class MetabaseError extends Error {
  override readonly name = "MetabaseError";
  constructor(
    message: string,
    /** Undefined where no answer came. */
    readonly status: number | undefined,
    /** What the server asks to wait for. */
    readonly retryMs?: number,
  ) {
    super(message);
  }
}

export interface Account {
  readonly address: string;
  readonly port: number;
  readonly email: string;
  readonly password: string;
}

const properties = z.object({
  "has-user-setup": z.boolean().optional(),
  "setup-token": z.string().nullish(),
});
const session = z.object({ id: z.string().min(1) });
const starting = z.object({ progress: z.number().optional() });

/**
 * Metabase by its HTTP API, as its reference (https://www.metabase.com/docs/latest/api) and the sources of
 * v0.50 to v0.65 have it. Sessions are opened as they are needed, and again once one has expired.
 */
export class Metabase {
  private readonly url: string;
  private session: string | undefined;

  constructor(
    private readonly account: Account,
    /** Further text that no error may repeat. */
    private readonly secrets: readonly string[] = [],
    private readonly requestMs = REQUEST_MS,
  ) {
    this.url = `http://${account.address}:${account.port}`;
  }

  /** Undefined once it serves, else how far it has come, in words. */
  async startState(signal: AbortSignal): Promise<string | undefined> {
    try {
      await this.send("GET", "/api/health", undefined, {}, signal);
      return undefined;
    } catch (error) {
      if (!(error instanceof MetabaseError)) throw error;
      return error.status === 503 ? error.message : `it does not answer: ${error.message}`;
    }
  }

  /** Makes the first account, ours. Gives whether there was none. */
  async setUp(siteName: string, signal: AbortSignal): Promise<boolean> {
    const answer = await this.send("GET", "/api/session/properties", undefined, {}, signal);
    const { "has-user-setup": isSetUp, "setup-token": token } = properties.parse(answer);
    if (isSetUp === true || token === null || token === undefined) return false;
    const { email, password } = this.account;
    const made = await this.send(
      "POST",
      "/api/setup",
      {
        token,
        user: { email, password, first_name: "pi-lab", last_name: null },
        prefs: { site_name: siteName, allow_tracking: false },
      },
      {},
      signal,
    );
    this.session = session.parse(made).id;
    return true;
  }

  /** @throws MetabaseError */
  async call(
    method: "GET" | "POST" | "PUT",
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<unknown> {
    const ask = async (): Promise<unknown> => {
      this.session ??= await this.logIn(signal);
      return this.send(method, path, body, { "x-metabase-session": this.session }, signal);
    };
    const isFresh = this.session === undefined;
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof MetabaseError) || error.status !== 401 || isFresh) throw error;
      this.session = undefined;
      return ask();
    }
  }

  private async logIn(signal: AbortSignal): Promise<string> {
    const { email, password } = this.account;
    try {
      const body = { username: email, password };
      return session.parse(await this.send("POST", "/api/session", body, {}, signal)).id;
    } catch (error) {
      if (!(error instanceof MetabaseError) || error.status !== 401) throw error;
      // Too many tries are a 401 as well, with words of their own.
      const wait = /wait (\d+) seconds/.exec(error.message)?.[1];
      if (wait !== undefined) throw new MetabaseError(error.message, 401, Number(wait) * 1000);
      const remedy = `Metabase knows ${email} with another password: set it back there to the one of \`stack output dashboards --show-secrets\``;
      throw new MetabaseError(`${error.message}. ${remedy}`, 401);
    }
  }

  private async send(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<unknown> {
    const what = `${method} ${path}`;
    const init = {
      method,
      headers: {
        ...headers,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    let answered: Answer;
    try {
      answered = await ask(`${this.url}${path}`, init, this.requestMs, signal);
    } catch (error) {
      throw new MetabaseError(`${what}: ${(error as Error).message}`, undefined);
    }
    const { response, text } = answered;
    const answer = asJson(text);
    if (response.ok) return answer;
    throw new MetabaseError(
      `${what}: ${response.status} ${this.wordsOf(answer)}`.trim(),
      response.status,
      retryAfterMs(response.headers.get("retry-after"), Date.now()),
    );
  }

  /** Metabase answers with plain text, or `message` and `errors` by field. */
  private wordsOf(answer: unknown): string {
    const progress = starting.safeParse(answer);
    const words =
      progress.success && progress.data.progress !== undefined
        ? `it is starting, ${Math.round(progress.data.progress * 100)} %`
        : typeof answer === "string"
          ? answer
          : wordsIn(answer);
    return withoutSecrets(words, [this.account.password, ...this.secrets], MOST_WORDS);
  }
}

function wordsIn(answer: unknown): string {
  if (typeof answer !== "object" || answer === null) return "";
  const { message, errors } = answer as { message?: unknown; errors?: unknown };
  const fields = typeof errors === "object" && errors !== null ? Object.entries(errors) : [];
  return [
    ...(typeof message === "string" ? [message] : []),
    ...fields.map(
      ([field, fault]) => `${field}: ${typeof fault === "string" ? fault : JSON.stringify(fault)}`,
    ),
  ].join("; ");
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
