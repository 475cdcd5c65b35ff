/** What was renamed and is not said to have been: told before anything is made or touched. */
import type { PropertyMap } from "../../plugins/common/rpc";
import { mapOf } from "../../plugins/common/rpc";
import { shown } from "../node-storage/plan";
import type { GateHost } from "./plan";

/** Refusals of new hosts that have the node id of one that is gone: its data would be nobody's. */
export function renamedHosts(before: readonly GateHost[], after: readonly GateHost[]): string[] {
  const gone = before.filter((old) => !after.some(({ host }) => host === old.host));
  return after.flatMap(({ host, kafka }) => {
    if (kafka === undefined || before.some((old) => old.host === host)) return [];
    const from = gone.find((old) => old.kafka?.nodeId === kafka.nodeId);
    if (from === undefined) return [];
    return [
      `${host}: it is new, and has node id ${kafka.nodeId}, which was ${from.host}'s. If ${from.host} was ` +
        `renamed, write \`formerNames: [${from.host}]\` below hosts.${host}, and it keeps its data; else ` +
        "choose another node id.",
    ];
  });
}

/**
 * Refusals of machines that the stack is to make at another machine's address: a container that has become
 * another one by its name is made before the former one goes, and would be blank.
 */
export function renamedMachines(olds: PropertyMap, news: PropertyMap): string[] {
  const [before, after] = [mapOf(olds["machines"]), mapOf(news["machines"])];
  return Object.entries(after).flatMap(([name, address]) => {
    if (Object.hasOwn(before, name)) return [];
    const from = Object.keys(before).find((old) => before[old] === address);
    if (from === undefined) return [];
    return [
      `${name}: ${shown(address)} is the address of the virtual machine ${from}, which still has it. A virtual ` +
        `machine cannot be renamed: call it ${from} again (hosts can be renamed), or give ${name} an address ` +
        "that is free and its host moves there.",
    ];
  });
}
