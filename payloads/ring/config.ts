import { z } from "zod";
import type { RingConfig } from "../../model";
import { kafkaAccess, payloadShape } from "../lib/program";

const address = z.string().regex(/^[^:]+:\d+$/, "write address:port");

/** The ring's configuration file. */
export const ringConfig: z.ZodType<RingConfig> = z.strictObject({
  ...payloadShape,
  kafka: kafkaAccess,
  topic: z.string().min(1),
  others: z.array(z.string().min(1)),
  brokers: z.array(z.strictObject({ host: z.string().min(1), nodeId: z.int().min(0), address })),
  alertsPerMinute: z.number().min(0).max(6000),
  repeatPerSecond: z.number().min(1).max(100),
});
