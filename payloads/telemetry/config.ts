import { z } from "zod";
import type { TelemetryConfig } from "../../model";
import { mqttAccess, payloadShape } from "../lib/program";

export const telemetryConfig = z.strictObject({
  ...payloadShape,
  mqtt: mqttAccess,
  topic: z.string().min(1),
  everySeconds: z.int().min(1).max(3600),
}) satisfies z.ZodType<TelemetryConfig>;
