/** Requests in versions that the client library does not have. */
import type { Reader } from "@platformatic/kafka";

import type { Api } from "./kafka-link";
import { fromKafkaId, loadClient, splitServer } from "./kafka-link";
import type { NewVoter } from "./port";

export interface DescribedBroker {
  readonly brokerId: number;
  readonly isFenced: boolean;
}

export interface DescribeClusterV2 {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly clusterId: string;
  readonly brokers: readonly DescribedBroker[];
}

export interface ApiVersionsWithFeatures {
  readonly errorCode: number;
  readonly supported: readonly {
    readonly name: string;
    readonly min: number;
    readonly max: number;
  }[];
  readonly finalized: readonly { readonly name: string; readonly level: number }[];
}

const API_VERSIONS = 18;
/** Tags of ApiVersions' answer. */
const SUPPORTED_FEATURES = 0;
const FINALIZED_FEATURES = 2;

/** ApiVersions v4 with the features, which are in the answer's tagged fields: the client skips those. */
export async function apiVersionsWithFeatures(): Promise<Api<[], ApiVersionsWithFeatures>> {
  const { createAPI, Writer } = await loadClient();
  const request = () =>
    Writer.create().appendString("pi-lab").appendString("1").appendTaggedFields();
  const parse = (_correlation: number, _key: number, _version: number, reader: Reader) => {
    const errorCode = reader.readInt16();
    reader.readArray((item) => [item.readInt16(), item.readInt16(), item.readInt16()]);
    reader.readInt32(); // throttle time
    let supported: ApiVersionsWithFeatures["supported"] = [];
    let finalized: ApiVersionsWithFeatures["finalized"] = [];
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
    return { errorCode, supported, finalized };
  };
  // The answer's header has no tagged fields: whoever asks does not know the server's version yet.
  return createAPI<[], ApiVersionsWithFeatures>(API_VERSIONS, 4, request, parse, true, false);
}

const DESCRIBE_CLUSTER = 60;
/** The endpoints that are asked for: 1 are brokers, 2 controllers. */
const BROKERS = 1;

/** DescribeCluster v2, the first to tell of fenced brokers (KIP-1073, Kafka 4.0). */
export async function describeClusterV2(): Promise<Api<[], DescribeClusterV2>> {
  const { createAPI, Writer } = await loadClient();
  const request = () =>
    Writer.create()
      .appendBoolean(false)
      .appendInt8(BROKERS)
      .appendBoolean(true)
      .appendTaggedFields();
  const parse = (_correlation: number, _key: number, _version: number, reader: Reader) => {
    reader.readInt32(); // throttle time
    const errorCode = reader.readInt16();
    const errorMessage = reader.readNullableString();
    reader.readInt8(); // endpoint type
    const clusterId = reader.readString();
    reader.readInt32(); // a random broker under the name of a controller
    const brokers = reader.readArray((item) => {
      const brokerId = item.readInt32();
      item.readString(); // host
      item.readInt32(); // port
      item.readNullableString(); // rack
      return { brokerId, isFenced: item.readBoolean() };
    });
    return { errorCode, errorMessage, clusterId, brokers };
  };
  return createAPI<[], DescribeClusterV2>(DESCRIBE_CLUSTER, 2, request, parse);
}

const ADD_RAFT_VOTER = 80;
const REMOVE_RAFT_VOTER = 81;

export interface VoterChange {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const readVoterChange = (_correlation: number, _key: number, _version: number, reader: Reader) => {
  reader.readInt32(); // throttle time
  return { errorCode: reader.readInt16(), errorMessage: reader.readNullableString() };
};

/**
 * AddRaftVoter v0 (KIP-853, Kafka 3.9). The leader answers once the change is committed, within `limitMs`.
 * No cluster id is sent: the caller has asked this very quorum a moment ago.
 */
export async function addRaftVoterV0(): Promise<
  Api<[voter: NewVoter, limitMs: number], VoterChange>
> {
  const { createAPI, Writer } = await loadClient();
  const request = (voter: NewVoter, limitMs: number) => {
    const { host, port } = splitServer(voter.endpoint);
    return Writer.create()
      .appendString(null)
      .appendInt32(limitMs)
      .appendInt32(voter.id)
      .appendUUID(fromKafkaId(voter.directoryId))
      .appendArray([voter.listener], (writer, name) =>
        writer.appendString(name).appendString(host).appendUnsignedInt16(port),
      )
      .appendTaggedFields();
  };
  return createAPI<[NewVoter, number], VoterChange>(ADD_RAFT_VOTER, 0, request, readVoterChange);
}

/** RemoveRaftVoter v0 (KIP-853, Kafka 3.9). */
export async function removeRaftVoterV0(): Promise<
  Api<[id: number, directoryId: string], VoterChange>
> {
  const { createAPI, Writer } = await loadClient();
  const request = (id: number, directoryId: string) =>
    Writer.create()
      .appendString(null)
      .appendInt32(id)
      .appendUUID(fromKafkaId(directoryId))
      .appendTaggedFields();
  return createAPI<[number, string], VoterChange>(REMOVE_RAFT_VOTER, 0, request, readVoterChange);
}
