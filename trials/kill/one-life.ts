import { setTimeout as sleep } from "node:timers/promises";
import type { Ground } from "../ground";

const PAUSE_MS = 500;

/** Prints the node id of the Kafka that systemd keeps running here, nothing where it keeps none. */
const NODE_ID =
  "systemctl is-active --quiet kafka && sed -n s/^node.id=//p /run/kafka/started/server.properties";

/** Machines that ran the same node at the same time. */
export interface TwoLives {
  readonly nodeId: string;
  readonly machines: readonly string[];
}

export interface LifeWatch {
  /** How often all machines were looked at, and what must never be. */
  stop(): Promise<{ readonly looks: number; readonly twoLives: readonly TwoLives[] }>;
}

/** Looks at every machine of the lab, those that play no part (any more) included, until it is told to stop. */
export function watchLives(ground: Ground): LifeWatch {
  const seen = new Map<string, TwoLives>();
  let [looks, stopped] = [0, false];
  const look = async (): Promise<void> => {
    for (; !stopped; await sleep(PAUSE_MS)) {
      for (const one of twoLives(await nodesByMachine(ground))) seen.set(JSON.stringify(one), one);
      looks += 1;
    }
  };
  const looking = look();
  looking.catch(() => undefined); // told by `stop`
  return {
    stop: async () => {
      stopped = true;
      await looking;
      return { looks, twoLives: [...seen.values()] };
    },
  };
}

/** Node ids that run on more than one machine. */
export function twoLives(nodeByMachine: ReadonlyMap<string, string>): TwoLives[] {
  const machines = new Map<string, string[]>();
  for (const [machine, nodeId] of nodeByMachine) {
    machines.set(nodeId, [...(machines.get(nodeId) ?? []), machine]);
  }
  return [...machines].flatMap(([nodeId, names]) =>
    names.length > 1 ? [{ nodeId, machines: names.sort() }] : [],
  );
}

async function nodesByMachine(ground: Ground): Promise<Map<string, string>> {
  const filter = `label=pi-lab.stack=${ground.lab.name}`;
  const names = await ground.docker("ps", "--filter", filter, "--format", "{{.Names}}");
  const found = await Promise.all(
    names.split("\n").map(async (name): Promise<[string, string]> => {
      // A machine that is made, paused or removed just now runs nothing that could be asked.
      const id = await ground.docker("exec", name, "sh", "-c", NODE_ID).catch(() => "");
      return [name, id];
    }),
  );
  return new Map(found.filter(([, id]) => id !== ""));
}
