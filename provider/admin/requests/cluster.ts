/** Requests about the cluster as a whole, in versions that the client library does not have. */
import type { Reader } from "@platformatic/kafka";

import { type Api, loadClient } from "../client";

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

export const DESCRIBE_CLUSTER = 60;
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
