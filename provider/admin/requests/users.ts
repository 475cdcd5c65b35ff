/** The request that changes users' credentials. */
import type { Reader } from "@platformatic/kafka";

import type { ScramMechanism } from "../../../model/types";
import { type Api, loadClient } from "../client";
import type { SaltedCredential } from "../security-port";

/** Kafka's own numbers. */
export const MECHANISM_CODES: Readonly<Record<ScramMechanism, number>> = {
  "SCRAM-SHA-256": 1,
  "SCRAM-SHA-512": 2,
};

interface AlteredUser {
  readonly user: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const ALTER_USER_SCRAM_CREDENTIALS = 51;

/**
 * AlterUserScramCredentials v0 (KIP-554), one credential of one user: in KRaft mode Kafka takes no two of
 * the same user in a request. The client's own request ends with a byte too many. Nothing is removed
 * (`REMOVED_ITERATIONS` says why).
 */
export async function alterUserScramCredentialsV0(): Promise<
  Api<[user: string, credential: SaltedCredential], readonly AlteredUser[]>
> {
  const { createAPI, Writer } = await loadClient();
  const request = (user: string, credential: SaltedCredential) =>
    Writer.create()
      .appendArray([], () => undefined)
      .appendArray([credential], (writer, one) =>
        writer
          .appendString(user)
          .appendInt8(MECHANISM_CODES[one.mechanism])
          .appendInt32(one.iterations)
          .appendBytes(one.salt)
          .appendBytes(one.saltedPassword),
      )
      .appendTaggedFields();
  const parse = (_correlation: number, _key: number, _version: number, reader: Reader) => {
    reader.readInt32(); // throttle time
    return reader.readArray((item) => ({
      user: item.readString(),
      errorCode: item.readInt16(),
      errorMessage: item.readNullableString(),
    }));
  };
  return createAPI(ALTER_USER_SCRAM_CREDENTIALS, 0, request, parse);
}
