/** Which other machines a node may still run on: values in, values out. */
import type { PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { mapOf } from "../../plugins/common/rpc";
import { formerMachine, type Former, type FormerMachine, parseFormer } from "../rollout/former";
import type { GateHost } from "./plan";

/** Remembered for each node. One of them can only be forgotten unfenced after as many edits that no `up` finished. */
const KEPT = 3;

/**
 * The machines that each node was on, or was about to be on, the last first, without its present one. A
 * node is told by its id, whatever its host is called. A machine that runs another node of the lab by now is
 * left out: what is held there is that node's.
 *
 * @param last what this returned before, by host
 */
export function formerMachines(
  last: ReadonlyMap<string, Former>,
  before: readonly GateHost[],
  after: readonly GateHost[],
): Map<string, Former> {
  const inUse = new Set(after.flatMap(({ kafka, login }) => (kafka ? [login?.hostKey] : [])));
  const found = new Map<string, Former>();
  for (const { host, disk, kafka } of after) {
    if (kafka === undefined) continue;
    const old = before.find((one) => one.kafka?.nodeId === kafka.nodeId);
    let { swaps, machines } = (old && last.get(old.host)) ?? { swaps: 0, machines: [] };
    if (old !== undefined && (disk === undefined || old.disk !== disk)) {
      swaps++;
      machines = [...machineOf(old), ...machines];
    }
    if (swaps === 0) continue;
    const others = machines.filter(
      ({ login: { hostKey } }, index) =>
        !inUse.has(hostKey) && index === machines.findIndex((one) => one.login.hostKey === hostKey),
    );
    found.set(host, { swaps, machines: others.slice(0, KEPT) });
  }
  return found;
}

function machineOf({ login, kafka }: GateHost): FormerMachine[] {
  if (login === undefined || kafka === undefined) return [];
  return [{ login, listeners: kafka.listeners }];
}

export function parseFormers(value: PropertyValue | undefined): Map<string, Former> {
  return new Map(Object.entries(mapOf(value)).map(([host, one]) => [host, parseFormer(one)]));
}

export function formerProperties(formers: ReadonlyMap<string, Former>): PropertyMap {
  return Object.fromEntries(
    [...formers].map(([host, { swaps, machines }]) => [
      host,
      { swaps, machines: machines.map(formerMachine) },
    ]),
  );
}
