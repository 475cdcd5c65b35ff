import { setTimeout as sleep } from "node:timers/promises";
import { PlatformaticAdmin } from "../../../provider/admin/platformatic";
import { BRISK } from "../../../provider/admin/port";
import { accepts } from "../../../provider/reachable";
import { bootstrapServers, brokers, type BrokerHost, type Lab } from "../../../model";

const SAMPLE_MS = 200;
const DIAL_MS = 1000;

/** What a watch saw, by host name. */
export interface Sightings {
  readonly samples: number;
  /** The greatest sets of brokers that were away at one moment. */
  readonly mostAway: readonly string[];
  /** Every broker that was seen away at some time. */
  readonly everAway: readonly string[];
}

/**
 * Looks at the brokers five times a second until it is told to stop, once or more often. A broker is away if nobody
 * listens on its port, or if the cluster says that it is fenced.
 */
export function watchBrokers(lab: Lab): { stop(): Promise<Sightings> } {
  const admin = new PlatformaticAdmin(bootstrapServers(lab).split(","), BRISK);
  const everAway = new Set<string>();
  let mostAway: readonly string[] = [];
  let samples = 0;
  let stopped = false;
  const look = async (): Promise<void> => {
    while (!stopped) {
      const [listening, fenced] = await Promise.all([
        Promise.all(brokers(lab).map((broker) => listens(lab, broker))),
        admin.listBrokers().then(
          (all) => all.filter((one) => one.fenced).map(({ id }) => id),
          (): number[] => [], // the server asked was just going: the dials of this sample stand alone
        ),
      ]);
      const away = brokers(lab)
        .filter(({ nodeId }, i) => listening[i] === false || fenced.includes(nodeId))
        .map(({ name }) => name as string);
      samples += 1;
      if (away.length > mostAway.length) mostAway = away;
      for (const name of away) everAway.add(name);
      await sleep(SAMPLE_MS);
    }
  };
  const ended = look().finally(() => admin.close());
  return {
    stop: async () => {
      stopped = true;
      await ended;
      return { samples, mostAway, everAway: [...everAway].sort() };
    },
  };
}

function listens(lab: Lab, { machine }: BrokerHost): Promise<boolean> {
  return accepts(`${machine.address}:${lab.cluster.clientPort}`, DIAL_MS);
}
