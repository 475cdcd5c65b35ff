import type { AnyAuthMethod, Client, ConnectConfig } from "ssh2";
import type { HostKey } from "./host-key";
import { algorithmsFor, fingerprint, parseHostKey, typeOf } from "./host-key";
import { SshError } from "./errors";
import { loadSsh2 } from "./load";

/** Whom to connect to, and as whom. */
export interface SshTarget {
  readonly host: string;
  /** Default: 22. */
  readonly port?: number | undefined;
  /** Default: root. */
  readonly user?: string | undefined;
  /** PEM or OpenSSH text. Tried first. */
  readonly privateKey?: string | undefined;
  readonly privateKeyPassword?: string | undefined;
  readonly password?: string | undefined;
  /** Default: SSH_AUTH_SOCK, if there is no private key and no password. */
  readonly agentSocketPath?: string | undefined;
  /** See `parseHostKey`. Without it any host is believed. */
  readonly hostKey?: string | undefined;
}

/** `host:port`, as errors name it. */
export const addressOf = ({ host, port = 22 }: SshTarget): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** Silence after which a peer is asked whether it still lives, and unanswered questions it may have. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVE_LIMIT = 3;

/** Everything about a target that can be wrong before anything is sent. */
export interface Prepared {
  readonly target: SshTarget;
  readonly pinned: HostKey | undefined;
  readonly auth: readonly AnyAuthMethod[];
  /** What is offered to the host, in words. */
  readonly offered: string;
}

export function prepare(target: SshTarget): Prepared {
  const pinned = target.hostKey === undefined ? undefined : parseHostKey(target.hostKey);
  const username = target.user ?? "root";
  const auth: AnyAuthMethod[] = [];
  const offered: string[] = [];
  if (target.privateKey !== undefined) {
    const key = loadSsh2().utils.parseKey(target.privateKey, target.privateKeyPassword);
    if (key instanceof Error || !key.isPrivateKey()) {
      const why = key instanceof Error ? key.message : "it is a public key";
      const text = `the private key for ${username}@${addressOf(target)} cannot be used: ${why}`;
      throw new SshError("credentials_invalid", text);
    }
    auth.push({ type: "publickey", username, key });
    offered.push(`the key ${fingerprint(key.getPublicSSH())}`);
  }
  if (target.password !== undefined) {
    const { password } = target;
    auth.push({ type: "password", username, password });
    auth.push({
      type: "keyboard-interactive",
      username,
      prompt: (_name, _instructions, _language, prompts, answer) =>
        answer(prompts.map(() => password)),
    });
    offered.push("the password");
  }
  const agent = target.agentSocketPath ?? (auth.length === 0 ? process.env["SSH_AUTH_SOCK"] : "");
  if (agent !== undefined && agent !== "") {
    auth.push({ type: "agent", username, agent });
    offered.push(`the keys of the agent at ${agent}`);
  }
  if (auth.length === 0) {
    throw new SshError(
      "credentials_invalid",
      `there is nothing to log in to ${username}@${addressOf(target)} with: give a private key ` +
        "or a password, or start an SSH agent and export SSH_AUTH_SOCK",
    );
  }
  return { target, pinned, auth, offered: offered.join(", ") };
}

/** One try. Rejects with an SshError; the client is gone then. `timeoutMs` 0: no limit. */
export function dialOnce(
  prepared: Prepared,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Client> {
  const { target, pinned } = prepared;
  const client = new (loadSsh2().Client)();
  return new Promise((resolve, reject) => {
    let shown: Buffer | undefined;
    let banner = "";
    let agentError: Error | undefined;
    let timer: NodeJS.Timeout | undefined;
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      finish();
    };
    const fail = (error: SshError): void =>
      settle(() => {
        // What the broken connection still reports has nobody to go to.
        client.removeAllListeners().on("error", () => undefined);
        client.destroy();
        reject(error);
      });
    const onAbort = (): void =>
      fail(new SshError("aborted", `dialling ${addressOf(target)}: ${reasonOf(signal)}`));

    if (signal?.aborted) return onAbort();
    signal?.addEventListener("abort", onAbort);
    if (timeoutMs > 0) {
      timer = setTimeout(() => {
        const text = `${addressOf(target)} did not let us in within ${timeoutMs / 1000} s`;
        fail(new SshError("dial_timeout", text));
      }, timeoutMs);
    }
    client
      .on("banner", (text) => (banner = text.trim()))
      .on("ready", () => settle(() => resolve(client.removeAllListeners())))
      .on("error", (error) => {
        // A broken agent is one way in less; ssh2 goes on to the next.
        if ((error as { level?: string }).level === "agent") agentError = error;
        else fail(explain(error, prepared, shown, agentError));
      })
      .on("close", () => {
        // sshd drops logins while a system boots or shuts down, after a banner that says so.
        const said = banner === "" ? "" : ` after saying: ${banner}`;
        const text = `${addressOf(target)} closed the connection before the login${said}`;
        fail(new SshError("unreachable", text));
      });
    const config: ConnectConfig = {
      host: target.host,
      port: target.port ?? 22,
      username: target.user ?? "root",
      authHandler: [...prepared.auth],
      readyTimeout: 0,
      keepaliveInterval: KEEPALIVE_MS,
      keepaliveCountMax: KEEPALIVE_LIMIT,
      hostVerifier: (key: Buffer) => {
        shown = key;
        return pinned === undefined || pinned.blob.equals(key);
      },
    };
    if (pinned !== undefined) config.algorithms = { serverHostKey: algorithmsFor(pinned) };
    try {
      client.connect(config);
    } catch (error) {
      fail(explain(error as Error, prepared, shown));
    }
  });
}

function explain(
  error: Error,
  prepared: Prepared,
  shown: Buffer | undefined,
  agentError?: Error,
): SshError {
  const { target, pinned } = prepared;
  const address = addressOf(target);
  const level = (error as { level?: string }).level;
  if (pinned !== undefined && shown !== undefined && !pinned.blob.equals(shown)) {
    return wrongKey(
      `${address} has another host key than the pinned one: it shows ${fingerprint(shown)} ` +
        `(${typeOf(shown) ?? "unknown type"}), pinned is ${fingerprint(pinned.blob)} (${pinned.type})`,
    );
  }
  if (pinned !== undefined && error.message.includes("no matching host key format")) {
    return wrongKey(
      `${address} has no host key of the pinned one's type: pinned is ` +
        `${fingerprint(pinned.blob)} (${pinned.type})`,
    );
  }
  if (level === "client-authentication") {
    return new SshError(
      "auth_refused",
      `${address} refuses ${target.user ?? "root"}: it was offered ${prepared.offered}` +
        `${agentError === undefined ? "" : ` (the agent failed: ${agentError.message})`}. Add the ` +
        "public key to that user's ~/.ssh/authorized_keys on the host, or name the right user and key",
      { cause: error },
    );
  }
  return new SshError("unreachable", `${address} cannot be reached: ${error.message}`, {
    cause: error,
  });
}

const wrongKey = (what: string): SshError =>
  new SshError(
    "host_key_mismatch",
    `${what}. Either this is not the machine it was, or someone stands in between: if the ` +
      "machine was replaced or installed anew on purpose, pin its new key (hostKey)",
  );

export function reasonOf(signal: AbortSignal | undefined): string {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason.message : "aborted";
}
