import { z } from "zod";
import type { DatabricksConfig } from "../../model";
import { kafkaAccess, payloadShape } from "../lib/program";

const text = z.string().min(1);

export const databricksConfig = z.strictObject({
  ...payloadShape,
  kafka: kafkaAccess,
  workspace: z.url({ protocol: /^https?$/ }),
  volume: z.string().startsWith("/Volumes/"),
  clientId: text.exactOptional(),
  secret: text,
  topics: z.array(text).min(1),
  everySeconds: z.int().min(1).max(300),
  batchKib: z.int().min(1).max(1024),
}) satisfies z.ZodType<DatabricksConfig>;
