import { z } from "zod";
import type { AlertingConfig } from "../../model";
import { kafkaAccess, payloadShape } from "../lib/program";

const name = z.string().min(1);
const names = z.array(name);
const seconds = z.number().min(0);
const base = { name, severity: z.enum(["warning", "critical"]) };
const level = z.strictObject({
  field: name,
  side: z.enum(["above", "below", "magnitude"]),
  limit: z.number(),
  clear: z.number(),
});

const rule = z.discriminatedUnion("type", [
  z.strictObject({
    ...base,
    type: z.enum(["threshold", "under-voltage", "clock-offset", "bridge-lag"]),
    level,
    forSeconds: seconds,
    devices: names.exactOptional(),
  }),
  z.strictObject({
    ...base,
    type: z.literal("silence"),
    afterSeconds: z.number().positive(),
    devices: names.min(1),
    together: z.int().min(2),
  }),
  z.strictObject({
    ...base,
    type: z.enum(["broker-down", "under-min-isr"]),
    forSeconds: seconds,
  }),
]);

export const alertingConfig = z.strictObject({
  ...payloadShape,
  kafka: kafkaAccess,
  telemetryTopics: names,
  brokers: z.array(
    z.strictObject({ host: name, nodeId: z.int(), address: z.string().regex(/^[^:]+:\d+$/) }),
  ),
  topics: z.array(z.strictObject({ name, minInsyncReplicas: z.int().min(1) })),
  bridges: z.array(z.strictObject({ host: name, url: z.url() })),
  groups: z.array(z.strictObject({ kind: z.enum(["supply", "switch"]), name, hosts: names })),
  rules: z.array(rule).min(1),
  periodSeconds: z.number().positive(),
  lateSeconds: z.number().positive(),
  salt: name.exactOptional(),
  outputs: z.strictObject({
    topic: name.exactOptional(),
    webhook: z.strictObject({ url: z.url(), secret: name.exactOptional() }).exactOptional(),
    email: z
      .strictObject({
        server: name,
        port: z.int().min(1).max(65_535),
        security: z.enum(["tls", "starttls", "none"]),
        from: name,
        to: names.min(1),
        login: z.strictObject({ username: name, password: name }).exactOptional(),
      })
      .exactOptional(),
  }),
}) satisfies z.ZodType<AlertingConfig>;
