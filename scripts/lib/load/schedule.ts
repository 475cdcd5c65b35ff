/** One step of a run: so many devices at a steady rate, for so long. */
export interface Stage {
  readonly devices: number;
  /** Messages a second of each device. */
  readonly ratePerSecond: number;
  readonly seconds: number;
}

/**
 * When each message of a stage is due. All devices send at the same steady rate, each a little after the one
 * before it, such that the messages of all of them are evenly spread: message `index` is due `index` steps after
 * the beginning, and it is number `sequence` (from 0) of device `device` (from 0).
 *
 * It is fixed beforehand, whatever the lab does: a lab that stands still makes messages late, not fewer.
 */
export class Schedule {
  /** Messages of each device. */
  readonly perDevice: number;
  /** Messages of all devices. */
  readonly total: number;
  /** Between two messages of any devices, ms. */
  readonly stepMs: number;

  constructor(readonly stage: Stage) {
    const { devices, ratePerSecond, seconds } = stage;
    this.perDevice = Math.max(1, Math.round(ratePerSecond * seconds));
    this.total = devices * this.perDevice;
    this.stepMs = 1000 / (devices * ratePerSecond);
  }

  /** When a message is due, ms after the beginning. */
  dueMs(index: number): number {
    return index * this.stepMs;
  }

  /** How many messages are due so long after the beginning: those with a smaller index. */
  dueAfter(elapsedMs: number): number {
    if (elapsedMs < 0) return 0;
    return Math.min(this.total, Math.floor(elapsedMs / this.stepMs) + 1);
  }

  deviceOf(index: number): number {
    return index % this.stage.devices;
  }

  sequenceOf(index: number): number {
    return Math.floor(index / this.stage.devices);
  }

  /** Undefined for a message that the stage does not have. */
  indexOf(device: number, sequence: number): number | undefined {
    const { devices } = this.stage;
    const known =
      Number.isInteger(device) &&
      device >= 0 &&
      device < devices &&
      Number.isInteger(sequence) &&
      sequence >= 0 &&
      sequence < this.perDevice;
    return known ? sequence * devices + device : undefined;
  }
}
