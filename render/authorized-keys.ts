import { createHash } from "node:crypto";

/** `authorized_keys` of a virtual Pi: one public key (`type base64 [comment]`) a line. */
export function renderAuthorizedKeys(publicKeys: readonly string[]): string {
  return publicKeys
    .map((key) => {
      const line = key.trim();
      if (/[\r\n]/.test(line)) throw new Error("a public key must be one line");
      return `${line}\n`;
    })
    .join("");
}

/** The fingerprint of a public key's line as ssh-keygen shows it, `SHA256:…`; its comment plays no part. */
export function publicKeyFingerprint(publicKey: string): string {
  const blob = Buffer.from(publicKey.trim().split(/\s+/)[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}
