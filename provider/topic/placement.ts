/** A declared placement, checked without asking the cluster. */
import type { PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { Unknown } from "../../plugins/common/rpc";

export interface PlacementFault {
  readonly path: readonly (string | number)[];
  readonly reason: string;
}

/** Missing lists that are named one by one; beyond that it is one mistake. */
const MISSING_SHOWN = 3;

/** @param inputs revealed; what is not known yet is no fault */
export function placementFaults(inputs: PropertyMap): PlacementFault[] {
  const { placement, partitions, replicationFactor } = inputs;
  if (placement === undefined || placement === null || placement instanceof Unknown) return [];
  if (!Array.isArray(placement)) {
    const reason =
      "is no list; write the brokers' node ids of each partition, the preferred leader first, " +
      "such as [[1, 2, 3], [2, 3, 1]]";
    return [{ path: ["placement"], reason }];
  }
  const count = typeof partitions === "number" ? partitions : placement.length;
  const missing = Array.from(
    { length: Math.min(MISSING_SHOWN, Math.max(0, count - placement.length)) },
    (_, i) => ({
      path: ["placement", placement.length + i],
      reason: `is missing: there are ${count} partitions; name the brokers of each`,
    }),
  );
  const faults = placement.flatMap((place, i) => {
    const reason =
      i >= count
        ? `is too much: there are ${count} partitions, from 0 to ${count - 1}; leave it out`
        : placeFault(place, replicationFactor);
    return reason === undefined ? [] : [{ path: ["placement", i], reason }];
  });
  return [...faults, ...missing];
}

function placeFault(place: PropertyValue, factor: PropertyValue | undefined): string | undefined {
  if (place instanceof Unknown) return undefined;
  if (!Array.isArray(place)) return `is no list: ${JSON.stringify(place)}; write node ids`;
  const bad = place.find(
    (id) => !(id instanceof Unknown) && !(Number.isInteger(id) && (id as number) >= 0),
  );
  if (bad !== undefined) return `has ${JSON.stringify(bad)}, which is no node id`;
  const twice = place.find((id, i) => typeof id === "number" && place.indexOf(id) !== i);
  if (twice !== undefined) {
    return `names broker ${JSON.stringify(twice)} twice; each replica is on a broker of its own`;
  }
  if (typeof factor !== "number" || place.length === factor) return undefined;
  return `names ${place.length} brokers, and replicationFactor is ${factor}; name ${factor}`;
}
