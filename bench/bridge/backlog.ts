import type { MqttAccess } from "../../model";
import { Link } from "../../payloads/bridge/link";
import { decodeMessage, encodeMessage } from "../../scripts/lib/load/message";

/** Messages that one publisher has under way; Mosquitto takes a thousand. */
const UNDER_WAY = 500;
const PUBLISH_MS = 120_000;

/** Devices whose messages a backlog consists of: as many MQTT topics. */
export const DEVICES = 350;

/**
 * Publishes so many messages with QoS 1, telemetry's, and waits until each is acknowledged.
 * @param below what their topics begin with
 */
export async function publishBacklog(
  access: MqttAccess,
  below: string,
  session: string,
  count: number,
): Promise<void> {
  const signal = AbortSignal.timeout(PUBLISH_MS);
  const options = {
    ...{ access, clientId: "backlog", persistent: false, receiveMaximum: 10 },
    onPublish: () => undefined,
  };
  const link = await Link.open(options, signal);
  try {
    let next = 0;
    const publish = async (): Promise<void> => {
      while (next < count) {
        signal.throwIfAborted();
        const index = next++;
        const device = index % DEVICES;
        const sequence = Math.floor(index / DEVICES);
        const payload = encodeMessage(session, { device, sequence }, Date.now());
        await link.publish(`${below}/load-${device + 1}`, payload, { qos: 1, retain: false });
      }
    };
    await Promise.all(Array.from({ length: UNDER_WAY }, publish));
  } finally {
    await link.disconnect();
  }
}

/** The index of a record's message in the backlog; undefined for another session's. */
export function indexOf(session: string, value: Buffer | null): number | undefined {
  const found = decodeMessage(session, value);
  return found === undefined ? undefined : found.sequence * DEVICES + found.device;
}
