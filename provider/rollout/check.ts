import type { CheckFailure, PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { KAFKA_ID } from "../node-storage/plan";
import { isMap, propertyPath, reveal, Unknown } from "../../plugins/common/rpc";

/** Faults of a rollout's inputs that can be told without reaching a host. */
export function checkRollout(news: PropertyMap): CheckFailure[] {
  const failures: CheckFailure[] = [];
  const inputs = reveal(news);
  const expect = (
    path: readonly string[],
    value: PropertyValue | undefined,
    good: (value: PropertyValue) => boolean,
    reason: string,
  ): void => {
    if (value instanceof Unknown) return;
    if (value === undefined || value === null || !good(value)) {
      failures.push({ property: propertyPath(path), reason });
    }
  };
  const { nodes, service, startTimeoutSeconds, stopOnDelete } = inputs;
  expect(["service"], service, isUnit, "must be the name of a systemd unit, without .service");
  expect(["stopOnDelete"], stopOnDelete, isFlag, "must be true or false");
  if (startTimeoutSeconds !== undefined && startTimeoutSeconds !== null) {
    const reason = "must be a number of seconds from 1";
    expect(["startTimeoutSeconds"], startTimeoutSeconds, (n) => Number(n) >= 1, reason);
  }
  expect(["nodes"], nodes, (all) => isMap(all) && Object.keys(all).length > 0, "must have nodes");

  const owners = new Map<number, string>();
  for (const [host, node] of Object.entries(isMap(nodes) ? nodes : {})) {
    const path = ["nodes", host];
    expect(path, node, isMap, "must be a map");
    if (!isMap(node)) continue;
    const { nodeId, directoryId, address, want } = node;
    expect([...path, "nodeId"], nodeId, isNodeId, "must be a whole number from 0");
    expect([...path, "directoryId"], directoryId, isKafkaId, "must be Kafka's id of its disk");
    expect([...path, "address"], address, isServer, "must be host:port of the client listener");
    expect([...path, "want"], want, isMap, "must be a map");
    if (typeof nodeId !== "number") continue;
    const other = owners.get(nodeId);
    if (other !== undefined) {
      failures.push({
        property: propertyPath([...path, "nodeId"]),
        reason: `${nodeId} is ${other}'s already; give each node another one`,
      });
    }
    owners.set(nodeId, host);
  }
  return failures;
}

const isUnit = (value: PropertyValue): boolean =>
  typeof value === "string" && /^[A-Za-z0-9][A-Za-z0-9@_.-]*$/.test(value);
const isFlag = (value: PropertyValue): boolean => typeof value === "boolean";
const isNodeId = (value: PropertyValue): boolean => Number.isInteger(value) && Number(value) >= 0;
const isKafkaId = (value: PropertyValue): boolean =>
  typeof value === "string" && KAFKA_ID.test(value);
const isServer = (value: PropertyValue): boolean =>
  typeof value === "string" && /^\S+:\d{1,5}$/.test(value);
