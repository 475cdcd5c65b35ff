import { createHash } from "node:crypto";
import type { ServerHostKeyAlgorithm } from "ssh2";
import { SshError } from "./errors";

export interface HostKey {
  /** As in the key's text: `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256`, … */
  readonly type: string;
  /** The key as it travels. */
  readonly blob: Buffer;
}

/** Signature algorithms by which a server proves that it holds a key of the type. */
const ALGORITHMS: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
};

/**
 * Asked of the server, so that one with several keys shows the pinned one's kind: a different
 * kind would look like a different machine.
 */
export function algorithmsFor(key: HostKey): ServerHostKeyAlgorithm[] {
  return [...(ALGORITHMS[key.type] ?? [])];
}

/**
 * Reads a public key as it stands in a `.pub` file (`ssh-ed25519 AAAA… comment`) or in
 * known_hosts (`host,address ssh-ed25519 AAAA…`).
 */
export function parseHostKey(text: string): HostKey {
  const line = text
    .split("\n")
    .map((candidate) => candidate.trim())
    .find((candidate) => candidate !== "" && !candidate.startsWith("#"));
  const words = line?.split(/\s+/) ?? [];
  const at = words.findIndex((word) => word in ALGORITHMS);
  const type = words[at];
  const base64 = words[at + 1];
  if (type === undefined || base64 === undefined || at > 1) {
    const types = Object.keys(ALGORITHMS).join(", ");
    throw invalid(`"${text.trim().slice(0, 60)}" has no key of a known type (${types})`);
  }
  const blob = Buffer.from(base64, "base64");
  if (typeOf(blob) !== type) throw invalid(`what follows ${type} is not such a key`);
  return { type, blob };
}

/** As `ssh-keygen -l` prints it. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** A key's own statement of what it is: it begins with its type's name. */
export function typeOf(blob: Buffer): string | undefined {
  if (blob.length < 4) return undefined;
  const length = blob.readUInt32BE(0);
  return blob.length < 4 + length ? undefined : blob.toString("latin1", 4, 4 + length);
}

const invalid = (why: string): SshError =>
  new SshError(
    "host_key_invalid",
    `the pinned host key cannot be read: ${why}. It should look like "ssh-ed25519 AAAA…", ` +
      "as ssh-keyscan prints it",
  );
