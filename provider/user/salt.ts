import { pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";

import type { ScramMechanism } from "../../model/types";
import type { SaltedCredential } from "../admin/security-port";

const HASH: Readonly<Record<ScramMechanism, { readonly name: string; readonly bytes: number }>> = {
  "SCRAM-SHA-256": { name: "sha256", bytes: 32 },
  "SCRAM-SHA-512": { name: "sha512", bytes: 64 },
};
/** As long as the hash of the weaker mechanism; Kafka's own tools take as much. */
const SALT_BYTES = 32;

/** RFC 5802's salted password, of the password's UTF-8 bytes as Kafka and its clients take them. */
export async function salted(
  mechanism: ScramMechanism,
  { password, iterations }: { readonly password: string; readonly iterations: number },
): Promise<SaltedCredential> {
  const { name, bytes } = HASH[mechanism];
  const salt = randomBytes(SALT_BYTES);
  const saltedPassword = await promisify(pbkdf2)(password, salt, iterations, bytes, name);
  return { mechanism, iterations, salt, saltedPassword };
}
