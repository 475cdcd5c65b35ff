import { z } from "zod";
import type { BridgeConfig } from "../../model";
import { kafkaAccess, mqttAccess, payloadShape } from "../lib/program";

const name = z.string().min(1);

export const bridgeConfig = z.strictObject({
  ...payloadShape,
  mqtt: mqttAccess,
  kafka: kafkaAccess,
  routes: z.array(z.strictObject({ from: name, topic: name, key: z.string() })).min(1),
  bridges: z.array(name).min(1),
  ownTopics: z.string().endsWith("/"),
  deadLetters: name.exactOptional(),
}) satisfies z.ZodType<BridgeConfig>;
