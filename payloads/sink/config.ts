import { z } from "zod";
import type { SinkConfig } from "../../model";
import { kafkaAccess, payloadShape } from "../lib/program";

const name = z.string().min(1);

export const sinkConfig = z.strictObject({
  ...payloadShape,
  kafka: kafkaAccess,
  store: z.strictObject({
    address: name,
    port: z.int().min(1).max(65_535),
    database: name,
    username: name,
    password: name,
  }),
  topics: z.array(name).min(1),
  retentionDays: z.int().min(1),
}) satisfies z.ZodType<SinkConfig>;
