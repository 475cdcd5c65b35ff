/** Requests that change the voters of the controllers' quorum: the client library has none. */
import type { Reader } from "@platformatic/kafka";

import { type Api, loadClient } from "../client";
import { fromKafkaId, splitServer } from "../kafka-link";
import type { NewVoter } from "../port";

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
