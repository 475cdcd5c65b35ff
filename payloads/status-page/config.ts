import { z } from "zod";
import type { StatusPageConfig } from "../../model";
import { kafkaAccess, payloadShape } from "../lib/program";

const name = z.string().min(1);

const drawnHost = z.strictObject({
  name,
  role: z.enum(["broker", "controller", "client", "host"]),
  port: z.int().min(1),
  machine: name,
  board: name,
  runs: z.array(name),
  topic: name.exactOptional(),
  node: z
    .strictObject({
      id: z.int().min(0),
      address: z
        .string()
        .regex(/^[^:]+:\d+$/, "write address:port")
        .exactOptional(),
      votes: z.boolean(),
    })
    .exactOptional(),
});

/** The status page's configuration file. */
export const statusPageConfig: z.ZodType<StatusPageConfig> = z.strictObject({
  ...payloadShape,
  kafka: kafkaAccess,
  page: z.strictObject({ address: z.ipv4(), port: z.int().min(0).max(65_535) }),
  title: name,
  lab: z.strictObject({
    switch: z.strictObject({ model: name, ports: z.int().min(1) }),
    hosts: z.array(drawnHost),
    spares: z.array(z.strictObject({ machine: name, board: name })),
    topics: z.array(z.strictObject({ name, minInsyncReplicas: z.int().min(1) })),
  }),
  telemetryTopics: z.array(name),
  alertTopics: z.array(name),
  telemetryEverySeconds: z.int().min(1).max(3600).exactOptional(),
});
