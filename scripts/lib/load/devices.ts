import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../errors";
import { deviceName } from "./message";
import { MqttDevice, type DeviceHooks, type LoadTarget } from "./mqtt-device";

/** How fast connections are opened: a lab is loaded by messages, not by a storm of log-ins. */
export const PACE = { perSecond: 250, atOnce: 50 };

/** How often devices look whether the broker lives, ms. */
const KEEPALIVE_MS = 2_500;

/** All devices of a stage. */
export class Devices {
  private readonly all: readonly MqttDevice[];
  private readonly timer: NodeJS.Timeout;

  private constructor(count: number, target: LoadTarget, hooks: DeviceHooks) {
    this.all = Array.from({ length: count }, (_, index) => new MqttDevice(index, target, hooks));
    this.timer = setInterval(() => {
      const now = performance.now();
      for (const device of this.all) device.keepAlive(now);
    }, KEEPALIVE_MS);
  }

  /**
   * Connects them at a bounded pace.
   * @throws UserError when one cannot connect, with the broker's reason; then none stays connected
   */
  static async connect(
    count: number,
    target: LoadTarget,
    hooks: DeviceHooks,
    signal: AbortSignal,
  ): Promise<Devices> {
    const devices = new Devices(count, target, hooks);
    try {
      await devices.open(signal, target);
      return devices;
    } catch (error) {
      devices.close();
      throw error;
    }
  }

  /** Says that a device's messages before `due` are due. */
  release(device: number, due: number): void {
    this.all[device]?.release(due);
  }

  /** Whether all that is due has been sent and acknowledged. */
  get idle(): boolean {
    return this.all.every((device) => device.idle);
  }

  close(): void {
    clearInterval(this.timer);
    for (const device of this.all) device.close();
  }

  private async open(signal: AbortSignal, { address, port }: LoadTarget): Promise<void> {
    const began = performance.now();
    const opening = new Set<Promise<void>>();
    const failures: { readonly device: number; readonly reason: string }[] = [];
    for (const [i, device] of this.all.entries()) {
      const waitMs = (i / PACE.perSecond) * 1000 - (performance.now() - began);
      if (waitMs > 1) await sleep(waitMs, undefined, { signal });
      signal.throwIfAborted();
      while (opening.size >= PACE.atOnce) await Promise.race(opening);
      if (failures.length > 0) break;
      const dialled: Promise<void> = device
        .connect()
        .catch((error: Error) => void failures.push({ device: i, reason: error.message }))
        .finally(() => opening.delete(dialled));
      opening.add(dialled);
    }
    await Promise.all(opening);
    signal.throwIfAborted();
    const [first] = failures;
    if (first === undefined) return;
    throw new UserError(
      `${deviceName(first.device)}, device ${first.device + 1} of ${this.all.length}, cannot connect to the MQTT broker at ${address}:${port}: ${first.reason}. ${remedyOf(first.reason)}`,
    );
  }
}

function remedyOf(reason: string): string {
  if (/user name|authorized/.test(reason)) {
    return "Its password is that of the stack's state: `pulumi up` brings it to the broker.";
  }
  if (/closed the connection|ECONNRESET|quota|busy/.test(reason)) {
    return "It may have as many clients as mqtt.maxConnections allows, or have no files left for more.";
  }
  return "See whether it runs: `npm run status`, and `npm run logs` of its host.";
}
