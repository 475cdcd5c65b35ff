/** What a simulated device sends: a host's telemetry message, so that whatever reads those can read these. */

/** Names of the devices, which are their client ids as well. */
export const deviceName = (device: number): string => `load-${device + 1}`;

/** The MQTT topic of a device. */
export const deviceTopic = (device: number): string => `load/${deviceName(device)}`;

export interface Numbered {
  /** From 0. */
  readonly device: number;
  /** From 0. */
  readonly sequence: number;
}

/**
 * @param session tells the messages of this stage from all others
 * @param dueMs when it is due, epoch ms
 */
export function encodeMessage(
  session: string,
  { device, sequence }: Numbered,
  dueMs: number,
): string {
  const time = new Date(dueMs).toISOString();
  // In the range of a Pi that has little to do: no rule of an alert is to fire.
  const temperature = 40 + ((device + sequence) % 100) / 10;
  const load = ((device + sequence) % 50) / 100;
  return `{"device":"${deviceName(device)}","time":"${time}","seq":${sequence},"session":"${session}","temperatureC":${temperature},"cpuLoad":${load}}`;
}

/** The message of a record's value; undefined for anything that this session did not send. */
export function decodeMessage(session: string, value: Buffer | null): Numbered | undefined {
  // Cheap: a topic may carry much that is not ours.
  if (value === null || !value.includes(session)) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(value.toString("utf8"));
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const { device, seq, session: from } = parsed as Record<string, unknown>;
  const number = typeof device === "string" ? /^load-(\d{1,9})$/.exec(device)?.[1] : undefined;
  if (from !== session || number === undefined || typeof seq !== "number") return undefined;
  return { device: Number(number) - 1, sequence: seq };
}
