import { pbkdf2Sync } from "node:crypto";

/** As `mosquitto_passwd` has them: PBKDF2 with SHA-512, told as hash type 7. */
const HASH_TYPE = 7;
const ITERATIONS = 101;
const HASH_BYTES = 64;
const SALT_BYTES = 12;

/**
 * A line of Mosquitto's password file: `NAME:$7$101$SALT$HASH`, salt and hash in base64. The few iterations
 * are Mosquitto's default; the lab's passwords are random and not found by trying.
 *
 * @param salt 12 bytes in base64; the same gives the same line
 */
export function passwordLine(name: string, password: string, salt: string): string {
  const bytes = Buffer.from(salt, "base64");
  // Mosquitto drops a user whose salt has another length, and says so in its log alone.
  if (bytes.length !== SALT_BYTES) throw new Error(`bug: the salt of ${name} has not 12 bytes`);
  const hash = pbkdf2Sync(password, bytes, ITERATIONS, HASH_BYTES, "sha512");
  const fields = [HASH_TYPE, ITERATIONS, bytes.toString("base64"), hash.toString("base64")];
  return `${name}:$${fields.join("$")}`;
}
