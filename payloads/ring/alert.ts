import { z } from "zod";
import type { InRecord, OutRecord } from "../lib/records";
import type { Alert } from "./core";

const shape: z.ZodType<Alert> = z.object({
  from: z.string().min(1).max(255),
  session: z.string().min(1).max(64),
  seq: z.int().min(1),
  time: z.iso.datetime(),
  rightAscension: z.number().min(0).lt(360),
  declination: z.number().min(-90).max(90),
});

/** Keyed by its sender, so that one sender's alerts stay in order. */
export function alertRecord(topic: string, alert: Alert): OutRecord {
  return { topic, key: alert.from, value: Buffer.from(JSON.stringify(alert)) };
}

/** Undefined for a record that is no alert: topics are open to others. */
export function readAlert({ value }: Pick<InRecord, "value">): Alert | undefined {
  try {
    return shape.safeParse(JSON.parse(String(value))).data;
  } catch {
    return undefined;
  }
}
