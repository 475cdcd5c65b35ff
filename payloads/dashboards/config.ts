import { z } from "zod";
import type { DashboardsConfig } from "../../model";
import { payloadShape } from "../lib/program";

const text = z.string().min(1);
const port = z.int().min(1).max(65_535);

export const dashboardsConfig = z.strictObject({
  ...payloadShape,
  lab: text,
  metabase: z.strictObject({ address: z.ipv4(), port, email: text, password: text }),
  store: z.strictObject({
    address: z.ipv4(),
    port,
    database: text,
    username: text,
    password: text,
  }),
  everySeconds: z.int().min(1).max(3600),
}) satisfies z.ZodType<DashboardsConfig>;
