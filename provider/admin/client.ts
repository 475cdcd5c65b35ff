import type * as client from "@platformatic/kafka";

import type * as parts from "./client-parts";

/** Loads the Kafka client: half a second unbundled, hence never before the first request. */
export function loadClient(): Promise<typeof parts> {
  return import("./client-parts");
}

/** A request of the client's, as its low-level modules export it. */
export interface Api<Args extends unknown[], Response> {
  /** Kafka's number of the request, and the version that is spoken. */
  readonly key: number;
  readonly version: number;
  async(connection: client.Connection, ...args: Args): Promise<Response>;
}

/** Oldest and newest version of a request. */
export type VersionRange = readonly [oldest: number, newest: number];
