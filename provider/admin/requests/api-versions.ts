/** What a server can do: asked in requests of our own, since the client skips what is told of features. */
import type { Reader } from "@platformatic/kafka";

import { type Api, loadClient, type VersionRange } from "../client";

export interface ApiVersions {
  readonly errorCode: number;
  /** Of each request, by Kafka's number of it. */
  readonly versions: ReadonlyMap<number, VersionRange>;
  readonly supported: readonly {
    readonly name: string;
    readonly min: number;
    readonly max: number;
  }[];
  readonly finalized: readonly { readonly name: string; readonly level: number }[];
}

export const API_VERSIONS = 18;
/** Tags of the answer. */
const SUPPORTED_FEATURES = 0;
const FINALIZED_FEATURES = 2;

/**
 * ApiVersions v3 (Kafka 2.4) or v4 (4.0), which also tells of features whose least level is 0. A server
 * that knows neither answers with an error code.
 */
export async function apiVersions(version: 3 | 4): Promise<Api<[], ApiVersions>> {
  const { createAPI, Writer } = await loadClient();
  const request = () =>
    Writer.create().appendString("pi-lab").appendString("1").appendTaggedFields();
  const parse = (_correlation: number, _key: number, _version: number, reader: Reader) => {
    const errorCode = reader.readInt16();
    // What follows an error is in the first version's format.
    if (errorCode !== 0) return { errorCode, versions: new Map(), supported: [], finalized: [] };
    const versions = reader.readArray((item): [number, VersionRange] => [
      item.readInt16(),
      [item.readInt16(), item.readInt16()],
    ]);
    reader.readInt32(); // throttle time
    let supported: ApiVersions["supported"] = [];
    let finalized: ApiVersions["finalized"] = [];
    for (let left = reader.readUnsignedVarInt(); left > 0; left--) {
      const tag = reader.readUnsignedVarInt();
      const size = reader.readUnsignedVarInt();
      if (tag === SUPPORTED_FEATURES) {
        supported = reader.readArray((item) => {
          const name = item.readString();
          return { name, min: item.readInt16(), max: item.readInt16() };
        });
      } else if (tag === FINALIZED_FEATURES) {
        finalized = reader.readArray((item) => {
          const name = item.readString();
          const level = item.readInt16();
          item.readInt16(); // the least level, which is always the same
          return { name, level };
        });
      } else reader.skip(size);
    }
    return { errorCode, versions: new Map(versions), supported, finalized };
  };
  // The answer's header has no tagged fields: whoever asks does not know the server's version yet.
  return createAPI<[], ApiVersions>(API_VERSIONS, version, request, parse, true, false);
}
