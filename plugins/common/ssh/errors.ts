/** What can go wrong, and whether another try may help. */
const RETRIABLE = {
  /** No connection, or none that got as far as a login: the host may still be starting. */
  unreachable: true,
  /** The host took too long until it let us in. */
  dial_timeout: true,
  /** The connection broke while something was under way, whose outcome is unknown. */
  connection_lost: false,
  /** The host has another key than the pinned one, or none of its type. */
  host_key_mismatch: false,
  /** The pinned key cannot be read. */
  host_key_invalid: false,
  /** The host knows neither our key nor password. */
  auth_refused: false,
  /** The private key cannot be read, its passphrase is wrong, or there is nothing to log in with. */
  credentials_invalid: false,
  /** The server does not accept an environment variable (AcceptEnv). */
  env_refused: false,
  exec_refused: false,
  exec_timeout: false,
  sftp_failed: false,
  /** The server lets nobody forward ports to it. */
  forward_refused: false,
  aborted: false,
} as const;

export type SshErrorCode = keyof typeof RETRIABLE;

/** Texts name the host and the remedy; they never hold a key, a password or standard input. */
export class SshError extends Error {
  override readonly name = "SshError";
  readonly canRetry: boolean;

  constructor(
    readonly code: SshErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.canRetry = RETRIABLE[code];
  }
}

/** Whether the host gave no answer: it may be off, or its network gone. Any other error is an answer. */
export const isSilence = ({ code }: SshError): boolean =>
  code === "unreachable" || code === "dial_timeout" || code === "connection_lost";
