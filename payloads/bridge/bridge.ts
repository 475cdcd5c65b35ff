import type { BridgeConfig } from "../../model";
import type { Ground, Running } from "../lib/program";
import type { RecordProducer } from "../lib/records";
import { LIMITS } from "./carrier";
import { makeFigures } from "./figures";
import { Keeper } from "./keeper";
import { Presence } from "./presence";
import { planSessions } from "./routes";

/** How long Kafka may take for what is still under way when the program ends, ms. */
const CLOSE_MS = 3000;

/** The bridge at work, on whatever takes its records. */
export function startBridge(
  { host, mqtt, routes, bridges, ownTopics, deadLetters }: BridgeConfig,
  { log, metrics }: Ground,
  producer: RecordProducer & { trouble(): string | undefined },
): Running {
  const figures = makeFigures(metrics);
  const ground = { producer, deadLetters, figures, log, limits: LIMITS, mqtt, ownTopics };
  const presence: Presence = new Presence({
    host,
    mqtt,
    ownTopics,
    log,
    tell: () => keeper.told(),
  });
  const sessions = planSessions(routes, bridges.length);
  const keeper = new Keeper({ me: host, bridges, sessions, presence, ground, log, figures });
  return {
    health: () => keeper.problem() ?? producer.trouble(),
    stop: async () => {
      await keeper.stop();
      await presence.stop();
      await producer.close(CLOSE_MS);
    },
  };
}
