import { createPrivateKey, createPublicKey } from "node:crypto";

/** An Ed25519 key is made from this many random bytes. */
const SEED_BYTES = 32;

/** DER of a PKCS#8 Ed25519 private key (RFC 8410) up to the seed, which is its last part. */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

const KEY_TYPE = "ssh-ed25519";

/** `ssh-ed25519 AAAA…`, no comment: the public half of the host key that `seed` makes. */
export function openSshPublicKey(seed: Buffer): string {
  return `${KEY_TYPE} ${publicBlob(publicBytes(seed)).toString("base64")}`;
}

/**
 * The host key that `seed` makes, as an unencrypted OpenSSH private key file (openssh-key-v1).
 * The same seed gives the same text, so that a virtual Pi keeps its identity when it is made anew:
 * the file's two check numbers, random in ssh-keygen, are taken from the public key.
 */
export function renderOpenSshPrivateKey(seed: Buffer, comment = ""): string {
  const publicKey = publicBytes(seed);
  const check = publicKey.subarray(0, 4);
  const unpadded = Buffer.concat([
    check,
    check,
    sshString(KEY_TYPE),
    sshString(publicKey),
    sshString(Buffer.concat([seed, publicKey])),
    sshString(comment),
  ]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, (8 - (unpadded.length % 8)) % 8));
  const blob = Buffer.concat([
    Buffer.from("openssh-key-v1\0", "latin1"),
    sshString("none"), // cipher
    sshString("none"), // key derivation
    sshString(""), // its options
    uint32(1), // number of keys
    sshString(publicBlob(publicKey)),
    sshString(Buffer.concat([unpadded, padding])),
  ]);
  const lines = blob.toString("base64").match(/.{1,70}/g) ?? [];
  return [
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    ...lines,
    "-----END OPENSSH PRIVATE KEY-----",
    "",
  ].join("\n");
}

function publicBytes(seed: Buffer): Buffer {
  // The seed itself must not get into the message.
  if (seed.length !== SEED_BYTES)
    throw new Error(`a host key's seed has ${SEED_BYTES} bytes, not ${seed.length}`);
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: "der",
    type: "pkcs8",
  });
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
}

function publicBlob(publicKey: Buffer): Buffer {
  return Buffer.concat([sshString(KEY_TYPE), sshString(publicKey)]);
}

function sshString(value: string | Buffer): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
