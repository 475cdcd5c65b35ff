import type { DatabricksConfig } from "../../model";
import { type Answer, ask, retryAfterMs, withoutSecrets } from "../lib/ask";

/** Limit of one request, ms: a file of 1 MiB through a line of 200 kbit/s takes 42 s. */
const REQUEST_MS = 60_000;
/** A token is taken for expired so long before it is, ms. */
const EARLY_MS = 120_000;
/** What of an error's words is told. */
const MOST_WORDS = 200;

/** A request that did not do what it should; another try may. No secret is in its words. */
export class WorkspaceError extends Error {
  override readonly name = "WorkspaceError";
  /** @param retryMs what the server asks to wait for */
  constructor(
    message: string,
    /** Undefined where no answer came. */
    readonly status: number | undefined,
    readonly retryMs?: number,
  ) {
    super(message);
  }
}

type Access = Pick<DatabricksConfig, "workspace" | "volume" | "clientId" | "secret">;

/**
 * A Databricks workspace: files of a volume by the Files API, as
 * https://docs.databricks.com/api/workspace/files has it, and tokens for a service principal by OAuth M2M, as
 * https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m has it.
 */
export class Workspace {
  private token: { readonly value: string; readonly until: number } | undefined;

  constructor(
    private readonly access: Access,
    private readonly now: () => number = Date.now,
    private readonly requestMs = REQUEST_MS,
  ) {}

  /**
   * Writes a file, over one of the same name, and makes its folder where there is none.
   * @param path below the volume's folder
   * @throws WorkspaceError
   */
  async upload(path: string, body: Buffer, signal: AbortSignal): Promise<void> {
    const file = `${this.access.volume}/${path}`;
    const put = () => this.call("files", file, "?overwrite=true", body, signal);
    try {
      await put();
    } catch (error) {
      if (!(error instanceof WorkspaceError) || error.status !== 404) throw error;
      // The call makes missing folders above it as well, and is content with one that is there.
      await this.call("directories", file.slice(0, file.lastIndexOf("/")), "", undefined, signal);
      await put();
    }
  }

  private async call(
    kind: "files" | "directories",
    path: string,
    query: string,
    body: Buffer | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const encoded = path.split("/").map(encodeURIComponent).join("/");
    const url = `${this.access.workspace}/api/2.0/fs/${kind}${encoded}${query}`;
    const put = async () => {
      const headers = {
        authorization: `Bearer ${await this.bearer(signal)}`,
        "content-type": "application/octet-stream",
      };
      const init = { method: "PUT", headers, ...(body && { body: new Uint8Array(body) }) };
      return this.send(`${kind} ${path}`, url, init, signal);
    };
    try {
      await put();
    } catch (error) {
      // A token may be revoked before its time; a second refusal is about who asks.
      const isStale = error instanceof WorkspaceError && error.status === 401 && this.token;
      if (!isStale) throw error;
      this.token = undefined;
      await put();
    }
  }

  private async bearer(signal: AbortSignal): Promise<string> {
    const { clientId, secret, workspace } = this.access;
    if (clientId === undefined) return secret;
    if (this.token !== undefined && this.token.until > this.now()) return this.token.value;
    const login = Buffer.from(`${clientId}:${secret}`).toString("base64");
    const answer = await this.send(
      "the login (/oidc/v1/token)",
      `${workspace}/oidc/v1/token`,
      {
        method: "POST",
        headers: { authorization: `Basic ${login}` },
        body: new URLSearchParams({ grant_type: "client_credentials", scope: "all-apis" }),
      },
      signal,
    );
    const { access_token: value, expires_in: seconds } = asObject(answer);
    if (typeof value !== "string" || typeof seconds !== "number") {
      throw new WorkspaceError("the login (/oidc/v1/token): the answer holds no token", undefined);
    }
    // One that lives shorter than that is used once.
    this.token = { value, until: this.now() + seconds * 1000 - EARLY_MS };
    return value;
  }

  /** Gives the answer's body. */
  private async send(
    what: string,
    url: string,
    init: RequestInit,
    signal: AbortSignal,
  ): Promise<string> {
    let answer: Answer;
    try {
      answer = await ask(url, init, this.requestMs, signal);
    } catch (error) {
      throw new WorkspaceError(`${what}: ${(error as Error).message}`, undefined);
    }
    const { response, text } = answer;
    if (response.ok) return text;
    const retryMs = retryAfterMs(response.headers.get("retry-after"), this.now());
    throw new WorkspaceError(
      `${what}: ${response.status} ${this.wordsOf(text)}`.trim(),
      response.status,
      retryMs,
    );
  }

  /** `error_code: message` as Databricks answers, `error: error_description` as OAuth does. */
  private wordsOf(text: string): string {
    const { error_code, message, error, error_description } = asObject(text);
    const words = [error_code ?? error, message ?? error_description]
      .filter((one) => typeof one === "string")
      .join(": ");
    const secrets = [this.access.secret, this.token?.value ?? []].flat();
    return withoutSecrets(words, secrets, MOST_WORDS);
  }
}

function asObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
