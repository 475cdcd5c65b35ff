import type { CheckFailure, PropertyMap } from "../../plugins/common/rpc";
import { reveal, Unknown } from "../../plugins/common/rpc";

/** The cluster-level settings that this resource owns, by the property that declares them. */
export const CLUSTER_SETTINGS = { minInsyncReplicas: "min.insync.replicas" } as const;

export function checkClusterConfig(news: PropertyMap): CheckFailure[] {
  const value = reveal(news["minInsyncReplicas"]);
  if (value instanceof Unknown || (Number.isInteger(value) && (value as number) >= 1)) return [];
  const shown = value === undefined ? "it is missing" : `${JSON.stringify(value)} is none`;
  return [{ property: "minInsyncReplicas", reason: `must be a whole number from 1: ${shown}` }];
}
