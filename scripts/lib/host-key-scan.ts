import { Client } from "ssh2";
import { parseHostKey } from "../../plugins/common/ssh";
import { reasonOf } from "./errors";

/** What a machine answered when it was asked for its key. */
export type Scan =
  | { readonly kind: "key"; /** `ssh-ed25519 AAAA…`, no comment. */ readonly key: string }
  | { readonly kind: "silent"; readonly reason: string };

/** How long one machine may take to show its key. */
const SCAN_TIMEOUT_MS = 5000;

/**
 * Asks an SSH server for its ed25519 host key, as ssh-keyscan does: the connection ends before any login.
 * Whose key it is, only a person at the machine can tell.
 */
export function scanHostKey(
  host: string,
  port: number,
  timeoutMs = SCAN_TIMEOUT_MS,
): Promise<Scan> {
  return new Promise((resolve) => {
    const client = new Client();
    let key: string | undefined;
    const end = (scan: Scan): void => {
      clearTimeout(timer);
      client.destroy();
      resolve(scan);
    };
    // Covers the dial as well, which the client's own limit does not.
    const timer = setTimeout(
      () => end({ kind: "silent", reason: `no answer within ${timeoutMs / 1000} s` }),
      timeoutMs,
    );
    client.on("error", (error) => {
      end(key === undefined ? { kind: "silent", reason: explain(error) } : { kind: "key", key });
    });
    client.on("close", () =>
      end({ kind: "silent", reason: "it closed the connection before it showed a key" }),
    );
    client.connect({
      host,
      port,
      username: "host-keys",
      algorithms: { serverHostKey: ["ssh-ed25519"] },
      hostVerifier: (blob: Buffer) => {
        key = `ssh-ed25519 ${blob.toString("base64")}`;
        return false;
      },
    });
  });
}

function explain(error: unknown): string {
  const reason = reasonOf(error);
  return /no matching host key/i.test(reason)
    ? "it has no ed25519 host key; `sudo ssh-keygen -A` on it makes one"
    : reason;
}

/** Whether two keys are the same, whatever comments their texts carry. */
export function sameKey(a: string, b: string): boolean {
  try {
    return parseHostKey(a).blob.equals(parseHostKey(b).blob);
  } catch {
    return false; // one that cannot be read is none
  }
}
